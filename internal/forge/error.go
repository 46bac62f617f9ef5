package forge

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/internal/workflow"
)

// APIError is a refusal by GitHub. errors.Is finds workflow.ErrNotFound or workflow.ErrConflict in it where it is one of these.
type APIError struct {
	Status    int
	Route     string // "POST /repos/{}/{}/pulls"
	Message   string // GitHub's, its details included, redacted
	RequestID string // X-GitHub-Request-Id

	kind error
}

// Error implements error.
func (e *APIError) Error() string {
	s := fmt.Sprintf("GitHub answered %d to %s: %s", e.Status, e.Route, e.Message)
	if e.RequestID != "" {
		s += " (request " + e.RequestID + ")"
	}
	return s
}

// Unwrap returns the kind of refusal, or nil.
func (e *APIError) Unwrap() error { return e.kind }

// says reports whether GitHub's message holds a text, in any case.
func (e *APIError) says(text string) bool {
	return strings.Contains(strings.ToLower(e.Message), strings.ToLower(text))
}

// refusal makes an error of an answer of 400 or above.
func refusal(route string, resp *http.Response, body []byte) *APIError {
	e := &APIError{Status: resp.StatusCode, Route: route, Message: redact(message(resp, body)), RequestID: requestID(resp)}
	e.kind = kind(e)
	return e
}

// message puts GitHub's message and the details of its errors into one line.
// https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api
func message(resp *http.Response, body []byte) string {
	var said struct {
		Message string            `json:"message"`
		Errors  []json.RawMessage `json:"errors"`
	}
	if json.Unmarshal(body, &said) != nil || said.Message == "" {
		return http.StatusText(resp.StatusCode)
	}
	parts := []string{said.Message}
	for _, raw := range said.Errors {
		var text string
		var detail struct {
			Resource string `json:"resource"`
			Field    string `json:"field"`
			Code     string `json:"code"`
			Message  string `json:"message"`
		}
		switch {
		case json.Unmarshal(raw, &text) == nil:
			parts = append(parts, text)
		case json.Unmarshal(raw, &detail) != nil:
		case detail.Message != "":
			parts = append(parts, detail.Message)
		default:
			parts = append(parts, strings.TrimSpace(strings.Join([]string{detail.Resource, detail.Field, detail.Code}, " ")))
		}
	}
	return strings.Join(parts, ": ")
}

// moved are the messages of a 422 or 405 that mean: what was to be changed is not as it was seen.
var moved = []string{
	"reference already exists", "reference update failed", "reference does not exist", "not a fast forward",
	"does not match", "sha\" wasn't supplied", "already exists", "was modified", "not mergeable",
}

func kind(e *APIError) error {
	switch e.Status {
	case http.StatusNotFound, http.StatusGone:
		return workflow.ErrNotFound
	case http.StatusConflict:
		if e.says("repository is empty") {
			return workflow.ErrNotFound
		}
		return workflow.ErrConflict
	case http.StatusUnprocessableEntity, http.StatusMethodNotAllowed:
		if slices.ContainsFunc(moved, e.says) {
			return workflow.ErrConflict
		}
	}
	return nil
}

// fail says what was being done. Of net/http's own wrapping, which shows the URL with its query, only the cause is kept.
func fail(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, unwrapURL(err))
}

// unwrapURL takes away the wrapping of net/http.
func unwrapURL(err error) error {
	if wrapped, ok := err.(*url.Error); ok { //nolint:errorlint // only the outermost: what is around it is kept
		return wrapped.Err
	}
	return err
}

// refused returns the refusal in err, if it is one with that status.
func refused(err error, status int) (*APIError, bool) {
	e, ok := errors.AsType[*APIError](err)
	return e, ok && e.Status == status
}

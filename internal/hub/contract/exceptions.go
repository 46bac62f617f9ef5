package contract

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
)

// Where GitHub's description and GitHub itself differ, one by one.

// anywhereStatuses may answer every operation, though few list them: they come
// from the layers before it (credentials, visibility, rate limits, legal
// blocks, outages). Their body is checked as a "basic error".
// https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api
var anywhereStatuses = []int{
	http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusTooManyRequests,
	http.StatusUnavailableForLegalReasons, http.StatusInternalServerError, http.StatusBadGateway,
	http.StatusServiceUnavailable, http.StatusGatewayTimeout,
}

// bodyStatuses may answer every operation that takes a body: "Problems parsing
// JSON" and "Validation Failed" are listed only here and there.
// https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api#validation-failed
var bodyStatuses = []int{http.StatusBadRequest, http.StatusUnprocessableEntity}

// nullBodies are operations where a body of `null` counts as none. GitHub takes
// it, and ghinstallation sends it when a token is not narrowed; the description
// demands an object.
var nullBodies = []string{"apps/create-installation-access-token"}

// freeForms are the statuses whose body only has to be an error with a message:
// for "Validation Failed" the description lists one of three forms for each
// operation (validation-error, its simple sister, basic-error) or none, while
// GitHub answers whichever its check produced.
// https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api#validation-failed
var freeForms = []int{http.StatusUnprocessableEntity}

// needsConclusion are the operations where "completed needs a conclusion". The
// description hints at it in alternatives that a request without a status, or
// with one of the newer states, slips through; GitHub answers 422.
// https://docs.github.com/rest/checks/runs#update-a-check-run
var needsConclusion = []string{"checks/create", "checks/update"}

// checkConclusion is the rule that the description can't say.
func checkConclusion(operation string, body map[string]any) error {
	if !slices.Contains(needsConclusion, operation) {
		return nil
	}
	if conclusion, _ := body["conclusion"].(string); body["status"] == "completed" && conclusion == "" {
		return fmt.Errorf(`a check run of status "completed" needs a conclusion`)
	}
	return nil
}

// absentBody tells whether a request's body counts as none.
func absentBody(operation string, body []byte) bool {
	return slices.Contains(nullBodies, operation) && string(bytes.TrimSpace(body)) == "null"
}

// rootFolder gives the root of a repository's contents a name: GitHub takes
// /contents and /contents/, where the description's {path} would be empty.
func rootFolder(u *url.URL) {
	if path := strings.TrimSuffix(u.Path, "/"); strings.HasPrefix(path, "/repos/") && strings.HasSuffix(path, "/contents") && strings.Count(path, "/") == 4 {
		u.Path, u.RawPath = path+"/.", ""
	}
}

// withoutPrefix copies a URL without the prefix that GitHub Enterprise Server
// puts before REST.
func withoutPrefix(u *url.URL) *url.URL {
	const prefix = "/api/v3"
	out := *u
	if strings.HasPrefix(u.Path, prefix+"/") {
		out.Path = strings.TrimPrefix(u.Path, prefix)
		out.RawPath = strings.TrimPrefix(u.RawPath, prefix)
	}
	return &out
}

// outside tells the traffic that is no REST: git's smart HTTP, GraphQL, and
// pages for a browser. It passes unchecked.
func outside(r *http.Request) bool {
	path := r.URL.Path
	switch {
	case path == "/graphql" || path == "/api/graphql":
		return true
	case strings.HasSuffix(path, ".git/info/refs"), strings.HasSuffix(path, "/git-upload-pack"), strings.HasSuffix(path, "/git-receive-pack"):
		return true
	}
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && strings.Contains(r.Header.Get("Accept"), "text/html")
}

// formats are the formats of strings that are checked; others ("repo.nwo",
// "ssh-key") are not. Times are GitHub's: RFC 3339. Addresses must be absolute,
// with URI templates (RFC 6570) let through as GitHub does.
func formats() map[string]openapi3.StringFormatValidator {
	return map[string]openapi3.StringFormatValidator{
		"date-time": openapi3.NewCallbackValidator(func(text string) error {
			_, err := time.Parse(time.RFC3339, text)
			return err
		}),
		"uri": openapi3.NewCallbackValidator(func(text string) error {
			before, _, _ := strings.Cut(text, "{")
			u, err := url.Parse(before)
			if err == nil && (u.Scheme == "" || u.Host == "") {
				err = fmt.Errorf("%q is not an absolute address", text)
			}
			return err
		}),
	}
}

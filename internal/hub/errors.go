package hub

import (
	"net/http"
)

const docs = "https://docs.github.com/rest"

// apiError is an answer that is not a success, in the form of GitHub's errors:
// https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api.
type apiError struct {
	status  int
	message string
	errors  any // []fieldError, []string or nil
}

func (e *apiError) Error() string { return e.message }

// fieldError is one entry of a validation error.
type fieldError struct {
	Resource string `json:"resource,omitempty"`
	Field    string `json:"field,omitempty"`
	Code     string `json:"code"`
	Message  string `json:"message,omitempty"`
}

func (e *apiError) body() map[string]any {
	b := map[string]any{"message": e.message, "documentation_url": docs, "status": itoa(e.status)}
	if e.errors != nil {
		b["errors"] = e.errors
	}
	return b
}

func failure(status int, message string) error { return &apiError{status: status, message: message} }

// Each call makes a fresh value: an error is an answer, not a sentinel.

func notFound() error { return failure(http.StatusNotFound, "Not Found") }

func forbidden(message string) error { return failure(http.StatusForbidden, message) }

func conflict(message string) error { return failure(http.StatusConflict, message) }

func badCredentials() error { return failure(http.StatusUnauthorized, "Bad credentials") }

// notAccessible is what an installation gets that lacks the permission.
func notAccessible() error { return forbidden("Resource not accessible by integration") }

// invalid is a 422 that names a field; code is missing, missing_field, invalid, already_exists, unprocessable or custom
// (then with a message).
func invalid(resource, field, code, message string) error {
	return &apiError{
		status: http.StatusUnprocessableEntity, message: "Validation Failed",
		errors: []fieldError{{Resource: resource, Field: field, Code: code, Message: message}},
	}
}

// unprocessable is a 422 with a sentence only.
func unprocessable(message string) error {
	return failure(http.StatusUnprocessableEntity, message)
}

// unprocessableList is a 422 of the simple kind: errors are sentences.
func unprocessableList(messages ...string) error {
	return &apiError{status: http.StatusUnprocessableEntity, message: "Unprocessable Entity", errors: messages}
}

// movedError is a 301 to where a renamed repository is now.
type movedError struct{ url string }

func (m *movedError) Error() string { return "moved to " + m.url }

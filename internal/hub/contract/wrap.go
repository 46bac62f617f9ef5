package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
)

// maxBody bounds what is kept of a request's body for the check, in bytes; a
// longer one passes on whole, and is a violation.
const maxBody = 32 << 20

// Wrap returns next with every request and every answer checked. Each violation
// goes to report, which is called concurrently, before the client has the
// answer. The traffic itself goes on unchanged, whatever is wrong with it;
// answers are held back until they are whole. Traffic that is no REST (git's
// smart HTTP, GraphQL, pages) passes unchecked.
func (d *Description) Wrap(next http.Handler, report func(Violation)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if outside(r) {
			next.ServeHTTP(w, r)
			return
		}
		body, err := takeBody(r)
		e, unknown := d.open(r, body)
		switch {
		case err != nil:
			report(e.violation(Request, err))
		case unknown != nil:
			report(e.violation(Request, unknown))
		default:
			if err := d.checkRequest(e); err != nil {
				report(e.violation(Request, err))
			}
		}
		answer := &recorder{header: w.Header()}
		next.ServeHTTP(answer, r)
		if e.input != nil {
			if err := d.checkAnswer(e, answer); err != nil {
				report(e.violation(Response, err))
			}
		}
		if answer.status != 0 {
			w.WriteHeader(answer.status)
		}
		w.Write(answer.body.Bytes()) //nolint:errcheck // the client went away
	})
}

// takeBody reads a request's body and puts an equal one in its place.
func takeBody(r *http.Request) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	rest := r.Body
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(body), rest), rest}
	if err != nil {
		return nil, fmt.Errorf("read the body: %w", err)
	}
	if len(body) > maxBody {
		return nil, fmt.Errorf("the body is over %d bytes", maxBody)
	}
	return body, nil
}

// checkRequest holds a request against its operation: path, query and body.
func (d *Description) checkRequest(e *exchange) error {
	operation := e.input.Route.Operation
	if absentBody(operation.OperationID, e.body) {
		e.request.Body = http.NoBody
	}
	if err := openapi3filter.ValidateRequest(e.request.Context(), e.input); err != nil {
		return reason(err)
	}
	if err := checkQuery(e); err != nil {
		return err
	}
	if operation.RequestBody == nil && len(bytes.TrimSpace(e.body)) > 0 {
		return errors.New("the operation takes no body")
	}
	var body map[string]any
	if err := json.Unmarshal(e.body, &body); err != nil {
		return nil //nolint:nilerr // no object: the description has judged it
	}
	return checkConclusion(operation.OperationID, body)
}

// checkQuery finds query parameters that the operation does not have: GitHub
// would pass over them silently, so a misspelt filter would filter nothing.
func checkQuery(e *exchange) error {
	known := map[string]bool{}
	for _, list := range []openapi3.Parameters{e.input.Route.PathItem.Parameters, e.input.Route.Operation.Parameters} {
		for _, p := range list {
			if p.Value != nil && p.Value.In == openapi3.ParameterInQuery {
				known[p.Value.Name] = true
			}
		}
	}
	var unknown []string
	for name := range e.request.URL.Query() {
		if !known[name] {
			unknown = append(unknown, name)
		}
	}
	if unknown != nil {
		slices.Sort(unknown)
		return fmt.Errorf("no such query parameter: %s", strings.Join(unknown, ", "))
	}
	return nil
}

// checkAnswer holds an answer against its operation: status, headers and body.
func (d *Description) checkAnswer(e *exchange, answer *recorder) error {
	operation := e.input.Route.Operation
	status := answer.code()
	if status == http.StatusNoContent && answer.body.Len() > 0 {
		return fmt.Errorf("status %d with a body", status)
	}
	listed := operation.Responses.Status(status)
	if listed == nil || slices.Contains(freeForms, status) {
		anywhere := slices.Contains(anywhereStatuses, status) ||
			operation.RequestBody != nil && slices.Contains(bodyStatuses, status)
		switch {
		case listed != nil || anywhere:
			return d.checkProblem(answer)
		case status == http.StatusNotModified:
			return nil
		}
		return fmt.Errorf("status %d is not one of %s", status, strings.Join(statuses(operation), ", "))
	}
	err := openapi3filter.ValidateResponse(e.request.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: e.input,
		Status:                 status,
		Header:                 answer.header,
		Body:                   io.NopCloser(bytes.NewReader(answer.body.Bytes())),
		Options:                &d.options,
	})
	if err != nil {
		return fmt.Errorf("status %d: %w", status, reason(err))
	}
	return nil
}

// checkProblem holds the body of an error against the form that all of them share.
func (d *Description) checkProblem(answer *recorder) error {
	var body any
	if err := json.Unmarshal(answer.body.Bytes(), &body); err != nil {
		return fmt.Errorf("status %d: the body is not JSON: %w", answer.code(), err)
	}
	object, ok := body.(map[string]any)
	if _, text := object["message"].(string); !ok || !text {
		return fmt.Errorf("status %d: the body has no message", answer.code())
	}
	if d.problem == nil || slices.Contains(freeForms, answer.code()) {
		return nil
	}
	if err := d.problem.VisitJSON(body, openapi3.VisitAsResponse()); err != nil {
		return fmt.Errorf("status %d: %w", answer.code(), err)
	}
	return nil
}

func statuses(operation *openapi3.Operation) []string {
	var list []string
	for status := range operation.Responses.Map() {
		list = append(list, status)
	}
	slices.Sort(list)
	return list
}

// reason drops the library's repetition of method and address.
func reason(err error) error {
	var request *openapi3filter.RequestError
	var response *openapi3filter.ResponseError
	switch {
	case errors.As(err, &request) && request.Err != nil:
		if request.Parameter != nil {
			return fmt.Errorf("parameter %q: %w", request.Parameter.Name, request.Err)
		}
		return fmt.Errorf("body: %w", request.Err)
	case errors.As(err, &response) && response.Err != nil:
		return fmt.Errorf("%s: %w", response.Reason, response.Err)
	}
	return err
}

// recorder keeps an answer until it was checked.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

func (r *recorder) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(p)
}

func (r *recorder) code() int {
	if r.status == 0 {
		return http.StatusOK
	}
	return r.status
}

// Package contract checks traffic against GitHub's own published REST
// description: what the bot asks, and what the simulated GitHub answers.
//
//	d, err := contract.Load()
//	hub.Wrap(func(next http.Handler) http.Handler {
//		return d.Wrap(next, func(v contract.Violation) { t.Error(v) })
//	})
//
// The description is a trimmed copy (see README.md, and operations.txt for the
// operations that it holds). Where it says less or other than GitHub does, the
// exceptions are listed by name, with their reasons, in exceptions.go.
package contract

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// Request and Response are the two sides of a Violation.
const (
	Request  = "request"
	Response = "response"
)

// Violation is one request or answer that the description forbids.
type Violation struct { //nolint:errname // named as people speak of a contract
	Method    string // of the request
	Path      string // of the request, without a /api/v3 prefix and the query
	Operation string // GitHub's operation id, "issues/create"; "" when unknown
	Side      string // Request or Response
	Err       error  // what is wrong with it
}

// Error says all of it on one line.
func (v Violation) Error() string {
	operation := v.Operation
	if operation == "" {
		operation = "unknown operation"
	}
	return fmt.Sprintf("%s %s (%s): %s: %v", v.Method, v.Path, operation, v.Side, v.Err)
}

// Unwrap gives what is wrong.
func (v Violation) Unwrap() error { return v.Err }

// ErrUnknown is the Err of a request that no operation of the description takes.
var ErrUnknown = errors.New("no such operation in GitHub's description, or in operations.txt")

// Description is the loaded description. It may be used concurrently.
type Description struct {
	doc     *openapi3.T
	router  routers.Router
	problem *openapi3.Schema // of an answer that reports an error
	options openapi3filter.Options
}

//go:embed github.json.gz
var packed []byte

// load reads the embedded description once, about 0.1 s.
var load = sync.OnceValues(func() (*Description, error) {
	data, err := unpack()
	if err != nil {
		return nil, fmt.Errorf("unpack GitHub's description: %w", err)
	}
	return parse(data)
})

func unpack() ([]byte, error) {
	unpacked, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(unpacked)
}

// Load parses the embedded description, once for all callers. An error means
// that the copy is broken. It may be called concurrently.
func Load() (*Description, error) { return load() }

// parse reads a trimmed description. It lists no server, so it fits any host.
func parse(data []byte) (*Description, error) {
	doc, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		return nil, fmt.Errorf("load GitHub's description: %w", err)
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		return nil, fmt.Errorf("route GitHub's description: %w", err)
	}
	d := &Description{doc: doc, router: router}
	if problem := doc.Components.Schemas["basic-error"]; problem != nil {
		d.problem = problem.Value
	}
	d.options = openapi3filter.Options{
		AuthenticationFunc:    openapi3filter.NoopAuthenticationFunc,
		IncludeResponseStatus: true,
		SkipSettingDefaults:   true,
		SchemaValidationOptions: []openapi3.SchemaValidationOption{
			openapi3.EnableFormatValidation(),
			openapi3.WithStringFormatValidators(formats()),
		},
	}
	d.options.WithCustomSchemaErrorFunc(shortReason)
	return d, nil
}

// shortReason keeps an error to where and why: the library would print the
// whole schema and the whole value.
func shortReason(err *openapi3.SchemaError) string {
	where := "/" + strings.Join(err.JSONPointer(), "/")
	why := err.Reason
	if err.Origin != nil {
		why = strings.TrimSuffix(why+": "+err.Origin.Error(), ": ")
	}
	return where + ": " + why
}

// Operations lists the ids of the operations that the description holds, by
// "METHOD /path" as operations.txt spells them.
func (d *Description) Operations() map[string]string {
	out := map[string]string{}
	for path, item := range d.doc.Paths.Map() {
		for method, operation := range item.Operations() {
			out[method+" "+strings.ReplaceAll(path, ":.+}", "}")] = operation.OperationID
		}
	}
	return out
}

// exchange is one request with its answer, as the checks see them.
type exchange struct {
	request *http.Request // a copy, its path without prefix
	body    []byte
	input   *openapi3filter.RequestValidationInput // nil when no operation fits
}

func (e *exchange) violation(side string, err error) Violation {
	v := Violation{Method: e.request.Method, Path: e.request.URL.Path, Side: side, Err: err}
	if e.input != nil {
		v.Operation = e.input.Route.Operation.OperationID
	}
	return v
}

// open finds the operation for a request. ErrUnknown when there is none.
func (d *Description) open(r *http.Request, body []byte) (*exchange, error) {
	e := &exchange{request: r.Clone(r.Context()), body: body}
	e.request.Body = io.NopCloser(bytes.NewReader(body))
	e.request.GetBody = nil
	e.request.URL = withoutPrefix(r.URL)
	rootFolder(e.request.URL)
	route, vars, err := d.router.FindRoute(e.request)
	if err != nil {
		return e, ErrUnknown
	}
	e.input = &openapi3filter.RequestValidationInput{
		Request: e.request, PathParams: vars, Route: route, Options: &d.options,
	}
	return e, nil
}

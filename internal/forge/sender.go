package forge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// errTooLarge says that an answer is over the bound; trying again does not help.
var errTooLarge = errors.New("the answer is over 10 MB")

// errCut says that an answer ended before it was whole.
var errCut = errors.New("the answer was cut off")

// sender is the lowest layer: one call, its whole answer read within a bound and a time. Bodies are whole in memory
// above it, so that whatever judges, retries or caches an answer never meets a half one.
type sender struct {
	next    http.RoundTripper
	most    int64 // bytes of a body
	within  time.Duration
	now     func() time.Time
	log     *slog.Logger
	observe func(route string, status int, took time.Duration)
	root    string // path of the REST base
}

// RoundTrip implements http.RoundTripper.
func (s *sender) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(req.Context(), s.within)
	defer cancel()
	began := s.now()
	resp, err := s.next.RoundTrip(req.WithContext(ctx))
	if err == nil {
		err = s.whole(resp)
	}
	s.report(req, resp, err, s.now().Sub(began))
	if err != nil {
		return nil, err
	}
	return resp, nil
}

// whole reads the body, checks that nothing is missing, and puts the bytes in its place.
func (s *sender) whole(resp *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(resp.Body, s.most+1))
	resp.Body.Close()
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", errCut, err)
	case int64(len(body)) > s.most:
		return errTooLarge
	case len(body) > 0 && strings.Contains(resp.Header.Get("Content-Type"), "json") && !json.Valid(body):
		// Without a length, a connection that was closed early looks like a whole body.
		return fmt.Errorf("%w: it is not whole JSON", errCut)
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return nil
}

func (s *sender) report(req *http.Request, resp *http.Response, err error, took time.Duration) {
	status, id := 0, ""
	if resp != nil {
		status, id = resp.StatusCode, requestID(resp)
	}
	name := route(req.Method, strings.TrimPrefix(req.URL.Path, s.root))
	if s.observe != nil {
		s.observe(name, status, took)
	}
	attrs := []any{"route", name, "status", status, "took", took, "request", id}
	if err != nil {
		attrs = append(attrs, "error", redact(err.Error()))
	}
	s.log.DebugContext(req.Context(), "called GitHub", attrs...)
}

// requestID is the id by which GitHub's support finds a call, and which evidence names.
func requestID(resp *http.Response) string { return resp.Header.Get("X-GitHub-Request-Id") }

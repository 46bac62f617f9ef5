package forge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"

	"github.com/keyreeve/keyreeve/internal/workflow"
)

// maxTries is how often a read is tried. A write is tried once: whether it happened is read from its target.
const maxTries = 4

// wire is the one place where calls are limited, made conditional, tried again and judged. It gives an answer of 400 or
// above as an error, so that go-github, which knows no 429, has nothing to judge.
type wire struct {
	f       *Forge
	gate    *gate
	session *session          // nil when the App itself speaks
	app     http.RoundTripper // then adds its JWT
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := drain(req)
	if err != nil {
		return nil, err
	}
	if !w.reads(req) {
		done, err := w.gate.write(req.Context())
		if err != nil {
			return nil, err
		}
		defer done()
		return w.write(req, body)
	}
	key := w.key(req)
	if key == "" {
		return w.read(req, body, nil, "")
	}
	old, ok := w.f.cache.get(key)
	if ok && immutable(req) {
		return old.answer(req, nil), nil
	}
	return w.read(req, body, old, key)
}

// read tries until there is an answer, a refusal, or the tries are used up.
func (w *wire) read(req *http.Request, body []byte, old *kept, key string) (*http.Response, error) {
	for try := 1; ; try++ {
		resp, err := w.call(req, body, old)
		if err == nil {
			return w.fresh(req, resp, old, key)
		}
		if try == maxTries || !passing(req.Context(), err) {
			return nil, err
		}
		if err := w.f.cfg.Sleep(req.Context(), w.pause(try)); err != nil {
			return nil, err
		}
	}
}

// write sends once. Only the token, which changes nothing at GitHub, may take several tries.
func (w *wire) write(req *http.Request, body []byte) (*http.Response, error) {
	for try := 1; ; try++ {
		if err := w.gate.check(w.f.cfg.Now()); err != nil {
			return nil, err
		}
		_, err := w.auth(req.Context())
		if err == nil {
			return w.call(req, body, nil)
		}
		if try == maxTries || !passing(req.Context(), err) {
			return nil, err
		}
		if err := w.f.cfg.Sleep(req.Context(), w.pause(try)); err != nil {
			return nil, err
		}
	}
}

// pause is a quarter of a second, doubled each time, give or take half of it: callers that failed together don't come
// back together.
func (w *wire) pause(try int) time.Duration {
	d := 250 * time.Millisecond << (try - 1)
	return d/2 + time.Duration(w.f.cfg.Rand()*float64(d))
}

// passing says whether an error may be gone at the next try.
func passing(ctx context.Context, err error) bool {
	if ctx.Err() != nil || errors.Is(err, errTooLarge) {
		return false
	}
	if _, limited := errors.AsType[*workflow.LimitedError](err); limited {
		return false
	}
	if e, ok := errors.AsType[*APIError](err); ok {
		switch e.Status {
		case http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return true
		}
		return false
	}
	return true
}

// call makes one call. A 401 means that the token was revoked, since its end is known: it is minted anew, once. The call
// did not happen then, so this holds for writes too.
func (w *wire) call(req *http.Request, body []byte, old *kept) (*http.Response, error) {
	for renewed := false; ; renewed = true {
		if err := w.gate.check(w.f.cfg.Now()); err != nil {
			return nil, err
		}
		rt, err := w.auth(req.Context())
		if err != nil {
			return nil, err
		}
		resp, err := rt.RoundTrip(again(req, body, old))
		if err != nil {
			return nil, fmt.Errorf("call %s: %w", w.route(req), err)
		}
		token, renewable := rt.(*ghinstallation.Transport)
		if resp.StatusCode == http.StatusUnauthorized && renewable && !renewed {
			w.session.forget(token)
			continue
		}
		return w.judge(w.route(req), resp)
	}
}

// auth returns the transport that adds credentials, with a token at hand.
func (w *wire) auth(ctx context.Context) (http.RoundTripper, error) {
	if w.session == nil {
		return w.app, nil
	}
	token, err := w.session.auth(ctx)
	if err == nil {
		return token, nil
	}
	doing := fmt.Sprintf("get a token for %s of installation %d", w.session.scope.permissions, w.session.scope.installation)
	// ghinstallation gives a refusal's answer along, and the transport's error otherwise.
	if e, ok := errors.AsType[*ghinstallation.HTTPError](err); ok {
		if e.Response != nil {
			_, err = w.judge("POST /app/installations/{}/access_tokens", e.Response)
		} else if e.RootCause != nil {
			err = e.RootCause
		}
	}
	return nil, fmt.Errorf("%s: %w", doing, err)
}

// judge turns refusals into errors. Headers by which go-github would count limits of its own are taken out.
func (w *wire) judge(route string, resp *http.Response) (*http.Response, error) {
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err // can't be: sender has put it into memory
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	now := w.f.cfg.Now()
	if isLimit(resp, body) {
		err := w.gate.limited(resp, now)
		w.f.cfg.Log.Warn("limited by GitHub", "route", route, "status", resp.StatusCode, "error", err, "request", requestID(resp))
		return nil, err
	}
	w.gate.passed(resp, now)
	if resp.StatusCode >= http.StatusBadRequest {
		return nil, refusal(route, resp, body)
	}
	for _, name := range []string{"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} {
		resp.Header.Del(name)
	}
	return resp, nil
}

// fresh answers a 304 from what is kept, and keeps a new answer.
func (w *wire) fresh(req *http.Request, resp *http.Response, old *kept, key string) (*http.Response, error) {
	switch {
	case resp.StatusCode == http.StatusNotModified && old != nil:
		return old.answer(req, resp), nil
	case resp.StatusCode == http.StatusNotModified:
		return nil, &APIError{Status: resp.StatusCode, Route: w.route(req), Message: "not modified, though nothing was asked about", RequestID: requestID(resp)}
	case key != "" && resp.StatusCode == http.StatusOK && resp.Header.Get("ETag") != "":
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return nil, err
		}
		resp.Body = io.NopCloser(bytes.NewReader(body))
		if len(body) <= largestKept {
			w.f.cache.put(key, keep(resp, body))
		}
	}
	return resp, nil
}

// reads says whether a call changes nothing: GETs, and the GraphQL queries, which are POSTs.
func (w *wire) reads(req *http.Request) bool {
	return req.Method == http.MethodGet || req.URL.String() == w.f.graphql
}

// key finds a kept answer; it is "" for what is not kept.
func (w *wire) key(req *http.Request) string {
	if w.session == nil || req.Method != http.MethodGet {
		return ""
	}
	s := w.session.scope
	return fmt.Sprintf("%d %d %s %s\n%s\n%s", s.installation, s.repo.ID, s.repo, string(s.permissions), req.Header.Get("Accept"), req.URL)
}

func (w *wire) route(req *http.Request) string {
	return route(req.Method, strings.TrimPrefix(req.URL.Path, w.f.base.Path))
}

// drain reads the request's body, so that it can be sent again.
func drain(req *http.Request) ([]byte, error) {
	if req.Body == nil {
		return nil, nil
	}
	defer req.Body.Close()
	return io.ReadAll(req.Body)
}

// again copies the request for one try.
func again(req *http.Request, body []byte, old *kept) *http.Request {
	out := req.Clone(req.Context())
	if body != nil {
		out.Body = io.NopCloser(bytes.NewReader(body))
		out.ContentLength = int64(len(body))
	}
	if old != nil {
		out.Header.Set("If-None-Match", old.etag)
	}
	return out
}

// movedAway is the refusal to follow a redirect.
func movedAway(root string, from *http.Request, resp *http.Response) *APIError {
	e := &APIError{Route: route(from.Method, strings.TrimPrefix(from.URL.Path, root)), Message: "it has moved elsewhere", kind: workflow.ErrNotFound}
	if resp != nil {
		e.Status, e.RequestID = resp.StatusCode, requestID(resp)
	}
	return e
}

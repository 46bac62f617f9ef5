package hub

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// call is one API call while it is handled, under h.mu.
type call struct {
	*Hub
	req    *http.Request
	route  *route
	vars   map[string]string
	who    principal
	raw    []byte // the body
	repo   *repo  // of {owner}/{repo}
	org    *org   // of {org}
	header http.Header
	form   bool // an act in the browser: an issue form sets labels that its author may not
}

// answer is a success: body nil means none.
type answer struct {
	status int
	body   any
}

func ok(body any) (answer, error)      { return answer{http.StatusOK, body}, nil }
func created(body any) (answer, error) { return answer{http.StatusCreated, body}, nil }
func noContent() (answer, error)       { return answer{status: http.StatusNoContent}, nil }

// in decodes the JSON body into v; an absent body leaves v as it is.
func (c *call) in(v any) error {
	if len(bytes.TrimSpace(c.raw)) == 0 {
		return nil
	}
	err := json.Unmarshal(c.raw, v)
	if _, is := errors.AsType[*json.SyntaxError](err); is {
		return failure(http.StatusBadRequest, "Problems parsing JSON")
	}
	if err != nil {
		return unprocessable("Invalid request.\n\n" + err.Error())
	}
	return nil
}

// num is a number in the path; something else there is an unknown thing.
func (c *call) num(name string) int64 {
	n, err := strconv.ParseInt(c.vars[name], 10, 64)
	if err != nil {
		return -1
	}
	return n
}

func (c *call) query(name string) string { return c.req.URL.Query().Get(name) }

// serveAPI answers one REST or GraphQL call from outside.
func (h *Hub) serveAPI(w http.ResponseWriter, r *http.Request) {
	raw, err := readBody(r)
	if err != nil {
		h.log.Warn("request dropped", "err", err)
		http.Error(w, "", http.StatusBadRequest)
		return
	}
	status, header, body := h.api(r, raw, nil)
	maps.Copy(w.Header(), header)
	w.WriteHeader(status)
	if r.Method != http.MethodHead && len(body) > 0 {
		if _, err := w.Write(body); err != nil { //nolint:gosec // JSON by its Content-Type, or a file that was asked for raw
			h.log.Debug("answer not taken", "err", err)
		}
	}
}

// api is the whole of a call. inside is set for an Actor: the call is a person's, and is neither counted nor limited.
func (h *Hub) api(r *http.Request, raw []byte, inside *insider) (int, http.Header, []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	header := http.Header{}
	h.requests++
	header.Set("X-GitHub-Request-Id", requestID(h.requests))
	header.Set("X-GitHub-Media-Type", "github.v3; format=json")
	header.Set("X-GitHub-Api-Version-Selected", "2022-11-28")
	header.Set("Content-Type", "application/json; charset=utf-8")
	header.Set("Date", h.opts.AuthNow().UTC().Format(http.TimeFormat))
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	rt, vars := h.routes.find(method, r.URL.EscapedPath())
	c := &call{Hub: h, req: r, route: rt, vars: vars, raw: raw, header: header}
	if rt != nil && rt.need.accept != "" {
		header.Set("X-Accepted-GitHub-Permissions", rt.need.accept)
	} else if rt != nil {
		header.Set("X-Accepted-GitHub-Permissions", "allows_permissionless_access=true")
	}
	if inside != nil {
		c.who, c.form = inside.who, inside.form
	} else {
		name := method + " ?"
		if rt != nil {
			name = method + " " + rt.pattern
		}
		h.calls[name]++
	}
	a, err := c.run(inside == nil)
	return c.finish(a, err)
}

// run authenticates, authorizes and handles.
func (c *call) run(outside bool) (answer, error) {
	if outside {
		who, err := c.authenticate(c.req)
		if err != nil {
			return answer{}, err
		}
		c.who = who
		if err := c.takeRate(); err != nil {
			return answer{}, err
		}
	}
	if c.route == nil {
		return answer{}, notFound()
	}
	if err := c.place(); err != nil {
		return answer{}, err
	}
	if err := c.authorize(); err != nil {
		return answer{}, err
	}
	return c.route.handle(c)
}

// place finds the repository and the organization of the path, as far as the caller may see them.
func (c *call) place() error {
	if owner, has := c.vars["owner"]; has {
		name := c.vars["repo"]
		c.repo = c.Hub.repo(owner, name)
		if c.repo == nil {
			if id, was := c.moved[strings.ToLower(owner+"/"+name)]; was && c.sees(c.repoIDs[id]) {
				return &movedError{c.movedURL(owner, name, c.repoIDs[id])}
			}
			return notFound()
		}
		if !c.sees(c.repo) {
			return notFound()
		}
	}
	if login, has := c.vars["org"]; has {
		if c.org = c.Hub.org(login); c.org == nil {
			return notFound()
		}
	}
	return nil
}

func (c *call) movedURL(owner, name string, now *repo) string {
	old := "/repos/" + url.PathEscape(owner) + "/" + url.PathEscape(name)
	rest := strings.TrimPrefix(c.req.URL.EscapedPath(), old)
	return c.apiURL() + "/repos/" + now.full() + rest
}

// finish makes bytes of an answer or error, with ETag and 304, and records an App's write.
func (c *call) finish(a answer, err error) (int, http.Header, []byte) {
	status, body := a.status, a.body
	if err != nil {
		status, body = c.explain(err)
	}
	c.rateHeaders()
	var data []byte
	if body != nil {
		if text, isBytes := body.([]byte); isBytes {
			data = text
		} else if data, err = json.Marshal(body); err != nil {
			c.log.Error("answer does not marshal", "path", c.req.URL.Path, "err", err)
			status, data = http.StatusInternalServerError, []byte(`{"message":"Server Error"}`)
		}
	} else {
		c.header.Del("Content-Type")
	}
	if status == http.StatusOK && (c.req.Method == http.MethodGet || c.req.Method == http.MethodHead) {
		tag := etag(data)
		c.header.Set("ETag", tag)
		c.header.Set("Cache-Control", "private, max-age=60, s-maxage=60")
		if matches(c.req.Header.Get("If-None-Match"), tag) {
			c.refundRate()
			c.header.Del("Content-Type")
			return http.StatusNotModified, c.header, nil
		}
	}
	c.recordWrite(status)
	c.log.Debug("api", slog.String("method", c.req.Method), slog.String("path", c.req.URL.Path), slog.Int("status", status))
	return status, c.header, data
}

func (c *call) explain(err error) (int, any) {
	if api, is := errors.AsType[*apiError](err); is {
		return api.status, api.body()
	}
	if moved, is := errors.AsType[*movedError](err); is {
		c.header.Set("Location", moved.url)
		return http.StatusMovedPermanently, map[string]any{"message": "Moved Permanently", "url": moved.url, "documentation_url": docs}
	}
	c.log.Error("call failed", "method", c.req.Method, "path", c.req.URL.Path, "err", err)
	return http.StatusInternalServerError, map[string]any{"message": "Server Error", "documentation_url": docs}
}

// recordWrite keeps what Writes tells.
func (c *call) recordWrite(status int) {
	if c.who.inst == nil || status >= 300 || c.route == nil || c.route.pattern == "/installation/token" || c.route.pattern == "/graphql" {
		return
	}
	switch c.req.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
	default:
		return
	}
	canonical := c.raw
	var v any
	if json.Unmarshal(c.raw, &v) == nil {
		if sorted, err := json.Marshal(v); err == nil {
			canonical = sorted
		}
	}
	sum := sha256.Sum256(canonical)
	path := c.req.URL.Path
	c.writes = append(c.writes, Write{
		At: c.now(), App: c.who.app.slug, Installation: c.who.inst.id, Method: c.req.Method, Path: path, Status: status,
		ContentKey: c.req.Method + " " + path + " " + hex.EncodeToString(sum[:8]),
	})
}

func etag(data []byte) string {
	sum := sha256.Sum256(data)
	return `W/"` + hex.EncodeToString(sum[:]) + `"`
}

// matches compares If-None-Match weakly, as RFC 9110, section 13.1.2 asks.
func matches(header, tag string) bool {
	for one := range strings.SplitSeq(header, ",") {
		one = strings.TrimSpace(one)
		if one == "*" || (one != "" && strings.TrimPrefix(one, "W/") == strings.TrimPrefix(tag, "W/")) {
			return true
		}
	}
	return false
}

func requestID(n int64) string {
	hexed := strings.ToUpper(strconv.FormatInt(n, 16))
	return "C0DE:" + strings.Repeat("0", max(0, 8-len(hexed))) + hexed
}

func itoa[N int | int64](n N) string { return strconv.FormatInt(int64(n), 10) }

// stamp is a time as GitHub writes it, or nil for none.
func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

// blank is nil for the empty string: a null in JSON.
func blank(s string) any {
	if s == "" {
		return nil
	}
	return s
}

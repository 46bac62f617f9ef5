package githost

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
)

const (
	uploadPack  = "git-upload-pack"
	receivePack = "git-receive-pack"
	// maxPush bounds the body of one request, in bytes.
	maxPush = 64 << 20
)

var (
	gitURL      = regexp.MustCompile(`^/([^/]+)/([^/]+?)(?:\.git)?/(info/refs|git-upload-pack|git-receive-pack)$`)
	gitProtocol = regexp.MustCompile(`^[a-z0-9=:]{1,64}$`)
)

// IsGit tells whether a request is one of git's smart HTTP protocol, which
// ServeHTTP answers.
func IsGit(r *http.Request) bool { return gitURL.MatchString(r.URL.Path) }

// ServeHTTP answers git's smart HTTP protocol (gitprotocol-http(5)) for
// /{owner}/{repo}.git: clone, fetch and push, protocol versions 0 to 2. A push
// is read whole before anything runs, and answered after Pushed was called for
// each reference that it changed. The dumb protocol is not served.
func (h *Host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m := gitURL.FindStringSubmatch(r.URL.Path)
	if m == nil {
		http.NotFound(w, r)
		return
	}
	owner, name, action := m[1], m[2], m[3]
	service, method := action, http.MethodPost
	if action == "info/refs" {
		service, method = r.URL.Query().Get("service"), http.MethodGet
	}
	if service != uploadPack && service != receivePack {
		http.Error(w, "only git's smart HTTP protocol is served", http.StatusForbidden)
		return
	}
	if r.Method != method {
		w.Header().Set("Allow", method)
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	if !h.admit(w, r, owner, name, service) {
		return
	}
	repo, ok := h.Repo(owner, name)
	if !ok {
		http.Error(w, "Repository not found.", http.StatusNotFound)
		return
	}
	w.Header().Set("Cache-Control", "no-cache, max-age=0, must-revalidate")
	switch {
	case action == "info/refs":
		repo.advertise(w, r, service)
	case r.Header.Get("Content-Type") != "application/x-"+service+"-request":
		http.Error(w, "unsupported media type", http.StatusUnsupportedMediaType)
	case service == uploadPack:
		repo.upload(w, r)
	default:
		repo.receive(w, r, owner, name)
	}
}

// admit asks Authorize and answers for it when the request may not pass.
func (h *Host) admit(w http.ResponseWriter, r *http.Request, owner, name, service string) bool {
	status := http.StatusForbidden
	if h.Authorize != nil {
		status = h.Authorize(owner, name, service, r)
	}
	switch status {
	case http.StatusOK:
		return true
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Basic realm="GitHub"`)
		http.Error(w, "Authentication required.", status)
	case http.StatusNotFound:
		http.Error(w, "Repository not found.", status)
	default:
		http.Error(w, "Permission to "+owner+"/"+name+".git denied.", http.StatusForbidden)
	}
	return false
}

// advertise answers /info/refs.
func (r *Repo) advertise(w http.ResponseWriter, req *http.Request, service string) {
	out, err := r.host.run(req.Context(), command{
		args: []string{strings.TrimPrefix(service, "git-"), "--stateless-rpc", "--advertise-refs", "--", r.Path()},
		env:  protocolEnv(req), repo: r.Path(),
	})
	if err != nil {
		http.Error(w, "git failed", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/x-"+service+"-advertisement")
	line := "# service=" + service + "\n"
	fmt.Fprintf(w, "%04x%s0000", len(line)+4, line) //nolint:gosec // the service is one of two words
	w.Write(out)                                    //nolint:errcheck // the client went away
}

// upload answers one round of a clone or fetch, streaming the pack.
func (r *Repo) upload(w http.ResponseWriter, req *http.Request) {
	body, err := requestBody(w, req)
	if err != nil {
		http.Error(w, "cannot read the request", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
	out := &counted{w: w}
	_, err = r.host.run(req.Context(), command{
		args: []string{"upload-pack", "--stateless-rpc", "--", r.Path()},
		env:  protocolEnv(req), repo: r.Path(), stdin: bytes.NewReader(body), out: out, limit: transferTime,
	})
	// Once bytes were sent, git's own stream has told the client what failed.
	if err != nil && out.n == 0 {
		http.Error(w, "git failed", http.StatusInternalServerError)
	}
}

// receive answers a push. The repository's write lock is held while git works,
// so the references that differ afterwards are exactly what this push changed.
func (r *Repo) receive(w http.ResponseWriter, req *http.Request, owner, name string) {
	body, err := requestBody(w, req)
	if err != nil {
		http.Error(w, "cannot read the request", http.StatusBadRequest)
		return
	}
	out, moved, err := r.receiveLocked(req, body)
	if err != nil {
		http.Error(w, "git failed", http.StatusInternalServerError)
		return
	}
	if r.host.Pushed != nil {
		for _, m := range moved {
			r.host.Pushed(owner, name, m.ref, m.old, m.new)
		}
	}
	w.Header().Set("Content-Type", "application/x-git-receive-pack-result")
	w.Write(out) //nolint:errcheck // the client went away
}

func (r *Repo) receiveLocked(req *http.Request, body []byte) ([]byte, []move, error) {
	r.write.Lock()
	defer r.write.Unlock()
	before, err := r.Refs("")
	if err != nil {
		return nil, nil, err
	}
	out, runErr := r.host.run(req.Context(), command{
		args: []string{"receive-pack", "--stateless-rpc", "--", r.Path()},
		env:  protocolEnv(req), repo: r.Path(), stdin: bytes.NewReader(body), limit: transferTime,
	})
	after, err := r.Refs("")
	if err != nil {
		return nil, nil, err
	}
	moved := moves(before, after)
	if runErr != nil && len(moved) == 0 {
		return nil, nil, runErr
	}
	return out, moved, nil
}

// move is one reference that changed; "" stands for no value.
type move struct{ ref, old, new string }

// moves compares two lists of references, by name.
func moves(before, after []Ref) []move {
	at := map[string]*move{}
	for _, ref := range before {
		at[ref.Name] = &move{ref: ref.Name, old: ref.SHA}
	}
	for _, ref := range after {
		if at[ref.Name] == nil {
			at[ref.Name] = &move{ref: ref.Name}
		}
		at[ref.Name].new = ref.SHA
	}
	var out []move
	for _, name := range sortedKeys(at) {
		if m := at[name]; m.old != m.new {
			out = append(out, *m)
		}
	}
	return out
}

// requestBody reads the whole body, unpacked, up to maxPush bytes.
func requestBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	var body io.Reader = http.MaxBytesReader(w, r.Body, maxPush)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(body)
		if err != nil {
			return nil, err
		}
		defer unpacked.Close()
		body = unpacked
	}
	data, err := io.ReadAll(io.LimitReader(body, maxPush+1))
	if err == nil && len(data) > maxPush {
		err = fmt.Errorf("body over %d bytes", maxPush)
	}
	return data, err
}

// protocolEnv passes the client's protocol version on.
func protocolEnv(r *http.Request) []string {
	if p := r.Header.Get("Git-Protocol"); gitProtocol.MatchString(p) {
		return []string{"GIT_PROTOCOL=" + p}
	}
	return nil
}

// counted counts what it passes on, and flushes so that progress is seen.
type counted struct {
	w http.ResponseWriter
	n int64
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	if f, ok := c.w.(http.Flusher); ok {
		f.Flush()
	}
	return n, err
}

package ledger_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/keyreeve/keyreeve/internal/audit"
	"github.com/keyreeve/keyreeve/internal/ledger"
	"github.com/keyreeve/keyreeve/internal/store"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

const (
	origin = "keyreeve.example/log"
	token  = "the token of the test"
)

// rig is a store with a log, in a folder of its own.
type rig struct {
	*testing.T
	dir string
	db  *store.Store
	n   int
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{T: t, dir: t.TempDir()}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	db, err := store.Open(t.Context(), filepath.Join(r.dir, "k.db"), store.Options{Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)})
	r.ok(err)
	t.Cleanup(func() { _ = db.Close() })
	r.db = db
	return r
}

func (r *rig) ok(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// add logs n entries.
func (r *rig) add(n int) {
	r.Helper()
	var c workflow.Commit
	for range n {
		c.Entries = append(c.Entries, audit.Entry{At: time.Unix(int64(r.n), 0), Step: audit.Decided, Installation: 7, Subject: "7/issue/1#1", What: fmt.Sprint("step ", r.n)})
		r.n++
	}
	r.ok(r.db.Commit(r.Context(), c))
}

func (r *rig) keyFile() string { return filepath.Join(r.dir, "log.key") }

func (r *rig) open() (*ledger.Log, ledger.Keys) {
	r.Helper()
	keys, _, err := ledger.EnsureKeys(r.keyFile(), origin, rand.Reader)
	r.ok(err)
	l, err := ledger.Open(r.db, keys, r.keyFile())
	r.ok(err)
	return l, keys
}

// withToken sends the token along.
type withToken struct{ token string }

func (w withToken) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if w.token != "" {
		r.Header.Set("Authorization", "Bearer "+w.token)
	}
	return http.DefaultTransport.RoundTrip(r)
}

func (r *rig) serve(l *ledger.Log) *httptest.Server {
	r.Helper()
	srv := httptest.NewServer(http.StripPrefix("/log/", l.Handler(token, slog.New(slog.NewTextHandler(r.Output(), nil)))))
	r.Cleanup(srv.Close)
	return srv
}

// TestIndependentClient: filippo.io/torchwood reads the checkpoint and all entries over HTTP, and finds them proven.
func TestIndependentClient(t *testing.T) {
	r := newRig(t)
	l, keys := r.open()
	srv := r.serve(l)
	for _, more := range []int{1, 254, 2, 600} {
		r.add(more)
		fetcher, err := torchwood.NewTileFetcher(srv.URL+"/log/", torchwood.WithHTTPClient(&http.Client{Transport: withToken{token}}))
		r.ok(err)
		signed, err := fetcher.ReadEndpoint(t.Context(), "checkpoint")
		r.ok(err)
		v, err := note.NewVerifier(keys.Public[0])
		r.ok(err)
		c, _, err := torchwood.VerifyCheckpoint(signed, torchwood.ThresholdPolicy(2, torchwood.OriginPolicy(origin), torchwood.SingleVerifierPolicy(v)))
		r.ok(err)
		client, err := torchwood.NewClient(fetcher)
		r.ok(err)
		n := int64(0)
		for i, raw := range client.AllEntries(t.Context(), c.Tree, 0) {
			var e audit.Entry
			if err := json.Unmarshal(raw, &e); err != nil || i != n || e.Seq != n || e.What != fmt.Sprint("step ", n) {
				t.Fatalf("entry %d: %s (%v)", i, raw, err)
			}
			n++
		}
		if err := client.Err(); err != nil || n != int64(r.n) {
			t.Fatalf("%d of %d entries: %v", n, r.n, err)
		}
	}
}

// TestIndependentClientSees: a log whose entry was changed is refused by that client, too.
func TestIndependentClientSees(t *testing.T) {
	r := newRig(t)
	r.add(300)
	l, _ := r.open()
	h := l.Handler(token, slog.New(slog.DiscardHandler))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		rec := httptest.NewRecorder()
		req.Header.Del("Accept-Encoding")
		h.ServeHTTP(rec, req)
		_, _ = w.Write(bytes.Replace(rec.Body.Bytes(), []byte("step 270"), []byte("step 271"), 1))
	}))
	defer srv.Close()
	fetcher, err := torchwood.NewTileFetcher(srv.URL, torchwood.WithHTTPClient(&http.Client{Transport: withToken{token}}))
	r.ok(err)
	client, err := torchwood.NewClient(fetcher)
	r.ok(err)
	size, root, err := r.db.Root(t.Context())
	r.ok(err)
	n := 0
	for range client.AllEntries(t.Context(), tlog.Tree{N: size, Hash: root}, 0) {
		n++
	}
	if err := client.Err(); err == nil || !strings.Contains(err.Error(), "hash mismatch for entry 270") {
		t.Errorf("after %d entries: %v", n, err)
	}
}

func TestHandler(t *testing.T) {
	r := newRig(t)
	r.add(300)
	l, _ := r.open()
	srv := r.serve(l)
	get := func(method, path, token string) (*http.Response, string) {
		req, err := http.NewRequestWithContext(t.Context(), method, srv.URL+path, http.NoBody)
		r.ok(err)
		resp, err := withToken{token}.RoundTrip(req)
		r.ok(err)
		defer func() { _ = resp.Body.Close() }()
		body, err := io.ReadAll(resp.Body)
		r.ok(err)
		return resp, string(body)
	}
	for _, tt := range []struct {
		method, path, token string
		status              int
		kind, cache, body   string
	}{
		{"GET", "/log/checkpoint", "", 200, "text/plain; charset=utf-8", "no-cache", origin + "\n300\n"},
		{"HEAD", "/log/checkpoint", "", 200, "text/plain; charset=utf-8", "no-cache", ""},
		{"GET", "/log/tile/0/000", "", 200, "application/octet-stream", "public, max-age=31536000, immutable", ""},
		{"GET", "/log/tile/0/001.p/44", "", 200, "application/octet-stream", "public, max-age=31536000, immutable", ""},
		{"GET", "/log/tile/1/000.p/1", "", 200, "application/octet-stream", "public, max-age=31536000, immutable", ""},
		{"GET", "/log/tile/0/001.p/45", "", 404, "", "", ""},
		{"GET", "/log/tile/0/001", "", 404, "", "", ""},
		{"GET", "/log/tile/1/000", "", 404, "", "", ""},
		{"GET", "/log/tile/0/000.p/256", "", 404, "", "", ""},
		{"GET", "/log/", "", 404, "", "", ""},
		{"GET", "/log/tile/0/../../secret", "", 404, "", "", ""},
		{"GET", "/log/tile/entries/000", token, 200, "application/octet-stream", "private, max-age=31536000, immutable", "step 0"},
		{"GET", "/log/tile/entries/001.p/44", token, 200, "application/octet-stream", "private, max-age=31536000, immutable", "step 299"},
		{"GET", "/log/tile/entries/001.p/45", token, 404, "", "", ""},
		{"GET", "/log/tile/entries/000", "", 401, "", "", ""},
		{"GET", "/log/tile/entries/000", "another token", 401, "", "", ""},
		{"POST", "/log/checkpoint", token, 405, "", "", "read-only"},
		{"DELETE", "/log/tile/0/000", token, 405, "", "", "read-only"},
	} {
		resp, body := get(tt.method, tt.path, tt.token) //nolint:bodyclose // get has closed it
		if resp.StatusCode != tt.status || tt.kind != "" && resp.Header.Get("Content-Type") != tt.kind || resp.Header.Get("Cache-Control") != tt.cache || !strings.Contains(body, tt.body) {
			t.Errorf("%s %s: %s %v\n%.200q", tt.method, tt.path, resp.Status, resp.Header, body)
		}
		if tt.status != 200 && strings.Contains(body, "step ") {
			t.Errorf("%s %s shows entries", tt.method, tt.path)
		}
	}
	// While there is no token, nobody sees the entries: not even who sends none, or an empty one.
	closed := l.Handler("", slog.New(slog.DiscardHandler))
	for _, header := range []string{"", "Bearer ", "Bearer", "Bearer x"} {
		req := httptest.NewRequestWithContext(t.Context(), "GET", "/tile/entries/000", http.NoBody)
		if header != "" {
			req.Header.Set("Authorization", header)
		}
		rec := httptest.NewRecorder()
		closed.ServeHTTP(rec, req)
		if rec.Code != http.StatusUnauthorized || strings.Contains(rec.Body.String(), "step") {
			t.Errorf("%q: %d", header, rec.Code)
		}
	}
}

// TestRewound: a log that is not the one that was signed is never signed, and its checkpoint is not served.
func TestRewound(t *testing.T) {
	r := newRig(t)
	r.add(5)
	l, keys := r.open()
	first, c, err := l.Checkpoint(t.Context())
	r.ok(err)
	if again, _, err := l.Checkpoint(t.Context()); err != nil || !bytes.Equal(first, again) || c.Size != 5 {
		t.Errorf("asked again: %q, %v", again, err)
	}
	r.add(3)
	_, _, err = l.Checkpoint(t.Context())
	r.ok(err)
	kept, err := os.ReadFile(ledger.CheckpointFile(r.keyFile()))
	r.ok(err)
	if c, err := audit.OpenCheckpoint(kept, keys.Public...); err != nil || c.Size != 8 {
		t.Errorf("kept: %+v, %v", c, err)
	}
	// The same keys on a database that was restored from before, and on one that is another.
	for _, n := range []int{5, 8, 20} {
		other := newRig(t)
		other.n = 1 // its first entry is another
		other.add(n)
		l, err := ledger.Open(other.db, keys, r.keyFile())
		r.ok(err)
		if signed, _, err := l.Checkpoint(t.Context()); !errors.Is(err, ledger.ErrRewound) || signed != nil {
			t.Errorf("%d entries of another log: %q, %v", n, signed, err)
		}
		resp, err := http.Get(other.serve(l).URL + "/log/checkpoint") //nolint:gosec,noctx,forbidigo // a server of this test
		r.ok(err)
		if _ = resp.Body.Close(); resp.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("served: %s", resp.Status)
		}
	}
	// Another process signs a newer head with the same keys: from then on this one holds to that, too.
	r.add(1)
	other, _ := r.open()
	_, _, err = other.Checkpoint(t.Context())
	r.ok(err)
	cut := newRig(t)
	cut.add(9) // the same entries, and others instead of none
	r.ok(os.WriteFile(ledger.CheckpointFile(cut.keyFile()), kept, 0o600))
	behind, err := ledger.Open(cut.db, keys, cut.keyFile())
	r.ok(err)
	_, _, err = behind.Checkpoint(t.Context())
	r.ok(err)
	newest, err := os.ReadFile(ledger.CheckpointFile(r.keyFile()))
	r.ok(err)
	r.ok(os.WriteFile(ledger.CheckpointFile(cut.keyFile()), bytes.Replace(newest, []byte("\n9\n"), []byte("\n99\n"), 1), 0o600))
	cut.add(1)
	if _, _, err := behind.Checkpoint(t.Context()); !errors.Is(err, ledger.ErrRewound) {
		t.Errorf("behind a newer head: %v", err)
	}
	// A start with the right one goes on.
	r.add(1)
	l, err = ledger.Open(r.db, keys, r.keyFile())
	r.ok(err)
	if _, c, err := l.Checkpoint(t.Context()); err != nil || c.Size != 10 {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestKeys(t *testing.T) {
	r := newRig(t)
	r.add(2)
	path := r.keyFile()
	if _, err := ledger.ReadKeys(path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("no file: %v", err)
	}
	keys, made, err := ledger.EnsureKeys(path, origin, rand.Reader)
	if err != nil || !made {
		t.Fatal(made, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode: %v, %v", info.Mode(), err)
	}
	raw, err := os.ReadFile(path)
	r.ok(err)
	for _, shown := range []string{fmt.Sprint(keys), fmt.Sprintf("%+v %#v", keys, keys)} {
		if strings.Contains(shown, "PRIVATE") || !strings.Contains(shown, keys.Public[0]) || !strings.Contains(string(raw), "PRIVATE+KEY") {
			t.Errorf("shown: %s", shown)
		}
	}
	if again, made, err := ledger.EnsureKeys(path, origin, rand.Reader); err != nil || made || again.Public[0] != keys.Public[0] {
		t.Errorf("again: %v, %v, %v", again, made, err)
	}
	if _, _, err := ledger.EnsureKeys(path, "elsewhere.example/log", rand.Reader); err == nil || !strings.Contains(err.Error(), "another log") {
		t.Errorf("another origin: %v", err)
	}
	// Rotation: old and new both verify, until the old one is retired.
	two, err := keys.Rotated(rand.Reader)
	r.ok(err)
	r.ok(two.Write(path))
	l, both := r.open()
	signed, _, err := l.Checkpoint(t.Context())
	r.ok(err)
	for _, k := range []string{keys.Public[0], two.Public[0]} {
		if _, err := audit.OpenCheckpoint(signed, k); err != nil {
			t.Errorf("by %s: %v", k, err)
		}
	}
	if len(both.Public) != 2 || both.Public[1] != keys.Public[0] {
		t.Errorf("keys: %v", both)
	}
	one, err := both.Retired()
	r.ok(err)
	r.ok(one.Write(path))
	r.add(1)
	l, _ = r.open()
	signed, _, err = l.Checkpoint(t.Context())
	r.ok(err)
	if _, err := audit.OpenCheckpoint(signed, keys.Public[0]); !errors.Is(err, audit.ErrCheckpoint) {
		t.Errorf("the retired key: %v", err)
	}
	if _, err := audit.OpenCheckpoint(signed, two.Public[0]); err != nil {
		t.Error(err)
	}
	r.ok(os.Chmod(path, 0o640)) //nolint:gosec // that it can be read by others is what is tested
	if _, err := ledger.ReadKeys(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("readable by others: %v", err)
	}
	for _, bad := range []string{"", "two words", "a+b", strings.Repeat("x", 256), "ä"} {
		if _, err := ledger.NewKeys(rand.Reader, bad); err == nil {
			t.Errorf("%q is taken as a name", bad)
		}
	}
	for _, text := range []string{"", "# nothing\n", "PRIVATE+KEY+x\n", string(raw) + "PRIVATE+KEY+other+00000000+AAAA\n"} {
		r.ok(os.WriteFile(path, []byte(text), 0o600))
		r.ok(os.Chmod(path, 0o600))
		if k, err := ledger.ReadKeys(path); err == nil || strings.Contains(err.Error(), "PRIVATE") {
			t.Errorf("%q: %v, %v", text, k, err)
		}
	}
}

func TestProve(t *testing.T) {
	r := newRig(t)
	r.add(40)
	l, keys := r.open()
	early, _, err := l.Checkpoint(t.Context())
	r.ok(err)
	r.add(40)
	signed, c, err := l.Checkpoint(t.Context())
	r.ok(err)
	for _, n := range []int64{0, 17, 79} {
		p, err := ledger.Prove(t.Context(), r.db, n, signed, c)
		r.ok(err)
		if _, err := p.Verify(keys.Public...); err != nil || !strings.Contains(string(p.Entry), fmt.Sprintf("step %d\"", n)) {
			t.Errorf("entry %d: %v", n, err)
		}
	}
	for _, n := range []int64{-1, 80} {
		if _, err := ledger.Prove(t.Context(), r.db, n, signed, c); !errors.Is(err, ledger.ErrNoEntry) {
			t.Errorf("entry %d: %v", n, err)
		}
	}
	proof, err := ledger.ProveConsistency(t.Context(), r.db, early, signed)
	r.ok(err)
	if from, to, err := proof.Verify(keys.Public...); err != nil || from.Size != 40 || to.Size != 80 {
		t.Errorf("%+v, %+v, %v", from, to, err)
	}
	back, err := ledger.ProveConsistency(context.WithoutCancel(t.Context()), r.db, signed, early)
	r.ok(err)
	if _, _, err := back.Verify(keys.Public...); !errors.Is(err, audit.ErrProof) {
		t.Errorf("backwards: %v", err)
	}
}

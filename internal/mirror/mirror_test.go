package mirror_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyreeve/keyreeve/internal/hub"
	"github.com/keyreeve/keyreeve/internal/mirror"
)

// world is a simulated GitHub with one private repository, and a cache of mirrors of it.
type world struct {
	*hub.Hub
	t     *testing.T
	url   string
	token string
	dir   string
	log   bytes.Buffer
	now   time.Time
	cache *mirror.Cache
}

func newWorld(t *testing.T, change func(*mirror.Options)) *world {
	t.Helper()
	h, err := hub.New(hub.Options{Dir: t.TempDir()})
	w := &world{Hub: h, t: t, dir: filepath.Join(t.TempDir(), "mirrors"), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	w.ok(err)
	t.Cleanup(func() { _ = h.Close() })
	w.url, err = h.Start("127.0.0.1:0")
	w.ok(err)
	w.ok(h.AddOrg("acme"))
	_, err = h.AddUser("olga")
	w.ok(err)
	w.ok(h.AddMember("acme", "olga", "admin"))
	for _, name := range []string{"payments", "web"} {
		w.ok(h.AddRepo("acme", name, map[string]string{"README.md": name + "\n"}))
	}
	w.token = h.Token("olga")
	o := mirror.Options{
		Dir: w.dir, Now: func() time.Time { return w.now }, Log: slog.New(slog.NewTextHandler(&w.log, nil)), Timeout: time.Minute,
		Token: func(context.Context, mirror.Source) (string, error) { return w.token, nil },
	}
	if change != nil {
		change(&o)
	}
	w.cache, err = mirror.New(o)
	w.ok(err)
	return w
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) source(name string) mirror.Source {
	id := int64(1)
	if name == "web" {
		id = 2
	}
	return mirror.Source{Installation: 7, ID: id, URL: w.url + "/acme/" + name + ".git"}
}

func (w *world) update(name string) *mirror.Mirror {
	w.t.Helper()
	m, err := w.cache.Update(w.t.Context(), w.source(name))
	w.ok(err)
	w.t.Cleanup(m.Close)
	return m
}

// git reads from a mirror.
func (w *world) git(m *mirror.Mirror, args ...string) string {
	w.t.Helper()
	out, err := exec.Command("git", append([]string{"--git-dir=" + m.Path}, args...)...).CombinedOutput()
	if err != nil {
		w.t.Fatalf("git %v: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func TestMirrorFollows(t *testing.T) {
	w := newWorld(t, nil)
	m := w.update("payments")
	if m.Empty || w.git(m, "show", "main:README.md") != "payments" {
		t.Fatalf("the mirror is %+v", m)
	}
	m.Close()
	olga := w.As("olga")
	_, err := olga.Push("acme/payments", "side", map[string]string{"a": "one"}, "one")
	w.ok(err)
	_, err = olga.OpenPull("acme/payments", "A", "", "side", "main")
	w.ok(err)
	m = w.update("payments")
	if got := w.git(m, "show", "refs/heads/side:a"); got != "one" {
		t.Errorf("a new branch holds %q", got)
	}
	// The simulated GitHub shows no refs of pull requests; those that GitHub makes to try a merge are never taken.
	if got := w.git(m, "for-each-ref", "--format=%(refname)", "refs/pull"); strings.Contains(got, "/merge") {
		t.Errorf("the refs of pull requests are %q", got)
	}
	m.Close()
	w.ok(olga.DeleteBranch("acme/payments", "side"))
	m = w.update("payments")
	if got := w.git(m, "for-each-ref", "--format=%(refname)", "refs/heads"); got != "refs/heads/main" {
		t.Errorf("after a branch was deleted: %s", got)
	}
	if bare := w.git(m, "rev-parse", "--is-bare-repository"); bare != "true" {
		t.Error("it has a work tree")
	}
}

// TestTokenIsNowhere: the token is in no argument, file, log line or error (THREATS 38, 42).
func TestTokenIsNowhere(t *testing.T) {
	arguments := filepath.Join(t.TempDir(), "arguments")
	spy := filepath.Join(t.TempDir(), "git")
	if err := os.WriteFile(spy, []byte("#!/bin/sh\nprintf '%s\\n' \"$@\" >>"+arguments+"\nexec git \"$@\"\n"), 0o700); err != nil { //nolint:gosec // it is to be run
		t.Fatal(err)
	}
	w := newWorld(t, func(o *mirror.Options) { o.Git = spy })
	w.update("payments").Close()
	gone := w.source("payments")
	gone.ID, gone.URL = 3, w.url+"/acme/nothing.git"
	_, failure := w.cache.Update(t.Context(), gone)
	if !errors.Is(failure, mirror.ErrGone) {
		t.Errorf("a repository that is not there: %v", failure)
	}
	ran, err := os.ReadFile(arguments)
	w.ok(err)
	texts := map[string]string{"an argument": string(ran), "the log": w.log.String(), "an error": failure.Error()}
	files := os.DirFS(w.dir)
	w.ok(fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(files, path)
		texts[path] = string(b)
		return err
	}))
	if len(texts) < 5 || !strings.Contains(texts["an argument"], "fetch") {
		t.Fatalf("the test looks at %d texts", len(texts))
	}
	for what, text := range texts {
		if strings.Contains(text, w.token) {
			t.Errorf("the token is in %s", what)
		}
	}
}

func TestRefusals(t *testing.T) {
	w := newWorld(t, nil)
	w.token = "ghp_wrong"
	if _, err := w.cache.Update(t.Context(), w.source("payments")); !errors.Is(err, mirror.ErrDenied) && !errors.Is(err, mirror.ErrGone) {
		t.Errorf("a token that opens nothing: %v", err)
	}
	for _, url := range []string{
		"", "git@github.com:acme/x.git", "ext::sh -c id", "file:///etc", "http://example.com/acme/x.git", "https://u:p@github.com/acme/x",
		"https://github.com/acme/x?token=y", "https://github.com/acme/../x", "https://github.com/-x/y", "https://github.com/x", "--upload-pack=id",
	} {
		if _, err := w.cache.Update(t.Context(), mirror.Source{Installation: 7, ID: 9, URL: url}); err == nil {
			t.Errorf("%q is mirrored", url)
		}
	}
	if entries, _ := os.ReadDir(filepath.Join(w.dir, "7")); len(entries) > 3 {
		t.Errorf("what was refused left %v", entries)
	}
}

// TestNothingIsRun: neither hooks nor configuration nor submodules of a repository are looked at, and refs are only names.
func TestNothingIsRun(t *testing.T) {
	w := newWorld(t, nil)
	canary := filepath.Join(t.TempDir(), "ran")
	olga := w.As("olga")
	_, err := olga.Push("acme/payments", "-u-option", map[string]string{
		".gitmodules":    "[submodule \"x\"]\n\tpath = x\n\turl = ext::sh -c 'touch " + canary + "'\n",
		".gitattributes": "* filter=x\n", "config": "[core]\n\tfsmonitor = touch " + canary + "\n", "hooks/post-checkout": "#!/bin/sh\ntouch " + canary + "\n",
	}, "hostile")
	if err != nil {
		t.Logf("the simulated GitHub does not take such a branch: %v", err)
		_, err = olga.Push("acme/payments", "option", map[string]string{"config": "[core]\n\tfsmonitor = touch " + canary + "\n"}, "hostile")
		w.ok(err)
	}
	m := w.update("payments")
	m.Close()
	w.update("payments").Close()
	if _, err := os.Stat(canary); err == nil {
		t.Error("something of the repository's was run")
	}
	if _, err := os.Stat(filepath.Join(m.Path, "hooks")); err == nil {
		t.Error("the mirror has hooks")
	}
}

// TestInterrupted: what a killed fetch left behind is tidied up, and what arrived stays.
func TestInterrupted(t *testing.T) {
	w := newWorld(t, nil)
	m := w.update("payments")
	m.Close()
	_, err := w.As("olga").Push("acme/payments", "main", map[string]string{"a": "two"}, "two")
	w.ok(err)
	for _, left := range []string{"packed-refs.lock", "refs/heads/main.lock", "objects/pack/tmp_pack_x", "shallow.lock"} {
		w.ok(os.WriteFile(filepath.Join(m.Path, left), []byte("half"), 0o600))
	}
	m = w.update("payments")
	if got := w.git(m, "show", "main:a"); got != "two" {
		t.Errorf("after an interruption: %q", got)
	}
	if _, err := os.Stat(filepath.Join(m.Path, "objects/pack/tmp_pack_x")); err == nil {
		t.Error("half a pack is still there")
	}
}

// TestHangs: a source that never answers is given up, with everything that git started.
func TestHangs(t *testing.T) {
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	defer close(hang)
	w := newWorld(t, func(o *mirror.Options) { o.Timeout = 300 * time.Millisecond })
	s := mirror.Source{Installation: 7, ID: 5, URL: server.URL + "/acme/slow.git"}
	if _, err := w.cache.Update(t.Context(), s); !errors.Is(err, mirror.ErrTimeout) {
		t.Errorf("a source that hangs: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.cache.Update(ctx, s); !errors.Is(err, context.Canceled) {
		t.Errorf("called off: %v", err)
	}
	if out, err := exec.Command("pgrep", "-f", server.URL).Output(); err == nil {
		t.Errorf("still running: %s", out)
	}
}

func TestBounds(t *testing.T) {
	w := newWorld(t, func(o *mirror.Options) { o.MaxRepository = 1 })
	if _, err := w.cache.Update(t.Context(), w.source("payments")); !errors.Is(err, mirror.ErrTooLarge) {
		t.Errorf("a repository over the bound: %v", err)
	}

	w = newWorld(t, func(o *mirror.Options) { o.MaxBytes, o.MaxRepository = 1, 0 })
	w.cache, _ = mirror.New(mirror.Options{
		Dir: w.dir, MaxBytes: 1 << 20, Now: func() time.Time { return w.now }, Log: slog.New(slog.DiscardHandler),
		Token: func(context.Context, mirror.Source) (string, error) { return w.token, nil },
	})
	payments := w.update("payments")
	w.now = w.now.Add(time.Hour)
	web := w.update("web")
	small, err := mirror.New(mirror.Options{Dir: w.dir, MaxBytes: 1 << 20, Now: func() time.Time { return w.now }, Log: slog.New(slog.DiscardHandler)})
	w.ok(err)
	if n, err := small.Size(); err != nil || n == 0 {
		t.Errorf("the mirrors take %d bytes: %v", n, err)
	}
	// Held: nothing goes. Let go: the one that was used longest ago.
	if err := w.cache.Remove(w.source("payments")); !errors.Is(err, mirror.ErrBusy) {
		t.Errorf("a mirror that is read is removed: %v", err)
	}
	payments.Close()
	payments.Close()
	w.ok(w.cache.Remove(w.source("payments")))
	if _, err := os.Stat(payments.Path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
	if _, err := os.Stat(web.Path); err != nil {
		t.Errorf("another one is gone: %v", err)
	}
}

func TestEviction(t *testing.T) {
	w := newWorld(t, nil)
	first := w.update("payments")
	first.Close()
	total, err := w.cache.Size()
	w.ok(err)
	w.now = w.now.Add(time.Hour)
	w.cache, err = mirror.New(mirror.Options{
		Dir: w.dir, MaxBytes: total + total/2, Now: func() time.Time { return w.now }, Log: slog.New(slog.DiscardHandler),
		Token: func(context.Context, mirror.Source) (string, error) { return w.token, nil },
	})
	w.ok(err)
	second := w.update("web")
	if _, err := os.Stat(first.Path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the one that was not used for longest is still there: %v", err)
	}
	if _, err := os.Stat(second.Path); err != nil {
		t.Errorf("the one in use is gone: %v", err)
	}
}

func TestEmptyRepository(t *testing.T) {
	w := newWorld(t, nil)
	w.ok(w.AddRepo("acme", "empty", nil))
	m, err := w.cache.Update(t.Context(), mirror.Source{Installation: 7, ID: 4, URL: w.url + "/acme/empty.git"})
	w.ok(err)
	defer m.Close()
	if m.Refs == 0 != m.Empty {
		t.Errorf("%d refs, empty: %v", m.Refs, m.Empty)
	}
}

func TestManyAtOnce(t *testing.T) {
	w := newWorld(t, nil)
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			m, err := w.cache.Update(t.Context(), w.source("payments"))
			if err != nil {
				t.Error(err)
				return
			}
			m.Close()
		})
	}
	all.Wait()
}

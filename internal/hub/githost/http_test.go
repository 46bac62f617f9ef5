package githost

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// world is a host behind real HTTP: user "reader" may read, "writer" may also
// write, nobody may see acme/secret.
type world struct {
	t    *testing.T
	host *Host
	repo *Repo
	url  string

	mu     sync.Mutex
	pushes []string
}

func newWorld(t *testing.T) *world {
	h, r := newRepo(t)
	w := &world{t: t, host: h, repo: r}
	h.Authorize = func(_, repo, service string, req *http.Request) int {
		user, pass, ok := req.BasicAuth()
		switch {
		case !ok || pass != "token":
			return http.StatusUnauthorized
		case repo == "secret":
			return http.StatusNotFound
		case service == "git-receive-pack" && user != "writer":
			return http.StatusForbidden
		}
		return http.StatusOK
	}
	h.Pushed = func(owner, repo, ref, old, now string) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.pushes = append(w.pushes, strings.Join([]string{owner + "/" + repo, ref, short(old), short(now)}, " "))
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

func short(sha string) string {
	if sha == "" {
		return "-"
	}
	return sha[:7]
}

// remote is the URL of a repository with a user's credentials.
func (w *world) remote(user, repo string) string {
	return strings.Replace(w.url, "http://", "http://"+user+":token@", 1) + "/acme/" + repo + ".git"
}

// git runs an ordinary client in dir.
func (w *world) git(dir string, args ...string) (string, error) {
	cmd := exec.Command("git", append([]string{"-c", "user.name=Carol", "-c", "user.email=carol@example.com"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_TERMINAL_PROMPT=0", "LC_ALL=C", "GIT_ASKPASS=true")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (w *world) mustGit(dir string, args ...string) string {
	w.t.Helper()
	out, err := w.git(dir, args...)
	if err != nil {
		w.t.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(out)
}

func (w *world) takePushes() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.pushes
	w.pushes = nil
	return out
}

func TestCloneAndPush(t *testing.T) {
	w := newWorld(t)
	first := commit(t, w.repo, "main", "first", map[string]string{"README.md": "hello\n"})
	dir := filepath.Join(t.TempDir(), "clone")
	w.mustGit(".", "clone", "--quiet", w.remote("writer", "identities"), dir)
	data, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil || string(data) != "hello\n" {
		t.Fatalf("%q, %v", data, err)
	}

	if err := os.WriteFile(filepath.Join(dir, "new.txt"), []byte(strings.Repeat("data ", 300_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	w.mustGit(dir, "add", "new.txt")
	w.mustGit(dir, "commit", "--quiet", "-m", "second")
	w.mustGit(dir, "push", "--quiet", "origin", "HEAD:main", "HEAD:topic")
	second := w.mustGit(dir, "rev-parse", "HEAD")
	if got, want := w.takePushes(), []string{
		"acme/identities refs/heads/main " + short(first) + " " + short(second),
		"acme/identities refs/heads/topic - " + short(second),
	}; !slices.Equal(got, want) {
		t.Errorf("pushed %q, want %q", got, want)
	}
	if got := must(t, w.repo, "topic"); got != second {
		t.Errorf("topic is %s", got)
	}

	// A commit made by the API arrives with the next fetch.
	third := commit(t, w.repo, "main", "third", map[string]string{"README.md": "hello again\n"})
	w.mustGit(dir, "pull", "--quiet", "--ff-only", "origin", "main")
	if got := w.mustGit(dir, "rev-parse", "HEAD"); got != third {
		t.Errorf("pulled %s, want %s", got, third)
	}

	// Rejected, forced and deleting pushes.
	w.mustGit(dir, "reset", "--quiet", "--hard", first)
	if out, err := w.git(dir, "push", "origin", "HEAD:main"); err == nil || !strings.Contains(out, "rejected") {
		t.Errorf("non fast forward: %v\n%s", err, out)
	}
	w.mustGit(dir, "push", "--quiet", "--force", "origin", "HEAD:topic")
	w.mustGit(dir, "push", "--quiet", "origin", ":topic")
	if out, err := w.git(dir, "push", "origin", "HEAD:refs/pull/7/head"); err == nil || !strings.Contains(out, "hidden ref") {
		t.Errorf("push into refs/pull: %v\n%s", err, out)
	}
	if got, want := w.takePushes(), []string{
		"acme/identities refs/heads/topic " + short(second) + " " + short(first),
		"acme/identities refs/heads/topic " + short(first) + " -",
	}; !slices.Equal(got, want) {
		t.Errorf("pushed %q, want %q", got, want)
	}

	// A pull request's head can be fetched, and any reachable commit by its id.
	if err := w.repo.SetRef("refs/pull/1/head", second, ""); err != nil {
		t.Fatal(err)
	}
	w.mustGit(dir, "fetch", "--quiet", "origin", "refs/pull/1/head", first)
}

func TestWhoMayGit(t *testing.T) {
	w := newWorld(t)
	commit(t, w.repo, "main", "first", map[string]string{"a": "1"})
	dir := filepath.Join(t.TempDir(), "clone")
	w.mustGit(".", "clone", "--quiet", w.remote("reader", "identities"), dir)
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"no credentials", []string{"ls-remote", w.url + "/acme/identities.git"}, "Authentication failed"},
		{"invisible", []string{"ls-remote", w.remote("writer", "secret")}, "not found"},
		{"absent", []string{"ls-remote", w.remote("writer", "none")}, "not found"},
		{"a reader's push", []string{"push", "origin", "HEAD:x"}, "403"},
	} {
		if out, err := w.git(dir, c.args...); err == nil || !strings.Contains(out, c.want) {
			t.Errorf("%s: %v\n%s", c.name, err, out)
		}
	}
	if got := w.takePushes(); got != nil {
		t.Errorf("pushed %q", got)
	}
	closed, _ := newRepo(t) // nobody set Authorize
	rec := httptest.NewRecorder()
	closed.ServeHTTP(rec, httptest.NewRequest("GET", "/acme/identities.git/info/refs?service=git-upload-pack", nil))
	if rec.Code != http.StatusForbidden {
		t.Errorf("without Authorize: %d", rec.Code)
	}
}

func TestOddRequests(t *testing.T) {
	w := newWorld(t)
	w.host.Authorize = func(string, string, string, *http.Request) int { return http.StatusOK }
	for _, c := range []struct {
		method, path, contentType, body string
		want                            int
	}{
		{"GET", "/acme/identities.git/info/refs", "", "", 403},
		{"GET", "/acme/identities.git/info/refs?service=git-upload-archive", "", "", 403},
		{"GET", "/acme/identities.git/info/refs?service=git-upload-pack", "", "", 200},
		{"POST", "/acme/identities.git/info/refs?service=git-upload-pack", "", "", 405},
		{"GET", "/acme/identities.git/git-receive-pack", "", "", 405},
		{"POST", "/acme/identities.git/git-receive-pack", "text/plain", "", 415},
		{"POST", "/acme/identities.git/git-receive-pack", "application/x-git-receive-pack-request", "zzzz", 500},
		{"POST", "/acme/../identities.git/git-upload-pack", "application/x-git-upload-pack-request", "0000", 404},
		{"GET", "/acme/identities.git/HEAD", "", "", 404},
		{"GET", "/acme/identities.git/objects/info/packs", "", "", 404},
	} {
		req := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
		req.Header.Set("Content-Type", c.contentType)
		rec := httptest.NewRecorder()
		w.host.ServeHTTP(rec, req)
		if rec.Code != c.want {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, rec.Code, c.want)
		}
	}
}

// Many writers at once: every commit lands, none is lost or doubled.
func TestConcurrentWriters(t *testing.T) {
	_, r := newRepo(t)
	commit(t, r, "main", "0", map[string]string{"0": "0"})
	var group sync.WaitGroup
	names := []string{"a", "b", "c", "d", "e", "f"}
	for _, name := range names {
		group.Go(func() {
			if _, err := r.CommitFiles("main", files(map[string]string{name: name}), alice, name); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	want := map[string]string{"0": "0"}
	for _, n := range names {
		want[n] = n
	}
	wantContent(t, r, "main", want)
	if log, err := r.Log("main", "", "", 0); err != nil || len(log) != len(names)+1 {
		t.Errorf("%d commits, %v", len(log), err)
	}
}

// Package githost keeps the git side of the simulated GitHub: real bare
// repositories, read and written through the git command, and served over
// git's smart HTTP protocol.
//
//	host, err := githost.Open(dir)
//	repo, err := host.Create("acme", "identities", "main")
//	body := []byte("hello\n")
//	sha, err := repo.CommitFiles("main", map[string]*[]byte{"README.md": &body}, author, "first")
//	http.ListenAndServe("127.0.0.1:8080", host) // git clone http://127.0.0.1:8080/acme/identities.git
//
// Every git process runs with no system, global or hook configuration, never
// asks a question, is bounded in time and output, and is killed with its whole
// process group. Names, paths and revisions are checked before they reach a
// command line. Nothing here knows about people or permissions: Authorize and
// Pushed are the two places where the hub is asked and told.
package githost

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// The named failures. Every other error is a failure of git or of the disk.
var (
	// ErrNotFound: the repository, reference, object or path does not exist.
	ErrNotFound = errors.New("not found")
	// ErrExists: the repository or reference exists already.
	ErrExists = errors.New("already exists")
	// ErrStale: the reference does not hold the value that the caller expected.
	ErrStale = errors.New("reference moved meanwhile")
	// ErrConflict: the two sides cannot be merged without a person.
	ErrConflict = errors.New("merge conflict")
	// ErrInvalid: a name, path, mode or object id that git would not accept.
	ErrInvalid = errors.New("invalid value")
)

// Host is a folder of bare repositories. Its methods may be called concurrently.
type Host struct {
	// Authorize decides on one smart HTTP request: 200 lets it pass, 401 asks
	// for credentials, 403 and 404 refuse. The service is "git-upload-pack" (a
	// read) or "git-receive-pack" (a write). Nil refuses everything with 403.
	// Set it before the first request.
	Authorize func(owner, repo, service string, r *http.Request) int
	// Pushed is told of each reference that an accepted push changed, before
	// the client gets its answer. A created reference has old "", a deleted
	// one new "". Nil is allowed. Set it before the first request.
	Pushed func(owner, repo string, ref, from, to string)

	dir string // absolute
	git string // absolute path of the git command

	mu    sync.RWMutex
	repos map[string]*Repo // by key(owner, name)
}

// Repo is one bare repository. Its methods may be called concurrently; a
// concurrent Rename may fail reads that are under way, never corrupt a write.
type Repo struct {
	host *Host

	// write is held by whatever moves references, so that a push can tell its
	// own changes from those of an API call.
	write sync.Mutex

	at   sync.RWMutex // guards path
	path string
}

// Open uses dir (created when absent) as the home of the repositories and finds
// those that an earlier Host left there. It fails when git is missing or older
// than 2.38, the first with `merge-tree --write-tree`.
func Open(dir string) (*Host, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open git host %s: %w", dir, err)
	}
	if err := os.MkdirAll(filepath.Join(abs, tmpDir), 0o700); err != nil {
		return nil, fmt.Errorf("open git host: %w", err)
	}
	git, err := exec.LookPath("git")
	if err != nil {
		return nil, fmt.Errorf("open git host: %w", err)
	}
	h := &Host{dir: abs, git: git, repos: map[string]*Repo{}}
	out, err := h.run(context.Background(), command{args: []string{"version"}})
	if err != nil {
		return nil, fmt.Errorf("open git host: %w", err)
	}
	if !recentGit(string(out)) {
		return nil, fmt.Errorf("open git host: git 2.38 or newer is needed, found %q", strings.TrimSpace(string(out)))
	}
	found, err := filepath.Glob(filepath.Join(abs, "*", "*.git"))
	if err != nil {
		return nil, fmt.Errorf("open git host: %w", err)
	}
	for _, path := range found {
		owner, name := filepath.Base(filepath.Dir(path)), strings.TrimSuffix(filepath.Base(path), ".git")
		if validName(owner, name) {
			h.repos[key(owner, name)] = &Repo{host: h, path: path}
		}
	}
	return h, nil
}

// tmpDir holds temporary indexes; no owner may be called so, since a login
// never starts with a dot.
const tmpDir = ".tmp"

// key is how a repository is found: GitHub's names ignore case.
func key(owner, name string) string { return strings.ToLower(owner + "/" + name) }

func (h *Host) pathOf(owner, name string) string {
	return filepath.Join(h.dir, filepath.FromSlash(key(owner, name))+".git")
}

// Create makes an empty bare SHA-1 repository whose HEAD is the unborn
// defaultBranch ("" means main). ErrExists when the name is taken, compared
// without case; ErrInvalid for names that GitHub does not allow.
func (h *Host) Create(owner, name, defaultBranch string) (*Repo, error) {
	if defaultBranch == "" {
		defaultBranch = "main"
	}
	if !validName(owner, name) || !validRef("refs/heads/"+defaultBranch) {
		return nil, fmt.Errorf("create repository %q/%q with branch %q: %w", owner, name, defaultBranch, ErrInvalid)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, taken := h.repos[key(owner, name)]; taken {
		return nil, fmt.Errorf("create repository %s/%s: %w", owner, name, ErrExists)
	}
	path := h.pathOf(owner, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("create repository %s/%s: %w", owner, name, err)
	}
	_, err := h.run(context.Background(), command{args: []string{
		"init", "--quiet", "--bare", "--template=", "--object-format=sha1", "--initial-branch=" + defaultBranch, "--", path,
	}})
	if err != nil {
		return nil, fmt.Errorf("create repository %s/%s: %w", owner, name, err)
	}
	repo := &Repo{host: h, path: path}
	h.repos[key(owner, name)] = repo
	return repo, nil
}

// Repo finds a repository by its names, compared without case.
func (h *Host) Repo(owner, name string) (*Repo, bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	repo, ok := h.repos[key(owner, name)]
	return repo, ok
}

// Rename moves a repository; a *Repo got earlier follows it. ErrNotFound when
// the old name does not exist, ErrExists when the new one does.
func (h *Host) Rename(owner, name, newOwner, newName string) error {
	if !validName(newOwner, newName) {
		return fmt.Errorf("rename repository %s/%s to %q/%q: %w", owner, name, newOwner, newName, ErrInvalid)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	from, to := key(owner, name), key(newOwner, newName)
	repo, ok := h.repos[from]
	if !ok {
		return fmt.Errorf("rename repository %s/%s: %w", owner, name, ErrNotFound)
	}
	if from == to {
		return nil
	}
	if _, taken := h.repos[to]; taken {
		return fmt.Errorf("rename repository %s/%s to %s/%s: %w", owner, name, newOwner, newName, ErrExists)
	}
	repo.write.Lock()
	defer repo.write.Unlock()
	repo.at.Lock()
	defer repo.at.Unlock()
	path := h.pathOf(newOwner, newName)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("rename repository %s/%s: %w", owner, name, err)
	}
	if err := os.Rename(repo.path, path); err != nil {
		return fmt.Errorf("rename repository %s/%s: %w", owner, name, err)
	}
	repo.path = path
	delete(h.repos, from)
	h.repos[to] = repo
	return nil
}

// Path is the absolute path of the bare repository on disk.
func (r *Repo) Path() string {
	r.at.RLock()
	defer r.at.RUnlock()
	return r.path
}

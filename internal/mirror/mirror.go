// Package mirror keeps bare copies of repositories for the scanner: all refs, in a folder with a bound, fetched with a token
// that is in no command line, URL, file or log.
//
//	m, err := cache.Update(ctx, mirror.Source{Installation: 7, ID: 99, URL: "https://github.com/acme/payments.git"})
//	defer m.Close()
//	scan(m.Path)
//
// A repository is a stranger's: nothing in it is run. There is no work tree, so no checkout, hook, filter or submodule;
// what git is told stands in its arguments and environment alone, and no file that a repository can bring is read as
// configuration.
package mirror

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The reasons for which a repository can't be had. They are returned wrapped.
var (
	ErrGone     = errors.New("the repository does not exist, or the token does not open it")
	ErrDenied   = errors.New("the repository is closed to the token, or blocked")
	ErrTimeout  = errors.New("git took too long")
	ErrTooLarge = errors.New("the repository is larger than is allowed")
	ErrNoSpace  = errors.New("the disk is full")
	ErrBusy     = errors.New("another process works on this mirror")
)

// Options say where mirrors are kept and how they are fetched.
type Options struct {
	Dir string // of the mirrors; made when it is missing
	// MaxBytes bounds what all mirrors take together: those that were not used for longest go. 0 means 20 GB.
	MaxBytes int64
	// MaxRepository bounds one of them; a fetch that passes it is stopped. 0 means MaxBytes.
	MaxRepository int64
	// Timeout bounds one fetch; 0 means half an hour.
	Timeout time.Duration
	// Token mints a token that reads the contents of one repository; "" fetches without one.
	Token func(ctx context.Context, s Source) (string, error)
	Git   string // the program; "" means git, as PATH has it
	Now   func() time.Time
	Log   *slog.Logger
}

// Source is a repository to be mirrored.
type Source struct {
	Installation int64
	ID           int64  // GitHub's, which a rename leaves as it is; with Installation it names the mirror
	URL          string // https, or http on a loopback address; without user, password or query
}

// Cache is a folder of mirrors. Its methods may be called concurrently, also by several processes on one folder.
type Cache struct {
	o    Options
	mu   sync.Mutex
	busy map[string]*sync.Mutex // by the mirror's path
	used map[string]int         // mirrors that somebody reads now
}

// Mirror is one copy, held until Close.
type Mirror struct {
	Path  string // of the bare repository
	Empty bool   // it has no refs
	Refs  int

	once    sync.Once
	release func()
}

// Close lets go of the mirror, so that it may be fetched again or evicted. It may be called twice.
func (m *Mirror) Close() { m.once.Do(m.release) }

const (
	defaultBytes   = 20 << 30
	defaultTimeout = 30 * time.Minute
)

// New returns a cache in a folder, which it makes.
func New(o Options) (*Cache, error) {
	if o.Dir == "" {
		return nil, errors.New("mirrors need a folder")
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("the folder of the mirrors: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the mirrors: %w", err)
	}
	o.Dir = dir
	if o.MaxBytes <= 0 {
		o.MaxBytes = defaultBytes
	}
	if o.MaxRepository <= 0 || o.MaxRepository > o.MaxBytes {
		o.MaxRepository = o.MaxBytes
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.Git == "" {
		o.Git = "git"
	}
	return &Cache{o: o, busy: map[string]*sync.Mutex{}, used: map[string]int{}}, nil
}

// Update brings a mirror up to what the source has now, from nothing if need be, and holds it. What an interrupted fetch left
// is taken up: the objects that arrived stay, the locks that it left are taken away. One mirror is fetched by one caller at
// a time; while somebody else reads it, a fetch adds to it and takes nothing away that is being read.
//
// Errors: those of this package, ctx's, and a *GitError for what git says otherwise.
func (c *Cache) Update(ctx context.Context, s Source) (*Mirror, error) {
	doing := fmt.Sprintf("mirror %s", s.URL)
	if err := check(s); err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	path := c.path(s)
	release := c.hold(path)
	m, err := c.update(ctx, s, path)
	if err != nil {
		release()
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	m.release = release
	if err := c.evict(); err != nil {
		c.o.Log.WarnContext(ctx, "mirrors can't be evicted", "error", err)
	}
	return m, nil
}

func (c *Cache) update(ctx context.Context, s Source, path string) (*Mirror, error) {
	lock := c.lockOf(path)
	lock.Lock()
	defer lock.Unlock()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	unlock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, err
	}
	defer unlock()
	token := ""
	if c.o.Token != nil {
		if token, err = c.o.Token(ctx, s); err != nil {
			return nil, fmt.Errorf("a token for it: %w", err)
		}
	}
	g := git{program: c.o.Git, dir: path, url: s.URL, token: token, most: c.o.MaxRepository, within: c.o.Timeout}
	if err := g.prepare(ctx); err != nil {
		return nil, err
	}
	if err := g.fetch(ctx); err != nil {
		return nil, err
	}
	refs, err := g.refs(ctx)
	if err != nil {
		return nil, err
	}
	now := c.o.Now()
	if err := os.Chtimes(path, now, now); err != nil { // when it was last used
		return nil, err
	}
	return &Mirror{Path: path, Refs: refs, Empty: refs == 0}, nil
}

// Remove deletes a mirror; one that somebody reads is left, with ErrBusy.
func (c *Cache) Remove(s Source) error {
	if err := c.remove(c.path(s)); err != nil {
		return fmt.Errorf("remove the mirror of %s: %w", s.URL, err)
	}
	return nil
}

func (c *Cache) remove(path string) error {
	lock := c.lockOf(path)
	lock.Lock()
	defer lock.Unlock()
	c.mu.Lock()
	held := c.used[path] > 0
	c.mu.Unlock()
	if held {
		return ErrBusy
	}
	unlock, err := lockFile(path + ".lock")
	if err != nil {
		return err
	}
	defer unlock()
	return os.RemoveAll(path)
}

func (c *Cache) path(s Source) string {
	return filepath.Join(c.o.Dir, strconv.FormatInt(s.Installation, 10), strconv.FormatInt(s.ID, 10)+".git")
}

func (c *Cache) lockOf(path string) *sync.Mutex {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy[path] == nil {
		c.busy[path] = &sync.Mutex{}
	}
	return c.busy[path]
}

// hold keeps a mirror from being evicted.
func (c *Cache) hold(path string) (release func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used[path]++
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.used[path]--; c.used[path] == 0 {
			delete(c.used, path)
		}
	}
}

// plainPath is what a repository's path in a URL is made of: nothing that git or a shell would take for an option.
var plainPath = regexp.MustCompile(`^(/[A-Za-z0-9._][A-Za-z0-9._-]{0,99}){2,}$`)

// check refuses a source that is not plainly a repository behind https.
func check(s Source) error {
	u, err := url.Parse(s.URL)
	switch {
	case s.Installation <= 0 || s.ID <= 0:
		return errors.New("it has no installation or no id")
	case err != nil:
		return errors.New("its URL can't be read")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return errors.New("its URL must not hold a user, a password or a query")
	case !plainPath.MatchString(u.Path) || strings.Contains(u.Path, ".."):
		return fmt.Errorf("%q is not the path of a repository", u.Path)
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	}
	return errors.New("its URL must begin with https:// (http:// only for a loopback address)")
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

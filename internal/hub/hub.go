package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/keyreeve/keyreeve/internal/hub/githost"
)

// Options say how a hub is made.
type Options struct {
	Dir       string           // where the bare repositories live; it is created
	Now       func() time.Time // the world's clock: created_at, updated_at, …; default time.Now
	AuthNow   func() time.Time // the clock for JWTs, tokens and rate limits; default time.Now
	Log       *slog.Logger     // default: nothing is logged
	RateLimit int              // calls an hour for each installation or person; default 5000
}

// Hub is the simulated GitHub. Make one with New.
type Hub struct {
	opts   Options
	host   *githost.Host
	log    *slog.Logger
	routes *router

	mu       sync.Mutex // guards all below
	idle     *sync.Cond // with mu: told when an App's deliveries were all attempted
	base     string     // the URL that clients were told, without a slash at its end
	lastID   int64
	accounts map[int64]*account
	logins   map[string]*account // by lower-case login
	repos    map[string]*repo    // by lower-case full name
	repoIDs  map[int64]*repo
	moved    map[string]int64 // old lower-case full name → repository id
	apps     map[int64]*app
	installs map[int64]*installation
	tokens   map[tokenHash]*token
	limits   map[string]*limit
	issueIDs map[int64]*issue
	watchers map[*watcher]bool
	writes   []Write
	calls    map[string]int
	ledger   []*delivery
	byID     map[int64]*delivery
	requests int64
	closed   bool
	pusher   principal // of the push under way

	pushing sync.Mutex // held while a push is taken

	wraps   []func(http.Handler) http.Handler
	pages   http.Handler
	handler http.Handler
	once    sync.Once

	server  *http.Server
	workers sync.WaitGroup
	cancel  context.CancelFunc
	ctx     context.Context //nolint:containedctx // ends deliveries when the hub closes; no call's own
}

// New makes an empty world. The caller must Close it.
func New(o Options) (*Hub, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.AuthNow == nil {
		o.AuthNow = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.RateLimit == 0 {
		o.RateLimit = 5000
	}
	host, err := githost.Open(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("open the git repositories in %s: %w", o.Dir, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	h := &Hub{
		opts: o, host: host, log: o.Log, base: "http://hub.invalid", lastID: 1000, ctx: ctx, cancel: cancel,
		accounts: map[int64]*account{}, logins: map[string]*account{}, repos: map[string]*repo{},
		repoIDs: map[int64]*repo{}, moved: map[string]int64{}, apps: map[int64]*app{},
		installs: map[int64]*installation{}, tokens: map[tokenHash]*token{}, limits: map[string]*limit{},
		issueIDs: map[int64]*issue{}, watchers: map[*watcher]bool{}, calls: map[string]int{}, byID: map[int64]*delivery{},
	}
	h.idle = sync.NewCond(&h.mu)
	h.routes = newRouter()
	host.Authorize = h.authorizeGit
	host.Pushed = h.gitPushed
	return h, nil
}

// Wrap puts middleware around the REST surface and GraphQL, not around git, pages or the acts of an Actor: for contract
// validation and faults. The last one given is the outermost. It must be called before Start or Handler.
func (h *Hub) Wrap(middleware func(http.Handler) http.Handler) { h.wraps = append(h.wraps, middleware) }

// HandlePages sends the requests of browsers (GET with Accept: text/html) to pages. It must be called before Start or
// Handler.
func (h *Hub) HandlePages(pages http.Handler) { h.pages = pages }

// URL is the base of everything, without a slash at its end.
func (h *Hub) URL() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.base
}

// SetURL says what base the answers' links have, where Handler is served by somebody else than Start.
func (h *Hub) SetURL(url string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.base = strings.TrimSuffix(url, "/")
}

// Start listens on addr ("127.0.0.1:0" for a free port) and serves. It returns the base URL, such as
// "http://127.0.0.1:41234".
func (h *Hub) Start(addr string) (string, error) {
	var config net.ListenConfig
	listener, err := config.Listen(h.ctx, "tcp", addr)
	if err != nil {
		return "", fmt.Errorf("listen for the simulated GitHub: %w", err)
	}
	url := "http://" + listener.Addr().String()
	h.SetURL(url)
	h.server = &http.Server{Handler: h.Handler(), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := h.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			h.log.Error("the simulated GitHub stopped serving", "err", err)
		}
	}()
	return url, nil
}

// Handler is the whole surface: REST under / and under /api/v3/, POST /graphql and /api/graphql, git smart HTTP under
// /{owner}/{repo}.git/, and pages.
func (h *Hub) Handler() http.Handler {
	h.once.Do(func() {
		var api http.Handler = http.HandlerFunc(h.serveAPI)
		for _, wrap := range h.wraps {
			api = wrap(api)
		}
		h.handler = h.split(api)
	})
	return h.handler
}

// split tells git, pages and the API apart.
func (h *Hub) split(api http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		switch {
		case strings.Contains(path, ".git/") && !strings.HasPrefix(path, "/repos/") && !strings.HasPrefix(path, "/api/"):
			h.serveGit(w, r)
		case h.pages != nil && isBrowser(r):
			h.pages.ServeHTTP(w, r)
		case path == "/api/graphql":
			api.ServeHTTP(w, withPath(r, "/graphql", "/graphql"))
		case strings.HasPrefix(path, "/api/v3/"):
			raw := strings.TrimPrefix(r.URL.EscapedPath(), "/api/v3")
			api.ServeHTTP(w, withPath(r, strings.TrimPrefix(path, "/api/v3"), raw))
		default:
			api.ServeHTTP(w, r)
		}
	})
}

func isBrowser(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) &&
		strings.Contains(r.Header.Get("Accept"), "text/html") && !strings.HasPrefix(r.URL.Path, "/api/")
}

// withPath is a shallow copy of r with another path; the rest of the URL stays.
func withPath(r *http.Request, path, raw string) *http.Request {
	moved := r.Clone(r.Context())
	moved.URL.Path, moved.URL.RawPath = path, raw
	return moved
}

// Close ends serving, deliveries (the one under way is broken off) and watches, and waits for all of it. What is queued
// then stays unattempted.
func (h *Hub) Close() error {
	var err error
	if h.server != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if err = h.server.Shutdown(ctx); err != nil {
			err = h.server.Close()
		}
	}
	h.cancel()
	h.mu.Lock()
	h.closed = true
	for w := range h.watchers {
		w.end()
	}
	clear(h.watchers)
	for _, a := range h.apps {
		a.outbox.wake()
	}
	h.idle.Broadcast()
	h.mu.Unlock()
	h.workers.Wait()
	return err
}

// Write is an accepted mutating call by an App's installation.
type Write struct {
	At           time.Time `json:"at"`
	App          string    `json:"app"` // slug
	Installation int64     `json:"installation"`
	Method       string    `json:"method"`
	Path         string    `json:"path"` // without the /api/v3 prefix
	Status       int       `json:"status"`
	// ContentKey is the same for two calls that ask for the same thing: method, path and a digest of the body, with its
	// JSON keys sorted. A doubled comment, merge or grant is a key that occurs twice.
	ContentKey string `json:"content_key"`
}

// Writes tells every accepted mutating call by an App, in order. Making and revoking tokens does not count.
func (h *Hub) Writes() []Write {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]Write(nil), h.writes...)
}

// Calls counts the calls from outside by "METHOD /route/{pattern}"; calls that match no route are under "METHOD ?".
func (h *Hub) Calls() map[string]int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.calls)
}

// readBody reads a request body of at most 10 MiB; more is an error.
func readBody(r *http.Request) ([]byte, error) {
	const most = 10 << 20
	data, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	if err != nil {
		return nil, fmt.Errorf("read the request body: %w", err)
	}
	if len(data) > most {
		return nil, errors.New("the request body is over 10 MiB")
	}
	return data, nil
}

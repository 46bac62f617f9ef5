package forge

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/keyreeve/keyreeve/internal/workflow"
)

// Config is what a Forge needs. AppID, PrivateKey and BaseURL are required.
type Config struct {
	AppID      int64
	PrivateKey []byte // of the App: an RSA key in PEM
	// BaseURL is the REST base just as given: "https://api.github.com/", "https://HOST/api/v3/", or "http://127.0.0.1:port/".
	BaseURL string
	// HTTP makes the calls; by default a transport with bounded connection and header times.
	HTTP http.RoundTripper
	// Now is the clock that limits are counted by, time.Now by default. Tokens follow the wall clock in any case.
	Now func() time.Time
	// Sleep waits between tries of a read, at most a few seconds; by default a timer. It returns early with the context's error.
	Sleep func(ctx context.Context, d time.Duration) error
	// Rand gives the jitter of those waits, in [0,1); by default math/rand/v2.
	Rand func() float64
	Log  *slog.Logger
	// Observe, if set, is told of each HTTP call: "GET /repos/{}/{}/issues/{}", the status (0 when no answer came) and
	// how long it took. It may be called concurrently.
	Observe func(route string, status int, took time.Duration)
}

// Forge reads and changes GitHub as one App. Its methods may be called concurrently.
//
// They return, wrapped: workflow.ErrNotFound for what does not exist or can't be seen, workflow.ErrConflict when the
// world moved between observing and applying, *workflow.LimitedError when GitHub asks to wait, *APIError for every other
// refusal, and the transport's error when no answer came. After the last one, the outcome of a write is unknown.
type Forge struct {
	cfg     Config
	key     *rsa.PrivateKey
	base    *url.URL
	graphql string
	sender  http.RoundTripper
	gates   *gates
	cache   *recent[string, *kept]
	tokens  *recent[scope, *session]
	trees   *recent[string, string] // by installation, repository and commit
	app     appFact
}

// Each port is one role of the Forge.
var (
	_ workflow.Conversations = (*Forge)(nil)
	_ workflow.Repositories  = (*Forge)(nil)
	_ workflow.Codeowners    = (*Forge)(nil)
	_ workflow.Pulls         = (*Forge)(nil)
	_ workflow.People        = (*Forge)(nil)
	_ workflow.Applier       = (*Forge)(nil)
)

const (
	maxAnswer   = 10 << 20         // bytes of one answer
	callTime    = 30 * time.Second // for one try, its body included
	cacheBytes  = 64 << 20
	maxSessions = 1024 // tokens and clients kept at once
	maxTrees    = 8192 // trees of commits kept at once
)

// New returns a Forge. A key or URL that can't be used is an error that does not show the key. It makes no call.
func New(cfg Config) (*Forge, error) {
	if cfg.AppID <= 0 {
		return nil, errors.New("the App's id must be positive")
	}
	key, err := jwt.ParseRSAPrivateKeyFromPEM(cfg.PrivateKey)
	if err != nil {
		return nil, errors.New("the App's private key is not an RSA key in PEM form: download one from the App's settings")
	}
	base, err := parseBase(cfg.BaseURL)
	if err != nil {
		return nil, err
	}
	fill(&cfg)
	f := &Forge{
		cfg: cfg, key: key, base: base, graphql: graphqlURL(base),
		gates: newGates(), cache: newRecent[string](cacheBytes, (*kept).size),
		tokens: newRecent[scope](maxSessions, func(*session) int { return 1 }),
		trees:  newRecent[string](maxTrees, func(string) int { return 1 }),
	}
	f.cfg.PrivateKey = nil // the parsed key is enough
	f.sender = &sender{next: cfg.HTTP, most: maxAnswer, within: callTime, now: cfg.Now, log: cfg.Log, observe: cfg.Observe, root: base.Path}
	return f, nil
}

func fill(cfg *Config) {
	if cfg.HTTP == nil {
		cfg.HTTP = transport()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Sleep == nil {
		cfg.Sleep = sleep
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Float64
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
}

func transport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    16,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    10 * time.Second,
		ResponseHeaderTimeout:  20 * time.Second,
		MaxResponseHeaderBytes: 1 << 20,
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait to try again: %w", ctx.Err())
	}
}

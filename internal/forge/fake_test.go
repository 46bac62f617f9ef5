package forge_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/keyreeve/keyreeve/internal/forge"
	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

var keyPEM = sync.OnceValue(func() []byte {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
})

// fake is a server that mints tokens, and answers all else by a script. It keeps what it was sent.
type fake struct {
	t      *testing.T
	server *httptest.Server
	forge  *forge.Forge
	answer func(w http.ResponseWriter, r *http.Request, body string)
	minted func(w http.ResponseWriter, body string) bool // true: it has answered itself

	mu     sync.Mutex
	now    time.Time
	slept  []time.Duration
	mints  []string // bodies
	calls  []call   // all but the mints
	routes []string
	log    bytes.Buffer
}

type call struct{ method, path, auth, match, body string }

var mintPath = regexp.MustCompile(`^/app/installations/(\d+)/access_tokens$`)

// newFake starts a server; answer may be nil for a test that sets it later.
func newFake(t *testing.T, answer func(w http.ResponseWriter, r *http.Request, body string)) *fake {
	t.Helper()
	f := &fake{t: t, answer: answer, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	f.server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.server.Close)
	var err error
	f.forge, err = forge.New(forge.Config{
		AppID: 7, PrivateKey: keyPEM(), BaseURL: f.server.URL, Now: f.clock, Rand: func() float64 { return 0.5 },
		Log: slog.New(slog.NewTextHandler(&locked{f: f}, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Sleep: func(ctx context.Context, d time.Duration) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.slept = append(f.slept, d)
			return ctx.Err()
		},
		Observe: func(route string, status int, _ time.Duration) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.routes = append(f.routes, fmt.Sprintf("%s %d", route, status))
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// locked writes to the fake's log.
type locked struct{ f *fake }

func (l *locked) Write(p []byte) (int, error) {
	l.f.mu.Lock()
	defer l.f.mu.Unlock()
	return l.f.log.Write(p)
}

func (f *fake) clock() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

func (f *fake) advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	body := string(raw)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-GitHub-Request-Id", "REQ:1")
	w.Header().Set("Date", f.clock().Format(http.TimeFormat))
	if m := mintPath.FindStringSubmatch(r.URL.Path); m != nil {
		f.mu.Lock()
		f.mints = append(f.mints, body)
		n := len(f.mints)
		f.mu.Unlock()
		if f.minted != nil && f.minted(w, body) {
			return
		}
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"token":"ghs_token%dof%s","expires_at":%q}`, n, m[1], time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
		return
	}
	f.mu.Lock()
	f.calls = append(f.calls, call{r.Method, r.URL.RequestURI(), r.Header.Get("Authorization"), r.Header.Get("If-None-Match"), body})
	f.mu.Unlock()
	f.answer(w, r, body)
}

func (f *fake) made() []call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]call(nil), f.calls...)
}

func (f *fake) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls, f.slept, f.mints = nil, nil, nil
}

// place is issue 12 of acme/identities through an installation.
func place(installation int64) workflow.Place {
	return workflow.Place{Installation: installation, Repo: identity.Repo{ID: 99, Owner: "acme", Name: "identities"}, Number: 12}
}

// read is the simplest read: one GET.
func (f *fake) read(installation int64) (string, error) {
	return f.forge.Tip(context.Background(), place(installation), "main")
}

// write is the simplest write: one POST.
func (f *fake) write(installation int64) error {
	return f.forge.Apply(context.Background(), workflow.CreateComment{At: place(installation), Body: "hello"})
}

const sha = "0123456789abcdef0123456789abcdef01234567"

func ref(sha string) string {
	return fmt.Sprintf(`{"ref":"refs/heads/main","object":{"type":"commit","sha":%q}}`, sha)
}

// say answers with a status and GitHub's form of a message.
func say(w http.ResponseWriter, status int, message string) {
	w.WriteHeader(status)
	body, _ := json.Marshal(map[string]string{"message": message, "documentation_url": "https://docs.github.com/rest"})
	_, _ = w.Write(body)
}

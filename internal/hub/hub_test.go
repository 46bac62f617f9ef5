package hub

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/keyreeve/keyreeve/internal/hub/contract"
)

// noon is when every test's world starts.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// clock is a world's clock that stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// world is a hub over HTTP with acme: dana (member), rory (member, owner of the registry by team "security"), olga (owner),
// sam (a stranger); the repositories identities and app; and the App keyreeve on all of acme.
type world struct {
	*Hub
	t     *testing.T
	clock *clock
	app   App
	inst  int64
	key   *rsa.PrivateKey
	door  *door
}

// everything is what the tests' App may do, unless they say otherwise.
var everything = map[string]string{
	"issues": "write", "pull_requests": "write", "contents": "write", "checks": "write", "administration": "write", "members": "write",
	"actions": "read", "secrets": "write", "environments": "write", "actions_variables": "write", "dependabot_secrets": "write",
	"codespaces_secrets": "write", "agent_secrets": "write", "organization_secrets": "write", "organization_administration": "read",
	"organization_actions_variables": "write", "organization_dependabot_secrets": "write", "organization_codespaces_secrets": "write",
	"organization_agent_secrets": "write", "agent_variables": "write", "merge_queues": "read",
}

var allEvents = []string{
	"issues", "issue_comment", "pull_request", "pull_request_review", "push", "check_run", "check_suite", "merge_group", "member", "membership", "team", "team_add",
	"organization", "repository", "deploy_key",
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{now: noon}, door: newDoor(t)}
	h, err := New(Options{Dir: t.TempDir(), Now: w.clock.Now, AuthNow: w.clock.Now})
	must(t, err)
	w.Hub = h
	description, err := contract.Load()
	must(t, err)
	h.Wrap(func(next http.Handler) http.Handler {
		return description.Wrap(next, func(v contract.Violation) {
			// A test of refusals sends bad bodies on purpose: those it says so of.
			if v.Side == contract.Request && w.door.wrongRequests() {
				return
			}
			t.Errorf("contract: %v", v)
		})
	})
	_, err = h.Start("127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { must(t, h.Close()) })
	must(t, h.AddOrg("acme"))
	for _, login := range []string{"dana", "rory", "olga", "sam"} {
		_, err := h.AddUser(login)
		must(t, err)
	}
	must(t, h.AddMember("acme", "dana", "member"))
	must(t, h.AddMember("acme", "rory", "member"))
	must(t, h.AddMember("acme", "olga", "admin"))
	must(t, h.AddTeam("acme", "security", "rory"))
	must(t, h.AddRepo("acme", "identities", map[string]string{"README.md": "hello\n", ".github/CODEOWNERS": "* @acme/security\n"}))
	must(t, h.AddRepo("acme", "app", map[string]string{"main.go": "package main\n"}))
	must(t, h.GrantTeam("acme", "security", "acme", "identities", "maintain"))
	must(t, h.AddCollaborator("acme", "identities", "dana", "read"))
	w.app, err = h.AddApp(AppConfig{
		Slug: "keyreeve", WebhookURL: w.door.server.URL, WebhookSecret: "s3cret", Permissions: everything, Events: allEvents,
	})
	must(t, err)
	w.inst, err = h.Install(w.app.ID, "acme")
	must(t, err)
	w.key = parseKey(t, w.app.PrivateKeyPEM)
	return w
}

func parseKey(t *testing.T, text []byte) *rsa.PrivateKey {
	t.Helper()
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	must(t, err)
	return key
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// jwt is the App's, valid now.
func (w *world) jwt() string { return w.signed(w.app.ID, noonOffset{-time.Minute, 5 * time.Minute}) }

type noonOffset struct{ iat, exp time.Duration }

func (w *world) signed(iss any, o noonOffset) string {
	w.t.Helper()
	now := w.clock.Now()
	tok := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{"iss": iss, "iat": now.Add(o.iat).Unix(), "exp": now.Add(o.exp).Unix()})
	text, err := tok.SignedString(w.key)
	must(w.t, err)
	return text
}

// token makes an installation's token, narrowed by the body.
func (w *world) token(body string) string {
	w.t.Helper()
	res := w.call(w.jwt(), "POST", fmt.Sprintf("/app/installations/%d/access_tokens", w.inst), body)
	res.want(201)
	return res.str("token")
}

// result is an answer.
type result struct {
	t      *testing.T
	what   string
	status int
	header http.Header
	body   []byte
}

// call makes one REST call over HTTP. body is JSON text, or anything that becomes it.
func (w *world) call(token, method, path string, body any, headers ...string) *result {
	w.t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		if b != "" {
			reader = strings.NewReader(b)
		}
	default:
		raw, err := json.Marshal(b)
		must(w.t, err)
		reader = bytes.NewReader(raw)
	}
	req, err := http.NewRequest(method, w.URL()+path, reader)
	must(w.t, err)
	if reader != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	must(w.t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	must(w.t, err)
	return &result{w.t, method + " " + path, resp.StatusCode, resp.Header, data}
}

// unchecked makes a call that the contract does not see: the description lists neither raw contents nor every 409.
func (w *world) unchecked(token, method, path string, body any, headers ...string) *result {
	w.t.Helper()
	raw, err := json.Marshal(body)
	must(w.t, err)
	req, err := http.NewRequest(method, w.URL()+path, nil)
	must(w.t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	status, header, data := w.api(req, raw, nil)
	return &result{w.t, method + " " + path, status, header, data}
}

// refused makes a call whose request is wrong on purpose, so that the contract's word on the request does not count.
func (w *world) refused(status int, token, method, path string, body any) *result {
	w.t.Helper()
	w.door.setWrong(true)
	defer w.door.setWrong(false)
	return w.call(token, method, path, body).want(status)
}

func (r *result) want(status int) *result {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("%s: status %d, want %d: %.300s", r.what, r.status, status, r.body)
	}
	return r
}

// at digs into the answer: "a.b.0.c".
func (r *result) at(path string) any {
	r.t.Helper()
	var v any
	if err := json.Unmarshal(r.body, &v); err != nil {
		r.t.Fatalf("%s: %v: %.200s", r.what, err, r.body)
	}
	return dig(v, path)
}

func dig(v any, path string) any {
	if path == "" {
		return v
	}
	for key := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[key]
		case []any:
			var i int
			if _, err := fmt.Sscanf(key, "%d", &i); err != nil || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

func (r *result) str(path string) string {
	r.t.Helper()
	s, _ := r.at(path).(string)
	return s
}

func (r *result) id(path string) int64 {
	r.t.Helper()
	f, is := r.at(path).(float64)
	if !is {
		r.t.Fatalf("%s: %s is no number: %.300s", r.what, path, r.body)
	}
	return int64(f)
}

// is compares a value in the answer, as JSON.
func (r *result) is(path string, want any) *result {
	r.t.Helper()
	got, _ := json.Marshal(r.at(path))
	expected, _ := json.Marshal(want)
	if string(got) != string(expected) {
		r.t.Fatalf("%s: %s is %s, want %s", r.what, path, got, expected)
	}
	return r
}

// door is where the App's webhooks arrive.
type door struct {
	server *httptest.Server
	mu     sync.Mutex
	got    []hook
	status int
	wrong  bool
}

type hook struct {
	header http.Header
	body   []byte
}

func newDoor(t *testing.T) *door {
	d := &door{status: http.StatusAccepted}
	d.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the hub closed meanwhile
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		d.got = append(d.got, hook{r.Header.Clone(), body})
		w.WriteHeader(d.status)
	}))
	t.Cleanup(d.server.Close)
	return d
}

func (d *door) setWrong(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wrong = on
}

func (d *door) wrongRequests() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.wrong
}

func (d *door) answer(status int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.status = status
}

// hooks waits for all deliveries, and returns and forgets what came.
func (w *world) hooks() []hook {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	must(w.t, w.WaitIdle(ctx))
	w.door.mu.Lock()
	defer w.door.mu.Unlock()
	got := w.door.got
	w.door.got = nil
	return got
}

// names lists hooks as "event.action".
func hookNames(hooks []hook) []string {
	var out []string
	for _, h := range hooks {
		var p struct {
			Action string `json:"action"`
		}
		_ = json.Unmarshal(h.body, &p)
		name := h.header.Get("X-GitHub-Event")
		if p.Action != "" {
			name += "." + p.Action
		}
		out = append(out, name)
	}
	return out
}

func sameNames(t *testing.T, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Fatalf("got  %v\nwant %v", got, want)
	}
}

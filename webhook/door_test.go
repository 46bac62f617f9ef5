package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/keyreeve/keyreeve/internal/workflow"
)

const (
	testApp   = 29310
	newSecret = "the new secret of the hook"
	oldSecret = "the old secret of the hook"
	guid      = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
)

var clock = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func TestMain(m *testing.M) {
	gin.SetMode(gin.TestMode)
	os.Exit(m.Run())
}

// inbox keeps deliveries as the real one is to: by App and id, a known id that did not finish is woken again.
type inbox struct {
	mu       sync.Mutex
	rows     map[string]workflow.Delivery
	finished map[string]bool
	jobs     []string // ids, in the order in which work was asked for
	fail     error
	block    func(context.Context) error // called before anything is written
}

func newInbox() *inbox {
	return &inbox{rows: map[string]workflow.Delivery{}, finished: map[string]bool{}}
}

func (b *inbox) Accept(ctx context.Context, d workflow.Delivery) (bool, error) {
	if b.block != nil {
		if err := b.block(ctx); err != nil {
			return false, err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return false, b.fail
	}
	key := fmt.Sprintf("%d/%s", d.App, d.ID)
	_, known := b.rows[key]
	if !known {
		b.rows[key] = d
	}
	if !b.finished[key] {
		b.jobs = append(b.jobs, d.ID)
	}
	return !known, nil
}

func (b *inbox) ids() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Sorted(maps.Keys(b.rows))
}

// rig is a door with its inbox, log and counts.
type rig struct {
	*inbox
	engine *gin.Engine
	log    bytes.Buffer
	counts []string
}

func newRig(t testing.TB, change ...func(*Config)) *rig {
	t.Helper()
	r := &rig{inbox: newInbox(), engine: gin.New()}
	var mu sync.Mutex
	c := Config{
		App: testApp, Secrets: [][]byte{[]byte(newSecret), []byte(oldSecret)}, Inbox: r.inbox,
		Now: func() time.Time { return clock }, Log: slog.New(slog.NewTextHandler(&r.log, nil)),
		Count: func(event string, result Result) {
			mu.Lock()
			defer mu.Unlock()
			r.counts = append(r.counts, event+" "+string(result))
		},
	}
	for _, f := range change {
		f(&c)
	}
	h, err := Handler(c)
	if err != nil {
		t.Fatal(err)
	}
	r.engine.Any("/webhook", h)
	return r
}

func (r *rig) send(req *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r.engine.ServeHTTP(w, req)
	return w
}

func mac(h func() hash.Hash, secret, body string) string {
	m := hmac.New(h, []byte(secret))
	m.Write([]byte(body))
	return hex.EncodeToString(m.Sum(nil))
}

func sign(secret, body string) string { return "sha256=" + mac(sha256.New, secret, body) }

// delivery is a request as GitHub sends it.
func delivery(event, id, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/webhook", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-GitHub-Event", event)
	r.Header.Set("X-GitHub-Delivery", id)
	r.Header.Set("X-GitHub-Hook-Installation-Target-Type", "integration")
	r.Header.Set("X-GitHub-Hook-Installation-Target-ID", fmt.Sprint(testApp))
	r.Header.Set("X-Hub-Signature", "sha1="+mac(sha1.New, newSecret, body))
	r.Header.Set("X-Hub-Signature-256", sign(newSecret, body))
	return r
}

func answerOf(t *testing.T, w *httptest.ResponseRecorder) (a answer) {
	t.Helper()
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		t.Fatalf("answer %q: %v", w.Body, err)
	}
	return a
}

const payload = `{"action":"opened","installation":{"id":7}}`

func TestAccepts(t *testing.T) {
	tests := []struct {
		name, event, body, secret string
		status                    int
		answer                    answer
		installation              int64
	}{
		{"issues", "issues", payload, newSecret, 202, answer{Accepted: true, Delivery: guid}, 7},
		{"ping", "ping", `{"zen":"x"}`, newSecret, 200, answer{Accepted: true, Delivery: guid, Pong: true}, 0},
		{"old secret while rotating (THREATS 9)", "issues", payload, oldSecret, 202, answer{Accepted: true, Delivery: guid}, 7},
		{"no installation", "push", `{}`, newSecret, 202, answer{Accepted: true, Delivery: guid}, 0},
		{"odd installation", "push", ` {"installation":"x"}`, newSecret, 202, answer{Accepted: true, Delivery: guid}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			req := delivery(tt.event, guid, tt.body)
			req.Header.Set("X-Hub-Signature-256", sign(tt.secret, tt.body))
			w := r.send(req)
			if got := answerOf(t, w); w.Code != tt.status || got != tt.answer {
				t.Errorf("answered %d %+v, want %d %+v", w.Code, got, tt.status, tt.answer)
			}
			want := workflow.Delivery{
				App: testApp, ID: guid, Event: tt.event, Body: []byte(tt.body), ReceivedAt: clock, Installation: tt.installation,
			}
			if got := r.rows[fmt.Sprintf("%d/%s", testApp, guid)]; fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("kept %v, want %v", got, want)
			}
			if want := []string{tt.event + " accepted"}; !slices.Equal(r.counts, want) {
				t.Errorf("counted %q, want %q", r.counts, want)
			}
		})
	}
}

func TestRefuses(t *testing.T) {
	header := func(name string, values ...string) func(*http.Request) {
		return func(r *http.Request) { r.Header[http.CanonicalHeaderKey(name)] = values }
	}
	body := func(s string) func(*http.Request) {
		return func(r *http.Request) {
			*r = *delivery("issues", guid, s)
		}
	}
	tests := []struct {
		name    string
		change  func(*http.Request)
		status  int
		counted string
		says    string
	}{
		{"form-encoded (THREATS 2)", header("Content-Type", "application/x-www-form-urlencoded"), 415, "unknown wrong_media", "set the webhook's content type to application/json"},
		{"no content type", header("Content-Type"), 415, "unknown wrong_media", "application/json"},
		{"get", func(r *http.Request) { r.Method = http.MethodGet }, 405, "unknown wrong_method", "POST"},
		{"no event", header("X-GitHub-Event"), 400, "unknown bad_headers", "X-GitHub-Event"},
		{"two events", header("X-GitHub-Event", "issues", "push"), 400, "unknown bad_headers", "once each"},
		{"strange event", header("X-GitHub-Event", "issues\"} 1"), 400, "unknown bad_headers", "X-GitHub-Event"},
		{"no id", header("X-GitHub-Delivery"), 400, "unknown bad_headers", "X-GitHub-Delivery"},
		{"empty id", header("X-GitHub-Delivery", ""), 400, "unknown bad_headers", "X-GitHub-Delivery"},
		{"long id", header("X-GitHub-Delivery", strings.Repeat("a", 129)), 400, "unknown bad_headers", "X-GitHub-Delivery"},
		{"path as id", header("X-GitHub-Delivery", "../x"), 400, "unknown bad_headers", "X-GitHub-Delivery"},
		{"another App", header("X-GitHub-Hook-Installation-Target-ID", "1"), 403, "issues wrong_app", "another App"},
		{"not JSON", body("payload=1"), 400, "issues not_json", "not a JSON object"},
		{"two documents", body("{}{}"), 400, "issues not_json", "not a JSON object"},
		{"array", body("[1]"), 400, "issues not_json", "not a JSON object"},
		{"null", body("null"), 400, "issues not_json", "not a JSON object"},
		{"empty", body(""), 400, "issues not_json", "not a JSON object"},
		{"too deep", body(strings.Repeat(`{"a":`, 20_000)), 400, "issues not_json", "not a JSON object"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			req := delivery("issues", guid, payload)
			tt.change(req)
			w := r.send(req)
			a := answerOf(t, w)
			if w.Code != tt.status || a.Accepted || !strings.Contains(a.Error, tt.says) {
				t.Errorf("answered %d %+v, want %d saying %q", w.Code, a, tt.status, tt.says)
			}
			if len(r.ids()) != 0 {
				t.Errorf("kept %q", r.ids())
			}
			if !slices.Equal(r.counts, []string{tt.counted}) {
				t.Errorf("counted %q, want %q", r.counts, tt.counted)
			}
		})
	}
}

// A hook of a repository or organization names no App: its target is not compared.
func TestTargetsOtherThanApps(t *testing.T) {
	r := newRig(t)
	req := delivery("issues", guid, payload)
	req.Header.Set("X-GitHub-Hook-Installation-Target-Type", "repository")
	req.Header.Set("X-GitHub-Hook-Installation-Target-ID", "1296269")
	if w := r.send(req); w.Code != 202 {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
}

func TestConfigNamesAllThatIsWrong(t *testing.T) {
	_, err := Handler(Config{Secrets: [][]byte{{}}, MaxBody: -1})
	for _, want := range []string{"no App id", "no inbox", "an empty secret", "a negative bound"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
	if _, err := Handler(Config{App: 1, Inbox: newInbox()}); err == nil || !strings.Contains(err.Error(), "no secret") {
		t.Errorf("without secrets: %v", err)
	}
	if _, err := Handler(Config{App: 1, Inbox: newInbox(), Secrets: [][]byte{[]byte("x")}}); err != nil {
		t.Errorf("the least that is needed: %v", err)
	}
}

// Nothing of a body, and no secret, is logged or answered.
func TestLogsNoContent(t *testing.T) {
	const private = "ghp_notForTheLog"
	for _, fail := range []error{nil, errors.New("disk full")} {
		r := newRig(t)
		r.fail = fail
		body := `{"issue":{"body":"` + private + `"}}`
		for _, b := range []string{body, body[1:]} {
			if w := r.send(delivery("issues", guid, b)); strings.Contains(w.Body.String(), private) {
				t.Errorf("answered %s", w.Body)
			}
		}
		if r.log.Len() == 0 || strings.Contains(r.log.String(), private) || strings.Contains(r.log.String(), newSecret) {
			t.Errorf("logged %s", r.log.String())
		}
		if fail != nil && !strings.Contains(r.log.String(), "disk full") {
			t.Errorf("the log does not tell why: %s", r.log.String())
		}
	}
}

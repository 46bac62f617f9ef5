package webhook

import (
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Each test is named by its line in the list of threats. Where a threat has two halves, the door's is tested here, with
// an inbox that keeps state; the other half belongs to the store and the queue.

func TestThreat1Signatures(t *testing.T) {
	tests := map[string]func(h http.Header){
		"absent":             func(h http.Header) { h.Del("X-Hub-Signature-256"); h.Del("X-Hub-Signature") },
		"only SHA-1":         func(h http.Header) { h.Del("X-Hub-Signature-256") },
		"SHA-1 in its place": func(h http.Header) { h.Set("X-Hub-Signature-256", "sha1="+mac(sha1.New, newSecret, payload)) },
		"another secret":     func(h http.Header) { h.Set("X-Hub-Signature-256", sign("guess", payload)) },
		"the empty secret":   func(h http.Header) { h.Set("X-Hub-Signature-256", sign("", payload)) },
		"another body":       func(h http.Header) { h.Set("X-Hub-Signature-256", sign(newSecret, payload+" ")) },
		"no prefix":          func(h http.Header) { h.Set("X-Hub-Signature-256", sign(newSecret, payload)[7:]) },
		"cut":                func(h http.Header) { h.Set("X-Hub-Signature-256", sign(newSecret, payload)[:70]) },
		"long":               func(h http.Header) { h.Set("X-Hub-Signature-256", sign(newSecret, payload)+"00") },
		"not hex":            func(h http.Header) { h.Set("X-Hub-Signature-256", "sha256="+strings.Repeat("zz", 32)) },
		"empty":              func(h http.Header) { h.Set("X-Hub-Signature-256", "") },
		"a right one and a wrong one": func(h http.Header) {
			h["X-Hub-Signature-256"] = []string{sign(newSecret, payload), sign("guess", payload)}
		},
	}
	bodies := map[string][]string{}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			req := delivery("issues", guid, payload)
			change(req.Header)
			w := r.send(req)
			if w.Code != http.StatusUnauthorized {
				t.Errorf("answered %d %s", w.Code, w.Body)
			}
			if len(r.rows) != 0 || len(r.jobs) != 0 {
				t.Errorf("written: %v, %v", r.rows, r.jobs)
			}
			if !slices.Equal(r.counts, []string{"unknown unsigned"}) {
				t.Errorf("counted %q: a stranger chose the label", r.counts)
			}
			bodies[w.Body.String()] = append(bodies[w.Body.String()], name)
		})
	}
	if len(bodies) != 1 {
		t.Errorf("the answers differ: %v", bodies)
	}
}

// metered is an endless body that tells how much of it was read.
type metered struct{ n int64 }

func (m *metered) Read(p []byte) (int, error) { m.n += int64(len(p)); return len(p), nil }

func TestThreat2LargeBodies(t *testing.T) {
	const bound = 1 << 20
	for _, declared := range []int64{bound + 1, -1, 100 << 30} {
		t.Run(fmt.Sprint(declared), func(t *testing.T) {
			r := newRig(t, func(c *Config) { c.MaxBody = bound })
			body := &metered{}
			req := delivery("issues", guid, payload)
			req.Body, req.ContentLength = io.NopCloser(body), declared
			w := r.send(req)
			if w.Code != http.StatusRequestEntityTooLarge || len(r.rows) != 0 {
				t.Errorf("answered %d %s, kept %d", w.Code, w.Body, len(r.rows))
			}
			if declared > bound && body.n != 0 {
				t.Errorf("read %d bytes of a body that says it is too large", body.n)
			}
			if body.n > 2*bound {
				t.Errorf("read %d bytes, the bound is %d", body.n, bound)
			}
		})
	}
	t.Run("at the bound", func(t *testing.T) {
		r := newRig(t, func(c *Config) { c.MaxBody = int64(len(payload)) })
		if w := r.send(delivery("issues", guid, payload)); w.Code != 202 {
			t.Errorf("answered %d %s", w.Code, w.Body)
		}
	})
	t.Run("default", func(t *testing.T) {
		r := newRig(t)
		body := `{"a":"` + strings.Repeat("x", 25<<20-8) + `"}`
		if w := r.send(delivery("issues", guid, body)); w.Code != 202 {
			t.Errorf("GitHub's largest: answered %d %s", w.Code, w.Body)
		}
		if w := r.send(delivery("issues", guid, body+" ")); w.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("one byte more: answered %d %s", w.Code, w.Body)
		}
	})
}

// Over a connection, the answer comes while the body is still to be sent.
func TestThreat2AnswersBeforeTheBody(t *testing.T) {
	tests := []struct {
		name    string
		length  int
		sent    string
		headers string
		want    string
	}{
		{"too large", 30 << 20, "", "", "413"},
		{"stops half-way", 100, "{", "X-Hub-Signature-256: " + sign(newSecret, payload) + "\r\n", "408"},
		{"unsigned", 100, "", "", "401"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, func(c *Config) { c.Deadline = 50 * time.Millisecond })
			srv := httptest.NewServer(r.engine)
			defer srv.Close()
			conn, err := net.Dial("tcp", srv.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(conn, "POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s",
				tt.headers, tt.length, tt.sent)
			got := make([]byte, len("HTTP/1.1 413"))
			if _, err := io.ReadFull(conn, got); err != nil || string(got[9:]) != tt.want {
				t.Errorf("answered %q, %v; want %s", got, err, tt.want)
			}
			if len(r.ids()) != 0 {
				t.Errorf("kept %q", r.ids())
			}
		})
	}
}

func TestThreat3KeptBeforeTheAnswer(t *testing.T) {
	t.Run("no answer while it is being kept", func(t *testing.T) {
		r := newRig(t)
		w := httptest.NewRecorder()
		w.Code = 0
		r.block = func(context.Context) error {
			if w.Code != 0 || w.Body.Len() != 0 {
				t.Errorf("answered %d %s before the inbox had it", w.Code, w.Body)
			}
			return nil
		}
		r.engine.ServeHTTP(w, delivery("issues", guid, payload))
		if w.Code != 202 || len(r.jobs) != 1 {
			t.Errorf("answered %d, jobs %q", w.Code, r.jobs)
		}
	})
	t.Run("the inbox fails", func(t *testing.T) {
		r := newRig(t)
		r.fail = errors.New("write /var/lib/x.db: no space left on device")
		w := r.send(delivery("issues", guid, payload))
		a := answerOf(t, w)
		if w.Code != 503 || w.Header().Get("Retry-After") == "" || a.Accepted || a.Delivery != guid {
			t.Errorf("answered %d %v %+v", w.Code, w.Header(), a)
		}
		if strings.Contains(w.Body.String(), "/var") {
			t.Errorf("the answer tells of the inside: %s", w.Body)
		}
		if !slices.Equal(r.counts, []string{"issues unavailable"}) {
			t.Errorf("counted %q", r.counts)
		}
	})
	t.Run("the inbox hangs", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			r.block = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
			start := time.Now()
			w := r.send(delivery("issues", guid, payload))
			if took := time.Since(start); w.Code != 503 || took >= 10*time.Second {
				t.Errorf("answered %d after %s; GitHub waits 10 s", w.Code, took)
			}
		})
	})
	t.Run("the door is closed", func(t *testing.T) {
		open := false
		r := newRig(t, func(c *Config) { c.Ready = func() bool { return open } })
		body := &metered{}
		req := delivery("issues", guid, payload)
		req.Body = io.NopCloser(body)
		w := r.send(req)
		if w.Code != 503 || w.Header().Get("Retry-After") == "" || body.n != 0 || len(r.rows) != 0 {
			t.Errorf("answered %d %v, read %d, kept %d", w.Code, w.Header(), body.n, len(r.rows))
		}
		open = true
		if w := r.send(delivery("issues", guid, payload)); w.Code != 202 {
			t.Errorf("opened: answered %d", w.Code)
		}
	})
}

// What was answered with a 2xx is in the inbox and nowhere else: a door that is thrown away loses nothing.
func TestThreat4NothingInMemory(t *testing.T) {
	r := newRig(t)
	var acked []string
	for i := range 20 {
		r.fail = nil
		if i%3 == 0 {
			r.fail = os.ErrClosed
		}
		id := fmt.Sprintf("%s-%02d", guid, i)
		if w := r.send(delivery("issues", id, payload)); w.Code == 202 {
			acked = append(acked, fmt.Sprintf("%d/%s", testApp, id))
		}
	}
	if !slices.Equal(acked, r.ids()) || len(acked) != 13 || len(r.jobs) != 13 {
		t.Errorf("acknowledged %q, kept %q, jobs %q", acked, r.ids(), r.jobs)
	}
}

// A sender that hangs up once the body is there does not take its delivery back.
func TestThreat4HangingUp(t *testing.T) {
	r := newRig(t)
	ctx, cancel := context.WithCancel(t.Context())
	r.block = func(ctx context.Context) error { cancel(); return ctx.Err() }
	r.send(delivery("issues", guid, payload).WithContext(ctx))
	if len(r.rows) != 1 {
		t.Errorf("kept %q", r.ids())
	}
}

func TestThreat5TheSameIDTwice(t *testing.T) {
	r := newRig(t)
	key := fmt.Sprintf("%d/%s", testApp, guid)
	known := func() bool {
		w := r.send(delivery("issues", guid, payload))
		if w.Code != 202 {
			t.Fatalf("answered %d %s", w.Code, w.Body)
		}
		return answerOf(t, w).Known
	}
	if known() {
		t.Error("the first one was known")
	}
	// It did not finish: the door passes it on, and it is taken up again.
	if !known() || len(r.jobs) != 2 || len(r.rows) != 1 {
		t.Errorf("redelivered, unfinished: jobs %q, rows %q", r.jobs, r.ids())
	}
	r.finished[key] = true
	if !known() || len(r.jobs) != 2 || len(r.rows) != 1 {
		t.Errorf("redelivered, finished: jobs %q, rows %q", r.jobs, r.ids())
	}
	if want := []string{"issues accepted", "issues known", "issues known"}; !slices.Equal(r.counts, want) {
		t.Errorf("counted %q", r.counts)
	}
}

// Many events of one subject at once, while it is being worked: the door passes on each of them, and joins none.
func TestThreat10NoneIsSwallowed(t *testing.T) {
	r := newRig(t)
	srv := httptest.NewServer(r.engine)
	defer srv.Close()
	const n = 50
	codes := make(chan int, n)
	for i := range n {
		go func() {
			req := delivery("issue_comment", fmt.Sprintf("%s-%02d", guid, i), payload)
			out, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/webhook", strings.NewReader(payload))
			out.Header = req.Header
			res, err := srv.Client().Do(out)
			if err != nil {
				t.Error(err)
				codes <- 0
				return
			}
			res.Body.Close()
			codes <- res.StatusCode
		}()
	}
	for range n {
		if code := <-codes; code != 202 {
			t.Errorf("answered %d", code)
		}
	}
	if len(r.rows) != n || len(r.jobs) != n {
		t.Errorf("%d rows and %d jobs of %d deliveries", len(r.rows), len(r.jobs), n)
	}
}

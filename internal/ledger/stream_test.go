package ledger_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyreeve/keyreeve/internal/audit"
	"github.com/keyreeve/keyreeve/internal/ledger"
)

// siem is a receiver that keeps what it took, and fails when it is told to.
type siem struct {
	mu    sync.Mutex
	uids  []string
	posts int
	fail  func(post int) int // a status to answer with, 0 to take it
	auth  string
}

func (s *siem) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.posts++
	s.auth = r.Header.Get("Authorization")
	status := 0
	if s.fail != nil {
		status = s.fail(s.posts)
	}
	// What it took before it failed it keeps, as a receiver may.
	for lines := bufio.NewScanner(io.LimitReader(r.Body, 10<<20)); lines.Scan(); {
		s.uids = append(s.uids, uid(lines.Bytes()))
	}
	if status != 0 {
		http.Error(w, "the secret was: xyz", status)
	}
}

func uid(event []byte) string {
	var e struct {
		Metadata struct {
			UID string `json:"uid"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(event, &e); err != nil {
		return err.Error()
	}
	return e.Metadata.UID
}

func (r *rig) stream(sink ledger.Sink) *ledger.Stream {
	return &ledger.Stream{Name: "test", Store: r.db, Sink: sink, Source: audit.Source{Origin: origin}, Log: slog.New(slog.NewTextHandler(r.Output(), nil))}
}

func TestStreamHTTPS(t *testing.T) {
	r := newRig(t)
	s := &siem{}
	srv := httptest.NewTLSServer(s)
	defer srv.Close()
	roots := srv.Client().Transport.(*http.Transport).TLSClientConfig
	sink, err := ledger.NewSink(srv.URL+"/ingest?key=hidden", "a token", roots)
	r.ok(err)
	stream := r.stream(sink)
	if n, err := stream.Once(t.Context()); n != 0 || err != nil || s.posts != 0 {
		t.Errorf("an empty log: %d, %v, %d posts", n, err, s.posts)
	}
	r.add(450)
	// The second batch fails after the receiver has kept it.
	s.fail = func(post int) int {
		if post == 2 {
			return http.StatusServiceUnavailable
		}
		return 0
	}
	if n, err := stream.Once(t.Context()); n != 200 || err == nil || !strings.Contains(err.Error(), "stream entries 200 to 399: the SIEM answered 503") || strings.Contains(err.Error(), "xyz") {
		t.Errorf("%d, %v", n, err)
	}
	// A new start goes on from the cursor.
	if n, err := r.stream(sink).Once(t.Context()); n != 250 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if s.auth != "Bearer a token" {
		t.Errorf("authorization: %q", s.auth)
	}
	got := map[string]int{}
	for _, u := range s.uids {
		got[u]++
	}
	for i := range 450 {
		want := 1
		if i >= 200 && i < 400 {
			want = 2
		}
		if got[fmt.Sprint(i)] != want {
			t.Errorf("entry %d came %d times, want %d", i, got[fmt.Sprint(i)], want)
		}
	}
	if n, err := stream.Once(t.Context()); n != 0 || err != nil {
		t.Errorf("again: %d, %v", n, err)
	}
	// What cannot be reached does not show the address's query.
	srv.Close()
	r.add(1)
	if _, err := stream.Once(t.Context()); err == nil || strings.Contains(err.Error(), "hidden") {
		t.Errorf("closed: %v", err)
	}
}

// TestStreamRun: a sink that fails is left alone longer and longer, and then gets everything.
func TestStreamRun(t *testing.T) {
	r := newRig(t)
	r.add(3)
	s := &siem{fail: func(post int) int {
		if post <= 3 {
			return http.StatusBadGateway
		}
		return 0
	}}
	srv := httptest.NewServer(s)
	defer srv.Close()
	sink, err := ledger.NewSink(srv.URL, "", nil)
	r.ok(err)
	ticks := make(chan time.Time)
	done := make(chan struct{})
	go func() { defer close(done); r.stream(sink).Run(t.Context(), ticks) }()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	// Tried at 0 s, 1 s, 3 s and 7 s.
	for second := range 9 {
		ticks <- at.Add(time.Duration(second) * time.Second)
	}
	close(ticks)
	<-done
	if s.posts != 4 || len(s.uids) != 4*3 {
		t.Errorf("%d posts, %v", s.posts, s.uids)
	}
	if seq, err := r.db.LogCursor(t.Context(), "test"); err != nil || seq != 3 {
		t.Errorf("the cursor is at %d, %v", seq, err)
	}
}

func TestStreamEnds(t *testing.T) {
	r := newRig(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r.stream(nil).Run(ctx, make(chan time.Time)) // it returns
}

// TestStreamSyslog: messages of RFC 5424, framed by their length, over TLS; a connection that was closed is made anew.
func TestStreamSyslog(t *testing.T) {
	r := newRig(t)
	srv := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate alone
	defer srv.Close()
	roots := srv.Client().Transport.(*http.Transport).TLSClientConfig
	for scheme, listen := range map[string]func() (net.Listener, error){
		"syslog+tls": func() (net.Listener, error) {
			return tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: srv.TLS.Certificates, MinVersion: tls.VersionTLS12})
		},
		"syslog": func() (net.Listener, error) { return new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0") },
	} {
		l, err := listen()
		r.ok(err)
		defer func() { _ = l.Close() }()
		messages := make(chan string)
		go accept(l, messages, 2)
		sink, err := ledger.NewSink(scheme+"://"+l.Addr().String(), "", roots)
		r.ok(err)
		stream := r.stream(sink)
		stream.Name = scheme
		first := r.n
		r.add(2)
		for range 2 { // the receiver closes after two messages
			if _, err := stream.Once(t.Context()); err != nil {
				t.Fatal(err)
			}
			var got []string
			for range r.n - first {
				got = append(got, <-messages)
			}
			if m := <-messages; m != "" {
				t.Fatalf("one message too many: %q", m)
			}
			for i, m := range got {
				head, event, ok := strings.Cut(m, " \ufeff")
				want := fmt.Sprintf("<110>1 1970-01-01T00:00:%02d.000000Z ", first+i)
				if !ok || !strings.HasPrefix(head, want) || !strings.HasSuffix(head, fmt.Sprintf(` keyreeve - decided [entry@32473 seq="%d" step="decided"]`, first+i)) || uid([]byte(event)) != fmt.Sprint(first+i) {
					t.Errorf("%s: %q, want %s…", scheme, m, want)
				}
			}
			first = r.n
			r.add(2)
		}
		// The last two were not streamed to this sink, and come first at the next one.
		r.ok(r.db.MoveLogCursor(t.Context(), "syslog", int64(r.n)))
		r.ok(r.db.MoveLogCursor(t.Context(), "syslog+tls", int64(r.n)))
	}
}

// accept reads framed messages, and closes each connection after so many.
func accept(l net.Listener, messages chan<- string, most int) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		b := bufio.NewReader(c)
		for range most {
			var n int
			if _, err := fmt.Fscanf(b, "%d ", &n); err != nil {
				break
			}
			raw := make([]byte, n)
			if _, err := io.ReadFull(b, raw); err != nil {
				break
			}
			messages <- string(raw)
		}
		_ = c.Close()
		messages <- "" // it is closed
	}
}

func TestNewSink(t *testing.T) {
	for _, bad := range []string{"", "siem.example", "http://siem.example/in", "syslog://siem.example:514", "syslog+tls://siem.example", "https://user:secret@siem.example/", "ftp://siem.example/", "file:///etc/x"} {
		if _, err := ledger.NewSink(bad, "", nil); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, good := range []string{"https://siem.example/in", "http://127.0.0.1:8088/in", "http://localhost/", "syslog+tls://siem.example:6514", "syslog://[::1]:514"} {
		if _, err := ledger.NewSink(good, "", nil); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	// A redirect to elsewhere is not followed: the token would go along.
	var elsewhere bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere = true }))
	defer other.Close()
	srv := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer srv.Close()
	sink, err := ledger.NewSink(srv.URL, "t", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := sink.Send(t.Context(), []ledger.Event{{OCSF: []byte("{}")}}); err == nil || elsewhere {
		t.Errorf("a redirect: %v, followed %v", err, elsewhere)
	}
	if err := sink.Send(cancelled(t), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func cancelled(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

package forge_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyreeve/keyreeve/internal/forge"
	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

func TestTokensAreNarrowed(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, r *http.Request, _ string) {
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusCreated)
			fmt.Fprint(w, `{"id":1}`)
			return
		}
		fmt.Fprint(w, ref(sha))
	})
	for range 2 {
		if _, err := f.read(5); err != nil {
			t.Fatal(err)
		}
		if err := f.write(5); err != nil {
			t.Fatal(err)
		}
	}
	byName := workflow.Place{Installation: 5, Repo: identity.Repo{Owner: "acme", Name: "payments"}}
	if _, err := f.forge.Tip(context.Background(), byName, "main"); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`{"repository_ids":[99],"permissions":{"contents":"read"}}`,
		`{"repository_ids":[99],"permissions":{"issues":"write","pull_requests":"write"}}`,
		`{"repositories":["payments"],"permissions":{"contents":"read"}}`,
	}
	for i := range f.mints {
		f.mints[i] = strings.TrimSpace(f.mints[i])
	}
	if !slices.Equal(f.mints, want) {
		t.Errorf("tokens were minted with\n%s\nwant\n%s", strings.Join(f.mints, "\n"), strings.Join(want, "\n"))
	}
	for i, auth := range []string{"token ghs_token1of5", "token ghs_token2of5", "token ghs_token1of5", "token ghs_token2of5", "token ghs_token3of5"} {
		if got := f.made()[i].auth; got != auth {
			t.Errorf("call %d bore %q, want %q", i, got, auth)
		}
	}
	if strings.Contains(f.log.String(), "ghs_") || strings.Contains(f.log.String(), "eyJ") {
		t.Errorf("the log holds a token:\n%s", f.log.String())
	}
}

func TestARefusedTokenIsMintedAnewOnce(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(f *fake) error
	}{
		{"read", func(f *fake) error { _, err := f.read(5); return err }},
		{"write", func(f *fake) error { return f.write(5) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake(t, func(w http.ResponseWriter, r *http.Request, body string) {
				if r.Header.Get("Authorization") == "token ghs_token1of5" {
					say(w, 401, "Bad credentials")
					return
				}
				if r.Method == http.MethodPost && body != "{\"body\":\"hello\"}\n" {
					t.Errorf("the second try bore %q", body)
				}
				fmt.Fprint(w, ref(sha))
			})
			if err := c.do(f); err != nil {
				t.Fatal(err)
			}
			if len(f.mints) != 2 || len(f.made()) != 2 {
				t.Errorf("%d mints, %d calls, want 2 of each", len(f.mints), len(f.made()))
			}
			f.answer = func(w http.ResponseWriter, _ *http.Request, _ string) { say(w, 401, "Bad credentials") }
			f.forget()
			if e, ok := errors.AsType[*forge.APIError](c.do(f)); !ok || e.Status != 401 {
				t.Errorf("a token that is refused for good gave %v", e)
			}
			if len(f.mints) != 1 || len(f.made()) != 2 {
				t.Errorf("refused for good: %d mints, %d calls", len(f.mints), len(f.made()))
			}
		})
	}
}

// misbehave answers in the ways that may be gone at the next try.
var misbehave = map[string]func(w http.ResponseWriter){
	"502": func(w http.ResponseWriter) { say(w, 502, "Server Error") },
	"500": func(w http.ResponseWriter) { say(w, 500, "oops") },
	"503 in HTML": func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(503)
		fmt.Fprint(w, "<html>unicorn</html>")
	},
	"a body shorter than its length": func(w http.ResponseWriter) {
		w.Header().Set("Content-Length", "1000")
		fmt.Fprint(w, `{"ref":"refs/he`)
	},
	"half of a body without a length": func(w http.ResponseWriter) {
		w.Header().Set("Connection", "close")
		w.Header().Set("Transfer-Encoding", "identity")
		fmt.Fprint(w, `{"ref":"refs/he`)
	},
	"a closed connection": func(w http.ResponseWriter) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Le") // with nothing sent, net/http itself would try again
			conn.Close()
		}
	},
}

func TestReadsAreTriedAgain(t *testing.T) {
	for name, bad := range misbehave {
		t.Run(name, func(t *testing.T) {
			n := 0
			f := newFake(t, func(w http.ResponseWriter, _ *http.Request, _ string) {
				if n++; n < 4 {
					bad(w)
					return
				}
				fmt.Fprint(w, ref(sha))
			})
			if got, err := f.read(1); err != nil || got != sha {
				t.Fatalf("got %q, %v", got, err)
			}
			if want := []time.Duration{250 * time.Millisecond, 500 * time.Millisecond, time.Second}; !slices.Equal(f.slept, want) {
				t.Errorf("slept %v, want %v", f.slept, want)
			}
		})
	}
}

func TestReadsAreTriedFourTimesAtMost(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request, _ string) { say(w, 502, "Server Error") })
	_, err := f.read(1)
	if e, ok := errors.AsType[*forge.APIError](err); !ok || e.Status != 502 || len(f.made()) != 4 {
		t.Errorf("%d calls, %v", len(f.made()), err)
	}
	f.forget()
	f.answer = func(w http.ResponseWriter, _ *http.Request, _ string) { say(w, 404, "Not Found") }
	if _, err := f.read(1); !errors.Is(err, workflow.ErrNotFound) || len(f.made()) != 1 {
		t.Errorf("a known no: %d calls, %v", len(f.made()), err)
	}
}

func TestWritesAreSentOnce(t *testing.T) {
	for name, bad := range misbehave {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, func(w http.ResponseWriter, _ *http.Request, _ string) { bad(w) })
			if err := f.write(1); err == nil {
				t.Error("the write is said to have happened")
			}
			if n := len(f.made()); n != 1 {
				t.Errorf("it was sent %d times", n)
			}
		})
	}
}

func TestAWriteWaitsForItsToken(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request, _ string) { fmt.Fprint(w, `{"id":1}`) })
	f.minted = func(w http.ResponseWriter, _ string) bool {
		if len(f.mints) < 3 {
			say(w, 502, "Server Error")
			return true
		}
		return false
	}
	if err := f.write(1); err != nil {
		t.Fatal(err)
	}
	if len(f.mints) != 3 || len(f.made()) != 1 {
		t.Errorf("%d mints, %d writes", len(f.mints), len(f.made()))
	}
}

func TestAMintThatIsRefused(t *testing.T) {
	f := newFake(t, nil)
	f.minted = func(w http.ResponseWriter, _ string) bool {
		say(w, 422, "The permissions requested are not granted to this installation.")
		return true
	}
	_, err := f.read(1)
	if e, ok := errors.AsType[*forge.APIError](err); !ok || e.Status != 422 || !strings.Contains(err.Error(), "get a token for contents:read of installation 1") {
		t.Errorf("got %v", err)
	}
}

func TestConditionalReads(t *testing.T) {
	current, id := sha, 0
	f := newFake(t, func(w http.ResponseWriter, r *http.Request, _ string) {
		id++
		w.Header().Set("X-GitHub-Request-Id", fmt.Sprintf("REQ:%d", id))
		w.Header().Set("ETag", `W/"`+current+`"`)
		if r.Header.Get("If-None-Match") == `W/"`+current+`"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		fmt.Fprint(w, ref(current))
	})
	steps := []struct {
		installation int64
		want, match  string
	}{
		{1, sha, ""},
		{1, sha, `W/"` + sha + `"`}, // 304, from memory
		{2, sha, ""},                // another installation shares nothing
		{1, strings.Repeat("b", 40), `W/"` + sha + `"`}, // stale
		{1, strings.Repeat("b", 40), `W/"` + strings.Repeat("b", 40) + `"`},
	}
	for i, s := range steps {
		current = s.want
		got, err := f.read(s.installation)
		if calls := f.made(); err != nil || got != s.want || calls[len(calls)-1].match != s.match {
			t.Errorf("step %d: %q, %v, asked with %q, want %q", i, got, err, calls[len(calls)-1].match, s.match)
		}
	}
}

func TestA304ToNothing(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request, _ string) { w.WriteHeader(http.StatusNotModified) })
	if got, err := f.read(1); err == nil {
		t.Errorf("an unasked 304 was taken for %q", got)
	}
}

func TestAnAnswerThatIsTooLarge(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request, _ string) {
		chunk := []byte(strings.Repeat("x", 1<<20))
		for range 12 {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	if _, err := f.read(1); err == nil || !strings.Contains(err.Error(), "over 10 MB") || len(f.made()) != 1 {
		t.Errorf("%d calls, %v", len(f.made()), err)
	}
}

func TestErrorsShowNoSecretAndNoQuery(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request, _ string) {
		say(w, 400, "bad token ghs_abcdefghijklmnopqrstuvwxyz0123456789 at https://api.github.com/x?access_token=hunter2")
	})
	_, err := f.forge.PullOf(context.Background(), place(1), "request/hidden-branch")
	if err == nil {
		t.Fatal("no error")
	}
	for _, no := range []string{"ghs_", "hunter2", "head=", "access_token=", f.server.URL} {
		if strings.Contains(err.Error(), no) {
			t.Errorf("the error shows %q: %v", no, err)
		}
	}
	for _, want := range []string{"find the pull request from request/hidden-branch in acme/identities", "answered 400 to GET /repos/{}/{}/pulls", "REQ:1"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}
	f.server.Close()
	if _, err = f.forge.PullOf(context.Background(), place(1), "x"); err == nil || strings.Contains(err.Error(), "head=") {
		t.Errorf("without a server: %v", err)
	}
}

func TestRedirectsStayInTheRepository(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("another host was called, with %q", r.Header.Get("Authorization"))
	}))
	defer elsewhere.Close()
	var to string
	f := newFake(t, func(w http.ResponseWriter, r *http.Request, _ string) {
		if strings.HasPrefix(r.URL.Path, "/repositories/") {
			fmt.Fprint(w, ref(sha))
			return
		}
		http.Redirect(w, r, to, http.StatusMovedPermanently)
	})
	to = f.server.URL + "/repositories/99/git/ref/heads/main"
	if got, err := f.read(1); err != nil || got != sha {
		t.Errorf("a renamed repository: %q, %v", got, err)
	}
	for _, to = range []string{elsewhere.URL + "/repositories/99/git/ref/heads/main", f.server.URL + "/repositories/100/git/ref/heads/main", f.server.URL + "/repositories/990"} {
		if got, err := f.read(1); !errors.Is(err, workflow.ErrNotFound) {
			t.Errorf("redirected to %s: %q, %v", to, got, err)
		}
	}
	to = f.server.URL + "/repositories/99/issues/12/comments"
	if err := f.write(1); err == nil {
		t.Error("a POST was made a GET by a 301, and taken for done")
	}
}

func TestACancelledCallEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request, _ string) {
		cancel()
		say(w, 502, "Server Error")
	})
	if _, err := f.forge.Tip(ctx, place(1), "main"); !errors.Is(err, context.Canceled) || len(f.made()) != 1 {
		t.Errorf("%d calls, %v", len(f.made()), err)
	}
}

func TestObserveNamesRoutes(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request, _ string) { fmt.Fprint(w, ref(sha)) })
	if _, err := f.forge.Tip(context.Background(), place(1), "request/a/b/c/d"); err != nil {
		t.Fatal(err)
	}
	want := []string{"POST /app/installations/{}/access_tokens 201", "GET /repos/{}/{}/git/ref/heads/{}/{} 200"}
	if !slices.Equal(f.routes, want) {
		t.Errorf("observed %q, want %q", f.routes, want)
	}
}

func TestNewRefusesWhatCantWork(t *testing.T) {
	good := forge.Config{AppID: 7, PrivateKey: keyPEM(), BaseURL: "https://api.github.com/"}
	if _, err := forge.New(good); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		change func(*forge.Config)
		want   string
	}{
		{func(c *forge.Config) { c.AppID = 0 }, "App's id"},
		{func(c *forge.Config) { c.PrivateKey = []byte("hunter2") }, "private key"},
		{func(c *forge.Config) { c.PrivateKey = nil }, "private key"},
		{func(c *forge.Config) { c.BaseURL = "" }, "names no host"},
		{func(c *forge.Config) { c.BaseURL = "http://github.example/api/v3/" }, "https://"},
		{func(c *forge.Config) { c.BaseURL = "https://u:hunter2@github.example/" }, "user or password"},
		{func(c *forge.Config) { c.BaseURL = "https://github.example/?hunter2" }, "query"},
		{func(c *forge.Config) { c.BaseURL = "https://u:hunter2@%zz/" }, "can't be read"},
		{func(c *forge.Config) { c.BaseURL = "ftp://github.example/" }, "https://"},
	} {
		cfg := good
		c.change(&cfg)
		_, err := forge.New(cfg)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("New(%q, id %d) gave %v, want %q", cfg.BaseURL, cfg.AppID, err, c.want)
		}
	}
	for _, url := range []string{"https://github.example/api/v3", "http://127.0.0.1:1/", "http://localhost:1", "http://[::1]:1/"} {
		cfg := good
		cfg.BaseURL = url
		if _, err := forge.New(cfg); err != nil {
			t.Errorf("New(%q): %v", url, err)
		}
	}
}

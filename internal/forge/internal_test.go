package forge

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestRoute(t *testing.T) {
	for path, want := range map[string]string{
		"repos/acme/identities/issues/12":              "GET /repos/{}/{}/issues/{}",
		"repos/acme/identities/issues/comments/7":      "GET /repos/{}/{}/issues/comments/{}",
		"repos/acme/identities/git/refs/heads/a/b/c/d": "GET /repos/{}/{}/git/refs/heads/{}/{}",
		"app":                                   "GET /app",
		"graphql":                               "GET /graphql",
		"orgs/acme/teams/owners/repos/acme/pay": "GET /orgs/{}/teams/{}/repos/{}/{}",
		"":                                      "GET /{}",
	} {
		if got := route("GET", path); got != want {
			t.Errorf("route(%q) = %q, want %q", path, got, want)
		}
	}
}

func TestRedact(t *testing.T) {
	const token = "ghs_0123456789abcdefghijABCDEFGHIJ012345"
	for in, want := range map[string]string{
		"Bad credentials": "Bad credentials",
		"GET https://x.example/a/b?access_token=1 no": "GET https://x.example/a/b no",
		"it was " + token:        "it was [redacted github-token]",
		strings.Repeat("é", 501): strings.Repeat("é", 500) + "…",
	} {
		if got := redact(in); got != want {
			t.Errorf("redact(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestKeptAnswersAreBounded(t *testing.T) {
	e := newETags(10_000)
	for i := range 100 {
		e.put(&kept{key: fmt.Sprint(i), body: make([]byte, 500)})
		e.get("0") // stays in use
	}
	if e.bytes > 10_000 || e.order.Len() != len(e.byKey) || e.order.Len() == 0 {
		t.Errorf("%d bytes in %d answers, %d by key", e.bytes, e.order.Len(), len(e.byKey))
	}
	if e.get("0") == nil || e.get("99") == nil || e.get("50") != nil {
		t.Error("what was used last is not what is kept")
	}
	e.put(&kept{key: "0", body: make([]byte, largestKept+1)})
	if e.get("0") != nil {
		t.Error("an answer that is too large is kept, or an older one in its place")
	}
}

func TestSessionsAreBounded(t *testing.T) {
	f := &Forge{base: &url.URL{Scheme: "https", Host: "x.example", Path: "/"}, gates: newGates()}
	s := newSessions(f, 3)
	first := s.get(scope{installation: 1})
	for i := range int64(10) {
		s.get(scope{installation: i + 1})
		if s.get(scope{installation: 1}) != first {
			t.Fatal("a session in use was dropped")
		}
	}
	if s.order.Len() != 3 || len(s.of) != 3 {
		t.Errorf("%d sessions, %d by scope", s.order.Len(), len(s.of))
	}
}

func TestGraphQLURL(t *testing.T) {
	for base, want := range map[string]string{
		"https://api.github.com/":          "https://api.github.com/graphql",
		"https://github.example/api/v3/":   "https://github.example/api/graphql",
		"https://github.example/api/v3":    "https://github.example/api/graphql",
		"http://127.0.0.1:4000":            "http://127.0.0.1:4000/graphql",
		"https://api.acme.ghe.com/":        "https://api.acme.ghe.com/graphql",
		"https://proxy.example/gh/api/v3/": "https://proxy.example/gh/api/graphql",
	} {
		u, err := parseBase(base)
		if err != nil {
			t.Errorf("parseBase(%q): %v", base, err)
		} else if got := graphqlURL(u); got != want {
			t.Errorf("graphqlURL(%q) = %q, want %q", base, got, want)
		}
	}
}

func TestImmutable(t *testing.T) {
	hash := strings.Repeat("a", 40)
	for raw, want := range map[string]bool{
		"https://x.example/repos/a/b/git/trees/" + hash:                  true,
		"https://x.example/repos/a/b/git/blobs/" + hash:                  true,
		"https://x.example/repos/a/b/git/trees/" + hash + "?recursive=1": false,
		"https://x.example/repos/a/b/git/trees/main":                     false,
		"https://x.example/repos/a/b/git/ref/heads/" + hash:              false,
		"https://x.example/repos/a/b/commits/" + hash + "/check-runs":    false,
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := immutable(&http.Request{Method: http.MethodGet, URL: u}); got != want {
			t.Errorf("immutable(%s) = %t", raw, got)
		}
	}
}

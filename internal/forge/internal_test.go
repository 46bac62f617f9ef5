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

func TestRecentIsBounded(t *testing.T) {
	r := newRecent[string](10, func(v int) int { return v })
	for i := range 100 {
		r.put(fmt.Sprint(i), 2)
		r.get("0") // stays in use
	}
	if r.sum != 10 || len(r.byKey) != 5 {
		t.Errorf("a sum of %d in %d values", r.sum, len(r.byKey))
	}
	for key, want := range map[string]bool{"0": true, "99": true, "96": true, "95": false, "1": false} {
		if _, ok := r.get(key); ok != want {
			t.Errorf("%s is kept: %t", key, ok)
		}
	}
	r.put("0", 3)
	if v, _ := r.get("0"); v != 3 || r.sum > 10 {
		t.Errorf("after a change: %d, a sum of %d", v, r.sum)
	}
	r.put("huge", 11)
	if _, ok := r.get("huge"); ok || r.sum != 0 || len(r.byKey) != 0 {
		t.Errorf("what is over the bound is kept: a sum of %d in %d values", r.sum, len(r.byKey))
	}
	if got := r.getOr("a", func() int { return 4 }); got != 4 {
		t.Errorf("getOr made %d", got)
	}
	if got := r.getOr("a", func() int { return 5 }); got != 4 {
		t.Errorf("getOr made another: %d", got)
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

func TestMadeBy(t *testing.T) {
	bot, person := &account{ID: 9, Login: "keyreeve[bot]", Type: "Bot"}, &account{ID: 5, Login: "dana", Type: "User"}
	for name, tt := range map[string]struct {
		issue issue
		want  bool
	}{
		"through this App":            {issue{User: bot, Via: &viaApp{ID: 7}}, true},
		"through another App":         {issue{User: bot, Via: &viaApp{ID: 8}}, false},
		"by its bot, no App named":    {issue{User: bot}, true},
		"by another bot":              {issue{User: &account{Login: "other[bot]", Type: "Bot"}}, false},
		"by a person":                 {issue{User: person}, false},
		"by a person of that name":    {issue{User: &account{Login: "keyreeve[bot]", Type: "User"}}, false},
		"by somebody who is gone":     {issue{}, false},
		"by a person, in another App": {issue{User: person, Via: &viaApp{ID: 8}}, false},
	} {
		if got := tt.issue.madeBy(7, "keyreeve[bot]"); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

package hub

import (
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

var variable = regexp.MustCompile(`\{([a-z_]+)\+?\}`)

// example fills a pattern's variables: the world's owner, repository, organization and team, and 1 for all else.
func example(pattern string) string {
	return variable.ReplaceAllStringFunc(pattern, func(v string) string {
		switch strings.Trim(v, "{}+") {
		case "owner", "org":
			return "acme"
		case "repo":
			return "app"
		case "team_slug":
			return "security"
		case "username":
			return "dana"
		case "basehead":
			return "main...main"
		}
		return "1"
	})
}

// TestEachRouteAsksForItsPermission: without it 403 and its name, whatever the request is about; with a wrong token 401.
func TestEachRouteAsksForItsPermission(t *testing.T) {
	w := newWorld(t)
	none := w.token(`{"permissions":{"metadata":"read"}}`)
	elsewhere := w.token(`{"repositories":["identities"]}`)
	for _, route := range allRoutes() {
		path := example(route.pattern)
		w.unchecked("ghs_unknown", route.method, path, nil).want(http.StatusUnauthorized)
		switch {
		case route.need.auth == authJWT:
			w.unchecked(none, route.method, path, nil).want(http.StatusUnauthorized)
		case route.need.auth == authPerson:
			w.unchecked(none, route.method, path, nil).want(http.StatusForbidden)
		case route.need.accept != "" && route.need.accept != "metadata=read":
			res := w.unchecked(none, route.method, path, nil).want(http.StatusForbidden).is("message", "Resource not accessible by integration")
			if got := res.header.Get("X-Accepted-GitHub-Permissions"); got != route.need.accept {
				t.Errorf("%s %s names %q, want %q", route.method, route.pattern, got, route.need.accept)
			}
		}
		if strings.Contains(route.pattern, "{repo}") && route.need.auth == authToken {
			w.unchecked(elsewhere, route.method, path, nil).want(http.StatusNotFound)
		}
	}
}

// TestEachRouteReadsGarbage: a body of another shape is refused, never an internal error.
func TestEachRouteReadsGarbage(t *testing.T) {
	w := newWorld(t)
	tok, person := w.token(""), w.Token("olga")
	for _, route := range allRoutes() {
		if route.method == "GET" || route.need.auth == authJWT {
			continue
		}
		for _, body := range []any{[]any{1}, "text", map[string]any{"body": 1, "title": []int{}, "name": 7, "tree": 3, "permission": 1, "labels": 1}, nil} {
			for _, who := range []string{tok, person} {
				if route.pattern == "/installation/token" {
					continue
				}
				if res := w.unchecked(who, route.method, example(route.pattern), body); res.status >= 500 {
					t.Errorf("%s %s with %v: %d %s", route.method, route.pattern, body, res.status, res.body)
				}
			}
		}
	}
}

func TestManyAtOnce(t *testing.T) {
	w := newWorld(t)
	tok := w.token("")
	_, err := w.As("dana").OpenIssue("acme/identities", "Access", "please")
	must(t, err)
	events, stop := w.Watch()
	defer stop()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 10 {
				if res := w.unchecked(tok, "POST", registry+"/issues/1/comments", map[string]string{"body": "x"}); res.status != http.StatusCreated {
					t.Errorf("comment: %d", res.status)
				}
				if n := len(w.Snapshot().Repo("acme/identities").Issues); n != 1 {
					t.Errorf("the snapshot has %d issues", n)
				}
			}
		})
	}
	all.Wait()
	if n := len(w.Snapshot().Repo("acme/identities").Issue(1).Comments); n != 80 {
		t.Errorf("%d comments, want 80", n)
	}
	for i := range 80 {
		select {
		case e := <-events:
			if e.Kind != "comment.created" {
				t.Fatalf("event %d is %s", i, e.Kind)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("event %d did not come", i)
		}
	}
	if n := len(w.hooks()); n != 82 { // and installation, issues.opened
		t.Errorf("%d webhooks, want 82", n)
	}
}

package hub

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

const editsQuery = `query KeyreeveEdits($owner: String!, $name: String!, $number: Int!, $after: String) { repository { issueOrPullRequest { __typename } } }`

func (w *world) edits(tok string, number int, after any) *result {
	w.t.Helper()
	return w.call(tok, "POST", "/graphql", map[string]any{
		"query": editsQuery, "variables": map[string]any{"owner": "acme", "name": "identities", "number": number, "after": after},
	}).want(200)
}

func TestGraphQL(t *testing.T) {
	w := newWorld(t)
	dana := w.As("dana")
	n, err := dana.OpenIssue("acme/identities", "Access", "please")
	must(t, err)
	var first int64
	for i := range 101 {
		id, err := dana.Comment("acme/identities", n, fmt.Sprint("c", i))
		must(t, err)
		if i == 0 {
			first = id
		}
	}
	tok := w.token("")
	const found = "data.repository.issueOrPullRequest."
	page := w.edits(tok, n, nil).is(found+"__typename", "Issue").is(found+"lastEditedAt", nil).is(found+"comments.nodes.0.editor", nil)
	page.is(found+"comments.pageInfo.hasNextPage", true).is(found+"comments.nodes.0.databaseId", first)
	next := w.edits(tok, n, page.str(found+"comments.pageInfo.endCursor"))
	next.is(found+"comments.pageInfo.hasNextPage", false).is(found+"comments.nodes.1", nil)

	w.clock.advance(time.Minute)
	must(t, w.As("olga").EditComment("acme/identities", first, "changed"))
	must(t, dana.EditIssue("acme/identities", n, "changed"))
	must(t, w.As("rory").MinimizeComment("acme/identities", first))
	tok = w.token("")
	page = w.edits(tok, n, nil).is(found+"lastEditedAt", "2026-03-02T12:01:00Z").is(found+"comments.nodes.0.lastEditedAt", "2026-03-02T12:01:00Z")
	page.is(found+"comments.nodes.0.editor.login", "olga").is(found+"comments.nodes.0.isMinimized", true)

	w.edits(tok, 99, nil).is("errors.0.type", "NOT_FOUND")
	w.edits(w.token(`{"permissions":{"contents":"read"}}`), n, nil).is("errors.0.type", "FORBIDDEN")
	w.edits(w.token(`{"repositories":["app"]}`), n, nil).is("errors.0.type", "NOT_FOUND")
	w.call(tok, "POST", "/api/graphql", map[string]any{"query": "{ viewer { login } }"}).want(200).is("data", nil)
	w.call("", "POST", "/graphql", map[string]any{"query": editsQuery}).want(401)
	if w.edits(tok, n, base64.StdEncoding.EncodeToString([]byte("x"))).at("errors.0.message") == nil {
		t.Error("a bad cursor is no error")
	}
}

func TestWritesAndCalls(t *testing.T) {
	w := newWorld(t)
	tok := w.token("")
	_, err := w.As("dana").OpenIssue("acme/identities", "Access", "please")
	must(t, err)
	w.call(tok, "POST", registry+"/issues/1/comments", `{"body":"a"}`).want(201)
	w.call(tok, "POST", registry+"/issues/1/comments", `{ "body" : "a" }`).want(201)
	w.call(tok, "POST", "/api/v3"+registry+"/issues/1/comments", `{"body":"b"}`).want(201)
	w.refused(422, tok, "POST", registry+"/issues/1/comments", `{}`)
	w.call(w.Token("dana"), "POST", registry+"/issues/1/comments", `{"body":"c"}`).want(201)
	got := w.Writes()
	if len(got) != 3 || got[0].ContentKey != got[1].ContentKey || got[0].ContentKey == got[2].ContentKey || got[0].App != "keyreeve" || got[2].Path != registry+"/issues/1/comments" {
		t.Errorf("writes are %+v", got)
	}
	calls := w.Calls()
	if n := calls["POST /repos/{owner}/{repo}/issues/{issue_number}/comments"]; n != 5 {
		t.Errorf("%d calls are counted, want 5: %v", n, calls)
	}
	if n := calls["POST /repos/{owner}/{repo}/issues"]; n != 0 {
		t.Errorf("an Actor's act was counted %d times", n)
	}
}

func TestSnapshotIsACopy(t *testing.T) {
	w := newWorld(t)
	n, err := w.As("dana").OpenIssue("acme/identities", "Access", "please", "x")
	must(t, err)
	w.hooks() // an attempt under way changes its delivery
	before, err := json.Marshal(w.Snapshot())
	must(t, err)
	again, err := json.Marshal(w.Snapshot())
	must(t, err)
	if string(before) != string(again) {
		t.Error("two snapshots of one state differ")
	}
	copied := w.Snapshot()
	copied.Repo("acme/identities").Issue(n).Labels[0] = "y"
	copied.Orgs[0].Members[0].Role = "admin"
	copied.Apps[0].Permissions["issues"] = "none"
	after, err := json.Marshal(w.Snapshot())
	must(t, err)
	if string(before) != string(after) {
		t.Error("a change of the copy changed the hub")
	}
	if strings.Contains(string(after), "s3cret") || strings.Contains(string(after), "PRIVATE KEY") {
		t.Error("the snapshot holds a secret")
	}
}

func TestActorIsRefused(t *testing.T) {
	w := newWorld(t)
	_, err := w.As("sam").OpenIssue("acme/identities", "t", "b")
	if refused, is := errors.AsType[*RefusedError](err); !is || refused.Status != http.StatusNotFound {
		t.Errorf("a stranger opening an issue got %v", err)
	}
	_, err = w.As("dana").Push("acme/identities", "main", map[string]string{"x": "y"}, "m")
	if refused, is := errors.AsType[*RefusedError](err); !is || refused.Status != http.StatusForbidden {
		t.Errorf("a reader pushing got %v", err)
	}
	if _, err := w.As("ghost").OpenIssue("acme/identities", "t", "b"); !errors.Is(err, errUnknown) {
		t.Errorf("an unknown person got %v", err)
	}
	sha, err := w.As("rory").Push("acme/identities", "topic", map[string]string{"README.md": "", "new": "n\n"}, "m")
	must(t, err)
	files := w.call(w.token(""), "GET", registry+"/commits/"+sha, nil).want(200)
	files.is("files.0.filename", "README.md").is("files.0.status", "removed").is("files.1.status", "added")
}

func TestBuildersRefuse(t *testing.T) {
	w := newWorld(t)
	for name, err := range map[string]error{
		"a login twice": func() error { _, err := w.AddUser("Dana"); return err }(), "an org twice": w.AddOrg("acme"),
		"a repository twice": w.AddRepo("acme", "APP", nil), "an unknown owner": w.AddRepo("nobody", "x", nil),
		"a stranger on a team": w.AddTeam("acme", "t", "sam"), "an unknown team": w.GrantTeam("acme", "t2", "acme", "app", "read"),
		"an unknown permission": w.AddCollaborator("acme", "app", "dana", "root"), "an unknown role": w.AddMember("acme", "sam", "boss"),
		"a taken name": w.RenameUser("dana", "rory"),
		"an event without its permission": func() error {
			_, err := w.AddApp(AppConfig{Slug: "other", Events: []string{"merge_group"}})
			return err
		}(),
	} {
		if err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestPagesForBrowsers(t *testing.T) {
	h, err := New(Options{Dir: t.TempDir()})
	must(t, err)
	t.Cleanup(func() { must(t, h.Close()) })
	h.HandlePages(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	url, err := h.Start("127.0.0.1:0")
	must(t, err)
	for accept, want := range map[string]int{"text/html": http.StatusTeapot, "application/json": http.StatusNotFound} {
		req, err := http.NewRequest("GET", url+"/acme/identities", nil)
		must(t, err)
		req.Header.Set("Accept", accept)
		resp, err := http.DefaultClient.Do(req)
		must(t, err)
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s got %d, want %d", accept, resp.StatusCode, want)
		}
	}
}

func TestMatch(t *testing.T) {
	r := newRouter()
	for _, tc := range []struct{ method, path, want, ref string }{
		{"GET", "/repos/o/r/commits/a/b/check-runs", "/repos/{owner}/{repo}/commits/{ref+}/check-runs", "a/b"},
		{"GET", "/repos/o/r/commits/a%2Fb", "/repos/{owner}/{repo}/commits/{ref+}", "a/b"},
		{"GET", "/repos/o/r/git/ref/heads/x/y", "/repos/{owner}/{repo}/git/ref/{ref+}", "heads/x/y"},
		{"GET", "/repos/o/r/issues/comments", "/repos/{owner}/{repo}/issues/comments", ""},
		{"POST", "/repos/o/r/commits", "", ""},
		{"GET", "/repos//r", "", ""},
		{"GET", "/", "", ""},
	} {
		got, vars := r.find(tc.method, tc.path)
		pattern := ""
		if got != nil {
			pattern = got.pattern
		}
		if pattern != tc.want || vars["ref"] != tc.ref {
			t.Errorf("%s %s is %q with %v, want %q with %q", tc.method, tc.path, pattern, vars, tc.want, tc.ref)
		}
	}
}

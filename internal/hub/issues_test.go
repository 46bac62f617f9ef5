package hub

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

const registry = "/repos/acme/identities"

func TestIssuesAndComments(t *testing.T) {
	w := newWorld(t)
	tok := w.token("")
	issue := w.call(tok, "POST", registry+"/issues", `{"title":"Access","body":"please","labels":["access-request","bug"],"assignees":["rory"]}`).want(201)
	issue.is("number", 1).is("state", "open").is("user.login", "keyreeve[bot]").is("user.type", "Bot").is("labels.0.name", "access-request")
	issue.is("performed_via_github_app.slug", "keyreeve").is("html_url", w.URL()+"/acme/identities/issues/1").is("assignee.login", "rory")
	w.call(tok, "GET", registry+"/issues/1", nil).want(200).is("body", "please")
	w.call(tok, "GET", registry+"/issues?state=open&labels=bug", nil).want(200).is("0.number", 1)
	w.call(tok, "GET", registry+"/issues?labels=question", nil).want(200).is("", []any{})
	w.refused(422, tok, "POST", registry+"/issues", `{"body":"no title"}`)
	w.refused(422, tok, "POST", registry+"/issues", `{"title":"t","assignees":["nobody"]}`)
	w.refused(400, tok, "POST", registry+"/issues", `{"title":`)
	w.call(tok, "GET", registry+"/issues/2", nil).want(404)
	w.refused(404, tok, "GET", registry+"/issues/x", nil)

	w.call(tok, "PATCH", registry+"/issues/1", `{"state":"closed","state_reason":"not_planned"}`).want(200).is("state_reason", "not_planned").is("closed_by.login", "keyreeve[bot]")
	w.call(tok, "PATCH", registry+"/issues/1", `{"state":"open"}`).want(200).is("state", "open").is("closed_at", nil)
	w.call(tok, "PATCH", registry+"/issues/1", `{"labels":["bug"],"title":"New"}`).want(200).is("labels.1", nil).is("title", "New")

	comment := w.call(tok, "POST", registry+"/issues/1/comments", `{"body":"hello"}`).want(201)
	id := comment.id("id")
	one := fmt.Sprintf("%s/issues/comments/%d", registry, id)
	comment.is("performed_via_github_app.id", w.app.ID).is("html_url", fmt.Sprintf("%s/acme/identities/issues/1#issuecomment-%d", w.URL(), id))
	w.call(tok, "PATCH", one, `{"body":"hello again"}`).want(200).is("body", "hello again")
	w.call(tok, "GET", one, nil).want(200).is("body", "hello again")
	w.call(tok, "POST", one+"/reactions", `{"content":"eyes"}`).want(201)
	second := w.call(tok, "POST", one+"/reactions", `{"content":"eyes"}`).want(200)
	w.refused(422, tok, "POST", one+"/reactions", `{"content":"shrug"}`)
	w.call(tok, "GET", one, nil).want(200).is("reactions.eyes", 1).is("reactions.total_count", 1)
	w.call(tok, "GET", one+"/reactions", nil).want(200).is("0.content", "eyes").is("1", nil)
	w.call(tok, "DELETE", fmt.Sprintf("%s/reactions/%d", one, second.id("id")), nil).want(204)
	w.call(tok, "POST", registry+"/issues/1/reactions", `{"content":"rocket"}`).want(201)
	w.call(tok, "POST", registry+"/issues/1/reactions", `{"content":"rocket"}`).want(200)
	w.call(tok, "GET", registry+"/issues/1", nil).want(200).is("reactions.rocket", 1)
	w.refused(422, tok, "POST", registry+"/issues/1/comments", `{"body":""}`)
	w.refused(422, tok, "POST", registry+"/issues/1/comments", `{}`)
	w.call(tok, "POST", registry+"/issues/1/comments", map[string]string{"body": strings.Repeat("é", 65536)}).want(201)
	w.refused(422, tok, "POST", registry+"/issues/1/comments", map[string]string{"body": strings.Repeat("é", 65537)})
	w.call(tok, "DELETE", one, nil).want(204)
	w.call(tok, "GET", one, nil).want(404)

	w.call(tok, "PUT", registry+"/issues/1/lock", nil).want(204)
	w.call(w.Token("dana"), "POST", registry+"/issues/1/comments", `{"body":"me too"}`).want(403)
	w.call(w.Token("rory"), "POST", registry+"/issues/1/comments", `{"body":"I may"}`).want(201).is("author_association", "MEMBER")
}

func TestIssuePermissions(t *testing.T) {
	w := newWorld(t)
	_, err := w.As("dana").OpenIssue("acme/identities", "Access", "please")
	must(t, err)
	pulls := w.token(`{"permissions":{"pull_requests":"write"}}`)
	w.call(pulls, "POST", registry+"/issues/1/comments", `{"body":"x"}`).want(403)
	w.call(pulls, "GET", registry+"/issues", nil).want(200).is("", []any{})
	read := w.token(`{"permissions":{"issues":"read"}}`)
	w.call(read, "GET", registry+"/issues/1", nil).want(200)
	w.call(read, "POST", registry+"/issues/1/comments", `{"body":"x"}`).want(403)

	dana := w.As("dana")
	id, err := w.As("rory").Comment("acme/identities", 1, "/approve")
	must(t, err)
	if dana.EditComment("acme/identities", id, "/deny") == nil {
		t.Error("a reader edited somebody else's comment")
	}
	if dana.MinimizeComment("acme/identities", id) == nil {
		t.Error("a reader minimized somebody else's comment")
	}
	must(t, w.As("olga").EditComment("acme/identities", id, "/deny"))
	must(t, w.As("rory").MinimizeComment("acme/identities", id))
	got := w.Snapshot().Repo("acme/identities").Issue(1).Comments[0]
	if got.Editor != "olga" || !got.Minimized || got.Author.Login != "rory" {
		t.Errorf("comment is %+v", got)
	}
}

func TestLabels(t *testing.T) {
	w := newWorld(t)
	tok := w.token("")
	w.call(tok, "POST", registry+"/labels", `{"name":"access request","color":"00ff00","description":"d"}`).want(201).is("url", w.URL()+registry+"/labels/access%20request")
	w.call(tok, "POST", registry+"/labels", `{"name":"Access Request"}`).want(422).is("errors.0.code", "already_exists")
	w.call(tok, "GET", registry+"/labels/access%20request", nil).want(200)
	w.call(tok, "GET", registry+"/labels/other", nil).want(404)
	w.call(tok, "PATCH", registry+"/labels/access%20request", `{"new_name":"access","color":"ffffff"}`).want(200).is("name", "access")
	w.call(tok, "GET", registry+"/labels/access%20request", nil).want(404)
	w.call(tok, "PATCH", registry+"/labels/access", `{"new_name":"bug"}`).want(422)
	w.call(tok, "POST", registry+"/issues", `{"title":"t"}`).want(201)
	w.call(tok, "POST", registry+"/issues/1/labels", `{"labels":["bug"]}`).want(200).is("0.name", "bug")
	w.call(tok, "POST", registry+"/issues/1/labels", `{"labels":["new one"]}`).want(200).is("1.name", "new one")
	w.call(tok, "DELETE", registry+"/issues/1/labels/new%20one", nil).want(200).is("1", nil)
	w.call(tok, "DELETE", registry+"/issues/1/labels/new%20one", nil).want(404)
	w.call(tok, "PUT", registry+"/issues/1/labels", `{"labels":["question"]}`).want(200).is("0.name", "question")
	w.call(tok, "GET", registry+"/issues/1/labels", nil).want(200).is("0.name", "question").is("1", nil)
	w.hooks()
	w.call(tok, "DELETE", registry+"/issues/1/labels", nil).want(204)
	sameNames(t, hookNames(w.hooks()), "issues.unlabeled")
	w.call(tok, "GET", registry+"/labels", nil).want(200).is("0.name", "access")
}

func TestPages(t *testing.T) {
	w := newWorld(t)
	for i := range 35 {
		_, err := w.As("dana").OpenIssue("acme/identities", fmt.Sprintf("n%d", i), "")
		must(t, err)
	}
	tok := w.token("")
	first := w.call(tok, "GET", registry+"/issues?per_page=10&direction=asc", nil).want(200).is("0.number", 1).is("10", nil)
	link := first.header.Get("Link")
	for _, want := range []string{`page=2`, `rel="next"`, `page=4`, `rel="last"`} {
		if !strings.Contains(link, want) {
			t.Errorf("Link %q lacks %s", link, want)
		}
	}
	last := w.call(tok, "GET", registry+"/issues?per_page=10&page=4&direction=asc", nil).want(200).is("4.number", 35).is("5", nil)
	if got := last.header.Get("Link"); strings.Contains(got, `rel="next"`) || !strings.Contains(got, `rel="prev"`) {
		t.Errorf("Link of the last page is %q", got)
	}
	w.call(tok, "GET", registry+"/issues?page=99", nil).want(200).is("", []any{})
	w.call(tok, "GET", registry+"/issues", nil).want(200).is("29.number", 6).is("30", nil)
	w.call(tok, "GET", registry+"/issues?per_page=1000", nil).want(200).is("34.number", 1)
}

func TestWebhooks(t *testing.T) {
	w := newWorld(t)
	dana := w.As("dana")
	n, err := dana.OpenIssue("acme/identities", "Access", "please", "access-request")
	must(t, err)
	id, err := dana.Comment("acme/identities", n, "one")
	must(t, err)
	must(t, dana.EditComment("acme/identities", id, "two"))
	must(t, dana.DeleteComment("acme/identities", id))
	must(t, dana.EditIssue("acme/identities", n, "changed"))
	must(t, dana.SetIssueState("acme/identities", n, "closed"))
	hooks := w.hooks()
	names := hookNames(hooks)
	sameNames(t, names, "installation.created", "issues.opened", "issues.labeled", "issue_comment.created", "issue_comment.edited",
		"issue_comment.deleted", "issues.edited", "issues.closed")
	for i, h := range hooks {
		mac := hmac.New(sha256.New, []byte("s3cret"))
		mac.Write(h.body)
		if got, want := h.header.Get("X-Hub-Signature-256"), "sha256="+hex.EncodeToString(mac.Sum(nil)); got != want {
			t.Errorf("%s is signed %s, want %s", names[i], got, want)
		}
		var p any
		must(t, json.Unmarshal(h.body, &p))
		if got := dig(p, "installation.id"); got != float64(w.inst) {
			t.Errorf("%s is of installation %v", names[i], got)
		}
		if i > 0 && (dig(p, "repository.full_name") != "acme/identities" || dig(p, "sender.login") != "dana" || dig(p, "organization.login") != "acme") {
			t.Errorf("%s lacks what events have: %.300s", names[i], h.body)
		}
	}
	var edited any
	must(t, json.Unmarshal(hooks[4].body, &edited))
	if dig(edited, "changes.body.from") != "one" || dig(edited, "comment.body") != "two" {
		t.Errorf("the edit tells %v → %v", dig(edited, "changes.body.from"), dig(edited, "comment.body"))
	}
}

func TestDeliveries(t *testing.T) {
	w := newWorld(t)
	w.hooks()
	w.door.answer(http.StatusServiceUnavailable)
	_, err := w.As("dana").OpenIssue("acme/identities", "Access", "please")
	must(t, err)
	failed := w.hooks()
	sameNames(t, hookNames(failed), "issues.opened")
	list := w.call(w.jwt(), "GET", "/app/hook/deliveries?status=failure", nil).want(200).is("0.status_code", 503).is("0.event", "issues").is("1", nil)
	one := fmt.Sprintf("/app/hook/deliveries/%d", list.id("0.id"))
	full := w.call(w.jwt(), "GET", one, nil).want(200).is("request.payload.issue.title", "Access")
	full.is("guid", failed[0].header.Get("X-GitHub-Delivery"))
	w.call(w.token(""), "GET", one, nil).want(401)

	w.door.answer(http.StatusAccepted)
	w.call(w.jwt(), "POST", one+"/attempts", nil).want(202)
	again := w.hooks()
	if len(again) != 1 || again[0].header.Get("X-GitHub-Delivery") != failed[0].header.Get("X-GitHub-Delivery") || string(again[0].body) != string(failed[0].body) {
		t.Fatalf("the redelivery is not the same delivery: %v", hookNames(again))
	}
	w.call(w.jwt(), "GET", "/app/hook/deliveries", nil).want(200).is("0.redelivery", true).is("0.status", "OK")

	page := w.call(w.jwt(), "GET", "/app/hook/deliveries?per_page=1", nil).want(200).is("1", nil)
	next, _, _ := strings.Cut(strings.TrimPrefix(page.header.Get("Link"), "<"+w.URL()), ">")
	w.call(w.jwt(), "GET", next, nil).want(200).is("0.redelivery", false).is("0.status_code", 503)
	w.call(w.jwt(), "GET", "/app/hook/config", nil).want(200).is("secret", "********")
	w.call(w.jwt(), "POST", "/app/hook/deliveries/1/attempts", nil).want(404)
}

func TestWhoHearsWebhooks(t *testing.T) {
	w := newWorld(t)
	must(t, w.SetInstalledRepos(w.inst, "app"))
	sameNames(t, hookNames(w.hooks()), "installation.created", "installation_repositories.removed")
	_, err := w.As("dana").OpenIssue("acme/identities", "unheard", "")
	must(t, err)
	sameNames(t, hookNames(w.hooks()))
	w.call(w.token(""), "GET", registry, nil).want(404)
	must(t, w.SetInstalledRepos(w.inst))
	must(t, w.Suspend(w.inst))
	_, err = w.As("dana").OpenIssue("acme/identities", "unheard too", "")
	must(t, err)
	sameNames(t, hookNames(w.hooks()), "installation_repositories.added", "installation.suspend")
}

func TestWatch(t *testing.T) {
	w := newWorld(t)
	events, stop := w.Watch()
	for i := range 50 {
		_, err := w.As("dana").Comment("acme/identities", must1(w.As("dana").OpenIssue("acme/identities", fmt.Sprint(i), "b")), "text")
		must(t, err)
	}
	for i := range 100 {
		select {
		case e := <-events:
			want := map[int]string{0: "issue.opened", 1: "comment.created"}[i%2]
			if e.Kind != want || e.Number != i/2+1 || e.Actor != "dana" || e.Repo != "acme/identities" || !e.At.Equal(noon) {
				t.Fatalf("event %d is %+v", i, e)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("event %d did not come", i)
		}
	}
	stop()
	if _, open := <-events; open {
		t.Error("the channel is open after the watch ended")
	}
}

func must1[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

package hub

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// branch makes a branch of the registry with files, as the App.
func (w *world) branch(tok, name string, files map[string]string) string {
	w.t.Helper()
	tip := w.call(tok, "GET", registry+"/git/ref/heads/main", nil).want(200).str("object.sha")
	tree := []any{}
	for path, text := range files {
		tree = append(tree, map[string]any{"path": path, "mode": "100644", "type": "blob", "content": text})
	}
	made := w.call(tok, "POST", registry+"/git/trees", map[string]any{"base_tree": tip, "tree": tree}).want(201).str("sha")
	commit := w.call(tok, "POST", registry+"/git/commits", map[string]any{"message": "records", "tree": made, "parents": []string{tip}}).want(201)
	commit.is("author.name", "keyreeve[bot]")
	sha := commit.str("sha")
	w.call(tok, "POST", registry+"/git/refs", map[string]any{"ref": "refs/heads/" + name, "sha": sha}).want(201).is("object.sha", sha)
	return sha
}

func TestPullAndMerge(t *testing.T) {
	for _, method := range []string{"merge", "squash", "rebase"} {
		t.Run(method, func(t *testing.T) {
			w := newWorld(t)
			tok := w.token("")
			_, err := w.As("dana").OpenIssue("acme/identities", "Access", "please")
			must(t, err)
			sha := w.branch(tok, "req/1", map[string]string{"grants/a.yaml": "a: 1\n", "README.md": "hello you\n"})
			w.refused(422, tok, "POST", registry+"/pulls", `{"title":"t","head":"nope","base":"main"}`)
			w.refused(422, tok, "POST", registry+"/pulls", `{"title":"t","head":"main","base":"main"}`)
			w.hooks()
			pull := w.call(tok, "POST", registry+"/pulls", `{"title":"Grant","body":"Closes #1","head":"req/1","base":"main"}`).want(201)
			pull.is("number", 2).is("head.sha", sha).is("mergeable", true).is("mergeable_state", "clean").is("commits", 1).is("changed_files", 2)
			w.refused(422, tok, "POST", registry+"/pulls", `{"title":"t","head":"acme:req/1","base":"main"}`).is("errors.0.message", "A pull request already exists for acme:req/1.")
			w.call(tok, "GET", registry+"/pulls?head=acme:req/1&state=open", nil).want(200).is("0.number", 2)
			w.call(tok, "GET", registry+"/pulls?head=acme:other", nil).want(200).is("", []any{})
			w.call(tok, "GET", registry+"/pulls/2/files", nil).want(200).is("0.filename", "README.md").is("0.status", "modified").is("1.status", "added")
			w.call(tok, "GET", registry+"/pulls/2/commits", nil).want(200).is("0.sha", sha).is("0.author.login", "keyreeve[bot]")
			w.call(tok, "GET", registry+"/pulls/1", nil).want(404)
			w.call(tok, "GET", registry+"/issues/2", nil).want(200).is("pull_request.html_url", w.URL()+"/acme/identities/pull/2")
			w.call(tok, "GET", registry+"/pulls/2/merge", nil).want(404)

			w.call(tok, "PUT", registry+"/pulls/2/merge", map[string]any{"sha": base64.StdEncoding.EncodeToString([]byte("x"))}).want(409)
			merged := w.call(tok, "PUT", registry+"/pulls/2/merge", map[string]any{"sha": sha, "merge_method": method}).want(200).is("merged", true)
			w.call(tok, "PUT", registry+"/pulls/2/merge", nil).want(405)
			w.call(tok, "GET", registry+"/pulls/2/merge", nil).want(204)
			w.call(tok, "GET", registry+"/pulls/2", nil).want(200).is("merged", true).is("state", "closed").is("merge_commit_sha", merged.str("sha")).is("changed_files", 2)
			w.call(tok, "GET", registry+"/contents/grants/a.yaml", nil).want(200).is("content", "YTogMQo=\n")
			parents := map[string]int{"merge": 2, "squash": 1, "rebase": 1}[method]
			tip := w.call(tok, "GET", registry+"/commits/main", nil).want(200)
			if got := len(tip.at("parents").([]any)); got != parents || tip.str("sha") != merged.str("sha") {
				t.Errorf("the tip %s has %d parents", tip.str("sha"), got)
			}
			w.call(tok, "GET", registry+"/issues/1", nil).want(200).is("state", "closed")
			sameNames(t, hookNames(w.hooks()), "pull_request.opened", "pull_request.closed", "push", "issues.closed")
		})
	}
}

func TestConflictAndUpdates(t *testing.T) {
	w := newWorld(t)
	tok := w.token("")
	w.branch(tok, "a", map[string]string{"README.md": "a\n"})
	w.call(tok, "POST", registry+"/pulls", `{"title":"A","head":"a","base":"main"}`).want(201)
	w.hooks()
	_, err := w.As("rory").Push("acme/identities", "main", map[string]string{"README.md": "b\n"}, "b")
	must(t, err)
	sameNames(t, hookNames(w.hooks()), "push")
	w.call(tok, "GET", registry+"/pulls/1", nil).want(200).is("mergeable", false).is("mergeable_state", "dirty")
	w.call(tok, "PUT", registry+"/pulls/1/merge", nil).want(405)

	head, err := w.As("rory").Push("acme/identities", "a", map[string]string{"x": "x\n", "README.md": "hello\n"}, "undo")
	must(t, err)
	hooks := w.hooks()
	sameNames(t, hookNames(hooks), "push", "pull_request.synchronize")
	var p any
	must(t, json.Unmarshal(hooks[1].body, &p))
	if dig(p, "after") != head || dig(p, "pull_request.head.sha") != head {
		t.Errorf("synchronize tells %v", dig(p, "after"))
	}
	w.call(tok, "GET", registry+"/pulls/1", nil).want(200).is("mergeable", true)
	must(t, w.As("rory").DeleteBranch("acme/identities", "a"))
	w.call(tok, "GET", registry+"/pulls/1", nil).want(200).is("state", "closed").is("merged", false)
	w.call(tok, "PATCH", registry+"/pulls/1", `{"state":"open"}`).want(422)
}

func TestUpdateBranch(t *testing.T) {
	w := newWorld(t)
	tok := w.token("")
	sha := w.branch(tok, "a", map[string]string{"x": "1\n"})
	w.call(tok, "POST", registry+"/pulls", `{"title":"A","head":"a","base":"main"}`).want(201)
	_, err := w.As("rory").Push("acme/identities", "main", map[string]string{"y": "y\n"}, "y")
	must(t, err)
	w.refused(422, tok, "PUT", registry+"/pulls/1/update-branch", `{"expected_head_sha":"`+strings.Repeat("0", 40)+`"}`)
	w.call(tok, "PUT", registry+"/pulls/1/update-branch", map[string]any{"expected_head_sha": sha}).want(202)
	pull := w.call(tok, "GET", registry+"/pulls/1", nil).want(200).is("commits", 2).is("changed_files", 1)
	if pull.str("head.sha") == sha {
		t.Error("the head did not move")
	}
}

func TestMergedByPush(t *testing.T) {
	w := newWorld(t)
	tok := w.token("")
	sha := w.branch(tok, "a", map[string]string{"x": "1\n"})
	w.call(tok, "POST", registry+"/pulls", `{"title":"A","head":"a","base":"main"}`).want(201)
	w.call(tok, "PATCH", registry+"/git/refs/heads/main", map[string]any{"sha": sha}).want(200)
	w.call(tok, "GET", registry+"/pulls/1", nil).want(200).is("merged", true).is("merged_by.login", "keyreeve[bot]")
}

func TestReviews(t *testing.T) {
	w := newWorld(t)
	must(t, w.AddCollaborator("acme", "identities", "dana", "write"))
	sha, err := w.As("dana").Push("acme/identities", "a", map[string]string{"x": "1\n"}, "x")
	must(t, err)
	n, err := w.As("dana").OpenPull("acme/identities", "A", "body", "a", "main")
	must(t, err)
	w.hooks()
	tok := w.token("")
	w.call(tok, "POST", registry+"/pulls/1/requested_reviewers", `{"reviewers":["rory"],"team_reviewers":["security"]}`).want(201).is("requested_reviewers.0.login", "rory")
	w.call(tok, "POST", registry+"/pulls/1/requested_reviewers", `{"reviewers":["sam"]}`).want(422)
	w.call(tok, "POST", registry+"/pulls/1/requested_reviewers", `{"reviewers":["dana"]}`).want(422)
	if _, err := w.As("dana").Review("acme/identities", n, "APPROVE", ""); err == nil {
		t.Error("the author approved the pull request")
	}
	id, err := w.As("rory").Review("acme/identities", n, "APPROVE", "")
	must(t, err)
	w.call(tok, "GET", registry+"/pulls/1/reviews", nil).want(200).is("0.state", "APPROVED").is("0.commit_id", sha).is("0.user.login", "rory")
	w.call(tok, "GET", registry+"/pulls/1", nil).want(200).is("requested_reviewers", []any{})
	w.refused(422, tok, "PUT", fmt.Sprintf("%s/pulls/1/reviews/%d/dismissals", registry, id), `{"message":""}`)
	w.call(tok, "PUT", fmt.Sprintf("%s/pulls/1/reviews/%d/dismissals", registry, id), `{"message":"the head moved"}`).want(200).is("state", "DISMISSED")
	w.call(tok, "PUT", fmt.Sprintf("%s/pulls/1/reviews/%d/dismissals", registry, id), `{"message":"again"}`).want(422)
	w.call(tok, "POST", registry+"/pulls/1/reviews", `{"event":"COMMENT","body":"hm","commit_id":"`+sha+`"}`).want(200)
	w.refused(422, tok, "POST", registry+"/pulls/1/reviews", `{"event":"COMMENT"}`)
	w.refused(422, tok, "POST", registry+"/pulls/1/reviews", `{"event":"APPROVE","commit_id":"0000000000000000000000000000000000000000"}`)
	hooks := w.hooks()
	sameNames(t, hookNames(hooks), "pull_request.review_requested", "pull_request.review_requested", "pull_request_review.submitted",
		"pull_request_review.dismissed", "pull_request_review.submitted")
	var p any
	must(t, json.Unmarshal(hooks[2].body, &p))
	if dig(p, "review.state") != "approved" {
		t.Errorf("the webhook's state is %v", dig(p, "review.state"))
	}
}

func TestChecks(t *testing.T) {
	w := newWorld(t)
	tok := w.token("")
	sha := w.branch(tok, "a", map[string]string{"x": "1\n"})
	w.call(tok, "POST", registry+"/pulls", `{"title":"A","head":"a","base":"main"}`).want(201)
	w.hooks()
	run := w.call(tok, "POST", registry+"/check-runs", map[string]any{
		"name": "keyreeve / approvals", "head_sha": sha, "status": "in_progress", "external_id": "e",
		"output":  map[string]any{"title": "pending", "summary": "waiting for @acme/security"},
		"actions": []any{map[string]any{"label": "Explain", "description": "Say why", "identifier": "explain"}},
	}).want(201)
	run.is("pull_requests.0.number", 1).is("app.slug", "keyreeve").is("conclusion", nil)
	one := fmt.Sprintf("%s/check-runs/%d", registry, run.id("id"))
	w.call(tok, "GET", registry+"/pulls/1", nil).want(200).is("mergeable_state", "unstable")
	w.refused(422, tok, "PATCH", one, `{"status":"completed"}`)
	w.refused(422, tok, "PATCH", one, `{"conclusion":"great"}`)
	w.refused(422, tok, "POST", registry+"/check-runs", `{"name":"x"}`)
	w.refused(422, tok, "POST", registry+"/check-runs", `{"name":"x","head_sha":"0000000000000000000000000000000000000000"}`)
	w.refused(422, tok, "POST", registry+"/check-runs", map[string]any{"name": "x", "head_sha": sha, "output": map[string]any{"title": "no summary"}})
	w.refused(422, tok, "POST", registry+"/check-runs", map[string]any{"name": "x", "head_sha": sha, "actions": []any{
		map[string]any{"label": "a label that is too long", "description": "d", "identifier": "i"},
	}})
	w.call(tok, "PATCH", one, map[string]any{
		"status": "completed", "conclusion": "success", "output": map[string]any{"title": "approved", "summary": "ok", "annotations": []any{
			map[string]any{"path": "x", "start_line": 1, "end_line": 1, "annotation_level": "notice", "message": "fine"},
		}},
	}).want(200).is("conclusion", "success").is("output.annotations_count", 1).is("completed_at", "2026-03-02T12:00:00Z")
	w.call(tok, "GET", one+"/annotations", nil).want(200).is("0.message", "fine")
	w.call(tok, "GET", registry+"/pulls/1", nil).want(200).is("mergeable_state", "clean")
	w.call(tok, "GET", registry+"/commits/a/check-runs?check_name=keyreeve+%2F+approvals&filter=latest", nil).want(200).is("total_count", 1)
	w.call(tok, "GET", fmt.Sprintf("%s/commits/%s/check-runs?app_id=%d", registry, sha, w.app.ID), nil).want(200).is("check_runs.0.external_id", "e")
	w.call(tok, "GET", registry+"/commits/"+sha+"/check-runs?check_name=other", nil).want(200).is("total_count", 0)
	w.call(tok, "GET", registry+"/commits/a/check-suites", nil).want(200).is("check_suites.0.conclusion", "success")
	w.call(tok, "POST", registry+"/check-suites", map[string]any{"head_sha": sha}).want(200)
	w.call(tok, "POST", registry+"/check-runs", map[string]any{"name": "keyreeve / approvals", "head_sha": sha}).want(201)
	w.call(tok, "GET", registry+"/commits/a/check-runs?filter=all", nil).want(200).is("total_count", 2)
	w.call(tok, "GET", registry+"/commits/a/check-runs", nil).want(200).is("total_count", 1).is("check_runs.0.status", "queued")

	must(t, w.As("rory").PressButton("acme/identities", run.id("id"), "explain"))
	hooks := w.hooks()
	sameNames(t, hookNames(hooks), "check_run.created", "check_run.completed", "check_run.created", "check_run.requested_action")
	var p any
	must(t, json.Unmarshal(hooks[3].body, &p))
	if dig(p, "requested_action.identifier") != "explain" || dig(p, "sender.login") != "rory" {
		t.Errorf("the button's event is %v by %v", dig(p, "requested_action.identifier"), dig(p, "sender.login"))
	}
	w.call(tok, "POST", one+"/rerequest", nil).want(201)
	sameNames(t, hookNames(w.hooks()), "check_run.rerequested")
	w.call(w.Token("rory"), "POST", registry+"/check-runs", map[string]any{"name": "x", "head_sha": sha}).want(403)

	other, err := w.AddApp(AppConfig{Slug: "other", Permissions: map[string]string{"checks": "write"}})
	must(t, err)
	inst, err := w.Install(other.ID, "acme")
	must(t, err)
	w2 := *w
	w2.app, w2.inst, w2.key = other, inst, parseKey(t, other.PrivateKeyPEM)
	w.call(w2.token(""), "PATCH", one, `{"conclusion":"failure"}`).want(403)
}

func TestDraft(t *testing.T) {
	w := newWorld(t)
	tok := w.token("")
	w.branch(tok, "a", map[string]string{"x": "1\n"})
	w.call(tok, "POST", registry+"/pulls", `{"title":"A","head":"a","base":"main","draft":true}`).want(201).is("mergeable_state", "draft")
	w.call(tok, "PUT", registry+"/pulls/1/merge", nil).want(405)
}

// TestForcePush: a branch that begins anew holds one commit on the default branch's tip, and its pull request follows.
func TestForcePush(t *testing.T) {
	w := newWorld(t)
	rory := w.As("rory")
	first, err := rory.Push("acme/identities", "a", map[string]string{"x": "1\n"}, "One")
	must(t, err)
	_, err = rory.OpenPull("acme/identities", "A", "", "a", "main")
	must(t, err)
	second, err := rory.ForcePush("acme/identities", "a", map[string]string{"y": "2\n"}, "Two")
	must(t, err)
	tok := w.token("")
	w.call(tok, "GET", registry+"/pulls/1", nil).want(200).is("head.sha", second).is("commits", 1).is("changed_files", 1)
	w.call(tok, "GET", registry+"/compare/"+first+"..."+second, nil).want(200).is("status", "diverged")
	if _, err := rory.ForcePush("acme/identities", "main", map[string]string{"y": "2\n"}, "Two"); err == nil {
		t.Error("the default branch was forced")
	}
}

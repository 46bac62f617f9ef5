package hub

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Actor is a person at the browser: each act is the REST call of the same effect, with the same permissions, webhooks and
// events, made inside the hub. Acts are not counted by Calls or Writes, and no middleware sees them.
type Actor struct {
	hub   *Hub
	login string
	inst  int64 // of an App that acts; 0 for a person
}

// insider says who acts inside the hub.
type insider struct {
	who  principal
	form bool
}

// As returns the acts of a person. An unknown login fails at the first act.
func (h *Hub) As(login string) Actor { return Actor{hub: h, login: login} }

// AsApp returns the acts of an App where it is installed, with all of its permissions there.
func (h *Hub) AsApp(installation int64) Actor {
	return Actor{hub: h, login: "installation " + itoa(installation), inst: installation}
}

// SetCheck makes a completed check run on a commit, which only an App can.
func (a Actor) SetCheck(repo, sha, name, conclusion string) error {
	return a.do("POST", at(repo, "/check-runs"), map[string]any{"name": name, "head_sha": sha, "status": "completed", "conclusion": conclusion}, nil)
}

// principal is who acts, nil where there is no such one.
func (a Actor) principal() *principal {
	h := a.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if i := h.installs[a.inst]; i != nil {
		return &principal{acct: i.app.bot, app: i.app, inst: i, tok: &token{inst: i, perms: i.perms}}
	}
	if acct := h.account(a.login); acct != nil && acct.kind == "User" {
		return &principal{acct: acct}
	}
	return nil
}

// RefusedError is what an act returns that GitHub would not let happen.
type RefusedError struct {
	Actor, Act string
	Status     int
	Message    string // the answer's body
}

func (r *RefusedError) Error() string {
	return fmt.Sprintf("%s: %s: refused with %d: %s", r.Actor, r.Act, r.Status, r.Message)
}

// do makes the call and decodes the answer into out, when it is not nil.
func (a Actor) do(method, path string, in, out any) error {
	return a.act(method, path, in, out, false)
}

func (a Actor) act(method, path string, in, out any, form bool) error {
	var raw []byte
	if in != nil {
		var err error
		if raw, err = json.Marshal(in); err != nil {
			return fmt.Errorf("%s: %s %s: %w", a.login, method, path, err)
		}
	}
	who := a.principal()
	if who == nil {
		return unknown("user", a.login)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, a.hub.URL()+path, bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("%s: %s %s: %w", a.login, method, path, err)
	}
	status, _, body := a.hub.api(req, raw, &insider{who: *who, form: form})
	if status >= 300 {
		return &RefusedError{Actor: a.login, Act: method + " " + path, Status: status, Message: string(body)}
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("%s: %s %s: %w", a.login, method, path, err)
	}
	return nil
}

func at(repo, format string, args ...any) string {
	return "/repos/" + repo + fmt.Sprintf(format, args...)
}

type numbered struct {
	Number int   `json:"number"`
	ID     int64 `json:"id"`
}

// OpenIssue opens an issue as an issue form does: its labels are set also when the author may not. Labels that the
// repository lacks are made, where GitHub leaves them out. repo is the full name.
func (a Actor) OpenIssue(repo, title, body string, labels ...string) (int, error) {
	var out numbered
	err := a.act("POST", at(repo, "/issues"), map[string]any{"title": title, "body": body, "labels": nonNil(labels)}, &out, true)
	return out.Number, err
}

// EditIssue changes the body of an issue or pull request.
func (a Actor) EditIssue(repo string, number int, body string) error {
	return a.do("PATCH", at(repo, "/issues/%d", number), map[string]any{"body": body}, nil)
}

// EditTitle changes the title of an issue or pull request.
func (a Actor) EditTitle(repo string, number int, title string) error {
	return a.do("PATCH", at(repo, "/issues/%d", number), map[string]any{"title": title}, nil)
}

// SetIssueState closes ("closed") or reopens ("open").
func (a Actor) SetIssueState(repo string, number int, state string) error {
	return a.do("PATCH", at(repo, "/issues/%d", number), map[string]any{"state": state}, nil)
}

// Label adds labels to an issue or pull request.
func (a Actor) Label(repo string, number int, labels ...string) error {
	return a.do("POST", at(repo, "/issues/%d/labels", number), map[string]any{"labels": nonNil(labels)}, nil)
}

// Unlabel removes a label.
func (a Actor) Unlabel(repo string, number int, label string) error {
	return a.do("DELETE", at(repo, "/issues/%d/labels/%s", number, pathEscape(label)), nil, nil)
}

// LockIssue locks the conversation: only those with write access may comment.
func (a Actor) LockIssue(repo string, number int) error {
	return a.do("PUT", at(repo, "/issues/%d/lock", number), nil, nil)
}

// Comment comments on an issue or pull request.
func (a Actor) Comment(repo string, number int, body string) (int64, error) {
	var out numbered
	err := a.do("POST", at(repo, "/issues/%d/comments", number), map[string]any{"body": body}, &out)
	return out.ID, err
}

// EditComment changes a comment, the person's own or, with write access, anybody's.
func (a Actor) EditComment(repo string, id int64, body string) error {
	return a.do("PATCH", at(repo, "/issues/comments/%d", id), map[string]any{"body": body}, nil)
}

// DeleteComment deletes a comment.
func (a Actor) DeleteComment(repo string, id int64) error {
	return a.do("DELETE", at(repo, "/issues/comments/%d", id), nil, nil)
}

// React puts a reaction on a comment: "+1", "eyes", …
func (a Actor) React(repo string, id int64, content string) error {
	return a.do("POST", at(repo, "/issues/comments/%d/reactions", id), map[string]any{"content": content}, nil)
}

// MinimizeComment hides a comment, which takes write access. Only GraphQL tells it, and no webhook is sent, as on GitHub.
func (a Actor) MinimizeComment(repo string, id int64) error {
	h := a.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	r, acct := h.repoByFull(repo), h.account(a.login)
	if r == nil || acct == nil || r.comms[id] == nil {
		return unknown("comment", fmt.Sprintf("%s %d", repo, id))
	}
	if h.effective(acct, r) < levelWrite && r.comms[id].author != acct {
		return &RefusedError{Actor: a.login, Act: "minimize a comment", Status: http.StatusForbidden, Message: "needs write access"}
	}
	cm := r.comms[id]
	cm.minimized = true
	c := &call{Hub: h, who: principal{acct: acct}}
	c.tellComment(cm, "comment.minimized", cm.body)
	return nil
}

// Review reviews a pull request's head; event is APPROVE, REQUEST_CHANGES or COMMENT.
func (a Actor) Review(repo string, number int, event, body string) (int64, error) {
	var out numbered
	err := a.do("POST", at(repo, "/pulls/%d/reviews", number), map[string]any{"event": event, "body": body}, &out)
	return out.ID, err
}

// DismissReview dismisses an approval or a request for changes.
func (a Actor) DismissReview(repo string, number int, id int64, message string) error {
	return a.do("PUT", at(repo, "/pulls/%d/reviews/%d/dismissals", number, id), map[string]any{"message": message}, nil)
}

// DeleteBranch deletes a branch.
func (a Actor) DeleteBranch(repo, branch string) error {
	return a.do("DELETE", at(repo, "/git/refs/heads/%s", pathEscapeAll(branch)), nil, nil)
}

// OpenPull opens a pull request.
func (a Actor) OpenPull(repo, title, body, head, base string) (int, error) {
	var out numbered
	in := map[string]any{"title": title, "body": body, "head": head, "base": base}
	err := a.do("POST", at(repo, "/pulls"), in, &out)
	return out.Number, err
}

// MergePull merges with a merge commit.
func (a Actor) MergePull(repo string, number int) error {
	return a.do("PUT", at(repo, "/pulls/%d/merge", number), nil, nil)
}

// ClosePull closes a pull request without merging it.
func (a Actor) ClosePull(repo string, number int) error {
	return a.do("PATCH", at(repo, "/pulls/%d", number), map[string]any{"state": "closed"}, nil)
}

// RetargetPull changes a pull request's base branch.
func (a Actor) RetargetPull(repo string, number int, base string) error {
	return a.do("PATCH", at(repo, "/pulls/%d", number), map[string]any{"base": base}, nil)
}

// AcceptInvitation accepts the person's open invitation to a repository.
func (a Actor) AcceptInvitation(repo string) error {
	var open []struct {
		ID         int64 `json:"id"`
		Repository struct {
			FullName string `json:"full_name"`
		} `json:"repository"`
	}
	if err := a.do("GET", "/user/repository_invitations?per_page=100", nil, &open); err != nil {
		return err
	}
	for _, one := range open {
		if strings.EqualFold(one.Repository.FullName, repo) {
			return a.do("PATCH", "/user/repository_invitations/"+strconv.FormatInt(one.ID, 10), nil, nil)
		}
	}
	return unknown("invitation of "+a.login, repo)
}

// Grant gives somebody a direct permission by hand (pull, triage, push, maintain, admin), which takes admin access.
func (a Actor) Grant(repo, login, permission string) error {
	return a.do("PUT", at(repo, "/collaborators/%s", pathEscape(login)), map[string]any{"permission": permission}, nil)
}

// Revoke takes a direct permission by hand.
func (a Actor) Revoke(repo, login string) error {
	return a.do("DELETE", at(repo, "/collaborators/%s", pathEscape(login)), nil, nil)
}

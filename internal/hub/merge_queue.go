package hub

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/keyreeve/keyreeve/internal/hub/githost"
)

// queuePrefix begins the branches that only a merge queue writes.
const queuePrefix = "gh-readonly-queue/"

// mergeQueue merges pull requests into the default branch one behind the other, each once its checks succeeded on a commit
// that already holds what is merged before it.
// https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/configuring-pull-request-merges/managing-a-merge-queue
type mergeQueue struct {
	required []string      // names of check runs
	groups   []*mergeGroup // in the order in which they will be merged
	ended    []*mergeGroup
	busy     bool // what is done for one group moves references, which is no reason to begin anew
}

// mergeGroup is one pull request in the queue; groups of several are not built.
type mergeGroup struct {
	pull   *issue
	head   string // of the pull request, when it was queued
	by     *account
	ref    string
	base   string // the commit that it stands on: the branch's tip, or the group's before it
	sha    string
	reason string // why it is gone: merged, dequeued or invalidated
}

// RequireQueue gives a repository's default branch a merge queue, which waits for check runs of these names.
func (h *Hub) RequireQueue(owner, name string, required ...string) error {
	return h.changeRepo(owner, name, func(r *repo) error {
		if len(required) == 0 {
			return errors.New("a merge queue needs the name of a check to wait for")
		}
		if r.queue == nil {
			r.queue = &mergeQueue{}
		}
		r.queue.required = slices.Clone(required)
		return nil
	})
}

// QueuePull puts a pull request into the merge queue, which takes write access, and its required checks to have succeeded.
func (a Actor) QueuePull(repo string, number int) error {
	h := a.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	r, acct := h.repoByFull(repo), h.account(a.login)
	if r == nil || acct == nil || r.issues[number] == nil || r.issues[number].pull == nil {
		return unknown("pull request or user", fmt.Sprintf("%s#%d %s", repo, number, a.login))
	}
	refused := func(status int, why string) error {
		return &RefusedError{Actor: a.login, Act: fmt.Sprintf("queue %s#%d", repo, number), Status: status, Message: why}
	}
	i := r.issues[number]
	switch {
	case h.effective(acct, r) < levelWrite:
		return refused(http.StatusForbidden, "needs write access")
	case r.queue == nil || i.pull.base != r.defBranch:
		return refused(http.StatusUnprocessableEntity, "the branch "+i.pull.base+" has no merge queue")
	case i.state != "open" || i.pull.draft:
		return refused(http.StatusUnprocessableEntity, "the pull request is closed or a draft")
	case slices.ContainsFunc(r.queue.groups, func(g *mergeGroup) bool { return g.pull == i }):
		return refused(http.StatusUnprocessableEntity, "the pull request is already queued")
	case h.required(r, i.pull.headSHA) != checksSucceeded:
		return refused(http.StatusUnprocessableEntity, "required status checks are expected")
	}
	g := &mergeGroup{pull: i, head: i.pull.headSHA, by: acct}
	if err := h.buildGroup(r, g); err != nil {
		return refused(http.StatusUnprocessableEntity, err.Error())
	}
	h.happen(Event{Actor: a.login, Kind: "pull.queued", Repo: r.full(), Number: number, Text: i.title, URL: h.issuePage(i)})
	h.queueFollows(r)
	return nil
}

// buildGroup makes the commit of a group at the end of the queue and asks for its checks.
func (h *Hub) buildGroup(r *repo, g *mergeGroup) error {
	base, err := r.git.Resolve("refs/heads/" + r.defBranch)
	if err != nil {
		return fmt.Errorf("read the base of %s#%d: %w", r.full(), g.pull.number, err)
	}
	if n := len(r.queue.groups); n > 0 {
		base = r.queue.groups[n-1].sha
	}
	title, message := mergeMessage(g.pull, mergeBody{Method: "merge"})
	sha, err := r.git.Merge(base, g.head, "merge", h.signature(g.by), title+"\n\n"+message)
	if err != nil {
		return fmt.Errorf("merge %s#%d behind the queue: %w", r.full(), g.pull.number, err)
	}
	g.base, g.sha = base, sha
	g.ref = fmt.Sprintf("refs/heads/%s%s/pr-%d-%s", queuePrefix, r.defBranch, g.pull.number, base)
	if err := r.git.SetRef(g.ref, sha, ""); err != nil {
		return fmt.Errorf("make the branch of %s#%d in the queue: %w", r.full(), g.pull.number, err)
	}
	r.queue.groups = append(r.queue.groups, g)
	h.refMoved(r, g.ref, "", sha, principal{acct: g.by})
	h.hookGroup(r, g, "checks_requested")
	return nil
}

func (h *Hub) hookGroup(r *repo, g *mergeGroup, action string) {
	commit, err := r.git.ReadCommit(g.sha)
	if err != nil {
		h.log.Error("merge group without its commit", "repo", r.full(), "commit", g.sha, "err", err)
		return
	}
	payload := map[string]any{"merge_group": map[string]any{
		"head_sha": g.sha, "head_ref": g.ref, "base_sha": g.base, "base_ref": "refs/heads/" + r.defBranch, "head_commit": h.simpleCommit(commit),
	}}
	if g.reason != "" {
		payload["reason"] = g.reason
	}
	h.hookRepo(r, "merge_group", action, payload, g.by)
}

type checksState int

const (
	checksWaited checksState = iota
	checksSucceeded
	checksFailed
)

// required says what the newest runs of the required checks on a commit come to.
func (h *Hub) required(r *repo, sha string) checksState {
	state := checksSucceeded
	for _, name := range r.queue.required {
		conclusion := ""
		for _, run := range r.checks {
			if run.sha == sha && run.name == name {
				conclusion = run.conclusion
			}
		}
		switch conclusion {
		case "success", "neutral", "skipped":
		case "":
			state = checksWaited
		default:
			return checksFailed
		}
	}
	return state
}

// queueFollows brings the queue up to date after a check, a branch or a pull request changed. The caller holds h.mu.
func (h *Hub) queueFollows(r *repo) {
	if r.queue == nil || r.queue.busy {
		return
	}
	r.queue.busy = true
	defer func() { r.queue.busy = false }()
	for h.queueStep(r) {
	}
}

// queueStep does one thing that is due, and says whether there was any.
func (h *Hub) queueStep(r *repo) bool {
	q := r.queue
	for n, g := range q.groups {
		if g.pull.state != "open" || g.pull.pull.headSHA != g.head || g.pull.pull.base != r.defBranch || h.required(r, g.sha) == checksFailed {
			h.endGroup(r, g, "dequeued")
			h.rebuild(r, n)
			return true
		}
	}
	if len(q.groups) == 0 {
		return false
	}
	first := q.groups[0]
	if tip, err := r.git.Resolve("refs/heads/" + r.defBranch); err != nil || tip != first.base {
		h.rebuild(r, 0)
		return true
	}
	if h.required(r, first.sha) != checksSucceeded {
		return false
	}
	if err := r.git.SetRef("refs/heads/"+r.defBranch, first.sha, first.base); err != nil {
		h.log.Error("merge from the queue", "repo", r.full(), "pull", first.pull.number, "err", err)
		h.endGroup(r, first, "dequeued")
		return true
	}
	who := principal{acct: first.by}
	h.refMoved(r, "refs/heads/"+r.defBranch, first.base, first.sha, who) // marks the pull request merged
	(&call{Hub: h, who: who}).closeLinked(first.pull)
	h.endGroup(r, first, "merged")
	return true
}

// endGroup takes a group out of the queue and deletes its branch.
func (h *Hub) endGroup(r *repo, g *mergeGroup, reason string) {
	q := r.queue
	g.reason = reason
	q.groups = slices.DeleteFunc(q.groups, func(x *mergeGroup) bool { return x == g })
	q.ended = append(q.ended, g)
	h.hookGroup(r, g, "destroyed")
	if reason == "dequeued" {
		h.happen(Event{Kind: "pull.dequeued", Repo: r.full(), Number: g.pull.number, Text: g.pull.title, URL: h.issuePage(g.pull)})
	}
	if err := r.git.DeleteRef(g.ref); err != nil && !errors.Is(err, githost.ErrNotFound) {
		h.log.Error("delete a branch of the queue", "repo", r.full(), "ref", g.ref, "err", err)
		return
	}
	h.refMoved(r, g.ref, g.sha, "", principal{acct: g.by})
}

// rebuild makes the groups from a place on anew, since what they stand on is gone. One that doesn't merge any more falls out.
func (h *Hub) rebuild(r *repo, from int) {
	stale := slices.Clone(r.queue.groups[min(from, len(r.queue.groups)):])
	for _, g := range slices.Backward(stale) {
		h.endGroup(r, g, "invalidated")
	}
	for _, g := range stale {
		next := &mergeGroup{pull: g.pull, head: g.head, by: g.by}
		if err := h.buildGroup(r, next); err != nil {
			h.happen(Event{Kind: "pull.dequeued", Repo: r.full(), Number: g.pull.number, Text: err.Error(), URL: h.issuePage(g.pull)})
		}
	}
}

package hub

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/internal/hub/githost"
)

const zeroSHA = "0000000000000000000000000000000000000000"

// refMoved is told of every move of a reference, whoever made it; "" for old or new means created or deleted. It tells
// watchers and Apps, and brings pull requests up to date. The caller holds h.mu.
func (h *Hub) refMoved(r *repo, ref, old, sha string, who principal) {
	r.pushed = h.now()
	branch, isBranch := strings.CutPrefix(ref, "refs/heads/")
	h.tellPush(r, ref, old, sha, who)
	if isBranch {
		h.hookPush(r, ref, old, sha, who)
		h.pullsFollow(r, branch, old, sha, who)
		h.queueFollows(r)
	}
}

func (h *Hub) tellPush(r *repo, ref, old, sha string, who principal) {
	e := Event{Kind: "push", Repo: r.full(), Detail: map[string]string{"ref": ref, "before": old, "after": sha}, URL: h.base + "/" + r.full()}
	if who.acct != nil {
		e.Actor = who.acct.login
	}
	switch {
	case sha == "":
		e.Kind = "ref.deleted"
	case old == "":
		e.Kind = "ref.created"
	}
	if sha != "" {
		if commit, err := r.git.ReadCommit(sha); err == nil {
			e.Text = messageOf(commit)
		}
	}
	h.happen(e)
}

// pullsFollow moves heads and bases of open pull requests, closes those whose head is gone, and marks those merged whose
// head the base got by a push.
func (h *Hub) pullsFollow(r *repo, branch, old, sha string, who principal) {
	for _, i := range slices.Clone(r.order) {
		if i.pull == nil || i.state != "open" {
			continue
		}
		switch branch {
		case i.pull.head:
			h.headMoved(i, old, sha, who)
		case i.pull.base:
			if sha == "" {
				h.closePull(i, who)
				continue
			}
			if done, err := r.git.IsAncestor(i.pull.headSHA, sha); err == nil && done {
				h.markMerged(i, sha, who)
				continue
			}
			i.pull.baseSHA = sha
		}
	}
}

func (h *Hub) headMoved(i *issue, old, sha string, who principal) {
	if sha == "" {
		h.closePull(i, who)
		return
	}
	i.pull.headSHA, i.updated = sha, h.now()
	actor := ""
	if who.acct != nil {
		actor = who.acct.login
	}
	h.happen(Event{
		Actor: actor, Kind: "pull.updated", Repo: i.repo.full(), Number: i.number, Text: i.title, URL: h.issuePage(i),
		Detail: map[string]string{"before": old, "after": sha, "title": i.title, "sha": sha},
	})
	h.hookPullBy(i, "synchronize", map[string]any{"before": old, "after": sha}, who.acct)
}

func (h *Hub) closePull(i *issue, who principal) {
	c := &call{Hub: h, who: who}
	if err := c.setState(i, "closed", nil); err != nil {
		h.log.Error("close a pull request without its branch", "pull", i.number, "err", err)
	}
}

// hookPush sends a push event, in the form that only it has: times as numbers, owners with a name.
func (h *Hub) hookPush(r *repo, ref, old, sha string, who principal) {
	if !h.heard(r, "push") {
		return
	}
	before, after := old, sha
	if before == "" {
		before = zeroSHA
	}
	if after == "" {
		after = zeroSHA
	}
	commits := h.pushedCommits(r, old, sha)
	shown := h.repoJSON(r)
	shown["created_at"], shown["pushed_at"], shown["master_branch"] = r.created.Unix(), r.pushed.Unix(), r.defBranch
	owner := h.accountMap(r.owner)
	owner["name"], owner["email"] = r.owner.login, nil
	shown["owner"] = owner
	if r.owner.org != nil {
		shown["organization"] = r.owner.login
	}
	pusher := map[string]any{"name": "github-web-flow", "email": nil}
	if who.acct != nil {
		pusher = map[string]any{"name": who.acct.login, "email": h.emailOf(who.acct)}
	}
	var head any
	if len(commits) > 0 {
		head = commits[len(commits)-1]
	}
	forced := false
	if old != "" && sha != "" {
		ff, err := r.git.IsAncestor(old, sha)
		forced = err == nil && !ff
	}
	h.hookRepo(r, "push", "", map[string]any{
		"ref": ref, "before": before, "after": after, "repository": shown, "pusher": pusher, "created": old == "", "deleted": sha == "",
		"forced": forced, "base_ref": nil, "compare": fmt.Sprintf("%s/%s/compare/%.12s...%.12s", h.base, r.full(), before, after),
		"commits": commits, "head_commit": head,
	}, who.acct)
}

// pushedCommits are the pushed commits, oldest first, with the paths that each touches; at most 2048, as GitHub says.
func (h *Hub) pushedCommits(r *repo, old, sha string) []any {
	if sha == "" {
		return []any{}
	}
	not := old
	if not == "" && sha != "" {
		if tip, err := r.git.Resolve("refs/heads/" + r.defBranch); err == nil && tip != sha {
			not = tip
		}
	}
	commits, err := r.git.Log(sha, not, "", 2048)
	if err != nil {
		h.log.Error("list pushed commits", "repo", r.full(), "err", err)
		return []any{}
	}
	oldestFirst(commits)
	return list(commits, func(commit githost.Commit) any { return h.pushedCommit(r, commit) })
}

func (h *Hub) pushedCommit(r *repo, commit githost.Commit) any {
	m := h.simpleCommit(commit)
	m["distinct"], m["url"] = true, h.base+"/"+r.full()+"/commit/"+commit.SHA
	for key, s := range map[string]githost.Signature{"author": commit.Author, "committer": commit.Committer} {
		who := map[string]any{"name": s.Name, "email": s.Email}
		if a := h.accountOfEmail(s.Email); a != nil {
			who["username"] = a.login
		}
		m[key] = who
	}
	added, removed, modified := []string{}, []string{}, []string{}
	changes, err := r.git.Diff(firstParent(commit), commit.SHA)
	if err != nil {
		h.log.Error("diff a pushed commit", "repo", r.full(), "commit", commit.SHA, "err", err)
	}
	for _, change := range changes {
		switch change.Status {
		case "added":
			added = append(added, change.Path)
		case "removed":
			removed = append(removed, change.Path)
		case "renamed":
			added, removed = append(added, change.Path), append(removed, change.Previous)
		default:
			modified = append(modified, change.Path)
		}
	}
	m["added"], m["removed"], m["modified"] = added, removed, modified
	return m
}

// authorizeGit decides on git smart HTTP: reading needs contents: read, pushing contents: write.
func (h *Hub) authorizeGit(owner, name, service string, r *http.Request) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	who, err := h.authenticate(r)
	if err != nil {
		return http.StatusUnauthorized
	}
	rp := h.repo(owner, name)
	c := &call{Hub: h, req: r, who: who}
	if who.isJWT() {
		return http.StatusUnauthorized
	}
	if rp == nil || !c.sees(rp) {
		if who.acct == nil {
			return http.StatusUnauthorized
		}
		return http.StatusNotFound
	}
	return c.gitAccess(rp, service == "git-receive-pack")
}

// gitAccess decides for a repository that the caller sees.
func (c *call) gitAccess(r *repo, push bool) int {
	allowed := true
	switch {
	case c.who.acct == nil:
		if push {
			return http.StatusUnauthorized
		}
	case c.who.inst != nil && push:
		allowed = c.who.has("contents", true) && c.who.covers(r)
	case c.who.inst != nil:
		allowed = c.who.has("contents", false) || r.visibility == "public"
	case push:
		allowed = c.effective(c.who.acct, r) >= levelWrite
	}
	suspended := c.who.inst != nil && !c.who.inst.suspended.IsZero()
	if !allowed || suspended || push && r.archived {
		return http.StatusForbidden
	}
	return http.StatusOK
}

// serveGit serves git smart HTTP. Pushes are taken one at a time, so that Pushed, which is told no request, knows whose
// push it is.
func (h *Hub) serveGit(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/git-receive-pack") {
		h.host.ServeHTTP(w, r)
		return
	}
	h.pushing.Lock()
	defer h.pushing.Unlock()
	h.mu.Lock()
	h.pusher, _ = h.authenticate(r) // who may not push is refused by authorizeGit
	h.mu.Unlock()
	h.host.ServeHTTP(w, r)
}

// gitPushed is told of each reference that a push over git changed.
func (h *Hub) gitPushed(owner, name, ref, old, sha string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r := h.repo(owner, name); r != nil {
		h.refMoved(r, ref, old, sha, h.pusher)
	}
}

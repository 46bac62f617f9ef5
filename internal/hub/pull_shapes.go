package hub

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/keyreeve/keyreeve/internal/hub/githost"
)

func (h *Hub) pullAPI(i *issue) string {
	return fmt.Sprintf("%s/repos/%s/pulls/%d", h.apiURL(), i.repo.full(), i.number)
}

// pullJSON is "pull-request-simple": what lists and webhooks' base hold.
func (h *Hub) pullJSON(i *issue) map[string]any {
	p, r := i.pull, i.repo
	api, page := h.pullAPI(i), h.issuePage(i)
	issueAPI := fmt.Sprintf("%s/repos/%s/issues/%d", h.apiURL(), r.full(), i.number)
	statuses := h.apiURL() + "/repos/" + r.full() + "/statuses/" + p.headSHA
	link := func(url string) any { return map[string]any{"href": url} }
	side := func(branch, sha string) any {
		return map[string]any{
			"label": r.owner.login + ":" + branch, "ref": branch, "sha": sha, "user": h.userJSON(r.owner), "repo": h.repoJSON(r),
		}
	}
	m := map[string]any{
		"id": i.id, "node_id": nodeID("PullRequest", i.id), "url": api, "html_url": page, "diff_url": page + ".diff", "patch_url": page + ".patch",
		"issue_url": issueAPI, "commits_url": api + "/commits", "review_comments_url": api + "/comments",
		"review_comment_url": h.apiURL() + "/repos/" + r.full() + "/pulls/comments{/number}", "comments_url": issueAPI + "/comments",
		"statuses_url": statuses, "number": i.number, "state": i.state, "locked": i.locked, "title": i.title, "user": h.userJSON(i.author),
		"body": blank(i.body), "labels": list(i.labels, func(l *label) any { return h.labelJSON(r, l) }), "milestone": nil,
		"active_lock_reason": nil, "created_at": stamp(i.created), "updated_at": stamp(i.updated), "closed_at": stamp(i.closed),
		"merged_at": stamp(p.mergedAt), "merge_commit_sha": blank(p.mergeSHA), "assignee": nil, "assignees": list(i.assignees, h.userJSON),
		"requested_reviewers": list(p.reviewers, h.userJSON),
		"requested_teams":     list(p.reviewTeams, func(t *team) any { return h.teamJSON(t, t.grants[r.id]) }),
		"head":                side(p.head, p.headSHA), "base": side(p.base, p.baseSHA), "author_association": h.association(i.author, r),
		"auto_merge": nil, "draft": p.draft,
		"_links": map[string]any{
			"self": link(api), "html": link(page), "issue": link(issueAPI), "comments": link(issueAPI + "/comments"),
			"review_comments": link(api + "/comments"), "review_comment": link(api + "/comments{/number}"),
			"commits": link(api + "/commits"), "statuses": link(statuses),
		},
	}
	if len(i.assignees) > 0 {
		m["assignee"] = h.userJSON(i.assignees[0])
	}
	return m
}

// fullPullJSON is "pull-request": with what git says about merging, and the counts.
func (h *Hub) fullPullJSON(i *issue) (map[string]any, error) {
	p := i.pull
	m := h.pullJSON(i)
	d, err := h.pullDiff(i)
	if err != nil {
		return nil, err
	}
	additions, deletions := 0, 0
	for _, change := range d.changes {
		additions, deletions = additions+change.Additions, deletions+change.Deletions
	}
	maps.Copy(m, map[string]any{
		"merged": p.merged, "merged_by": h.userJSON(p.mergedBy), "comments": len(i.comments), "review_comments": 0,
		"maintainer_can_modify": false, "commits": len(d.commits), "additions": additions, "deletions": deletions,
		"changed_files": len(d.changes), "mergeable": nil, "rebaseable": nil, "mergeable_state": "unknown",
	})
	if i.state != "open" {
		return m, nil
	}
	probe, err := h.probe(i)
	if err != nil {
		return nil, err
	}
	m["mergeable"], m["rebaseable"], m["merge_commit_sha"] = probe.ok, probe.ok, blank(probe.sha)
	switch {
	case !probe.ok:
		m["mergeable_state"] = "dirty"
	case p.draft:
		m["mergeable_state"] = "draft"
	case h.unstable(i):
		m["mergeable_state"] = "unstable"
	default:
		m["mergeable_state"] = "clean"
	}
	return m, nil
}

// pullDiff is what a pull request holds: its commits, oldest first, and its changes from the merge base.
type pullDiff struct {
	base, head string
	commits    []githost.Commit
	changes    []githost.Change
}

// pullDiff asks git, and keeps the answer until a side moves.
func (h *Hub) pullDiff(i *issue) (pullDiff, error) {
	p, git := i.pull, i.repo.git
	if d := p.probe.diff; d != nil && d.base == p.baseSHA && d.head == p.headSHA {
		return *d, nil
	}
	from, err := git.MergeBase(p.baseSHA, p.headSHA)
	if err != nil {
		return pullDiff{}, fmt.Errorf("diff %s#%d: %w", i.repo.full(), i.number, err)
	}
	d := &pullDiff{base: p.baseSHA, head: p.headSHA}
	if d.commits, err = git.Log(p.headSHA, p.baseSHA, "", 0); err != nil {
		return pullDiff{}, fmt.Errorf("list the commits of %s#%d: %w", i.repo.full(), i.number, err)
	}
	slices.Reverse(d.commits)
	if d.changes, err = git.Diff(from, p.headSHA); err != nil {
		return pullDiff{}, fmt.Errorf("diff %s#%d: %w", i.repo.full(), i.number, err)
	}
	p.probe.diff = d
	return *d, nil
}

// mergeProbe remembers what git said of a pair of commits.
type mergeProbe struct {
	base, head string
	sha        string // the test merge
	ok         bool
	diff       *pullDiff
}

// probe merges on the side, moving nothing.
func (h *Hub) probe(i *issue) (mergeProbe, error) {
	p := i.pull
	if p.probe.base == p.baseSHA && p.probe.head == p.headSHA {
		return p.probe, nil
	}
	sha, err := i.repo.git.Merge(p.baseSHA, p.headSHA, "merge", h.signature(i.author), fmt.Sprintf("Merge %s into %s", p.headSHA, p.baseSHA))
	if err != nil && !errors.Is(err, githost.ErrConflict) {
		return mergeProbe{}, fmt.Errorf("test the merge of %s#%d: %w", i.repo.full(), i.number, err)
	}
	p.probe.base, p.probe.head, p.probe.sha, p.probe.ok = p.baseSHA, p.headSHA, sha, err == nil
	return p.probe, nil
}

// PullFiles tells what a pull request changes, with patches, for pages that show it.
func (h *Hub) PullFiles(full string, number int) ([]githost.Change, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.repoByFull(full)
	if r == nil || r.issues[number] == nil || r.issues[number].pull == nil {
		return nil, unknown("pull request", fmt.Sprintf("%s#%d", full, number))
	}
	d, err := h.pullDiff(r.issues[number])
	return slices.Clone(d.changes), err
}

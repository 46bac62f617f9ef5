package hub

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/internal/hub/githost"
)

// accountOfEmail finds who a commit is by: an address that SetEmail told, or a noreply address with the id.
func (h *Hub) accountOfEmail(email string) *account {
	local, domain, _ := strings.Cut(strings.ToLower(email), "@")
	if domain == "users.noreply.github.com" {
		idText, login, full := strings.Cut(local, "+")
		if !full {
			return h.account(local)
		}
		if id, err := strconv.ParseInt(idText, 10, 64); err == nil {
			return h.accounts[id]
		}
		return h.account(login)
	}
	for _, a := range h.accounts {
		if a.email != "" && strings.EqualFold(a.email, email) {
			return a
		}
	}
	return nil
}

// messageOf is a commit's message as GitHub shows it: without the line break that git puts at its end.
func messageOf(commit githost.Commit) string { return strings.TrimRight(commit.Message, "\n") }

func unsigned() map[string]any {
	return map[string]any{"verified": false, "reason": "unsigned", "signature": nil, "payload": nil, "verified_at": nil}
}

func signatureJSON(s githost.Signature) map[string]any {
	return map[string]any{"name": s.Name, "email": s.Email, "date": stamp(s.When)}
}

// commitJSON is "commit", as lists hold it.
func (h *Hub) commitJSON(r *repo, commit githost.Commit) map[string]any {
	api := h.apiURL() + "/repos/" + r.full()
	return map[string]any{
		"sha": commit.SHA, "node_id": nodeID("Commit", r.id) + commit.SHA[:8], "url": api + "/commits/" + commit.SHA,
		"html_url": h.base + "/" + r.full() + "/commit/" + commit.SHA, "comments_url": api + "/commits/" + commit.SHA + "/comments",
		"commit": map[string]any{
			"url": api + "/git/commits/" + commit.SHA, "message": messageOf(commit), "comment_count": 0,
			"author": signatureJSON(commit.Author), "committer": signatureJSON(commit.Committer), "verification": unsigned(),
			"tree": map[string]any{"sha": commit.Tree, "url": api + "/git/trees/" + commit.Tree},
		},
		"author":    h.userJSON(h.accountOfEmail(commit.Author.Email)),
		"committer": h.userJSON(h.accountOfEmail(commit.Committer.Email)), "parents": h.parentsJSON(r, commit, "/commits/"),
	}
}

func (h *Hub) parentsJSON(r *repo, commit githost.Commit, under string) []any {
	return list(commit.Parents, func(sha string) any {
		return map[string]any{
			"sha": sha, "url": h.apiURL() + "/repos/" + r.full() + under + sha, "html_url": h.base + "/" + r.full() + "/commit/" + sha,
		}
	})
}

// gitCommitJSON is "git-commit".
func (h *Hub) gitCommitJSON(r *repo, commit githost.Commit) map[string]any {
	api := h.apiURL() + "/repos/" + r.full() + "/git"
	return map[string]any{
		"sha": commit.SHA, "node_id": nodeID("Commit", r.id) + commit.SHA[:8], "url": api + "/commits/" + commit.SHA,
		"html_url": h.base + "/" + r.full() + "/commit/" + commit.SHA, "author": signatureJSON(commit.Author),
		"committer": signatureJSON(commit.Committer), "message": messageOf(commit), "verification": unsigned(),
		"tree":    map[string]any{"sha": commit.Tree, "url": api + "/trees/" + commit.Tree},
		"parents": h.parentsJSON(r, commit, "/git/commits/"),
	}
}

// simpleCommit is "simple-commit".
func (h *Hub) simpleCommit(commit githost.Commit) map[string]any {
	who := func(s githost.Signature) any { return map[string]any{"name": s.Name, "email": s.Email} }
	return map[string]any{
		"id": commit.SHA, "tree_id": commit.Tree, "message": messageOf(commit), "timestamp": stamp(commit.Author.When),
		"author": who(commit.Author), "committer": who(commit.Committer),
	}
}

// changeJSON is "diff-entry".
func (h *Hub) changeJSON(r *repo, head string, change githost.Change) any {
	escaped := pathEscapeAll(change.Path)
	m := map[string]any{
		"sha": change.SHA, "filename": change.Path, "status": change.Status, "additions": change.Additions, "deletions": change.Deletions,
		"changes":  change.Additions + change.Deletions,
		"blob_url": h.base + "/" + r.full() + "/blob/" + head + "/" + escaped, "raw_url": h.base + "/" + r.full() + "/raw/" + head + "/" + escaped,
		"contents_url": h.apiURL() + "/repos/" + r.full() + "/contents/" + escaped + "?ref=" + head,
	}
	if change.Patch != "" {
		m["patch"] = change.Patch
	}
	if change.Previous != "" {
		m["previous_filename"] = change.Previous
	}
	return m
}

func pathEscape(s string) string { return url.PathEscape(s) }

// pathEscapeAll escapes each segment of a path and keeps its slashes.
func pathEscapeAll(path string) string {
	return strings.ReplaceAll(url.PathEscape(path), "%2F", "/")
}

func trimScheme(u string) string {
	_, rest, found := strings.Cut(u, "://")
	if !found {
		return u
	}
	return rest
}

// empty says whether the repository has no commit on its default branch.
func (r *repo) empty() bool {
	_, err := r.git.Resolve("refs/heads/" + r.defBranch)
	return err != nil
}

const emptyRepo = "Git Repository is empty."

// listCommits answers GET …/commits; sha is a branch or commit, path, since, until and author narrow it.
func listCommits(c *call) (answer, error) {
	from := c.query("sha")
	if from == "" {
		from = c.repo.defBranch
	}
	if c.repo.empty() && c.query("sha") == "" {
		return answer{}, conflict(emptyRepo)
	}
	commits, err := c.repo.git.Log(from, "", c.query("path"), 0)
	if errors.Is(err, githost.ErrNotFound) {
		return answer{}, notFound()
	}
	if err != nil {
		return answer{}, fmt.Errorf("list commits: %w", err)
	}
	var out []githost.Commit
	for _, commit := range commits {
		if c.commitWanted(commit) {
			out = append(out, commit)
		}
	}
	return ok(each(c, out, func(commit githost.Commit) any { return c.commitJSON(c.repo, commit) }))
}

func (c *call) commitWanted(commit githost.Commit) bool {
	when := commit.Committer.When.UTC().Format(time.RFC3339)
	if since := c.query("since"); since != "" && when < since {
		return false
	}
	if until := c.query("until"); until != "" && when > until {
		return false
	}
	if author := c.query("author"); author != "" && !strings.EqualFold(commit.Author.Email, author) {
		a := c.accountOfEmail(commit.Author.Email)
		return a != nil && strings.EqualFold(a.login, author)
	}
	return true
}

// getCommit answers with the changes against the first parent, and their sums.
func getCommit(c *call) (answer, error) {
	ref := c.vars["ref"]
	if c.repo.empty() {
		return answer{}, conflict(emptyRepo)
	}
	sha, err := c.repo.git.Resolve(ref)
	if err != nil {
		return answer{}, unprocessable("No commit found for SHA: " + ref)
	}
	commit, err := c.repo.git.ReadCommit(sha)
	if err != nil {
		return answer{}, fmt.Errorf("read commit: %w", err)
	}
	changes, err := c.repo.git.Diff(firstParent(commit), sha)
	if err != nil {
		return answer{}, fmt.Errorf("diff commit: %w", err)
	}
	m := c.commitJSON(c.repo, commit)
	additions, deletions := 0, 0
	for _, change := range changes {
		additions, deletions = additions+change.Additions, deletions+change.Deletions
	}
	m["stats"] = map[string]any{"additions": additions, "deletions": deletions, "total": additions + deletions}
	m["files"] = list(changes, func(change githost.Change) any { return c.changeJSON(c.repo, sha, change) })
	return ok(m)
}

// emptyTree is git's id of the tree with nothing in it.
const emptyTree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

func firstParent(commit githost.Commit) string {
	if len(commit.Parents) == 0 {
		return emptyTree
	}
	return commit.Parents[0]
}

// listPullsOfCommit lists pull requests whose head is the commit, or that brought it in.
func listPullsOfCommit(c *call) (answer, error) {
	var out []*issue
	for _, i := range c.repo.order {
		if i.pull != nil && (i.pull.headSHA == c.vars["ref"] || i.pull.mergeSHA == c.vars["ref"]) {
			out = append(out, i)
		}
	}
	return ok(each(c, out, func(i *issue) any { return c.pullJSON(i) }))
}

// compare answers GET …/compare/{base}...{head}.
func compare(c *call) (answer, error) {
	base, head, found := strings.Cut(c.vars["basehead"], "...")
	if !found {
		return answer{}, notFound()
	}
	strip := func(rev string) string { return strings.TrimPrefix(rev, c.repo.owner.login+":") }
	baseSHA, err1 := c.repo.git.Resolve(strip(base))
	headSHA, err2 := c.repo.git.Resolve(strip(head))
	if err1 != nil || err2 != nil {
		return answer{}, notFound()
	}
	mergeBase, err := c.repo.git.MergeBase(baseSHA, headSHA)
	if err != nil {
		return answer{}, failure(http.StatusNotFound, "No common ancestor between "+base+" and "+head+".")
	}
	ahead, err1 := c.repo.git.Log(headSHA, baseSHA, "", 0)
	behind, err2 := c.repo.git.Log(baseSHA, headSHA, "", 0)
	changes, err3 := c.repo.git.Diff(mergeBase, headSHA)
	baseCommit, err4 := c.repo.git.ReadCommit(baseSHA)
	common, err5 := c.repo.git.ReadCommit(mergeBase)
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		return answer{}, fmt.Errorf("compare: %w", err)
	}
	oldestFirst(ahead)
	html := fmt.Sprintf("%s/%s/compare/%s...%s", c.base, c.repo.full(), pathEscapeAll(base), pathEscapeAll(head))
	status := map[[2]bool]string{{false, false}: "identical", {true, false}: "ahead", {false, true}: "behind", {true, true}: "diverged"}
	page, _ := c.pageOf()
	files := []any{}
	if page == 1 { // files are on the first page only
		files = list(changes[:min(300, len(changes))], func(change githost.Change) any { return c.changeJSON(c.repo, headSHA, change) })
	}
	return ok(map[string]any{
		"url":      c.apiURL() + "/repos/" + c.repo.full() + "/compare/" + pathEscapeAll(base) + "..." + pathEscapeAll(head),
		"html_url": html, "permalink_url": html, "diff_url": html + ".diff", "patch_url": html + ".patch",
		"base_commit": c.commitJSON(c.repo, baseCommit), "merge_base_commit": c.commitJSON(c.repo, common),
		"status": status[[2]bool{len(ahead) > 0, len(behind) > 0}], "ahead_by": len(ahead), "behind_by": len(behind),
		"total_commits": len(ahead), "files": files,
		"commits": each(c, ahead, func(commit githost.Commit) any { return c.commitJSON(c.repo, commit) }),
	})
}

func oldestFirst(commits []githost.Commit) {
	for a, b := 0, len(commits)-1; a < b; a, b = a+1, b-1 {
		commits[a], commits[b] = commits[b], commits[a]
	}
}

func listBranches(c *call) (answer, error) {
	refs, err := c.repo.git.Refs("refs/heads/")
	if err != nil {
		return answer{}, fmt.Errorf("list branches: %w", err)
	}
	return ok(each(c, refs, func(ref githost.Ref) any {
		return map[string]any{
			"name": strings.TrimPrefix(ref.Name, "refs/heads/"), "protected": false,
			"commit": map[string]any{"sha": ref.SHA, "url": c.apiURL() + "/repos/" + c.repo.full() + "/commits/" + ref.SHA},
		}
	}))
}

func getBranch(c *call) (answer, error) {
	name := c.vars["branch"]
	sha, err := c.repo.git.Resolve("refs/heads/" + name)
	if err != nil {
		return answer{}, failure(http.StatusNotFound, "Branch not found")
	}
	commit, err := c.repo.git.ReadCommit(sha)
	if err != nil {
		return answer{}, fmt.Errorf("read branch: %w", err)
	}
	api := c.apiURL() + "/repos/" + c.repo.full() + "/branches/" + pathEscapeAll(name)
	return ok(map[string]any{
		"name": name, "commit": c.commitJSON(c.repo, commit), "protected": false, "protection_url": api + "/protection",
		"_links": map[string]any{"self": api, "html": c.base + "/" + c.repo.full() + "/tree/" + pathEscapeAll(name)},
		"protection": map[string]any{"enabled": false, "required_status_checks": map[string]any{
			"enforcement_level": "off", "contexts": []string{}, "checks": []any{},
		}},
	})
}

package hub

import (
	"fmt"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/internal/hub/githost"
)

// pull finds the pull request of the path.
func (c *call) pull() (*issue, error) {
	i := c.repo.issues[int(c.num("pull_number"))]
	if i == nil || i.pull == nil {
		return nil, notFound()
	}
	return i, nil
}

func listPulls(c *call) (answer, error) {
	state, head, base := c.query("state"), c.query("head"), c.query("base")
	if state == "" {
		state = "open"
	}
	if !slices.Contains([]string{"open", "closed", "all"}, state) {
		return answer{}, invalid("PullRequest", "state", "invalid", "")
	}
	var out []*issue
	for _, i := range c.repo.order {
		if i.pull == nil || state != "all" && i.state != state || base != "" && i.pull.base != base {
			continue
		}
		// Without "owner:" GitHub ignores the filter.
		if owner, branch, full := strings.Cut(head, ":"); full && (!strings.EqualFold(owner, c.repo.owner.login) || i.pull.head != branch) {
			continue
		}
		out = append(out, i)
	}
	if c.query("direction") != "asc" {
		slices.Reverse(out)
	}
	return ok(each(c, out, func(i *issue) any { return c.pullJSON(i) }))
}

func getPull(c *call) (answer, error) {
	i, err := c.pull()
	if err != nil {
		return answer{}, err
	}
	full, err := c.fullPullJSON(i)
	if err != nil {
		return answer{}, err
	}
	return ok(full)
}

type pullBody struct {
	Title *string `json:"title"`
	Body  *string `json:"body"`
	Head  string  `json:"head"`
	Base  string  `json:"base"`
	State string  `json:"state"`
	Draft bool    `json:"draft"`
}

func createPull(c *call) (answer, error) {
	var in pullBody
	if err := c.in(&in); err != nil {
		return answer{}, err
	}
	if in.Title == nil || strings.TrimSpace(*in.Title) == "" {
		return answer{}, invalid("PullRequest", "title", "missing_field", "")
	}
	body := ""
	if in.Body != nil {
		body = *in.Body
	}
	if err := checkBody("PullRequest", body); err != nil {
		return answer{}, err
	}
	p, err := c.sides(in.Head, in.Base)
	if err != nil {
		return answer{}, err
	}
	p.draft = in.Draft
	i := c.newIssue(c.repo, c.who, *in.Title, body)
	i.pull = p
	full, err := c.fullPullJSON(i)
	if err != nil {
		return answer{}, err
	}
	c.tellIssue(i, "pull.opened", body, map[string]string{"head": p.head, "base": p.base, "sha": p.headSHA})
	c.hookIssue(i, "opened", nil)
	return created(full)
}

// sides checks that a pull request from head to base can be.
func (c *call) sides(head, base string) (*pull, error) {
	if owner, branch, full := strings.Cut(head, ":"); full {
		if !strings.EqualFold(owner, c.repo.owner.login) {
			return nil, invalid("PullRequest", "head", "invalid", "")
		}
		head = branch
	}
	p := &pull{head: head, base: base}
	var err error
	if p.headSHA, err = c.repo.git.Resolve("refs/heads/" + head); err != nil || head == "" {
		return nil, invalid("PullRequest", "head", "invalid", "")
	}
	if p.baseSHA, err = c.repo.git.Resolve("refs/heads/" + base); err != nil || base == "" {
		return nil, invalid("PullRequest", "base", "invalid", "")
	}
	if _, err := c.repo.git.MergeBase(p.baseSHA, p.headSHA); err != nil {
		return nil, invalid("PullRequest", "", "custom", fmt.Sprintf("The %s branch has no history in common with %s", head, base))
	}
	if c.openPull(head, base) != nil {
		return nil, invalid("PullRequest", "", "custom", fmt.Sprintf("A pull request already exists for %s:%s.", c.repo.owner.login, head))
	}
	ahead, err := c.repo.git.Log(p.headSHA, p.baseSHA, "", 1)
	if err != nil {
		return nil, fmt.Errorf("compare %s with %s: %w", head, base, err)
	}
	if len(ahead) == 0 {
		return nil, invalid("PullRequest", "", "custom", fmt.Sprintf("No commits between %s and %s", base, head))
	}
	return p, nil
}

func (c *call) openPull(head, base string) *issue {
	for _, i := range c.repo.order {
		if i.pull != nil && i.state == "open" && i.pull.head == head && i.pull.base == base {
			return i
		}
	}
	return nil
}

// mayReopen says why a closed pull request cannot be opened again.
func (c *call) mayReopen(i *issue) error {
	p := i.pull
	if p.merged {
		return invalid("PullRequest", "state", "custom", "state cannot be changed. The pull request cannot be reopened.")
	}
	head, err := i.repo.git.Resolve("refs/heads/" + p.head)
	if err != nil {
		return invalid("PullRequest", "state", "custom", fmt.Sprintf("state cannot be changed. The %s branch has been deleted.", p.head))
	}
	if c.openPull(p.head, p.base) != nil {
		return invalid("PullRequest", "state", "custom", "state cannot be changed. There is already an open pull request from "+p.head+" to "+p.base+".")
	}
	p.headSHA = head
	return nil
}

func patchPull(c *call) (answer, error) {
	i, err := c.pull()
	if err != nil {
		return answer{}, err
	}
	if i.author != c.who.acct && c.level() < levelWrite {
		return answer{}, forbidden("Must have admin rights to Repository.")
	}
	var in pullBody
	if err := c.in(&in); err != nil {
		return answer{}, err
	}
	if in.State != "" && in.State != "open" && in.State != "closed" {
		return answer{}, invalid("PullRequest", "state", "invalid", "")
	}
	if in.Base != "" && in.Base != i.pull.base {
		if err := c.retarget(i, in.Base); err != nil {
			return answer{}, err
		}
	}
	title := ""
	if in.Title != nil {
		title = *in.Title
	}
	if err := c.editText(i, title, in.Title != nil, in.Body); err != nil {
		return answer{}, err
	}
	if in.State != "" {
		if err := c.setState(i, in.State, nil); err != nil {
			return answer{}, err
		}
	}
	return getPull(c)
}

// retarget changes the base branch of an open pull request.
func (c *call) retarget(i *issue, base string) error {
	sha, err := i.repo.git.Resolve("refs/heads/" + base)
	if err != nil {
		return invalid("PullRequest", "base", "invalid", "")
	}
	if i.state != "open" {
		return unprocessable("Cannot change the base branch of a closed pull request.")
	}
	from := i.pull.base
	fromSHA := i.pull.baseSHA
	i.pull.base, i.pull.baseSHA, i.updated = base, sha, c.now()
	c.tellIssue(i, "pull.edited", i.body, map[string]string{"base": base, "from": from})
	c.hookIssue(i, "edited", map[string]any{"changes": map[string]any{"base": map[string]any{
		"ref": map[string]any{"from": from}, "sha": map[string]any{"from": fromSHA},
	}}})
	c.queueFollows(i.repo)
	return nil
}

// hookPull sends a pull_request event.
func (h *Hub) hookPullBy(i *issue, action string, more map[string]any, sender *account) {
	if !h.heard(i.repo, "pull_request") {
		return
	}
	full, err := h.fullPullJSON(i)
	if err != nil {
		h.log.Error("pull request event without git's facts", "pull", i.number, "err", err)
		full = h.pullJSON(i)
	}
	if more == nil {
		more = map[string]any{}
	}
	more["number"], more["pull_request"] = i.number, full
	h.hookRepo(i.repo, "pull_request", action, more, sender)
}

func (c *call) hookPull(i *issue, action string, more map[string]any) {
	c.hookPullBy(i, action, more, c.who.acct)
}

// heard says whether any App listens to an event of the repository, to save git's work where none does.
func (h *Hub) heard(r *repo, event string) bool {
	for _, i := range h.installs {
		if i.suspended.IsZero() && i.app.hasEvent(event) && i.app.hookURL != "" && i.covers(r) {
			return true
		}
	}
	return false
}

func listPullFiles(c *call) (answer, error) {
	i, err := c.pull()
	if err != nil {
		return answer{}, err
	}
	d, err := c.pullDiff(i)
	if err != nil {
		return answer{}, err
	}
	changes := d.changes[:min(len(d.changes), 3000)] // the most that GitHub lists
	return ok(each(c, changes, func(change githost.Change) any { return c.changeJSON(i.repo, i.pull.headSHA, change) }))
}

func listPullCommits(c *call) (answer, error) {
	i, err := c.pull()
	if err != nil {
		return answer{}, err
	}
	d, err := c.pullDiff(i)
	if err != nil {
		return answer{}, err
	}
	commits := d.commits[:min(len(d.commits), 250)] // the most that GitHub lists
	return ok(each(c, commits, func(commit githost.Commit) any { return c.commitJSON(i.repo, commit) }))
}

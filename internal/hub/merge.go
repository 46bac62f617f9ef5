package hub

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/keyreeve/keyreeve/internal/hub/githost"
)

type mergeBody struct {
	Title   string `json:"commit_title"`
	Message string `json:"commit_message"`
	SHA     string `json:"sha"`
	Method  string `json:"merge_method"`
}

const notMergeable = "Pull Request is not mergeable"

// mergePull answers PUT …/pulls/{pull_number}/merge with a real merge:
// https://docs.github.com/en/rest/pulls/pulls#merge-a-pull-request.
func mergePull(c *call) (answer, error) {
	i, err := c.pull()
	if err != nil {
		return answer{}, err
	}
	var in mergeBody
	if err := c.in(&in); err != nil {
		return answer{}, err
	}
	if in.Method == "" {
		in.Method = "merge"
	}
	p := i.pull
	switch {
	case !slices.Contains([]string{"merge", "squash", "rebase"}, in.Method):
		return answer{}, invalid("PullRequest", "merge_method", "invalid", "")
	case p.merged, i.state != "open":
		return answer{}, failure(http.StatusMethodNotAllowed, notMergeable)
	case p.draft:
		return answer{}, failure(http.StatusMethodNotAllowed, "Pull Request is still a draft")
	case in.SHA != "" && in.SHA != p.headSHA:
		return answer{}, conflict("Head branch was modified. Review and try the merge again.")
	}
	if err := c.mayMergeWorkflows(i); err != nil {
		return answer{}, err
	}
	title, message := mergeMessage(i, in)
	sha, err := i.repo.git.Merge(p.baseSHA, p.headSHA, in.Method, c.signature(c.who.acct), title+"\n\n"+message)
	if errors.Is(err, githost.ErrConflict) {
		return answer{}, failure(http.StatusMethodNotAllowed, notMergeable)
	}
	if err != nil {
		return answer{}, fmt.Errorf("merge %s#%d: %w", i.repo.full(), i.number, err)
	}
	before := p.baseSHA
	if err := i.repo.git.SetRef("refs/heads/"+p.base, sha, before); err != nil {
		if errors.Is(err, githost.ErrStale) {
			return answer{}, failure(http.StatusMethodNotAllowed, "Base branch was modified. Review and try the merge again.")
		}
		return answer{}, fmt.Errorf("merge %s#%d: %w", i.repo.full(), i.number, err)
	}
	c.markMerged(i, sha, c.who)
	c.refMoved(i.repo, "refs/heads/"+p.base, before, sha, c.who)
	c.closeLinked(i)
	return ok(map[string]any{"sha": sha, "merged": true, "message": "Pull Request successfully merged"})
}

func (c *call) mayMergeWorkflows(i *issue) error {
	if c.who.inst == nil || c.who.has("workflows", true) {
		return nil
	}
	d, err := c.pullDiff(i)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(d.changes, func(change githost.Change) bool { return isWorkflow(change.Path) || isWorkflow(change.Previous) }) {
		return notAccessible()
	}
	return nil
}

func mergeMessage(i *issue, in mergeBody) (title, message string) {
	title, message = in.Title, in.Message
	if title == "" && in.Method == "squash" {
		title = fmt.Sprintf("%s (#%d)", i.title, i.number)
	}
	if title == "" {
		title = fmt.Sprintf("Merge pull request #%d from %s/%s", i.number, i.repo.owner.login, i.pull.head)
		if message == "" {
			message = i.title
		}
	}
	return title, message
}

// markMerged closes a pull request as merged; the sides stay as they were before.
func (h *Hub) markMerged(i *issue, sha string, who principal) {
	p := i.pull
	p.merged, p.mergedAt, p.mergedBy, p.mergeSHA = true, h.now(), who.acct, sha
	i.repo.open--
	i.state, i.closed, i.closedBy, i.updated = "closed", h.now(), who.acct, h.now()
	actor := ""
	if who.acct != nil {
		actor = who.acct.login
	}
	h.happen(Event{
		Actor: actor, Kind: "pull.merged", Repo: i.repo.full(), Number: i.number, Text: i.title,
		Detail: map[string]string{"title": i.title, "head": p.head, "base": p.base, "sha": sha}, URL: h.issuePage(i),
	})
	h.hookPullBy(i, "closed", nil, who.acct)
}

var closing = regexp.MustCompile(`(?i)\b(?:close[sd]?|fix(?:es|ed)?|resolve[sd]?):?\s+#(\d+)`)

// closeLinked closes the issues that the body says it closes, when the base is the default branch:
// https://docs.github.com/en/issues/tracking-your-work-with-issues/using-issues/linking-a-pull-request-to-an-issue.
func (c *call) closeLinked(i *issue) {
	if i.pull.base != i.repo.defBranch {
		return
	}
	for _, m := range closing.FindAllStringSubmatch(i.body, -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			continue
		}
		if linked := i.repo.issues[n]; linked != nil && linked.pull == nil && linked.state == "open" {
			if err := c.setState(linked, "closed", nil); err != nil {
				c.log.Error("close a linked issue", "issue", n, "err", err)
			}
		}
	}
}

func isMerged(c *call) (answer, error) {
	i, err := c.pull()
	if err != nil {
		return answer{}, err
	}
	if !i.pull.merged {
		return answer{}, notFound()
	}
	return noContent()
}

// updateBranch merges the base into the head. GitHub does it a moment later; here it is done when 202 is answered.
func updateBranch(c *call) (answer, error) {
	i, err := c.pull()
	if err != nil {
		return answer{}, err
	}
	var in struct {
		Expected string `json:"expected_head_sha"`
	}
	if err := c.in(&in); err != nil {
		return answer{}, err
	}
	p := i.pull
	switch {
	case c.level() < levelWrite:
		return answer{}, forbidden("Must have admin rights to Repository.")
	case i.state != "open":
		return answer{}, unprocessable("The pull request is closed.")
	case in.Expected != "" && in.Expected != p.headSHA:
		return answer{}, unprocessable("expected head sha didn’t match current head ref.")
	}
	message := fmt.Sprintf("Merge branch '%s' into %s", p.base, p.head)
	sha, err := i.repo.git.Merge(p.headSHA, p.baseSHA, "merge", c.signature(c.who.acct), message)
	if errors.Is(err, githost.ErrConflict) {
		return answer{}, unprocessable("merge conflict between base and head")
	}
	if err != nil {
		return answer{}, fmt.Errorf("update the branch of %s#%d: %w", i.repo.full(), i.number, err)
	}
	if before := p.headSHA; sha != before {
		if err := i.repo.git.SetRef("refs/heads/"+p.head, sha, before); err != nil {
			return answer{}, refError(err)
		}
		c.refMoved(i.repo, "refs/heads/"+p.head, before, sha, c.who)
	}
	return answer{http.StatusAccepted, map[string]any{"message": "Updating pull request branch.", "url": c.pullAPI(i)}}, nil
}

func isWorkflow(path string) bool { return strings.HasPrefix(path, ".github/workflows/") }

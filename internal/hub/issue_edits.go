package hub

import (
	"net/http"
	"slices"
	"strings"
)

// patchIssue edits an issue, or a pull request through its issue half.
func patchIssue(c *call) (answer, error) {
	i, err := c.issue()
	if err != nil {
		return answer{}, err
	}
	if i.author != c.who.acct && c.level() < levelTriage {
		return answer{}, forbidden("Must have admin rights to Repository.")
	}
	var in issueBody
	if err := c.in(&in); err != nil {
		return answer{}, err
	}
	if in.State != "" && in.State != "open" && in.State != "closed" {
		return answer{}, invalid("Issue", "state", "invalid", "")
	}
	labels, people, err := c.issueLists(&in)
	if err != nil {
		return answer{}, err
	}
	title, hasTitle := in.title()
	if err := c.editText(i, title, hasTitle, in.Body); err != nil {
		return answer{}, err
	}
	c.editLists(i, &in, labels, people)
	if in.State != "" {
		if err := c.setState(i, in.State, in.StateReason); err != nil {
			return answer{}, err
		}
	}
	return ok(c.issueJSON(i))
}

// editLists sets labels, which takes triage, and assignees, where the body has them.
func (c *call) editLists(i *issue, in *issueBody, labels []string, people []*account) {
	if in.Labels != nil && c.level() >= levelTriage {
		c.setLabels(i, labels)
	}
	if in.Assignees != nil || in.Assignee != nil {
		i.assignees = people
	}
}

// editText changes title and body, remembers who edited the body when, and tells what it was before.
func (c *call) editText(i *issue, title string, hasTitle bool, body *string) error {
	changes := map[string]any{}
	if hasTitle && strings.TrimSpace(title) == "" {
		return invalid("Issue", "title", "missing_field", "")
	}
	if body != nil {
		if err := checkBody("Issue", *body); err != nil {
			return err
		}
	}
	if hasTitle && title != i.title {
		changes["title"] = map[string]any{"from": i.title}
		i.title = title
	}
	if body != nil && *body != i.body {
		changes["body"] = map[string]any{"from": i.body}
		i.body, i.edited, i.editors = *body, c.now(), append(i.editors, c.who.acct)
	}
	if len(changes) == 0 {
		return nil
	}
	i.updated = c.now()
	c.tellIssue(i, "issue.edited", i.body, nil)
	c.hookIssue(i, "edited", map[string]any{"changes": changes})
	return nil
}

// setState opens or closes. A merged pull request stays closed.
func (c *call) setState(i *issue, state string, reason *string) error {
	if i.state == state {
		if reason != nil && state == "closed" {
			i.reason = *reason
		}
		return nil
	}
	if state == "open" && i.pull != nil {
		if err := c.mayReopen(i); err != nil {
			return err
		}
	}
	i.state, i.updated = state, c.now()
	if state == "closed" {
		i.repo.open--
		i.closed, i.closedBy = c.now(), c.who.acct
		if i.pull == nil {
			i.reason = "completed"
			if reason != nil && *reason != "" {
				i.reason = *reason
			}
		}
		c.tellIssue(i, "issue.closed", i.title, map[string]string{"reason": i.reason})
		c.hookIssue(i, "closed", nil)
		c.queueFollows(i.repo)
		return nil
	}
	i.repo.open++
	i.closed, i.closedBy = zeroTime, nil
	if i.pull == nil {
		i.reason = "reopened"
	}
	c.tellIssue(i, "issue.reopened", i.title, nil)
	c.hookIssue(i, "reopened", nil)
	return nil
}

func lockIssue(locked bool) func(*call) (answer, error) {
	return func(c *call) (answer, error) {
		i, err := c.issue()
		if err != nil {
			return answer{}, err
		}
		if c.level() < levelWrite {
			return answer{}, forbidden("Must have admin rights to Repository.")
		}
		if i.locked != locked {
			i.locked, i.updated = locked, c.now()
			action := map[bool]string{true: "locked", false: "unlocked"}[locked]
			c.tellIssue(i, "issue."+action, i.title, nil)
			c.hookIssue(i, action, nil)
		}
		return answer{status: http.StatusNoContent}, nil
	}
}

func addAssignees(c *call) (answer, error) {
	return c.changeAssignees(func(i *issue, people []*account) {
		for _, a := range people {
			if !slices.Contains(i.assignees, a) {
				i.assignees = append(i.assignees, a)
				c.hookIssue(i, "assigned", map[string]any{"assignee": c.userJSON(a)})
			}
		}
	}, http.StatusCreated)
}

func removeAssignees(c *call) (answer, error) {
	return c.changeAssignees(func(i *issue, people []*account) {
		for _, a := range people {
			if slices.Contains(i.assignees, a) {
				i.assignees = slices.DeleteFunc(i.assignees, func(b *account) bool { return a == b })
				c.hookIssue(i, "unassigned", map[string]any{"assignee": c.userJSON(a)})
			}
		}
	}, http.StatusOK)
}

func (c *call) changeAssignees(change func(*issue, []*account), status int) (answer, error) {
	i, err := c.issue()
	if err != nil {
		return answer{}, err
	}
	if c.level() < levelTriage {
		return answer{}, forbidden("Must have admin rights to Repository.")
	}
	var in issueBody
	if err := c.in(&in); err != nil {
		return answer{}, err
	}
	_, people, err := c.issueLists(&in)
	if err != nil {
		return answer{}, err
	}
	change(i, people)
	i.updated = c.now()
	return answer{status, c.issueJSON(i)}, nil
}

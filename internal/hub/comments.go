package hub

import (
	"slices"
	"strings"
)

type textBody struct {
	Body *string `json:"body"`
}

// text is the body of a comment, which must not be blank.
func (c *call) text(resource string) (string, error) {
	var in textBody
	if err := c.in(&in); err != nil {
		return "", err
	}
	if in.Body == nil {
		return "", invalid(resource, "body", "missing_field", "")
	}
	if strings.TrimSpace(*in.Body) == "" {
		return "", invalid(resource, "body", "custom", "Body cannot be blank")
	}
	return *in.Body, checkBody(resource, *in.Body)
}

func createComment(c *call) (answer, error) {
	i, err := c.issue()
	if err != nil {
		return answer{}, err
	}
	if i.locked && c.level() < levelWrite {
		return answer{}, forbidden("Unable to create comment because issue is locked.")
	}
	body, err := c.text("IssueComment")
	if err != nil {
		return answer{}, err
	}
	cm := &comment{id: c.nextID(), issue: i, author: c.who.acct, via: c.who.via(), body: body, created: c.now(), updated: c.now()}
	i.comments = append(i.comments, cm)
	i.updated = c.now()
	c.repo.comms[cm.id] = cm
	c.tellComment(cm, "comment.created", body)
	c.hookComment(cm, "created", nil)
	return created(c.commentJSON(cm))
}

func (c *call) tellComment(cm *comment, kind, text string) {
	c.happen(Event{
		Actor: c.actor(), Kind: kind, Repo: cm.issue.repo.full(), Number: cm.issue.number, Text: text,
		Detail: map[string]string{"comment": itoa(cm.id), "author": cm.author.login, "title": cm.issue.title}, URL: c.commentPage(cm),
	})
}

func (c *call) hookComment(cm *comment, action string, more map[string]any) {
	if more == nil {
		more = map[string]any{}
	}
	more["issue"], more["comment"] = c.issueJSON(cm.issue), c.commentJSON(cm)
	c.hookRepo(cm.issue.repo, "issue_comment", action, more, c.who.acct)
}

func listComments(c *call) (answer, error) {
	i, err := c.issue()
	if err != nil {
		return answer{}, err
	}
	all := i.comments
	if since := c.query("since"); since != "" {
		all = slices.DeleteFunc(slices.Clone(all), func(cm *comment) bool { return cm.updated.Format("2006-01-02T15:04:05Z") < since })
	}
	return ok(each(c, all, func(cm *comment) any { return c.commentJSON(cm) }))
}

// listRepoComments lists the comments of all issues and pull requests, by id.
func listRepoComments(c *call) (answer, error) {
	all := sortedBy(c.repo.comms, func(cm *comment) int64 { return cm.id })
	all = slices.DeleteFunc(all, func(cm *comment) bool { return c.mayTouch(cm.issue) != nil })
	return ok(each(c, all, func(cm *comment) any { return c.commentJSON(cm) }))
}

// comment finds the comment of the path.
func (c *call) comment() (*comment, error) {
	cm := c.repo.comms[c.num("comment_id")]
	if cm == nil {
		return nil, notFound()
	}
	return cm, c.mayTouch(cm.issue)
}

func getComment(c *call) (answer, error) {
	cm, err := c.comment()
	if err != nil {
		return answer{}, err
	}
	return ok(c.commentJSON(cm))
}

func patchComment(c *call) (answer, error) {
	cm, err := c.comment()
	if err != nil {
		return answer{}, err
	}
	if cm.author != c.who.acct && c.level() < levelWrite {
		return answer{}, forbidden("Must have admin rights to Repository.")
	}
	body, err := c.text("IssueComment")
	if err != nil {
		return answer{}, err
	}
	if body == cm.body {
		return ok(c.commentJSON(cm))
	}
	before := cm.body
	cm.body, cm.updated, cm.edited, cm.editor = body, c.now(), c.now(), c.who.acct
	c.tellComment(cm, "comment.edited", body)
	c.hookComment(cm, "edited", map[string]any{"changes": map[string]any{"body": map[string]any{"from": before}}})
	return ok(c.commentJSON(cm))
}

func deleteComment(c *call) (answer, error) {
	cm, err := c.comment()
	if err != nil {
		return answer{}, err
	}
	if cm.author != c.who.acct && c.level() < levelWrite {
		return answer{}, forbidden("Must have admin rights to Repository.")
	}
	i := cm.issue
	i.comments = slices.DeleteFunc(i.comments, func(other *comment) bool { return other == cm })
	i.updated = c.now()
	delete(c.repo.comms, cm.id)
	c.tellComment(cm, "comment.deleted", cm.body)
	c.hookComment(cm, "deleted", nil)
	return noContent()
}

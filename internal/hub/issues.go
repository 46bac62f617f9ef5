package hub

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxBody is the most characters of a body: https://github.com/orgs/community/discussions/27190.
const maxBody = 65536

// checkBody refuses a body that is too long, as GitHub words it.
func checkBody(resource, body string) error {
	if utf8.RuneCountInString(body) > maxBody {
		return invalid(resource, "body", "custom", "body is too long (maximum is 65536 characters)")
	}
	return nil
}

// newIssue makes the issue half of an issue or pull request.
func (h *Hub) newIssue(r *repo, who principal, title, body string) *issue {
	r.numbers++
	i := &issue{
		id: h.nextID(), number: r.numbers, repo: r, title: title, body: body, author: who.acct, via: who.via(), state: "open",
		created: h.now(), updated: h.now(),
	}
	r.issues[i.number] = i
	r.order = append(r.order, i)
	r.open++
	h.issueIDs[i.id] = i
	return i
}

// issue finds the issue of the path, or the pull request of that number, for a caller with the permission for its kind:
// an App with only pull_requests may not touch a plain issue, and the other way round.
func (c *call) issue() (*issue, error) {
	i := c.repo.issues[int(c.num("issue_number"))]
	if i == nil {
		return nil, notFound()
	}
	return i, c.mayTouch(i)
}

func (c *call) mayTouch(i *issue) error {
	if c.who.inst == nil {
		return nil
	}
	write := writes(c.req.Method)
	if i.pull == nil && !c.who.has("issues", write) {
		return notAccessible()
	}
	if i.pull != nil && !c.who.has("pull_requests", write) && !c.who.has("issues", write) {
		return notAccessible()
	}
	return nil
}

// level is the caller's role in the call's repository; an App that passed the route's need counts as write.
func (c *call) level() level {
	if c.who.inst != nil {
		return levelWrite
	}
	return c.effective(c.who.acct, c.repo)
}

type issueBody struct {
	Title       any     `json:"title"`
	Body        *string `json:"body"`
	State       string  `json:"state"`
	StateReason *string `json:"state_reason"`
	Labels      *[]any  `json:"labels"`
	Assignee    *string `json:"assignee"`
	Assignees   *[]any  `json:"assignees"`
}

func (b *issueBody) title() (string, bool) {
	switch t := b.Title.(type) {
	case string:
		return t, true
	case float64:
		return strconv.FormatFloat(t, 'f', -1, 64), true
	}
	return "", false
}

// names takes label names or logins out of a list of strings or objects.
func names(items []any, key string) ([]string, error) {
	var out []string
	for _, item := range items {
		switch v := item.(type) {
		case string:
			out = append(out, v)
		case map[string]any:
			if s, isText := v[key].(string); isText {
				out = append(out, s)
				continue
			}
			return nil, invalid("Issue", key, "invalid", "")
		default:
			return nil, invalid("Issue", key, "invalid", "")
		}
	}
	return out, nil
}

func createIssue(c *call) (answer, error) {
	var in issueBody
	if err := c.in(&in); err != nil {
		return answer{}, err
	}
	title, _ := in.title()
	if strings.TrimSpace(title) == "" {
		return answer{}, invalid("Issue", "title", "missing_field", "")
	}
	if utf8.RuneCountInString(title) > 256 {
		return answer{}, invalid("Issue", "title", "custom", "title is too long (maximum is 256 characters)")
	}
	body := ""
	if in.Body != nil {
		body = *in.Body
	}
	if err := checkBody("Issue", body); err != nil {
		return answer{}, err
	}
	labels, people, err := c.issueLists(&in)
	if err != nil {
		return answer{}, err
	}
	i := c.newIssue(c.repo, c.who, title, body)
	i.assignees = people
	// Labels by somebody without push access are dropped, as GitHub documents; an issue form's own labels are not.
	if c.form || c.level() >= levelTriage {
		for _, name := range labels {
			i.labels = append(i.labels, c.labelNamed(c.repo, name))
		}
	}
	c.tellIssue(i, "issue.opened", body, nil)
	c.hookIssue(i, "opened", nil)
	for _, l := range i.labels {
		c.hookIssue(i, "labeled", map[string]any{"label": c.labelJSON(c.repo, l)})
	}
	return created(c.issueJSON(i))
}

// issueLists reads labels and assignees; an unknown assignee is a 422.
func (c *call) issueLists(in *issueBody) ([]string, []*account, error) {
	var labels, logins []string
	var err error
	if in.Labels != nil {
		if labels, err = names(*in.Labels, "name"); err != nil {
			return nil, nil, err
		}
	}
	if in.Assignees != nil {
		if logins, err = names(*in.Assignees, "login"); err != nil {
			return nil, nil, err
		}
	}
	if in.Assignee != nil && *in.Assignee != "" {
		logins = append(logins, *in.Assignee)
	}
	people, err := c.assignable(logins)
	return labels, people, err
}

func (c *call) assignable(logins []string) ([]*account, error) {
	var people []*account
	for _, login := range logins {
		a := c.account(login)
		if a == nil || a.kind == "User" && c.effective(a, c.repo) < levelRead {
			return nil, invalid("Issue", "assignees", "invalid", "")
		}
		if !slices.Contains(people, a) {
			people = append(people, a)
		}
	}
	return people, nil
}

func getIssue(c *call) (answer, error) {
	i, err := c.issue()
	if err != nil {
		return answer{}, err
	}
	return ok(c.issueJSON(i))
}

// listIssues lists issues and, as GitHub does, pull requests.
func listIssues(c *call) (answer, error) {
	state := c.query("state")
	if state == "" {
		state = "open"
	}
	if !slices.Contains([]string{"open", "closed", "all"}, state) {
		return answer{}, invalid("Issue", "state", "invalid", "")
	}
	var labels []string
	if q := c.query("labels"); q != "" {
		labels = strings.Split(q, ",")
	}
	var out []*issue
	for _, i := range c.repo.order {
		if (state == "all" || i.state == state) && c.mayTouch(i) == nil && i.hasLabels(labels) && c.byCreator(i) && c.sinceQuery(i) {
			out = append(out, i)
		}
	}
	if c.query("sort") == "updated" {
		slices.SortStableFunc(out, func(a, b *issue) int { return a.updated.Compare(b.updated) })
	}
	if c.query("direction") != "asc" {
		slices.Reverse(out)
	}
	return ok(each(c, out, func(i *issue) any { return c.issueJSON(i) }))
}

func (c *call) byCreator(i *issue) bool {
	creator := c.query("creator")
	return creator == "" || i.author != nil && strings.EqualFold(i.author.login, creator)
}

func (c *call) sinceQuery(i *issue) bool {
	since := c.query("since")
	return since == "" || i.updated.Format("2006-01-02T15:04:05Z") >= since
}

func (i *issue) hasLabels(names []string) bool {
	for _, n := range names {
		if !slices.ContainsFunc(i.labels, func(l *label) bool { return strings.EqualFold(l.name, n) }) {
			return false
		}
	}
	return true
}

// tellIssue tells the watchers; of a pull request the kind is pull.… instead of issue.….
func (c *call) tellIssue(i *issue, kind, text string, detail map[string]string) {
	if rest, ok := strings.CutPrefix(kind, "issue."); ok && i.pull != nil {
		kind = "pull." + rest
	}
	if detail == nil {
		detail = map[string]string{}
	}
	detail["title"] = i.title
	c.happen(Event{Actor: c.actor(), Kind: kind, Repo: i.repo.full(), Number: i.number, Text: text, Detail: detail, URL: c.issuePage(i)})
}

// actor is the login of who calls.
func (c *call) actor() string {
	if c.who.acct == nil {
		return ""
	}
	return c.who.acct.login
}

// hookIssue sends "issues", or "pull_request" when it is one.
func (c *call) hookIssue(i *issue, action string, more map[string]any) {
	if more == nil {
		more = map[string]any{}
	}
	if i.pull != nil {
		c.hookPull(i, action, more)
		return
	}
	more["issue"] = c.issueJSON(i)
	c.hookRepo(i.repo, "issues", action, more, c.who.acct)
}

package hub

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// defaultLabels are some that GitHub gives every repository; only those have a description here.
var defaultLabels = []label{
	{name: "bug", color: "d73a4a", desc: "Something isn't working"},
	{name: "documentation", color: "0075ca", desc: "Improvements or additions to documentation"},
	{name: "enhancement", color: "a2eeef", desc: "New feature or request"},
	{name: "question", color: "d876e3", desc: "Further information is requested"},
}

var hexColor = regexp.MustCompile(`^[0-9a-fA-F]{6}$`)

var zeroTime time.Time

func (h *Hub) addDefaultLabels(r *repo) {
	for _, l := range defaultLabels {
		l.id = h.nextID()
		r.labels[strings.ToLower(l.name)] = &l
	}
}

// labelNamed finds a label, or makes it: GitHub makes unknown labels that are put on an issue.
func (h *Hub) labelNamed(r *repo, name string) *label {
	if l := r.labels[strings.ToLower(name)]; l != nil {
		return l
	}
	l := &label{id: h.nextID(), name: name, color: "ededed"}
	r.labels[strings.ToLower(name)] = l
	return l
}

func (r *repo) sortedLabels() []*label {
	return sortedBy(r.labels, func(l *label) string { return strings.ToLower(l.name) })
}

// setLabels makes the issue's labels exactly those, and tells each that came or went.
func (c *call) setLabels(i *issue, names []string) {
	var want []*label
	for _, n := range names {
		if l := c.labelNamed(i.repo, n); !slices.Contains(want, l) {
			want = append(want, l)
		}
	}
	before := i.labels
	i.labels = want
	changed := func(from, to []*label, action string) {
		for _, l := range from {
			if !slices.Contains(to, l) {
				i.updated = c.now()
				c.tellIssue(i, "issue."+action, l.name, map[string]string{"label": l.name})
				c.hookIssue(i, action, map[string]any{"label": c.labelJSON(i.repo, l)})
			}
		}
	}
	changed(before, want, "unlabeled")
	changed(want, before, "labeled")
}

func (i *issue) labelNames() []string {
	out := []string{}
	for _, l := range i.labels {
		out = append(out, l.name)
	}
	return out
}

func listLabels(c *call) (answer, error) {
	return ok(each(c, c.repo.sortedLabels(), func(l *label) any { return c.labelJSON(c.repo, l) }))
}

func getLabel(c *call) (answer, error) {
	l := c.repo.labels[strings.ToLower(c.vars["name"])]
	if l == nil {
		return answer{}, notFound()
	}
	return ok(c.labelJSON(c.repo, l))
}

func createLabel(c *call) (answer, error) {
	if c.level() < levelTriage {
		return answer{}, notFound()
	}
	var in struct {
		Name        string  `json:"name"`
		Color       *string `json:"color"`
		Description string  `json:"description"`
	}
	if err := c.in(&in); err != nil {
		return answer{}, err
	}
	color := "ededed"
	if in.Color != nil {
		color = *in.Color
	}
	switch {
	case strings.TrimSpace(in.Name) == "":
		return answer{}, invalid("Label", "name", "missing_field", "")
	case c.repo.labels[strings.ToLower(in.Name)] != nil:
		return answer{}, invalid("Label", "name", "already_exists", "")
	case !hexColor.MatchString(color):
		return answer{}, invalid("Label", "color", "invalid", "")
	case len(in.Description) > 100:
		return answer{}, invalid("Label", "description", "custom", "description is too long (maximum is 100 characters)")
	}
	l := &label{id: c.nextID(), name: in.Name, color: strings.ToLower(color), desc: in.Description}
	c.repo.labels[strings.ToLower(l.name)] = l
	return created(c.labelJSON(c.repo, l))
}

func patchLabel(c *call) (answer, error) {
	l := c.repo.labels[strings.ToLower(c.vars["name"])]
	if l == nil || c.level() < levelTriage {
		return answer{}, notFound()
	}
	var in struct {
		Name        *string `json:"new_name"`
		Color       *string `json:"color"`
		Description *string `json:"description"`
	}
	if err := c.in(&in); err != nil {
		return answer{}, err
	}
	if in.Color != nil && !hexColor.MatchString(*in.Color) {
		return answer{}, invalid("Label", "color", "invalid", "")
	}
	if in.Name != nil && *in.Name != "" {
		if other := c.repo.labels[strings.ToLower(*in.Name)]; other != nil && other != l {
			return answer{}, invalid("Label", "name", "already_exists", "")
		}
		delete(c.repo.labels, strings.ToLower(l.name))
		l.name = *in.Name
		c.repo.labels[strings.ToLower(l.name)] = l
	}
	if in.Color != nil {
		l.color = strings.ToLower(*in.Color)
	}
	if in.Description != nil {
		l.desc = *in.Description
	}
	return ok(c.labelJSON(c.repo, l))
}

// deleteLabel takes a label from the repository and from all that bear it.
func deleteLabel(c *call) (answer, error) {
	l := c.repo.labels[strings.ToLower(c.vars["name"])]
	if l == nil || c.level() < levelWrite {
		return answer{}, notFound()
	}
	delete(c.repo.labels, strings.ToLower(l.name))
	for _, i := range c.repo.order {
		i.labels = slices.DeleteFunc(i.labels, func(other *label) bool { return other == l })
	}
	return answer{status: http.StatusNoContent}, nil
}

func (c *call) issueLabelsJSON(i *issue) (answer, error) {
	return ok(list(i.labels, func(l *label) any { return c.labelJSON(i.repo, l) }))
}

func listIssueLabels(c *call) (answer, error) {
	i, err := c.issue()
	if err != nil {
		return answer{}, err
	}
	return c.issueLabelsJSON(i)
}

// changeIssueLabels adds to an issue's labels, or sets them. The body is {"labels": […]} or just the list.
func changeIssueLabels(replace bool) func(*call) (answer, error) {
	return func(c *call) (answer, error) {
		i, err := c.issue()
		if err != nil {
			return answer{}, err
		}
		if c.level() < levelTriage {
			return answer{}, notFound()
		}
		var in struct {
			Labels []any `json:"labels"`
		}
		if strings.HasPrefix(strings.TrimSpace(string(c.raw)), "[") {
			err = c.in(&in.Labels)
		} else {
			err = c.in(&in)
		}
		if err != nil {
			return answer{}, err
		}
		wanted, err := names(in.Labels, "name")
		if err != nil {
			return answer{}, err
		}
		if !replace {
			wanted = append(i.labelNames(), wanted...)
		}
		c.setLabels(i, wanted)
		return c.issueLabelsJSON(i)
	}
}

func removeIssueLabel(c *call) (answer, error) {
	i, err := c.issue()
	if err != nil {
		return answer{}, err
	}
	if c.level() < levelTriage {
		return answer{}, notFound()
	}
	before := i.labelNames()
	rest := slices.DeleteFunc(slices.Clone(before), func(n string) bool { return strings.EqualFold(n, c.vars["name"]) })
	if len(rest) == len(before) {
		return answer{}, failure(http.StatusNotFound, "Label does not exist")
	}
	c.setLabels(i, rest)
	return c.issueLabelsJSON(i)
}

func clearIssueLabels(c *call) (answer, error) {
	i, err := c.issue()
	if err != nil {
		return answer{}, err
	}
	if c.level() < levelTriage {
		return answer{}, notFound()
	}
	c.setLabels(i, nil)
	return noContent()
}

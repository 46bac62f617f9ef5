package hub

import (
	"fmt"
	"strings"
)

func (h *Hub) makeEnvironment(r *repo, name string) *environment {
	e := &environment{id: h.nextID(), name: name, created: h.now(), updated: h.now(), named: map[namedKey]*named{}}
	r.envs[name] = e
	return e
}

func (r *repo) sortedEnvs() []*environment {
	return sortedBy(r.envs, func(e *environment) string { return e.name })
}

// environmentJSON is "environment".
func (c *call) environmentJSON(e *environment) any {
	rules := []any{}
	if e.wait > 0 {
		rules = append(rules, map[string]any{"id": e.id, "node_id": nodeID("Gate", e.id), "type": "wait_timer", "wait_timer": e.wait})
	}
	if len(e.reviewers) > 0 {
		rules = append(rules, map[string]any{
			"id": e.id, "node_id": nodeID("Gate", e.id), "type": "required_reviewers", "prevent_self_review": e.noSelf,
			"reviewers": list(e.reviewers, c.reviewerJSON),
		})
	}
	if e.branches != nil {
		rules = append(rules, map[string]any{"id": e.id, "node_id": nodeID("Gate", e.id), "type": "branch_policy"})
	}
	return map[string]any{
		"id": e.id, "node_id": nodeID("Environment", e.id), "name": e.name, "created_at": stamp(e.created), "updated_at": stamp(e.updated),
		"url":              fmt.Sprintf("%s/repos/%s/environments/%s", c.apiURL(), c.repo.full(), pathEscape(e.name)),
		"html_url":         fmt.Sprintf("%s/%s/deployments/activity_log?environments_filter=%s", c.base, c.repo.full(), pathEscape(e.name)),
		"protection_rules": rules, "deployment_branch_policy": e.branches,
	}
}

func (c *call) reviewerJSON(rv envReviewer) any {
	if rv.kind == "Team" {
		for _, t := range c.repo.owner.org.teams {
			if t.id == rv.id {
				return map[string]any{"type": "Team", "reviewer": c.teamJSON(t, t.grants[c.repo.id])}
			}
		}
	}
	return map[string]any{"type": "User", "reviewer": c.userJSON(c.accounts[rv.id])}
}

func listEnvironments(c *call) (answer, error) {
	all := c.repo.sortedEnvs()
	return ok(map[string]any{"total_count": len(all), "environments": each(c, all, c.environmentJSON)})
}

func (c *call) environment() (*environment, error) {
	if e := c.repo.envs[c.vars["environment_name"]]; e != nil {
		return e, nil
	}
	return nil, notFound()
}

func getEnvironment(c *call) (answer, error) {
	e, err := c.environment()
	if err != nil {
		return answer{}, err
	}
	return ok(c.environmentJSON(e))
}

type environmentBody struct {
	Wait      int  `json:"wait_timer"`
	NoSelf    bool `json:"prevent_self_review"`
	Reviewers []struct {
		Type string `json:"type"`
		ID   int64  `json:"id"`
	} `json:"reviewers"`
	Branches *branchPolicy `json:"deployment_branch_policy"`
}

// putEnvironment makes an environment or replaces its rules; an absent body keeps none.
func putEnvironment(c *call) (answer, error) {
	var in environmentBody
	if err := c.in(&in); err != nil {
		return answer{}, err
	}
	name := c.vars["environment_name"]
	switch {
	case strings.TrimSpace(name) == "" || len(name) > 255:
		return answer{}, unprocessable("The name is invalid.")
	case in.Wait < 0 || in.Wait > 43200:
		return answer{}, unprocessable("The wait_timer is from 0 to 43200 minutes.")
	case len(in.Reviewers) > 6:
		return answer{}, unprocessable("There can be at most six reviewers.")
	case in.Branches != nil && in.Branches.Protected == in.Branches.Custom:
		return answer{}, unprocessable("protected_branches and custom_branch_policies cannot have the same value.")
	}
	var reviewers []envReviewer
	for _, rv := range in.Reviewers {
		if !c.reviewerExists(rv.Type, rv.ID) {
			return answer{}, unprocessable("A reviewer does not exist or has no access.")
		}
		reviewers = append(reviewers, envReviewer{rv.Type, rv.ID})
	}
	e := c.repo.envs[name]
	if e == nil {
		e = c.makeEnvironment(c.repo, name)
	}
	e.wait, e.noSelf, e.reviewers, e.branches, e.updated = in.Wait, in.NoSelf, reviewers, in.Branches, c.now()
	c.tellAccess(c.repo, c.who.acct, "environment.changed", name, map[string]string{"environment": name})
	return ok(c.environmentJSON(e))
}

func (c *call) reviewerExists(kind string, id int64) bool {
	switch kind {
	case "User":
		a := c.accounts[id]
		return a != nil && c.granted(a, c.repo) >= levelRead
	case "Team":
		if c.repo.owner.org == nil {
			return false
		}
		for _, t := range c.repo.owner.org.teams {
			if t.id == id {
				return t.grants[c.repo.id] >= levelRead
			}
		}
	}
	return false
}

func deleteEnvironment(c *call) (answer, error) {
	e, err := c.environment()
	if err != nil {
		return answer{}, err
	}
	delete(c.repo.envs, e.name)
	c.tellAccess(c.repo, c.who.acct, "environment.deleted", e.name, map[string]string{"environment": e.name})
	return noContent()
}

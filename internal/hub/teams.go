package hub

import (
	"net/http"
	"strings"
)

// setTeamGrant gives a team a permission on a repository.
func (h *Hub) setTeamGrant(t *team, r *repo, l level, by *account) {
	before := t.grants[r.id]
	if before == l {
		return
	}
	t.grants[r.id] = l
	h.tellAccess(r, by, "team.repo.added", t.slug, map[string]string{"team": t.slug, "permission": l.String()})
	if before == levelNone {
		h.hookRepo(r, "team", "added_to_repository", map[string]any{"team": h.teamJSON(t, l)}, by)
		h.hookRepo(r, "team_add", "", map[string]any{"team": h.teamJSON(t, l)}, by)
		return
	}
	h.hookRepo(r, "team", "edited", map[string]any{
		"team": h.teamJSON(t, l), "changes": map[string]any{"repository": map[string]any{"permissions": map[string]any{"from": before.flags()}}},
	}, by)
}

func (h *Hub) dropTeamGrant(t *team, r *repo, by *account) {
	if t.grants[r.id] == levelNone {
		return
	}
	delete(t.grants, r.id)
	h.tellAccess(r, by, "team.repo.removed", t.slug, map[string]string{"team": t.slug})
	h.hookRepo(r, "team", "removed_from_repository", map[string]any{"team": h.teamJSON(t, levelRead)}, by)
}

// teamOf finds the team of the path; slugs are compared in lower case.
func (c *call) teamOf() (*team, error) {
	if t := c.org.teams[strings.ToLower(c.vars["team_slug"])]; t != nil {
		return t, nil
	}
	return nil, notFound()
}

func (o *org) sortedTeams() []*team { return sortedBy(o.teams, func(t *team) string { return t.slug }) }

func listTeams(c *call) (answer, error) {
	return ok(each(c, c.org.sortedTeams(), func(t *team) any { return c.teamJSON(t, levelRead) }))
}

// listChildTeams is always empty: the hub has no nested teams.
func listChildTeams(c *call) (answer, error) {
	if _, err := c.teamOf(); err != nil {
		return answer{}, err
	}
	return ok([]any{})
}

func createTeam(c *call) (answer, error) {
	var in struct {
		Name        string   `json:"name"`
		Maintainers []string `json:"maintainers"`
	}
	if err := c.in(&in); err != nil {
		return answer{}, err
	}
	if strings.TrimSpace(in.Name) == "" {
		return answer{}, invalid("Team", "name", "missing_field", "")
	}
	t := c.newTeam(c.org, in.Name)
	if c.org.teams[t.slug] != nil {
		return answer{}, invalid("Team", "name", "custom", "Name must be unique for this org")
	}
	for _, login := range in.Maintainers {
		a := c.account(login)
		if a == nil || c.org.members[a.id] == "" {
			return answer{}, invalid("Team", "maintainers", "invalid", "")
		}
		t.members[a.id] = "maintainer"
	}
	c.org.teams[t.slug] = t
	c.hookOrg(c.org, "team", "created", map[string]any{"team": c.teamJSON(t, levelRead)}, c.who.acct)
	return created(c.teamFullJSON(t))
}

// patchTeam renames a team, which changes its slug too.
func patchTeam(c *call) (answer, error) {
	t, err := c.teamOf()
	if err != nil {
		return answer{}, err
	}
	var in struct {
		Name string `json:"name"`
	}
	if err := c.in(&in); err != nil {
		return answer{}, err
	}
	if in.Name != "" && in.Name != t.name {
		slug := strings.ReplaceAll(strings.ToLower(in.Name), " ", "-")
		if other := c.org.teams[slug]; other != nil && other != t {
			return answer{}, invalid("Team", "name", "custom", "Name must be unique for this org")
		}
		changes := map[string]any{"name": map[string]any{"from": t.name}}
		delete(c.org.teams, t.slug)
		t.name, t.slug = in.Name, slug
		c.org.teams[slug] = t
		c.hookOrg(c.org, "team", "edited", map[string]any{"team": c.teamJSON(t, levelRead), "changes": changes}, c.who.acct)
	}
	return ok(c.teamFullJSON(t))
}

// deleteTeam takes its grants with it.
func deleteTeam(c *call) (answer, error) {
	t, err := c.teamOf()
	if err != nil {
		return answer{}, err
	}
	for _, r := range sortedBy(c.repoIDs, func(r *repo) int64 { return r.id }) {
		c.dropTeamGrant(t, r, c.who.acct)
	}
	delete(c.org.teams, t.slug)
	c.hookOrg(c.org, "team", "deleted", map[string]any{"team": c.teamJSON(t, levelRead)}, c.who.acct)
	return noContent()
}

func getTeam(c *call) (answer, error) {
	t, err := c.teamOf()
	if err != nil {
		return answer{}, err
	}
	return ok(c.teamFullJSON(t))
}

// teamFullJSON is "team-full".
func (c *call) teamFullJSON(t *team) map[string]any {
	m := c.teamJSON(t, levelRead)
	m["members_count"], m["repos_count"] = len(t.members), len(t.grants)
	m["created_at"], m["updated_at"] = stamp(t.created), stamp(t.created)
	m["organization"] = c.orgFullJSON(t.org)
	return m
}

func listTeamRepos(c *call) (answer, error) {
	t, err := c.teamOf()
	if err != nil {
		return answer{}, err
	}
	var out []*repo
	for _, r := range sortedBy(c.repoIDs, func(r *repo) int64 { return r.id }) {
		if t.grants[r.id] > levelNone && c.sees(r) {
			out = append(out, r)
		}
	}
	return ok(each(c, out, func(r *repo) any { return c.teamRepoJSON(r, t.grants[r.id]) }))
}

// teamRepoJSON is "team-repository".
func (c *call) teamRepoJSON(r *repo, l level) map[string]any {
	m := c.repoJSON(r)
	m["permissions"], m["role_name"] = l.flags(), l.String()
	return m
}

// getTeamRepo answers 204, or with the repository and the permission when asked for in the Accept header.
func getTeamRepo(c *call) (answer, error) {
	t, err := c.teamOf()
	if err != nil {
		return answer{}, err
	}
	l := t.grants[c.repo.id]
	if l == levelNone {
		return answer{}, notFound()
	}
	if strings.Contains(c.req.Header.Get("Accept"), "v3.repository") {
		return ok(c.teamRepoJSON(c.repo, l))
	}
	return noContent()
}

func putTeamRepo(c *call) (answer, error) {
	t, err := c.teamOf()
	if err != nil {
		return answer{}, err
	}
	l, err := c.grantLevel(levelRead)
	if err != nil {
		return answer{}, err
	}
	if c.repo.owner != t.org {
		return answer{}, invalid("Team", "repository", "invalid", "The repository belongs to another owner")
	}
	c.setTeamGrant(t, c.repo, l, c.who.acct)
	return noContent()
}

func deleteTeamRepo(c *call) (answer, error) {
	t, err := c.teamOf()
	if err != nil {
		return answer{}, err
	}
	c.dropTeamGrant(t, c.repo, c.who.acct)
	return answer{status: http.StatusNoContent}, nil
}

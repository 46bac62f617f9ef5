package hub

import (
	"fmt"
	"slices"
)

func (h *Hub) tellOrg(o *account, by *account, kind, text string, detail map[string]string) {
	e := Event{Kind: kind, Text: text, Detail: detail, URL: h.base + "/" + o.login}
	if by != nil {
		e.Actor = by.login
	}
	h.happen(e)
}

// setMember makes a member, or changes the role.
func (h *Hub) setMember(o *org, a *account, role string, by *account) {
	had := o.members[a.id]
	o.members[a.id] = role
	if had != "" {
		return
	}
	h.tellOrg(o.acct, by, "member.added", a.login, map[string]string{"org": o.acct.login, "role": role})
	h.hookOrg(o, "organization", "member_added", map[string]any{"membership": h.orgMembershipJSON(o, a)}, by)
	for _, t := range o.teams {
		if pending := t.pending[a.id]; pending != "" {
			delete(t.pending, a.id)
			h.setTeamMember(t, a, pending, by)
		}
	}
}

func (h *Hub) dropMember(o *org, a *account, by *account) {
	membership := h.orgMembershipJSON(o, a)
	delete(o.members, a.id)
	for _, t := range sortedBy(o.teams, func(t *team) string { return t.slug }) {
		if t.members[a.id] != "" {
			h.dropTeamMember(t, a, by)
		}
	}
	for _, r := range h.repoIDs {
		if r.owner == o.acct {
			h.dropCollaborator(r, a, by)
		}
	}
	h.tellOrg(o.acct, by, "member.removed", a.login, map[string]string{"org": o.acct.login})
	h.hookOrg(o, "organization", "member_removed", map[string]any{"membership": membership}, by)
}

func (h *Hub) setTeamMember(t *team, a *account, role string, by *account) {
	had := t.members[a.id]
	t.members[a.id] = role
	if had != "" {
		return
	}
	h.tellOrg(t.org, by, "team.member.added", a.login, map[string]string{"team": t.slug, "user": a.login, "org": t.org.login})
	h.hookOrg(t.org.org, "membership", "added", h.membershipEvent(t, a), by)
}

func (h *Hub) dropTeamMember(t *team, a *account, by *account) {
	delete(t.members, a.id)
	h.tellOrg(t.org, by, "team.member.removed", a.login, map[string]string{"team": t.slug, "user": a.login, "org": t.org.login})
	h.hookOrg(t.org.org, "membership", "removed", h.membershipEvent(t, a), by)
}

func (h *Hub) membershipEvent(t *team, a *account) map[string]any {
	return map[string]any{"scope": "team", "member": h.userJSON(a), "team": h.teamJSON(t, levelRead)}
}

// sortedAccounts lists the keys of a membership, by id.
func (h *Hub) sortedAccounts(members map[int64]string) []*account {
	var out []*account
	for id := range members {
		out = append(out, h.accounts[id])
	}
	slices.SortFunc(out, func(a, b *account) int { return int(a.id - b.id) })
	return out
}

func (c *call) teamMembershipJSON(t *team, a *account) (any, bool) {
	role, state := t.members[a.id], "active"
	if role == "" {
		role, state = t.pending[a.id], "pending"
	}
	return map[string]any{
		"role": role, "state": state,
		"url": fmt.Sprintf("%s/organizations/%d/team/%d/memberships/%s", c.apiURL(), t.org.id, t.id, pathEscape(a.login)),
	}, role != ""
}

func getTeamMembership(c *call) (answer, error) {
	t, err := c.teamOf()
	if err != nil {
		return answer{}, err
	}
	a, err := c.user()
	if err != nil {
		return answer{}, err
	}
	m, is := c.teamMembershipJSON(t, a)
	if !is {
		return answer{}, notFound()
	}
	return ok(m)
}

// putTeamMembership adds a member; somebody outside the organization is pending until they join it.
func putTeamMembership(c *call) (answer, error) {
	t, err := c.teamOf()
	if err != nil {
		return answer{}, err
	}
	a, err := c.user()
	if err != nil {
		return answer{}, err
	}
	in := struct {
		Role string `json:"role"`
	}{Role: "member"}
	if err := c.in(&in); err != nil {
		return answer{}, err
	}
	switch {
	case in.Role != "member" && in.Role != "maintainer":
		return answer{}, invalid("TeamMember", "role", "invalid", "")
	case a.kind != "User":
		return answer{}, unprocessable("Cannot add an organization or bot as a member.")
	case c.org.members[a.id] == "":
		t.pending[a.id] = in.Role
	default:
		c.setTeamMember(t, a, in.Role, c.who.acct)
	}
	m, _ := c.teamMembershipJSON(t, a)
	return ok(m)
}

func deleteTeamMembership(c *call) (answer, error) {
	t, err := c.teamOf()
	if err != nil {
		return answer{}, err
	}
	a, err := c.user()
	if err != nil {
		return answer{}, err
	}
	switch {
	case t.members[a.id] != "":
		c.dropTeamMember(t, a, c.who.acct)
	case t.pending[a.id] != "":
		delete(t.pending, a.id)
	default:
		return answer{}, notFound()
	}
	return noContent()
}

func listTeamMembers(c *call) (answer, error) {
	t, err := c.teamOf()
	if err != nil {
		return answer{}, err
	}
	role := c.query("role")
	var out []*account
	for _, a := range c.sortedAccounts(t.members) {
		if role == "" || role == "all" || t.members[a.id] == role {
			out = append(out, a)
		}
	}
	return ok(each(c, out, c.userJSON))
}

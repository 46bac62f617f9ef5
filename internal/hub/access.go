package hub

import (
	"fmt"
	"slices"
	"time"
)

// setCollaborator grants directly. who is nil when the builder of the world does it.
func (h *Hub) setCollaborator(r *repo, a *account, l level, by *account) {
	before, had := r.collabs[a.id]
	r.collabs[a.id] = l
	if had && before == l {
		return
	}
	h.tellAccess(r, by, "collaborator.added", a.login, map[string]string{"user": a.login, "permission": l.String()})
	action, more := "added", map[string]any{"changes": map[string]any{"permission": map[string]any{"to": l.legacy()}}}
	if had {
		action, more = "edited", map[string]any{"changes": map[string]any{"permission": map[string]any{"from": before.legacy(), "to": l.legacy()}, "old_permission": map[string]any{"from": before.legacy()}}}
	}
	more["member"] = h.userJSON(a)
	h.hookRepo(r, "member", action, more, by)
}

// dropCollaborator takes the direct grant and open invitations. Access by teams or membership stays.
func (h *Hub) dropCollaborator(r *repo, a *account, by *account) {
	for _, inv := range sortedBy(r.invites, func(inv *invite) int64 { return inv.id }) {
		if inv.invitee == a {
			delete(r.invites, inv.id)
			h.tellAccess(r, by, "invitation.removed", a.login, map[string]string{"user": a.login})
		}
	}
	if _, had := r.collabs[a.id]; !had {
		return
	}
	delete(r.collabs, a.id)
	h.tellAccess(r, by, "collaborator.removed", a.login, map[string]string{"user": a.login})
	h.hookRepo(r, "member", "removed", map[string]any{"member": h.userJSON(a)}, by)
}

func (h *Hub) tellAccess(r *repo, by *account, kind, text string, detail map[string]string) {
	e := Event{Kind: kind, Repo: r.full(), Text: text, Detail: detail, URL: h.base + "/" + r.full()}
	if by != nil {
		e.Actor = by.login
	}
	h.happen(e)
}

// user finds the person of the path.
func (c *call) user() (*account, error) {
	a := c.account(c.vars["username"])
	if a == nil || a.kind == "Organization" {
		return nil, notFound()
	}
	return a, nil
}

// collaboratorJSON is "collaborator". role_name is the highest role after all sources of grants, as GitHub documents.
func (c *call) collaboratorJSON(a *account) map[string]any {
	l := c.granted(a, c.repo)
	m := c.accountMap(a)
	m["permissions"], m["role_name"] = l.flags(), l.String()
	return m
}

// listCollaborators takes affiliation: direct (who was granted directly), outside (of these, who is not a member), all.
func listCollaborators(c *call) (answer, error) {
	affiliation := c.query("affiliation")
	if affiliation == "" {
		affiliation = "all"
	}
	if !slices.Contains([]string{"outside", "direct", "all"}, affiliation) {
		return answer{}, invalid("Collaborator", "affiliation", "invalid", "")
	}
	floor := levelRead
	if q := c.query("permission"); q != "" {
		l, known := parseLevel(q)
		if !known {
			return answer{}, invalid("Collaborator", "permission", "invalid", "")
		}
		floor = l
	}
	var out []*account
	for _, a := range sortedBy(c.accounts, func(a *account) int64 { return a.id }) {
		_, direct := c.repo.collabs[a.id]
		member := c.repo.owner.org != nil && c.repo.owner.org.members[a.id] != ""
		wanted := affiliation == "all" || direct && (affiliation == "direct" || !member)
		if wanted && c.granted(a, c.repo) >= floor {
			out = append(out, a)
		}
	}
	return ok(each(c, out, func(a *account) any { return c.collaboratorJSON(a) }))
}

func isCollaborator(c *call) (answer, error) {
	a, err := c.user()
	if err != nil {
		return answer{}, err
	}
	if c.granted(a, c.repo) < levelRead {
		return answer{}, failure(404, a.login+" is not a user")
	}
	return noContent()
}

// collaboratorPermission answers with the effective permission; on a public repository everybody has read.
func collaboratorPermission(c *call) (answer, error) {
	a, err := c.user()
	if err != nil {
		return answer{}, err
	}
	l := c.effective(a, c.repo)
	user := c.accountMap(a)
	user["permissions"], user["role_name"] = l.flags(), l.String()
	return ok(map[string]any{"permission": l.legacy(), "role_name": l.String(), "user": user})
}

// grantLevel reads {"permission": …} in the API's names; fallback where it is absent.
func (c *call) grantLevel(fallback level) (level, error) {
	var in struct {
		Permission *string `json:"permission"`
	}
	if err := c.in(&in); err != nil {
		return levelNone, err
	}
	if in.Permission == nil {
		return fallback, nil
	}
	if !slices.Contains([]string{"pull", "triage", "push", "maintain", "admin"}, *in.Permission) {
		return levelNone, invalid("Repository", "permission", "invalid", "Invalid permission: "+*in.Permission)
	}
	l, _ := parseLevel(*in.Permission)
	return l, nil
}

// putCollaborator grants at once to members and to those who collaborate already (204), and invites others (201):
// https://docs.github.com/en/rest/collaborators/collaborators#add-a-repository-collaborator.
func putCollaborator(c *call) (answer, error) {
	a, err := c.user()
	if err != nil {
		return answer{}, err
	}
	l, err := c.grantLevel(levelWrite)
	if err != nil {
		return answer{}, err
	}
	if a.kind != "User" {
		return answer{}, invalid("Repository", "user", "invalid", a.login+" cannot be a collaborator")
	}
	if a == c.repo.owner {
		return answer{}, invalid("Repository", "user", "invalid", "Repository owner cannot be a collaborator")
	}
	member := c.repo.owner.org != nil && c.repo.owner.org.members[a.id] != ""
	if _, has := c.repo.collabs[a.id]; has || member {
		c.setCollaborator(c.repo, a, l, c.who.acct)
		return noContent()
	}
	for _, inv := range c.repo.invites {
		if inv.invitee == a && !c.lapsed(inv) {
			inv.perm = l
			return created(c.invitationJSON(inv))
		}
	}
	inv := &invite{id: c.nextID(), repo: c.repo, invitee: a, inviter: c.who.acct, perm: l, created: c.now()}
	c.repo.invites[inv.id] = inv
	c.tellAccess(c.repo, c.who.acct, "invitation.created", a.login, map[string]string{"user": a.login, "permission": l.String(), "invitation": itoa(inv.id)})
	return created(c.invitationJSON(inv))
}

func deleteCollaborator(c *call) (answer, error) {
	a, err := c.user()
	if err != nil {
		return answer{}, err
	}
	c.dropCollaborator(c.repo, a, c.who.acct)
	return noContent()
}

// lapsed says whether an invitation is over seven days old; it then cannot be accepted.
func (h *Hub) lapsed(inv *invite) bool { return h.now().Sub(inv.created) > 7*24*time.Hour }

// invitationJSON is "repository-invitation".
func (h *Hub) invitationJSON(inv *invite) any {
	r := inv.repo
	return map[string]any{
		"id": inv.id, "node_id": nodeID("RepositoryInvitation", inv.id), "repository": h.repoJSON(r), "invitee": h.userJSON(inv.invitee),
		"inviter": h.userJSON(inv.inviter), "permissions": inv.perm.String(), "created_at": stamp(inv.created), "expired": h.lapsed(inv),
		"url": fmt.Sprintf("%s/user/repository_invitations/%d", h.apiURL(), inv.id), "html_url": h.base + "/" + r.full() + "/invitations",
	}
}

func (r *repo) sortedInvites() []*invite {
	return sortedBy(r.invites, func(inv *invite) int64 { return inv.id })
}

func listInvitations(c *call) (answer, error) {
	return ok(each(c, c.repo.sortedInvites(), c.invitationJSON))
}

func (c *call) invitation() (*invite, error) {
	if inv := c.repo.invites[c.num("invitation_id")]; inv != nil {
		return inv, nil
	}
	return nil, notFound()
}

func patchInvitation(c *call) (answer, error) {
	inv, err := c.invitation()
	if err != nil {
		return answer{}, err
	}
	var in struct {
		Permissions string `json:"permissions"`
	}
	if err := c.in(&in); err != nil {
		return answer{}, err
	}
	if in.Permissions != "" {
		l, known := parseLevel(in.Permissions)
		if !known || l == levelNone {
			return answer{}, invalid("RepositoryInvitation", "permissions", "invalid", "")
		}
		inv.perm = l
	}
	return ok(c.invitationJSON(inv))
}

func deleteInvitation(c *call) (answer, error) {
	inv, err := c.invitation()
	if err != nil {
		return answer{}, err
	}
	delete(c.repo.invites, inv.id)
	c.tellAccess(c.repo, c.who.acct, "invitation.removed", inv.invitee.login, map[string]string{"user": inv.invitee.login})
	return noContent()
}

// myInvitations are the caller's own open invitations.
func (c *call) myInvitations() []*invite {
	var out []*invite
	for _, r := range sortedBy(c.repoIDs, func(r *repo) int64 { return r.id }) {
		for _, inv := range r.sortedInvites() {
			if inv.invitee == c.who.acct {
				out = append(out, inv)
			}
		}
	}
	return out
}

func listMyInvitations(c *call) (answer, error) {
	return ok(each(c, c.myInvitations(), c.invitationJSON))
}

// answerInvitation accepts or declines one of the caller's own.
func answerInvitation(accept bool) func(*call) (answer, error) {
	return func(c *call) (answer, error) {
		id := c.num("invitation_id")
		for _, inv := range c.myInvitations() {
			if inv.id != id {
				continue
			}
			if accept && c.lapsed(inv) {
				return answer{}, notFound()
			}
			delete(inv.repo.invites, inv.id)
			if accept {
				c.tellAccess(inv.repo, c.who.acct, "invitation.accepted", c.who.acct.login, map[string]string{"user": c.who.acct.login, "permission": inv.perm.String()})
				c.setCollaborator(inv.repo, c.who.acct, inv.perm, c.who.acct)
			} else {
				c.tellAccess(inv.repo, c.who.acct, "invitation.removed", c.who.acct.login, map[string]string{"user": c.who.acct.login})
			}
			return noContent()
		}
		return answer{}, notFound()
	}
}

// listRepoTeams lists the teams with a grant on the repository, by slug.
func listRepoTeams(c *call) (answer, error) {
	return ok(each(c, c.repo.grantedTeams(), func(t *team) any { return c.teamJSON(t, t.grants[c.repo.id]) }))
}

func (r *repo) grantedTeams() []*team {
	if r.owner.org == nil {
		return nil
	}
	all := sortedBy(r.owner.org.teams, func(t *team) string { return t.slug })
	return slices.DeleteFunc(all, func(t *team) bool { return t.grants[r.id] == levelNone })
}

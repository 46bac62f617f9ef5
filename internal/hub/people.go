package hub

import (
	"net/http"
	"slices"
)

func getUser(c *call) (answer, error) {
	a := c.account(c.vars["username"])
	if a == nil {
		return answer{}, notFound()
	}
	return ok(c.publicUserJSON(a))
}

func getUserByID(c *call) (answer, error) {
	a := c.accounts[c.num("account_id")]
	if a == nil {
		return answer{}, notFound()
	}
	return ok(c.publicUserJSON(a))
}

// getMe is the caller.
func getMe(c *call) (answer, error) { return ok(c.publicUserJSON(c.who.acct)) }

func getOrg(c *call) (answer, error) { return ok(c.orgFullJSON(c.org.acct)) }

func listOrgRepos(c *call) (answer, error) {
	var out []*repo
	for _, r := range sortedBy(c.repoIDs, func(r *repo) int64 { return r.id }) {
		if r.owner == c.org.acct && c.sees(r) {
			out = append(out, r)
		}
	}
	return ok(each(c, out, func(r *repo) any { return c.repoJSON(r) }))
}

func getRepo(c *call) (answer, error) {
	mine := levelRead
	if c.who.isPerson() {
		mine = c.effective(c.who.acct, c.repo)
	}
	return ok(c.fullRepoJSON(c.repo, mine))
}

func listMembers(c *call) (answer, error) {
	role := c.query("role")
	if role != "" && !slices.Contains([]string{"all", "admin", "member"}, role) {
		return answer{}, invalid("Organization", "role", "invalid", "")
	}
	var out []*account
	for _, a := range c.sortedAccounts(c.org.members) {
		if role == "" || role == "all" || c.org.members[a.id] == role {
			out = append(out, a)
		}
	}
	return ok(each(c, out, c.userJSON))
}

func isMember(c *call) (answer, error) {
	a, err := c.user()
	if err != nil {
		return answer{}, err
	}
	if c.org.members[a.id] == "" {
		return answer{}, failure(http.StatusNotFound, "User does not exist or is not a member of the organization")
	}
	return noContent()
}

// orgMembershipJSON is "org-membership".
func (h *Hub) orgMembershipJSON(o *org, a *account) map[string]any {
	api := h.apiURL() + "/orgs/" + o.acct.login
	return map[string]any{
		"url": api + "/memberships/" + pathEscape(a.login), "state": "active", "role": o.members[a.id], "organization_url": api,
		"organization": h.orgSimpleJSON(o.acct), "user": h.userJSON(a),
	}
}

func getMembership(c *call) (answer, error) {
	a, err := c.user()
	if err != nil {
		return answer{}, err
	}
	if c.org.members[a.id] == "" {
		return answer{}, notFound()
	}
	return ok(c.orgMembershipJSON(c.org, a))
}

// listOutside lists the outside collaborators of the organization's repositories.
func listOutside(c *call) (answer, error) {
	found := map[int64]string{}
	for _, r := range c.repoIDs {
		if r.owner != c.org.acct {
			continue
		}
		for id := range r.collabs {
			if c.org.members[id] == "" {
				found[id] = "outside"
			}
		}
	}
	return ok(each(c, c.sortedAccounts(found), c.userJSON))
}

// deleteMember takes somebody out of the organization, its teams and its repositories.
func deleteMember(c *call) (answer, error) {
	a, err := c.user()
	if err != nil {
		return answer{}, err
	}
	if c.org.members[a.id] == "" {
		return answer{}, notFound()
	}
	c.dropMember(c.org, a, c.who.acct)
	return noContent()
}

// patchRepo changes a repository's name, visibility and archive state; other settings are taken and not kept.
func patchRepo(c *call) (answer, error) {
	var in struct {
		Name       string `json:"name"`
		Private    *bool  `json:"private"`
		Visibility string `json:"visibility"`
		Archived   *bool  `json:"archived"`
	}
	if err := c.in(&in); err != nil {
		return answer{}, err
	}
	r := c.repo
	if r.archived && (in.Archived == nil || *in.Archived) {
		return answer{}, forbidden("Repository was archived so is read-only.")
	}
	r.archived = false
	if in.Name != "" && in.Name != r.name {
		if c.Hub.repo(r.owner.login, in.Name) != nil {
			return answer{}, invalid("Repository", "name", "already_exists", "")
		}
		if err := c.renamed(r, in.Name, c.who.acct); err != nil {
			return answer{}, err
		}
	}
	if in.Private != nil {
		r.visibility = map[bool]string{true: "private", false: "public"}[*in.Private]
	}
	if in.Visibility != "" {
		r.visibility = in.Visibility
	}
	if in.Archived != nil && *in.Archived {
		c.archive(r, c.who.acct)
	}
	return ok(c.fullRepoJSON(r, levelAdmin))
}

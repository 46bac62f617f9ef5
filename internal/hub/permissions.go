package hub

import (
	"net/http"
	"slices"
	"strings"
)

// level is what somebody may do in a repository, in ascending order.
type level int

const (
	levelNone level = iota
	levelRead
	levelTriage
	levelWrite
	levelMaintain
	levelAdmin
)

// String is the name of the role, as in role_name.
func (l level) String() string {
	return [...]string{"none", "read", "triage", "write", "maintain", "admin"}[l]
}

// api is the name that collaborators and team repositories use: pull, triage, push, maintain, admin.
func (l level) api() string {
	return [...]string{"none", "pull", "triage", "push", "maintain", "admin"}[l]
}

// legacy is the permission field, which knows only four: https://docs.github.com/en/rest/collaborators/collaborators.
func (l level) legacy() string {
	return [...]string{"none", "read", "read", "write", "write", "admin"}[l]
}

// flags is the permissions object.
func (l level) flags() map[string]bool {
	return map[string]bool{
		"pull": l >= levelRead, "triage": l >= levelTriage, "push": l >= levelWrite,
		"maintain": l >= levelMaintain, "admin": l >= levelAdmin,
	}
}

// parseLevel takes either naming; unknown is false.
func parseLevel(s string) (level, bool) {
	switch strings.ToLower(s) {
	case "none":
		return levelNone, true
	case "read", "pull":
		return levelRead, true
	case "triage":
		return levelTriage, true
	case "write", "push":
		return levelWrite, true
	case "maintain":
		return levelMaintain, true
	case "admin":
		return levelAdmin, true
	}
	return levelNone, false
}

// granted is the most that a person was granted: by owning the organization, by its base permission, directly, or by a
// team. It does not count that a repository is public.
func (h *Hub) granted(a *account, r *repo) level {
	if a == nil || a.kind != "User" {
		return levelNone
	}
	if r.owner == a {
		return levelAdmin
	}
	best := r.collabs[a.id]
	o := r.owner.org
	if o == nil {
		return best
	}
	switch o.members[a.id] {
	case "admin":
		return levelAdmin
	case "member":
		best = max(best, o.base)
		if r.visibility == "internal" {
			best = max(best, levelRead)
		}
	}
	for _, t := range o.teams {
		if _, in := t.members[a.id]; in {
			best = max(best, t.grants[r.id])
		}
	}
	return best
}

// effective is granted, and read for everybody on a public repository.
func (h *Hub) effective(a *account, r *repo) level {
	best := h.granted(a, r)
	if r.visibility == "public" {
		best = max(best, levelRead)
	}
	return best
}

// sees says whether the caller may know that the repository exists.
func (c *call) sees(r *repo) bool {
	switch {
	case r == nil:
		return false
	case r.visibility == "public":
		return c.who.inst == nil || c.who.tok.repos == nil || c.who.tok.repos[r.id] || c.req.Method == http.MethodGet
	case c.who.isJWT():
		return true // the App routes look at the installation themselves
	case c.who.inst != nil:
		return c.who.covers(r)
	default:
		return c.effective(c.who.acct, r) >= levelRead
	}
}

// covers says whether an installation's token reaches the repository.
func (p principal) covers(r *repo) bool {
	return p.inst.covers(r) && (p.tok.repos == nil || p.tok.repos[r.id])
}

// authorize checks the route's need.
func (c *call) authorize() error {
	n := c.route.need
	if c.who.inst != nil && !c.who.inst.suspended.IsZero() {
		return forbidden("This installation has been suspended")
	}
	switch n.auth {
	case authToken:
	case authAny:
		return nil
	case authJWT:
		if !c.who.isJWT() {
			return failure(http.StatusUnauthorized, "A JSON web token could not be decoded")
		}
		return nil
	case authPerson:
		if c.who.acct == nil {
			return failure(http.StatusUnauthorized, "Requires authentication")
		}
		if !c.who.isPerson() {
			return notAccessible()
		}
		return nil
	}
	if err := c.authorizeToken(n); err != nil {
		return err
	}
	// Only unarchiving an archived repository is left.
	if c.repo != nil && c.repo.archived && writes(c.req.Method) && c.route.pattern != inRepo {
		return forbidden("Repository was archived so is read-only.")
	}
	return nil
}

func (c *call) authorizeToken(n need) error {
	switch {
	case c.who.isJWT():
		return notAccessible()
	case c.who.inst != nil:
		return c.authorizeInstallation(n)
	case c.who.acct != nil:
		return c.authorizePerson(n)
	case writes(c.req.Method), c.repo == nil && n.accept != "", needsPush(n):
		return failure(http.StatusUnauthorized, "Requires authentication")
	default:
		return nil
	}
}

// authorizeInstallation checks what the token holds, and that it is of the organization and the repository.
func (c *call) authorizeInstallation(n need) error {
	foreign := c.org != nil && n.accept != "" && c.who.inst.acct != c.org.acct
	outside := c.repo != nil && writes(c.req.Method) && !c.who.covers(c.repo)
	if foreign || outside || !c.who.holds(n.anyOf) {
		return notAccessible()
	}
	return nil
}

func writes(method string) bool { return method != http.MethodGet && method != http.MethodHead }

// holds says whether one of the alternatives is covered whole.
func (p principal) holds(anyOf [][]permission) bool {
	if len(anyOf) == 0 {
		return true
	}
	return slices.ContainsFunc(anyOf, func(all []permission) bool {
		return !slices.ContainsFunc(all, func(one permission) bool { return !p.has(one.name, one.write) })
	})
}

// has says whether an installation's token has a permission; metadata: read comes with every installation.
func (p principal) has(name string, write bool) bool {
	if name == "metadata" && !write {
		return true
	}
	if write {
		return enough(p.tok.perms[name], "write")
	}
	return enough(p.tok.perms[name], "read")
}

// personLevel is what a person needs in the repository for an App permission. Where the state decides (an issue's author
// may edit it), the handler does.
var personLevel = map[permission]level{
	{"metadata", false}: levelRead, {"issues", false}: levelRead, {"issues", true}: levelRead,
	{"pull_requests", false}: levelRead, {"pull_requests", true}: levelRead, {"contents", false}: levelRead,
	{"contents", true}: levelWrite, {"checks", false}: levelRead, {"actions", false}: levelRead, {"actions", true}: levelWrite,
	{"administration", false}: levelWrite, {"administration", true}: levelAdmin,
	{"secrets", false}: levelWrite, {"secrets", true}: levelWrite, {"actions_variables", false}: levelWrite,
	{"actions_variables", true}: levelWrite, {"environments", false}: levelWrite, {"environments", true}: levelWrite,
	{"dependabot_secrets", false}: levelWrite, {"dependabot_secrets", true}: levelWrite,
	{"codespaces_secrets", false}: levelWrite, {"codespaces_secrets", true}: levelWrite,
	{"agent_secrets", false}: levelWrite, {"agent_secrets", true}: levelWrite,
	{"agent_variables", false}: levelWrite, {"agent_variables", true}: levelWrite,
}

// needsPush says whether even reading needs more than to see the repository.
func needsPush(n need) bool {
	return len(n.anyOf) > 0 && personLevel[n.anyOf[0][0]] > levelRead
}

// authorizePerson checks a person's role in the repository, or in the organization where there is no repository.
func (c *call) authorizePerson(n need) error {
	if len(n.anyOf) == 0 {
		return nil
	}
	first := n.anyOf[0][0]
	if c.repo == nil {
		return c.authorizeMember(first)
	}
	if first.name == "checks" && first.write {
		return forbidden("You must authenticate via a GitHub App.")
	}
	if first.name == "members" {
		return c.authorizeMember(first)
	}
	if c.effective(c.who.acct, c.repo) >= personLevel[first] {
		return nil
	}
	if first.write || personLevel[first] > levelRead {
		return forbidden("Must have admin rights to Repository.")
	}
	return notFound()
}

// authorizeMember lets members read an organization's lists and its owners change them.
func (c *call) authorizeMember(p permission) error {
	if c.org == nil {
		return nil
	}
	role := c.org.members[c.who.acct.id]
	switch {
	case role == "admin":
		return nil
	case p.write, p.name != "members", role == "":
		return forbidden("You must be an organization owner or member to do that.")
	}
	return nil
}

package hub

import (
	"net/http"
	"slices"
)

func getApp(c *call) (answer, error) { return ok(c.appJSON(c.who.app)) }

func (c *call) ownInstallations() []*installation {
	all := sortedBy(c.installs, func(i *installation) int64 { return i.id })
	return slices.DeleteFunc(all, func(i *installation) bool { return i.app != c.who.app })
}

func listInstallations(c *call) (answer, error) {
	return ok(each(c, c.ownInstallations(), func(i *installation) any {
		// The description asks that the account of this list, unlike elsewhere, be a user and an enterprise at once.
		m, acct := c.installationJSON(i), c.accountMap(i.acct)
		acct["name"], acct["slug"] = i.acct.login, i.acct.login
		acct["created_at"], acct["updated_at"] = stamp(i.acct.created), stamp(i.acct.created)
		m["account"] = acct
		return m
	}))
}

func getInstallation(c *call) (answer, error) {
	i := c.installs[c.num("installation_id")]
	if i == nil || i.app != c.who.app {
		return answer{}, notFound()
	}
	return ok(c.installationJSON(i))
}

// installationOn answers for an account, as far as the caller's App is on it (and reaches the repository).
func installationOn(c *call) (answer, error) {
	var acct *account
	switch {
	case c.repo != nil:
		acct = c.repo.owner
	case c.org != nil:
		acct = c.org.acct
	default:
		acct = c.account(c.vars["username"])
	}
	for _, i := range c.ownInstallations() {
		if i.acct == acct && (c.repo == nil || i.covers(c.repo)) {
			return ok(c.installationJSON(i))
		}
	}
	return answer{}, notFound()
}

func listInstallationRepos(c *call) (answer, error) {
	if c.who.inst == nil {
		return answer{}, forbidden("Resource not accessible by personal access token")
	}
	repos := slices.DeleteFunc(c.installed(c.who.inst), func(r *repo) bool { return !c.who.covers(r) })
	return ok(map[string]any{
		"total_count": len(repos), "repository_selection": selection(c.who.inst.all && c.who.tok.repos == nil),
		"repositories": each(c, repos, func(r *repo) any { return c.repoJSON(r) }),
	})
}

func listOrgInstallations(c *call) (answer, error) {
	all := sortedBy(c.installs, func(i *installation) int64 { return i.id })
	all = slices.DeleteFunc(all, func(i *installation) bool { return i.acct != c.org.acct })
	return ok(map[string]any{
		"total_count": len(all), "installations": each(c, all, func(i *installation) any { return c.installationJSON(i) }),
	})
}

func getHookConfig(c *call) (answer, error) {
	return ok(map[string]any{"content_type": "json", "insecure_ssl": "0", "secret": "********", "url": c.who.app.hookURL})
}

func patchHookConfig(c *call) (answer, error) {
	var in struct {
		URL    *string `json:"url"`
		Secret *string `json:"secret"`
	}
	if err := c.in(&in); err != nil {
		return answer{}, err
	}
	if in.URL != nil {
		c.who.app.hookURL = *in.URL
	}
	if in.Secret != nil {
		c.who.app.secret = *in.Secret
	}
	return getHookConfig(c)
}

func suspendRoute(on bool) func(*call) (answer, error) {
	return func(c *call) (answer, error) {
		i := c.installs[c.num("installation_id")]
		if i == nil || i.app != c.who.app {
			return answer{}, notFound()
		}
		c.mark(i, on)
		return answer{status: http.StatusNoContent}, nil
	}
}

func deleteInstallation(c *call) (answer, error) {
	i := c.installs[c.num("installation_id")]
	if i == nil || i.app != c.who.app {
		return answer{}, notFound()
	}
	c.uninstall(i)
	return noContent()
}

func getAppBySlug(c *call) (answer, error) {
	for _, a := range c.apps {
		if a.slug == c.vars["app_slug"] {
			return ok(c.appJSON(a))
		}
	}
	return answer{}, notFound()
}

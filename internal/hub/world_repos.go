package hub

import (
	"fmt"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/internal/hub/githost"
)

// AddRepo makes a private repository of an organization or person, with files as the first commit on main; with no files
// it is empty. Nobody but owners can see it until something is granted.
func (h *Hub) AddRepo(owner, name string, files map[string]string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	a := h.account(owner)
	if a == nil || a.kind == "Bot" {
		return unknown("owner", owner)
	}
	if h.repo(owner, name) != nil {
		return taken("repository", owner+"/"+name)
	}
	git, err := h.host.Create(a.login, name, "main")
	if err != nil {
		return fmt.Errorf("create the repository %s/%s: %w", owner, name, err)
	}
	r := &repo{
		id: h.nextID(), owner: a, name: name, visibility: "private", created: h.now(), pushed: h.now(), git: git, defBranch: "main",
		issues: map[int]*issue{}, labels: map[string]*label{}, comms: map[int64]*comment{}, suites: map[suiteKey]*checkSuite{},
		collabs: map[int64]level{}, invites: map[int64]*invite{}, keys: map[int64]*deployKey{},
		envs: map[string]*environment{}, named: map[namedKey]*named{},
	}
	h.addDefaultLabels(r)
	if len(files) > 0 {
		if _, err := git.CommitFiles("main", contentsOf(files), h.signature(a), "Initial commit"); err != nil {
			return fmt.Errorf("fill the repository %s/%s: %w", owner, name, err)
		}
	}
	h.repos[strings.ToLower(r.full())], h.repoIDs[r.id] = r, r
	delete(h.moved, strings.ToLower(r.full()))
	h.happen(Event{Kind: "repo.created", Repo: r.full(), URL: h.base + "/" + r.full()})
	h.hookRepo(r, "repository", "created", map[string]any{}, a)
	return nil
}

// contentsOf makes githost's changes of files: "" deletes when remove is wanted by Push.
func contentsOf(files map[string]string) map[string]*[]byte {
	out := make(map[string]*[]byte, len(files))
	for path, text := range files {
		data := []byte(text)
		out[path] = &data
	}
	return out
}

// signature is who a commit is by, at the world's time.
func (h *Hub) signature(a *account) githost.Signature {
	return githost.Signature{Name: a.login, Email: h.emailOf(a), When: h.now()}
}

func (h *Hub) emailOf(a *account) string {
	if a.email != "" {
		return a.email
	}
	return itoa(a.id) + "+" + a.login + "@users.noreply.github.com"
}

// SetVisibility makes a repository public, private or internal (read for every member).
func (h *Hub) SetVisibility(owner, name, visibility string) error {
	if !slices.Contains([]string{"public", "private", "internal"}, visibility) {
		return unknown("visibility", visibility)
	}
	return h.changeRepo(owner, name, func(r *repo) error {
		r.visibility = visibility
		return nil
	})
}

// ArchiveRepo makes a repository read-only.
func (h *Hub) ArchiveRepo(owner, name string) error {
	return h.changeRepo(owner, name, func(r *repo) error {
		h.archive(r, nil)
		return nil
	})
}

func (h *Hub) archive(r *repo, by *account) {
	r.archived = true
	h.tellAccess(r, by, "repo.archived", r.full(), nil)
	h.hookRepo(r, "repository", "archived", map[string]any{}, by)
}

// RenameRepo gives a repository another name; calls to the old one are answered 301.
func (h *Hub) RenameRepo(owner, name, newName string) error {
	return h.changeRepo(owner, name, func(r *repo) error {
		if h.repo(owner, newName) != nil {
			return taken("repository", owner+"/"+newName)
		}
		return h.renamed(r, newName, nil)
	})
}

func (h *Hub) renamed(r *repo, newName string, by *account) error {
	old := r.name
	if err := h.renameRepo(r, r.owner.login, old, r.owner.login, newName); err != nil {
		return err
	}
	h.tellAccess(r, by, "repo.renamed", r.full(), map[string]string{"from": old})
	h.hookRepo(r, "repository", "renamed", map[string]any{
		"changes": map[string]any{"repository": map[string]any{"name": map[string]any{"from": old}}},
	}, by)
	return nil
}

func (h *Hub) renameRepo(r *repo, owner, name, newOwner, newName string) error {
	if err := h.host.Rename(owner, name, newOwner, newName); err != nil {
		return fmt.Errorf("rename the repository %s/%s: %w", owner, name, err)
	}
	old := strings.ToLower(owner + "/" + name)
	delete(h.repos, old)
	r.name = newName
	h.repos[strings.ToLower(r.full())] = r
	delete(h.moved, strings.ToLower(r.full()))
	h.moved[old] = r.id
	return nil
}

func (h *Hub) changeRepo(owner, name string, change func(*repo) error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.repo(owner, name)
	if r == nil {
		return unknown("repository", owner+"/"+name)
	}
	return change(r)
}

// GrantTeam gives a team a permission (read, triage, write, maintain, admin) on a repository of its organization.
func (h *Hub) GrantTeam(orgLogin, slug, owner, name, permission string) error {
	return h.changeRepo(owner, name, func(r *repo) error {
		t, err := h.team(orgLogin, slug)
		if err != nil {
			return err
		}
		l, known := parseLevel(permission)
		if !known || l == levelNone {
			return unknown("permission", permission)
		}
		if r.owner != t.org {
			return fmt.Errorf("team %s/%s: %s belongs to another owner", orgLogin, slug, r.full())
		}
		h.setTeamGrant(t, r, l, nil)
		return nil
	})
}

// AddCollaborator gives a person a direct permission, without an invitation.
func (h *Hub) AddCollaborator(owner, name, login, permission string) error {
	return h.changeRepo(owner, name, func(r *repo) error {
		a, err := h.person(login)
		if err != nil {
			return err
		}
		l, known := parseLevel(permission)
		if !known || l == levelNone {
			return unknown("permission", permission)
		}
		h.setCollaborator(r, a, l, nil)
		return nil
	})
}

// AddLabel makes a label of a repository; one that is there stays.
func (h *Hub) AddLabel(owner, name, label string) error {
	return h.changeRepo(owner, name, func(r *repo) error {
		h.labelNamed(r, label)
		return nil
	})
}

// AddEnvironment makes a deployment environment.
func (h *Hub) AddEnvironment(owner, name, env string) error {
	return h.changeRepo(owner, name, func(r *repo) error {
		if r.envs[env] != nil {
			return taken("environment", env)
		}
		h.makeEnvironment(r, env)
		return nil
	})
}

// AddSecret puts a secret's name into a store (actions, dependabot, codespaces, agents). scope is an organization
// ("acme"), a repository ("acme/app") or one of its environments ("acme/app/production", only with actions).
func (h *Hub) AddSecret(scope, store, name string) error {
	return h.addNamed(scope, store, name, "", false)
}

// AddVariable puts a variable into a store, scoped as AddSecret says; store is actions or agents.
func (h *Hub) AddVariable(scope, store, name, value string) error {
	return h.addNamed(scope, store, name, value, true)
}

func (h *Hub) addNamed(scope, store, name, value string, variable bool) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	parts := strings.SplitN(scope, "/", 3)
	var into map[namedKey]*named
	switch len(parts) {
	case 1:
		if o := h.org(scope); o != nil {
			into = o.named
		}
	default:
		r := h.repo(parts[0], parts[1])
		if r != nil {
			into = r.named
		}
		if r != nil && len(parts) == 3 {
			into = nil
			if e := r.envs[parts[2]]; e != nil {
				into = e.named
			}
		}
	}
	if into == nil {
		return unknown("scope", scope)
	}
	h.setNamed(into, namedKey{store, variable, strings.ToUpper(name)}, value, "private")
	return nil
}

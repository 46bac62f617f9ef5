package hub

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// taken and unknown are what the builders of the world return; each names the thing.
var (
	errTaken   = errors.New("exists already")
	errUnknown = errors.New("does not exist")
)

func taken(kind, name string) error   { return fmt.Errorf("%s %q %w", kind, name, errTaken) }
func unknown(kind, name string) error { return fmt.Errorf("%s %q %w", kind, name, errUnknown) }

func (h *Hub) addAccount(login, kind string) (*account, error) {
	if login == "" || strings.ContainsAny(login, "/ \t\n") {
		return nil, fmt.Errorf("login %q is not one", login)
	}
	if h.account(login) != nil {
		return nil, taken("login", login)
	}
	a := &account{id: h.nextID(), login: login, kind: kind, created: h.now()}
	h.accounts[a.id], h.logins[strings.ToLower(login)] = a, a
	return a, nil
}

// AddOrg makes an organization. Its members have no base permission until SetBasePermission.
func (h *Hub) AddOrg(login string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	a, err := h.addAccount(login, "Organization")
	if err != nil {
		return err
	}
	a.org = &org{acct: a, members: map[int64]string{}, teams: map[string]*team{}, named: map[namedKey]*named{}}
	return nil
}

// AddUser makes a person and returns the numeric id, which stays through RenameUser.
func (h *Hub) AddUser(login string) (int64, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	a, err := h.addAccount(login, "User")
	if err != nil {
		return 0, err
	}
	return a.id, nil
}

// SetEmail says which address commits of the person bear, besides the noreply address.
func (h *Hub) SetEmail(login, email string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	a := h.account(login)
	if a == nil {
		return unknown("user", login)
	}
	a.email = email
	return nil
}

// RenameUser changes a login; another person may then take the old one.
func (h *Hub) RenameUser(old, name string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	a := h.account(old)
	switch {
	case a == nil || a.kind != "User":
		return unknown("user", old)
	case h.account(name) != nil && h.account(name) != a:
		return taken("login", name)
	}
	delete(h.logins, strings.ToLower(old))
	a.login = name
	h.logins[strings.ToLower(name)] = a
	for _, r := range h.repoIDs {
		if r.owner == a {
			if err := h.renameRepo(r, old, r.name, name, r.name); err != nil {
				return err
			}
		}
	}
	h.happen(Event{Actor: name, Kind: "user.renamed", Text: name, Detail: map[string]string{"from": old}})
	return nil
}

// SetBasePermission says what each member of the organization has on each of its repositories: none, read, write, admin.
func (h *Hub) SetBasePermission(orgLogin, permission string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	o := h.org(orgLogin)
	if o == nil {
		return unknown("organization", orgLogin)
	}
	l, known := parseLevel(permission)
	if !known {
		return unknown("permission", permission)
	}
	o.base = l
	return nil
}

// person finds a person for the builders.
func (h *Hub) person(login string) (*account, error) {
	if a := h.account(login); a != nil && a.kind == "User" {
		return a, nil
	}
	return nil, unknown("user", login)
}

// AddMember makes a person a member of an organization; role is "member" or "admin" (an owner).
func (h *Hub) AddMember(orgLogin, login, role string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	o := h.org(orgLogin)
	if o == nil {
		return unknown("organization", orgLogin)
	}
	a, err := h.person(login)
	if err != nil {
		return err
	}
	if role != "member" && role != "admin" {
		return unknown("organization role", role)
	}
	h.setMember(o, a, role, nil)
	return nil
}

// RemoveMember takes a person out of an organization, its teams, and its repositories.
func (h *Hub) RemoveMember(orgLogin, login string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	o := h.org(orgLogin)
	if o == nil {
		return unknown("organization", orgLogin)
	}
	a, err := h.person(login)
	if err != nil {
		return err
	}
	if o.members[a.id] == "" {
		return unknown("member", login)
	}
	h.dropMember(o, a, nil)
	return nil
}

// AddTeam makes a team and its members, who must be members of the organization. Its name is the slug.
func (h *Hub) AddTeam(orgLogin, slug string, members ...string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	o := h.org(orgLogin)
	if o == nil {
		return unknown("organization", orgLogin)
	}
	if o.teams[strings.ToLower(slug)] != nil {
		return taken("team", slug)
	}
	t := h.newTeam(o, slug)
	for _, login := range members {
		a, err := h.person(login)
		if err != nil {
			return err
		}
		if o.members[a.id] == "" {
			return unknown("member of "+orgLogin, login)
		}
		t.members[a.id] = "member"
	}
	o.teams[t.slug] = t
	return nil
}

// newTeam makes a team without putting it into the organization. Its slug is the name in lower case, with dashes for blanks.
func (h *Hub) newTeam(o *org, name string) *team {
	return &team{
		id: h.nextID(), slug: strings.ReplaceAll(strings.ToLower(name), " ", "-"), name: name, org: o.acct, created: h.now(),
		members: map[int64]string{}, pending: map[int64]string{}, grants: map[int64]level{},
	}
}

func (h *Hub) team(orgLogin, slug string) (*team, error) {
	o := h.org(orgLogin)
	if o == nil {
		return nil, unknown("organization", orgLogin)
	}
	if t := o.teams[strings.ToLower(slug)]; t != nil {
		return t, nil
	}
	return nil, unknown("team", orgLogin+"/"+slug)
}

// AddToTeam puts a member of the organization on a team.
func (h *Hub) AddToTeam(orgLogin, slug, login string) error {
	return h.changeTeam(orgLogin, slug, login, func(t *team, a *account) error {
		if t.org.org.members[a.id] == "" {
			return unknown("member of "+orgLogin, login)
		}
		h.setTeamMember(t, a, "member", nil)
		return nil
	})
}

// RemoveFromTeam takes a person off a team.
func (h *Hub) RemoveFromTeam(orgLogin, slug, login string) error {
	return h.changeTeam(orgLogin, slug, login, func(t *team, a *account) error {
		if t.members[a.id] == "" {
			return unknown("member of team "+slug, login)
		}
		h.dropTeamMember(t, a, nil)
		return nil
	})
}

func (h *Hub) changeTeam(orgLogin, slug, login string, change func(*team, *account) error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	t, err := h.team(orgLogin, slug)
	if err != nil {
		return err
	}
	a, err := h.person(login)
	if err != nil {
		return err
	}
	return change(t, a)
}

// sortedBy lists a map's values by the key that a function gives.
func sortedBy[K comparable, V any, S int | int64 | string](m map[K]V, key func(V) S) []V {
	return slices.SortedFunc(maps.Values(m), func(a, b V) int {
		ka, kb := key(a), key(b)
		switch {
		case ka < kb:
			return -1
		case ka > kb:
			return 1
		}
		return 0
	})
}

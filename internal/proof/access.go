package proof

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/internal/hub"
	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/lifecycle"
)

// access is invariant 8's other side: at the simulated GitHub itself, each
// access that a lease was ever on is the union of its live leases and of what was held before.
func access(s State, d stored) (broken []string) {
	want := map[string]identity.Permission{}
	what := map[string]identity.Access{}
	for _, l := range d.leases {
		key := l.Access.String()
		what[key] = l.Access
		want[key] = max(want[key], s.Before[key])
		switch l.State {
		case lifecycle.Active:
			want[key] = max(want[key], l.Permission)
		case lifecycle.Approved, lifecycle.Granting, lifecycle.Revoking, lifecycle.Stuck:
			return []string{fmt.Sprintf("lease %s is still %s: not settled", l.ID, l.State)}
		case lifecycle.Revoked:
		}
	}
	for key, a := range what {
		if got := held(s.World, a); got != want[key].String() {
			broken = append(broken, fmt.Sprintf("%s holds %s, and should hold %s", key, got, want[key]))
		}
		if want[key] == identity.None && invited(s.World, a) {
			broken = append(broken, key+" is still invited, and could accept")
		}
	}
	slices.Sort(broken)
	return broken
}

// repoOf finds a repository; GitHub's names are the same in any case of letters.
func repoOf(w hub.World, name string) *hub.Repo {
	for i := range w.Repos {
		if strings.EqualFold(w.Repos[i].FullName, name) {
			return &w.Repos[i]
		}
	}
	return nil
}

// held is the role that a principal holds directly, from the simulated GitHub's own state, by its name.
func held(w hub.World, a identity.Access) string {
	level := identity.None.String()
	repo := repoOf(w, a.Resource)
	if repo == nil {
		return level
	}
	switch a.Principal.Kind {
	case identity.User:
		for _, c := range repo.Collaborators {
			if strings.EqualFold(c.Login, a.Principal.Name) {
				level = c.Permission
			}
		}
	case identity.Team:
		_, slug, _ := strings.Cut(a.Principal.Name, "/")
		for _, t := range repo.Teams {
			if strings.EqualFold(t.Team, slug) {
				level = t.Permission
			}
		}
	}
	if p, err := identity.ParsePermission(level); err == nil {
		return p.String()
	}
	return level // a custom role is not nothing
}

// invited says whether an invitation to a user is still out.
func invited(w hub.World, a identity.Access) bool {
	repo := repoOf(w, a.Resource)
	return repo != nil && a.Principal.Kind == identity.User && slices.ContainsFunc(repo.Invitations, func(i hub.Invitation) bool {
		return strings.EqualFold(i.Invitee, a.Principal.Name)
	})
}

// holders are the people who hold what a principal holds.
func holders(w hub.World, p identity.Principal) []string {
	if p.Kind == identity.User {
		return []string{p.Name}
	}
	org, slug, _ := strings.Cut(p.Name, "/")
	for _, o := range w.Orgs {
		for _, t := range o.Teams {
			if strings.EqualFold(o.Login, org) && strings.EqualFold(t.Slug, slug) {
				logins := make([]string, len(t.Members))
				for i, m := range t.Members {
					logins[i] = m.Login
				}
				return logins
			}
		}
	}
	return nil
}

// grant reads a write of the App's as a grant of access.
func grant(w hub.Write) (identity.Access, bool) {
	a, ok := changed(w)
	return a, ok && w.Method == http.MethodPut
}

// changed reads a write of the App's as a change of access, to more or to less.
func changed(w hub.Write) (identity.Access, bool) {
	if w.Method != http.MethodPut && w.Method != http.MethodDelete || w.Status < 200 || w.Status > 299 {
		return identity.Access{}, false
	}
	part := strings.Split(strings.Trim(strings.TrimPrefix(w.Path, "/api/v3"), "/"), "/")
	switch {
	case len(part) == 5 && part[0] == "repos" && part[3] == "collaborators":
		return identity.Access{Provider: "github", Resource: part[1] + "/" + part[2], Principal: identity.Principal{Kind: identity.User, Name: part[4]}}, true
	case len(part) == 7 && part[0] == "orgs" && part[2] == "teams" && part[4] == "repos":
		return identity.Access{Provider: "github", Resource: part[5] + "/" + part[6], Principal: identity.Principal{Kind: identity.Team, Name: part[1] + "/" + part[3]}}, true
	}
	return identity.Access{}, false
}

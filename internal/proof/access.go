package proof

import (
	"fmt"
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
		if got := held(s.World, a); got != want[key] {
			broken = append(broken, fmt.Sprintf("%s holds %s, and should hold %s", key, got, want[key]))
		}
	}
	slices.Sort(broken)
	return broken
}

// held is the access that a principal holds directly, from the simulated GitHub's own state.
func held(w hub.World, a identity.Access) identity.Permission {
	repo := w.Repo(a.Resource)
	if repo == nil {
		return identity.None
	}
	level := ""
	switch a.Principal.Kind {
	case identity.User:
		for _, c := range repo.Collaborators {
			if c.Login == a.Principal.Name {
				level = c.Permission
			}
		}
	case identity.Team:
		_, slug, _ := strings.Cut(a.Principal.Name, "/")
		for _, t := range repo.Teams {
			if t.Team == slug {
				level = t.Permission
			}
		}
	}
	if level == "" {
		return identity.None
	}
	p, err := identity.ParsePermission(level)
	if err != nil {
		return identity.None
	}
	return p
}

// grant reads a write of the App's as a grant of access.
func grant(w hub.Write) (identity.Access, bool) {
	if w.Method != "PUT" || w.Status < 200 || w.Status > 299 {
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

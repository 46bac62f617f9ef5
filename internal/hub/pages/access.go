package pages

import (
	"strconv"

	"github.com/keyreeve/keyreeve/internal/hub"
)

func itoa(n int) string { return strconv.Itoa(n) }

// accessData is who and what may reach a repository.
type accessData struct {
	Org   *hub.Org // the owner, nil when a person owns it
	Teams []teamAccess
}

// teamAccess is a team's grant with the people that it reaches.
type teamAccess struct {
	hub.TeamGrant
	Members []hub.Member
}

func (s *server) access(r *request) (*page, error) {
	var d accessData
	for i := range r.world.Orgs {
		if r.world.Orgs[i].Login == r.repo.Owner {
			d.Org = &r.world.Orgs[i]
		}
	}
	for _, grant := range r.repo.Teams {
		d.Teams = append(d.Teams, teamAccess{TeamGrant: grant, Members: d.members(grant.Team)})
	}
	return &page{Template: "access", Title: "Access · " + r.repo.FullName, Tab: "access", Live: true, Data: d}, nil
}

func (d accessData) members(slug string) []hub.Member {
	if d.Org == nil {
		return nil
	}
	for _, t := range d.Org.Teams {
		if t.Slug == slug {
			return t.Members
		}
	}
	return nil
}

// Owners are the organization's owners, who may do everything everywhere.
func (d accessData) Owners() []hub.Member {
	var owners []hub.Member
	if d.Org != nil {
		for _, m := range d.Org.Members {
			if m.Role == "admin" {
				owners = append(owners, m)
			}
		}
	}
	return owners
}

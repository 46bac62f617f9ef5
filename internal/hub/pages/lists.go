package pages

import (
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/internal/hub"
)

// recentDeliveries is how many webhook deliveries the first page lists.
const recentDeliveries = 25

// homeData is the first page.
type homeData struct {
	Deliveries []hub.Delivery // newest first
	Apps       map[int64]string
}

func (s *server) home(r *request) (*page, error) {
	d := homeData{Apps: map[int64]string{}}
	d.Deliveries = slices.Clone(r.world.Deliveries[max(0, len(r.world.Deliveries)-recentDeliveries):])
	slices.Reverse(d.Deliveries)
	for _, a := range r.world.Apps {
		d.Apps[a.ID] = a.Slug
	}
	return &page{Template: "home", Title: "Organizations and repositories", Live: true, Data: d}, nil
}

// ownerData is an organization or a person.
type ownerData struct {
	Login string
	Org   *hub.Org // nil for a person
	Type  string
	Repos []hub.Repo
	Teams []hub.Team // of Org, or only the one of the address
}

func (s *server) owner(r *request) (*page, error) {
	d := ownerData{Login: r.PathValue("owner")}
	for i := range r.world.Orgs {
		if strings.EqualFold(r.world.Orgs[i].Login, d.Login) {
			d.Org, d.Login, d.Type = &r.world.Orgs[i], r.world.Orgs[i].Login, "Organization"
			d.Teams = d.Org.Teams
		}
	}
	for _, u := range r.world.Users {
		if strings.EqualFold(u.Login, d.Login) {
			d.Login, d.Type = u.Login, u.Type
		}
	}
	if d.Type == "" {
		return nil, errNotFound
	}
	if slug := r.PathValue("team"); slug != "" {
		d.Teams = slices.DeleteFunc(slices.Clone(d.Teams), func(t hub.Team) bool { return t.Slug != slug })
		if len(d.Teams) == 0 {
			return nil, errNotFound
		}
		return &page{Template: "owner", Title: "Team " + d.Login + "/" + slug, Data: d}, nil
	}
	for _, repo := range r.world.Repos {
		if repo.Owner == d.Login {
			d.Repos = append(d.Repos, repo)
		}
	}
	return &page{Template: "owner", Title: d.Login, Data: d}, nil
}

// row is one line of a list of issues or pull requests.
type row struct {
	hub.Issue
	Path     string
	State    string // open, closed, completed, merged, draft
	Comments int
}

// listData is a list of issues or of pull requests, newest first.
type listData struct {
	What         string // "issue" or "pull request"
	Open, Closed int
	Rows         []row
}

func (s *server) issues(r *request) (*page, error) {
	d := listData{What: "issue"}
	for i := range r.repo.Issues {
		issue := &r.repo.Issues[i]
		d.add(row{Issue: *issue, Path: r.path("issues", itoa(issue.Number)), State: issueState(issue), Comments: len(issue.Comments)})
	}
	return &page{Template: "list", Title: "Issues · " + r.repo.FullName, Tab: "issues", Live: true, Data: d.sorted()}, nil
}

func (s *server) pulls(r *request) (*page, error) {
	d := listData{What: "pull request"}
	for i := range r.repo.Pulls {
		pull := &r.repo.Pulls[i]
		d.add(row{Issue: pull.Issue, Path: r.path("pull", itoa(pull.Number)), State: pullState(pull), Comments: len(pull.Comments) + len(pull.Reviews)})
	}
	return &page{Template: "list", Title: "Pull requests · " + r.repo.FullName, Tab: "pulls", Live: true, Data: d.sorted()}, nil
}

func (d *listData) add(r row) {
	if r.Issue.State == "open" {
		d.Open++
	} else {
		d.Closed++
	}
	d.Rows = append(d.Rows, r)
}

// sorted puts what is open first, and the newest before the older.
func (d listData) sorted() listData {
	slices.SortStableFunc(d.Rows, func(a, b row) int {
		if aOpen, bOpen := a.Issue.State == "open", b.Issue.State == "open"; aOpen != bOpen {
			if aOpen {
				return -1
			}
			return 1
		}
		return b.Number - a.Number
	})
	return d
}

// issueState is open, closed (not planned) or completed, as GitHub colours them.
func issueState(i *hub.Issue) string {
	if i.State == "closed" && i.StateReason != "not_planned" {
		return "completed"
	}
	return i.State
}

// pullState is open, draft, closed or merged.
func pullState(p *hub.Pull) string {
	switch {
	case p.Merged:
		return "merged"
	case p.State == "open" && p.Draft:
		return "draft"
	}
	return p.State
}

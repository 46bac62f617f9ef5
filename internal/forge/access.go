package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/lifecycle"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

// RepositoryAccess reads what a user or team holds directly on a repository, by other endpoints than
// SetRepositoryAccess writes to. An invitation that can still be accepted is pending, not access. A custom role is an
// error, as is every read that failed: unknown is not a level.
func (f *Forge) RepositoryAccess(ctx context.Context, installation int64, repo identity.Repo, who identity.Principal) (lifecycle.Observed, error) {
	doing := fmt.Sprintf("read the access of %s to %s", who, repo)
	s, err := f.at(installation, repo, readAdmin)
	if err != nil {
		return lifecycle.Observed{}, fail(doing, err)
	}
	var seen lifecycle.Observed
	switch who.Kind {
	case identity.User:
		seen, err = f.userAccess(ctx, s, repo, who.Name)
	case identity.Team:
		seen, err = f.teamAccess(ctx, s, repo, who.Name)
	default:
		err = fmt.Errorf("%q is neither a user nor a team", who.Kind)
	}
	if err != nil {
		return lifecycle.Observed{}, fail(doing, err)
	}
	seen.Known = true
	return seen, nil
}

type collaborator struct {
	Login    string `json:"login"`
	RoleName string `json:"role_name"`
}

// userAccess reads the invitations first: one that is accepted meanwhile then counts as still pending, never as neither.
// https://docs.github.com/en/rest/collaborators/collaborators#list-repository-collaborators
func (f *Forge) userAccess(ctx context.Context, s *session, repo identity.Repo, login string) (lifecycle.Observed, error) {
	if err := name(login); err != nil {
		return lifecycle.Observed{}, err
	}
	invited, err := invitations(ctx, s, repo, login)
	if err != nil {
		return lifecycle.Observed{}, err
	}
	path := repoPath(repo) + "/collaborators"
	direct, resp, err := readList[collaborator](ctx, s.gh, path, url.Values{"affiliation": {"direct"}})
	if err != nil {
		return lifecycle.Observed{}, unwrapURL(err)
	}
	effective, err := f.effective(ctx, s, repo, login)
	if err != nil {
		return lifecycle.Observed{}, err
	}
	var seen lifecycle.Observed
	answer := "not listed"
	for _, c := range direct {
		if strings.EqualFold(c.Login, login) {
			if seen.Level, err = identity.ParsePermission(c.RoleName); err != nil {
				return lifecycle.Observed{}, err
			}
			answer = "role_name: " + c.RoleName
		}
	}
	for _, i := range invited {
		if !i.Expired {
			seen.Pending = true
			answer += fmt.Sprintf("; invitation %d pending: %s", i.ID, i.Permissions)
		}
	}
	answer += fmt.Sprintf("; GET /%s/%s/permission: %s", path, login, effective)
	seen.Evidence = f.evidence("GET /"+path+"?affiliation=direct", answer, resp)
	return seen, nil
}

// teamAccess reads the repository's list of teams; the write goes to the team's list of repositories.
// https://docs.github.com/en/rest/repos/repos#list-repository-teams
func (f *Forge) teamAccess(ctx context.Context, s *session, repo identity.Repo, team string) (lifecycle.Observed, error) {
	_, slug, err := teamOf(repo, team)
	if err != nil {
		return lifecycle.Observed{}, err
	}
	path := repoPath(repo) + "/teams"
	all, resp, err := readList[struct {
		Slug       string `json:"slug"`
		Permission string `json:"permission"`
	}](ctx, s.gh, path, nil)
	if err != nil {
		return lifecycle.Observed{}, unwrapURL(err)
	}
	seen := lifecycle.Observed{Evidence: f.evidence("GET /"+path, "not listed", resp)}
	for _, t := range all {
		if strings.EqualFold(t.Slug, slug) {
			if seen.Level, err = identity.ParsePermission(t.Permission); err != nil {
				return lifecycle.Observed{}, err
			}
			seen.Evidence.Answer = "permission: " + t.Permission
		}
	}
	return seen, nil
}

func (f *Forge) evidence(endpoint, answer string, resp *http.Response) lifecycle.Evidence {
	return lifecycle.Evidence{At: f.cfg.Now(), Endpoint: endpoint, Answer: answer, Request: requestID(resp)}
}

// RepositoryPermission returns the most that a user or team may do on a repository, however it is held: directly, by a
// team, by the organization's base role, or by owning it. It answers who could write a registry.
func (f *Forge) RepositoryPermission(ctx context.Context, installation int64, repo identity.Repo, who identity.Principal) (identity.Permission, error) {
	doing := fmt.Sprintf("read the effective permission of %s on %s", who, repo)
	var role string
	var err error
	switch who.Kind {
	case identity.User:
		var s *session
		if s, err = f.at(installation, repo, seeRepo); err == nil {
			role, err = f.effective(ctx, s, repo, who.Name)
		}
	case identity.Team:
		role, err = f.teamRole(ctx, installation, repo, who.Name)
	default:
		err = fmt.Errorf("%q is neither a user nor a team", who.Kind)
	}
	if err != nil {
		return identity.None, fail(doing, err)
	}
	p, err := identity.ParsePermission(role)
	return p, fail(doing, err)
}

// effective reads a user's role; a login that nobody has holds none.
// https://docs.github.com/en/rest/collaborators/collaborators#get-repository-permissions-for-a-user
func (f *Forge) effective(ctx context.Context, s *session, repo identity.Repo, login string) (string, error) {
	if err := name(login); err != nil {
		return "", err
	}
	var said struct {
		Permission string `json:"permission"`
		RoleName   string `json:"role_name"`
	}
	_, err := send(ctx, s.gh, http.MethodGet, repoPath(repo)+"/collaborators/"+login+"/permission", nil, &said)
	switch {
	case errors.Is(err, workflow.ErrNotFound):
		return "none", f.visible(ctx, s, repo)
	case err != nil:
		return "", unwrapURL(err)
	case said.Permission == "none" && said.RoleName == "":
		return "none", nil
	}
	return said.RoleName, nil
}

// visible tells a user or team that does not exist from a repository that can't be seen, since both are a 404.
func (f *Forge) visible(ctx context.Context, s *session, repo identity.Repo) error {
	_, err := f.repository(ctx, s.scope.installation, repo)
	return err
}

// https://docs.github.com/en/rest/teams/teams#check-team-permissions-for-a-repository
func (f *Forge) teamRole(ctx context.Context, installation int64, repo identity.Repo, team string) (string, error) {
	org, slug, err := teamOf(repo, team)
	if err != nil {
		return "", err
	}
	s, err := f.at(installation, repo, readTeams)
	if err != nil {
		return "", err
	}
	req, err := s.gh.NewRequest(http.MethodGet, fmt.Sprintf("orgs/%s/teams/%s/%s", org, slug, repoPath(repo)), nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Accept", "application/vnd.github.v3.repository+json") // without it, the answer is an empty 204
	var said struct {
		RoleName string `json:"role_name"`
	}
	_, err = s.gh.Do(ctx, req, &said)
	if errors.Is(err, workflow.ErrNotFound) {
		return "none", f.visible(ctx, s, repo)
	}
	return said.RoleName, unwrapURL(err)
}

// teamOf splits "org/slug". A team of another organization can't hold access to the repository.
func teamOf(repo identity.Repo, team string) (org, slug string, err error) {
	org, slug, ok := strings.Cut(team, "/")
	if !ok || name(org) != nil || name(slug) != nil {
		return "", "", fmt.Errorf("%q is not a team: write it as org/team", team)
	}
	if !strings.EqualFold(org, repo.Owner) {
		return "", "", fmt.Errorf("team %s is not of %s's organization", team, repo)
	}
	return org, slug, nil
}

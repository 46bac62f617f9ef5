package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

// SetRepositoryAccess brings what a user or team holds directly on a repository to a level; None removes it, and takes
// back invitations. For a user outside the organization the level is only offered, by an invitation; one that is out
// already is changed rather than sent again. It says nothing of what is held then: RepositoryAccess does.
func (f *Forge) SetRepositoryAccess(ctx context.Context, installation int64, repo identity.Repo, who identity.Principal, level identity.Permission) error {
	doing := fmt.Sprintf("set the access of %s to %s to %s", who, repo, level)
	var err error
	switch {
	case level < identity.None || level > identity.Admin:
		err = errors.New("there is no such level")
	case who.Kind == identity.User:
		err = f.setUser(ctx, installation, repo, who.Name, level)
	case who.Kind == identity.Team:
		err = f.setTeam(ctx, installation, repo, who.Name, level)
	default:
		err = fmt.Errorf("%q is neither a user nor a team", who.Kind)
	}
	return fail(doing, err)
}

// apiLevel is a level as the writes of access spell it.
func apiLevel(p identity.Permission) string {
	switch p {
	case identity.Read:
		return "pull"
	case identity.Write:
		return "push"
	default:
		return p.String()
	}
}

type invitation struct {
	ID          int64    `json:"id"`
	Invitee     *account `json:"invitee"`
	Permissions string   `json:"permissions"` // spelled as a role: "write"
	Expired     bool     `json:"expired"`
}

// invitations reads a user's invitations to a repository, lapsed ones included.
// https://docs.github.com/en/rest/collaborators/invitations#list-repository-invitations
func invitations(ctx context.Context, s *session, repo identity.Repo, login string) ([]invitation, error) {
	all, _, err := readList[invitation](ctx, s.gh, repoPath(repo)+"/invitations", nil)
	if err != nil {
		return nil, unwrapURL(err)
	}
	var theirs []invitation
	for _, i := range all {
		if i.Invitee != nil && strings.EqualFold(i.Invitee.Login, login) {
			theirs = append(theirs, i)
		}
	}
	return theirs, nil
}

// https://docs.github.com/en/rest/collaborators/collaborators#add-a-repository-collaborator
func (f *Forge) setUser(ctx context.Context, installation int64, repo identity.Repo, login string, level identity.Permission) error {
	if err := name(login); err != nil {
		return err
	}
	s, err := f.at(installation, repo, writeAdmin)
	if err != nil {
		return err
	}
	invited, err := invitations(ctx, s, repo, login)
	if err != nil {
		return err
	}
	offered := false
	for _, i := range invited {
		path := fmt.Sprintf("%s/invitations/%d", repoPath(repo), i.ID)
		switch {
		case level == identity.None || i.Expired:
			_, err = send(ctx, s.gh, http.MethodDelete, path, nil, nil)
		case i.Permissions != level.String():
			_, err = send(ctx, s.gh, http.MethodPatch, path, map[string]string{"permissions": level.String()}, nil)
			offered = true
		default:
			offered = true
		}
		if err != nil && !errors.Is(err, workflow.ErrNotFound) { // accepted or declined meanwhile
			return unwrapURL(err)
		}
	}
	path := repoPath(repo) + "/collaborators/" + login
	switch {
	case offered:
		return nil
	case level == identity.None:
		_, err = send(ctx, s.gh, http.MethodDelete, path, nil, nil)
		if errors.Is(err, workflow.ErrNotFound) {
			return f.visible(ctx, s, repo)
		}
	default:
		_, err = send(ctx, s.gh, http.MethodPut, path, map[string]string{"permission": apiLevel(level)}, nil)
	}
	return err
}

// https://docs.github.com/en/rest/teams/teams#add-or-update-team-repository-permissions
func (f *Forge) setTeam(ctx context.Context, installation int64, repo identity.Repo, team string, level identity.Permission) error {
	org, slug, err := teamOf(repo, team)
	if err != nil {
		return err
	}
	s, err := f.at(installation, repo, writeTeams)
	if err != nil {
		return err
	}
	path := fmt.Sprintf("orgs/%s/teams/%s/%s", org, slug, repoPath(repo))
	if level != identity.None {
		_, err = send(ctx, s.gh, http.MethodPut, path, map[string]string{"permission": apiLevel(level)}, nil)
		return err
	}
	_, err = send(ctx, s.gh, http.MethodDelete, path, nil, nil)
	if errors.Is(err, workflow.ErrNotFound) {
		return f.visible(ctx, s, repo)
	}
	return err
}

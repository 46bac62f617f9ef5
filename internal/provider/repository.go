package provider

import (
	"context"
	"fmt"

	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/lifecycle"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

// GitHub is the name of the provider of access to GitHub repositories.
const GitHub = "github"

// RepositoryAccess reads and sets what a user or team holds directly on a repository; *forge.Forge does.
type RepositoryAccess interface {
	RepositoryAccess(ctx context.Context, installation int64, repo identity.Repo, who identity.Principal) (lifecycle.Observed, error)
	SetRepositoryAccess(ctx context.Context, installation int64, repo identity.Repo, who identity.Principal, level identity.Permission) error
}

// Repository is the provider "github": a user's or team's permission on a repository, "owner/name" being the resource.
func Repository(at RepositoryAccess) Named {
	return Named{Name: GitHub, Provider: repository{at}}
}

type repository struct{ at RepositoryAccess }

var _ workflow.Provider = repository{}

// Describe implements workflow.Provider.
func (repository) Describe() string {
	return "A user's access is read back from the repository's lists of direct collaborators and invitations and from the user's effective permission; a team's from the repository's list of teams."
}

// Observe implements workflow.Provider.
func (r repository) Observe(ctx context.Context, installation int64, a identity.Access) (lifecycle.Observed, error) {
	repo, err := target(a)
	if err != nil {
		return lifecycle.Observed{}, err
	}
	seen, err := r.at.RepositoryAccess(ctx, installation, repo, a.Principal)
	if err != nil {
		return lifecycle.Observed{}, fmt.Errorf("observe %s: %w", a, err)
	}
	return seen, nil
}

// Grant implements workflow.Provider. None is refused: that is a revoke.
func (r repository) Grant(ctx context.Context, installation int64, a identity.Access, level identity.Permission) error {
	if level <= identity.None {
		return fmt.Errorf("grant %s: a grant of no access is a revoke", a)
	}
	return r.set(ctx, "grant", installation, a, level)
}

// Revoke implements workflow.Provider.
func (r repository) Revoke(ctx context.Context, installation int64, a identity.Access, level identity.Permission) error {
	return r.set(ctx, "revoke", installation, a, level)
}

func (r repository) set(ctx context.Context, verb string, installation int64, a identity.Access, level identity.Permission) error {
	repo, err := target(a)
	if err != nil {
		return err
	}
	if err := r.at.SetRepositoryAccess(ctx, installation, repo, a.Principal, level); err != nil {
		return fmt.Errorf("%s %s %s: %w", verb, a, level, err)
	}
	return nil
}

func target(a identity.Access) (identity.Repo, error) {
	if a.Provider != GitHub {
		return identity.Repo{}, fmt.Errorf("access %s: its provider is %q, not %q", a, a.Provider, GitHub)
	}
	repo, err := identity.ParseRepo(a.Resource)
	if err != nil {
		return identity.Repo{}, fmt.Errorf("access %s: %w", a, err)
	}
	return repo, nil
}

package workflow

import (
	"context"
	"errors"
	"strings"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/internal/identity"
)

// ownersFile is a repository's CODEOWNERS as it stands on its default branch, and git's name for it.
type ownersFile struct {
	approvals.OwnersFile
	blob string
}

// readOwners reads the first CODEOWNERS in GitHub's order of places. A
// repository that does not exist or is empty has none.
// https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners#codeowners-file-location
func (w *Walker) readOwners(ctx context.Context, at Place, ref string) (ownersFile, error) {
	for _, path := range approvals.CodeownersPlaces {
		f, err := w.Repositories.File(ctx, at, ref, path)
		switch {
		case errors.Is(err, ErrNotFound):
			continue
		case err != nil:
			return ownersFile{}, err
		}
		o := ownersFile{approvals.OwnersFile{Repo: at.Repo, Path: path, Rules: approvals.ParseCodeowners(f.Data)}, f.SHA}
		reported, err := w.Codeowners.CodeownersErrors(ctx, at, ref)
		for _, e := range reported {
			o.Reported = append(o.Reported, approvals.ReportedError{Path: e.Path, Line: e.Line, Kind: e.Kind})
		}
		return o, err
	}
	return ownersFile{OwnersFile: approvals.OwnersFile{Repo: at.Repo}}, nil
}

// standBehind reads who stands behind the owners that needs name, and behind more that the policy names. A look-up that
// fails leaves its owner unknown, which is neither a yes nor a no; a limit is returned as an error.
func (w *Walker) standBehind(ctx context.Context, f *issueFacts, needs []approvals.Need, more ...string) (map[string]approvals.Members, error) {
	writers := map[string]bool{} // those whom a CODEOWNERS names that GitHub finds no fault with may write its repository
	var owners []string
	for _, n := range needs {
		owners = append(owners, n.Owners...)
		for _, o := range n.Owners {
			writers[o] = writers[o] || n.Kind != approvals.PolicyRule
		}
	}
	people := map[string]approvals.Members{}
	for _, owner := range append(owners, more...) {
		if _, done := people[owner]; done {
			continue
		}
		list, err := w.behind(ctx, f, owner, writers[owner])
		var limited *LimitedError
		switch {
		case errors.As(err, &limited), ctx.Err() != nil:
			return nil, err
		case err != nil:
			w.Log.WarnContext(ctx, "owner unknown", "owner", owner, "error", err)
			people[owner] = approvals.Members{}
		default:
			people[owner] = approvals.Members{Known: true, People: list}
		}
	}
	return people, nil
}

// behind reads the people of one owner. An account or team that does not exist, and an e-mail address, which the API
// can't look up, stand for nobody. Nor does a person whom the policy alone names and who may not write the registry: an
// account outlives its place in the organization, and GitHub asks the same of a code owner.
func (w *Walker) behind(ctx context.Context, f *issueFacts, owner string, writer bool) ([]identity.Person, error) {
	installation := f.subject.Installation
	name, ok := strings.CutPrefix(owner, "@")
	if !ok {
		return nil, nil
	}
	if org, slug, ok := strings.Cut(name, "/"); ok {
		people, err := w.People.Team(ctx, installation, org, slug)
		if errors.Is(err, ErrNotFound) {
			return nil, nil
		}
		return people, err
	}
	p, err := w.People.User(ctx, installation, name)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil || writer {
		return []identity.Person{p}, err
	}
	level, err := w.People.RepositoryPermission(ctx, installation, f.registry.Repo, identity.Principal{Kind: identity.User, Name: p.Login})
	if err != nil || level < identity.Write {
		return nil, err
	}
	return []identity.Person{p}, nil
}

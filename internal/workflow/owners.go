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

// standBehind reads who stands behind each owner. A look-up that
// fails leaves its owner unknown, which is neither a yes nor a no; a limit is returned as an error.
func (w *Walker) standBehind(ctx context.Context, installation int64, owners []string) (map[string]approvals.Members, error) {
	people := map[string]approvals.Members{}
	for _, owner := range owners {
		if _, done := people[owner]; done {
			continue
		}
		list, err := w.behind(ctx, installation, owner)
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

// behind reads the people of one owner. An account or team that does not
// exist, and an e-mail address, which the API can't look up, stand for nobody.
func (w *Walker) behind(ctx context.Context, installation int64, owner string) ([]identity.Person, error) {
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
	return []identity.Person{p}, err
}

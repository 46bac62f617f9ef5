package workflow

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/internal/identity"
)

// ownersFile is a repository's CODEOWNERS as it stands on its default branch.
type ownersFile struct {
	repo  identity.Repo
	path  string // "" where the repository has none
	blob  string
	size  int
	rules approvals.Codeowners
	// reported is what GitHub itself finds wrong with the file.
	reported []OwnersError
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
		o := ownersFile{repo: at.Repo, path: path, blob: f.SHA, size: len(f.Data), rules: approvals.ParseCodeowners(f.Data)}
		o.reported, err = w.Codeowners.CodeownersErrors(ctx, at, ref)
		return o, err
	}
	return ownersFile{repo: at.Repo}, nil
}

// need says whose approval a path needs by this CODEOWNERS. It never says
// "nobody's": what has no owner is blocked, with the reason.
func (o ownersFile) need(kind approvals.NeedKind, subject, path string) approvals.Need {
	n := approvals.Need{Kind: kind, Subject: subject, Count: 1}
	block := func(code approvals.Code, detail string) approvals.Need {
		about := subject
		if code == approvals.NoCodeowners || code == approvals.OwnersTooLarge {
			about = o.repo.String()
		}
		n.Blocked = &approvals.Reason{Code: code, Subject: about, Detail: detail}
		return n
	}
	if o.path == "" {
		return block(approvals.NoCodeowners, "")
	}
	if o.size > approvals.CodeownersLimit {
		return block(approvals.OwnersTooLarge, "")
	}
	if bad := o.rules.ErrorTouches(path); len(bad) > 0 {
		return block(approvals.OwnersInvalid, fmt.Sprintf("line %d: %s", bad[0].Line, bad[0].Message))
	}
	rule, ok := o.rules.Match(path)
	if !ok || len(rule.Owners) == 0 {
		return block(approvals.NoOwner, "")
	}
	// GitHub knows more than the file says: an account that is gone, a team that can't see the repository.
	for _, e := range o.reported {
		if e.Path == o.path && e.Line == rule.Line {
			return block(approvals.OwnersInvalid, fmt.Sprintf("line %d: GitHub says %s", e.Line, e.Kind))
		}
	}
	n.Owners = rule.Owners
	n.Source = fmt.Sprintf("%s:%s:%d %s", o.repo, o.path, rule.Line, rule.Pattern)
	return n
}

// quorums turns the policy's rules that match a grant into needs.
func quorums(rules []identity.Rule) []approvals.Need {
	var needs []approvals.Need
	for _, r := range rules {
		for _, q := range r.Require {
			needs = append(needs, approvals.Need{Kind: approvals.PolicyRule, Subject: r.Name, Owners: q.From, Count: q.Count, Source: "keyreeve.yaml rule " + r.Name})
		}
	}
	return needs
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

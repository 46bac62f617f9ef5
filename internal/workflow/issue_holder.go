package workflow

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/internal/identity"
)

// holder is who would hold an access: a user by an account, or a team.
type holder struct {
	principal identity.Principal
	id        int64 // of a user's account
}

// observeResource reads who owns the resource, by its own CODEOWNERS on its default branch.
func (w *Walker) observeResource(ctx context.Context, f *issueFacts) error {
	if f.grant == nil {
		return nil
	}
	repo, err := identity.ParseRepo(f.grant.Resource)
	if err != nil {
		return nil //nolint:nilerr // CheckGrant has said so
	}
	if !strings.EqualFold(repo.Owner, f.registry.Repo.Owner) {
		// Its CODEOWNERS might be readable, being public; but its owners have no say over this organization's access.
		f.problems = append(f.problems, identity.Problem{
			Field: identity.HeadingRepository, What: fmt.Sprintf("%q belongs to another organization than the registry", f.grant.Resource),
			Hint: "ask for a repository of " + f.registry.Repo.Owner,
		})
		return nil
	}
	if strings.EqualFold(repo.String(), f.registry.Repo.String()) {
		f.stopped = append(f.stopped, approvals.Reason{Code: approvals.SelfEscalation, Subject: repo.String()})
	}
	at := Place{Installation: f.subject.Installation, Repo: repo}
	branch, err := w.Repositories.Default(ctx, at)
	switch {
	case errors.Is(err, ErrNotFound):
		f.problems = append(f.problems, identity.Problem{
			Field: identity.HeadingRepository, What: fmt.Sprintf("the repository %q does not exist, is empty, or is not open to keyreeve", f.grant.Resource),
			Hint: "check the spelling, or have an owner of the organization install keyreeve on it",
		})
		return nil
	case err != nil:
		return err
	}
	owners, err := w.readOwners(ctx, at, branch.SHA)
	if err != nil {
		return err
	}
	f.needs = append(f.needs, owners.Need(approvals.Resource, repo.String(), approvals.ResourcePath))
	return nil
}

// observeBeneficiary reads who would hold the access: they, and whoever asked, may not approve it.
func (w *Walker) observeBeneficiary(ctx context.Context, f *issueFacts) error {
	f.excluded = append(f.excluded, approvals.Exclusion{Person: f.issue.Author, Why: approvals.Requester})
	for _, p := range f.issue.Editors {
		if !p.Same(f.issue.Author) {
			f.excluded = append(f.excluded, approvals.Exclusion{Person: p, Why: approvals.Editor})
		}
	}
	if f.pull != nil {
		f.excludeAuthors(*f.pull)
	}
	if err := w.observePrompter(ctx, f); err != nil {
		return err
	}
	if f.identity == nil {
		return nil
	}
	who, ok := f.identity.Account.Principal()
	if !ok {
		return nil // CheckGrant has said so
	}
	f.holder.principal = who
	people, err := w.holders(ctx, f, who)
	if err != nil || len(f.problems) > 0 {
		return err
	}
	for _, p := range people {
		f.excluded = append(f.excluded, approvals.Exclusion{Person: p, Why: approvals.Beneficiary})
	}
	return w.observeEscalation(ctx, f, who)
}

// observePrompter reads who prompted the agent that the access is for: what it does with the access is theirs.
func (w *Walker) observePrompter(ctx context.Context, f *issueFacts) error {
	if f.grant == nil || f.grant.PromptedBy == "" {
		return nil
	}
	person, err := w.People.User(ctx, f.subject.Installation, f.grant.PromptedBy)
	if errors.Is(err, ErrNotFound) {
		f.problems = append(f.problems, identity.Problem{
			Field: identity.HeadingPromptedBy, What: fmt.Sprintf("the account %q does not exist at GitHub", f.grant.PromptedBy), Hint: "write the person's login",
		})
		return nil
	}
	if err == nil {
		f.excluded = append(f.excluded, approvals.Exclusion{Person: person, Why: approvals.Prompter})
	}
	return err
}

func (f *issueFacts) excludeAuthors(p Pull) {
	if p.Author.ID != 0 {
		f.excluded = append(f.excluded, approvals.Exclusion{Person: p.Author, Why: approvals.Author})
	}
	authors, stopped := authorship(p.Commits)
	f.excluded, f.stopped = append(f.excluded, authors...), append(f.stopped, stopped...)
	at := Place{Repo: f.registry.Repo, Number: p.Number}.String()
	if p.Truncated {
		f.stopped = append(f.stopped, approvals.Reason{Code: approvals.TooMany, Subject: at})
	}
	if f.base.Name != "" && p.BaseRef != f.base.Name {
		f.stopped = append(f.stopped, approvals.Reason{
			Code: approvals.ContentDiffers, Subject: at, Detail: fmt.Sprintf("it goes into the branch %s, not into %s", p.BaseRef, f.base.Name),
		})
	}
}

// holders reads the people behind the account. One that does not exist, or a team of another organization, is a problem
// now rather than a grant that fails for ever.
func (w *Walker) holders(ctx context.Context, f *issueFacts, who identity.Principal) ([]identity.Person, error) {
	missing := func(what, field string) {
		f.problems = append(f.problems, identity.Problem{
			File: identity.IdentityPath(f.identity.Name), Field: HeadingAccount, What: what,
			Hint: "correct " + field + " in the identity's record by a pull request",
		})
	}
	if who.Kind == identity.User {
		person, err := w.People.User(ctx, f.subject.Installation, who.Name)
		if errors.Is(err, ErrNotFound) {
			missing(fmt.Sprintf("the account %q does not exist at GitHub", who.Name), "account.user")
			return nil, nil
		}
		f.holder.id = person.ID
		return []identity.Person{person}, err
	}
	org, slug, _ := strings.Cut(who.Name, "/")
	if !strings.EqualFold(org, f.registry.Repo.Owner) {
		missing(fmt.Sprintf("the team %q is of another organization than the registry", who.Name), "account.team")
		return nil, nil
	}
	people, err := w.People.Team(ctx, f.subject.Installation, org, slug)
	if errors.Is(err, ErrNotFound) {
		missing(fmt.Sprintf("the team %q does not exist at GitHub", who.Name), "account.team")
		return nil, nil
	}
	return people, err
}

// observeEscalation reads whether the holder could write the registry itself, and so decide over access. That this can't
// be read is no "no": nothing is approved until it can.
func (w *Walker) observeEscalation(ctx context.Context, f *issueFacts, who identity.Principal) error {
	level, err := w.People.RepositoryPermission(ctx, f.subject.Installation, f.registry.Repo, who)
	var limited *LimitedError
	switch {
	case errors.As(err, &limited), ctx.Err() != nil:
		return err
	case err != nil:
		w.Log.WarnContext(ctx, "the holder's permission on the registry is unknown", "holder", who.String(), "error", err)
		f.unknown = append(f.unknown, "what "+who.Name+" may do on "+f.registry.Repo.String())
	case level >= identity.Write:
		f.stopped = append(f.stopped, approvals.Reason{Code: approvals.SelfEscalation, Subject: f.registry.Repo.String(), Detail: who.String()})
	}
	return nil
}

// HeadingAccount names an identity's account in problems.
const HeadingAccount = "account"

package workflow

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/internal/identity"
)

// issueFacts is all that a decision about a request rests on.
type issueFacts struct {
	now      time.Time
	subject  Subject
	stored   State
	issue    Issue
	comments []Comment // on the issue
	registry Place     // the registry, without a number

	// Only where the request is not frozen:
	base     Branch // the registry's default branch
	policy   File   // keyreeve.yaml there
	owners   ownersFile
	grant    *identity.Grant
	identity *identity.Identity
	useCase  *identity.UseCase
	problems []identity.Problem
	needs    []approvals.Need
	people   map[string]approvals.Members
	excluded []approvals.Exclusion
	stopped  []approvals.Reason
	unknown  []string
	recorded bool // the record is on the default branch, byte for byte

	// The registry pull request, once there is one.
	pull         *Pull
	pullComments []Comment
	checks       []Check
	branchTip    string // of the request's branch; "" where it does not exist
}

// observeIssue reads everything that a request not yet merged rests on.
func (w *Walker) observeIssue(ctx context.Context, s Subject, registry identity.Repo, stored State, issue Issue) (issueFacts, error) {
	f := issueFacts{now: w.Now(), subject: s, stored: stored, issue: issue, registry: Place{Installation: s.Installation, Repo: registry}}
	for _, read := range []func(context.Context, *issueFacts) error{
		w.observeConversation, w.observePull, w.observeRegistry, w.observeResource, w.observeBeneficiary,
	} {
		if err := read(ctx, &f); err != nil {
			return f, err
		}
	}
	people, err := w.standBehind(ctx, s.Installation, f.needs)
	f.people = people
	return f, err
}

// observeFrozen reads what a merged request still needs: where to tell people what became of its access.
func (w *Walker) observeFrozen(ctx context.Context, s Subject, registry identity.Repo, stored State, issue Issue) (issueFacts, error) {
	f := issueFacts{now: w.Now(), subject: s, stored: stored, issue: issue, registry: Place{Installation: s.Installation, Repo: registry}}
	f.grant = stored.Request.Grant
	if err := w.observeConversation(ctx, &f); err != nil {
		return f, err
	}
	pull := f.registry
	pull.Number = stored.Request.Pull
	comments, err := w.Conversations.Comments(ctx, pull)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return f, err
	}
	f.pullComments = comments
	f.branchTip, err = w.Repositories.Tip(ctx, f.registry, stored.Request.Branch)
	if errors.Is(err, ErrNotFound) {
		f.branchTip, err = "", nil
	}
	return f, err
}

func (w *Walker) observeConversation(ctx context.Context, f *issueFacts) error {
	comments, err := w.Conversations.Comments(ctx, f.subject.Place())
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	f.comments = comments
	return err
}

// observePull reads the request's pull request. It is found by its branch, so
// one that was opened just before a crash is found too.
func (w *Walker) observePull(ctx context.Context, f *issueFacts) error {
	if f.stored.Request == nil || f.stored.Request.Branch == "" {
		return nil
	}
	branch := f.stored.Request.Branch
	var err error
	if f.branchTip, err = w.Repositories.Tip(ctx, f.registry, branch); err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	at := f.registry
	at.Number, err = w.Pulls.PullOf(ctx, f.registry, branch)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	pull, err := w.Pulls.Pull(ctx, at)
	if err != nil {
		return err
	}
	f.pull = &pull
	if f.pullComments, err = w.Conversations.Comments(ctx, at); err != nil {
		return err
	}
	f.checks, err = w.Pulls.Checks(ctx, at, pull.Head)
	return err
}

// observeRegistry reads the form and the records that it speaks of, always from the registry's default branch.
func (w *Walker) observeRegistry(ctx context.Context, f *issueFacts) error {
	grant, problems := readForm(f)
	f.problems = append(f.problems, problems...)
	var err error
	f.base, err = w.Repositories.Default(ctx, f.registry)
	switch {
	case errors.Is(err, ErrNotFound):
		f.problems = append(f.problems, identity.Problem{
			What: "the registry " + f.registry.Repo.String() + " does not exist, is empty, or is not open to keyreeve",
			Hint: "make it with `keyreeve init`, push it, and install keyreeve on it",
		})
		return nil
	case err != nil:
		return fmt.Errorf("the registry %s: %w", f.registry.Repo, err)
	}
	if f.owners, err = w.readOwners(ctx, f.registry, f.base.SHA); err != nil {
		return err
	}
	policy, err := w.record(ctx, f, "keyreeve.yaml")
	if err != nil || policy == nil {
		return err
	}
	f.policy = *policy
	rules, problems := identity.ParsePolicy(policy.Path, policy.Data)
	f.problems = append(f.problems, problems...)
	if len(f.problems) > 0 {
		return nil
	}
	f.grant = &grant
	return w.observeRecords(ctx, f, rules)
}

// readForm reads the form and the grant that it asks for, with everything that is wrong with either. A field is named once.
func readForm(f *issueFacts) (identity.Grant, []identity.Problem) {
	form, problems := identity.ParseForm(f.issue.Body)
	named := map[string]bool{}
	for _, p := range problems {
		named[p.Field] = true
	}
	grant, more := form.Grant(identity.GrantID(f.subject.Repo, f.subject.Number), f.issue.Author, f.subject.String())
	for _, p := range more {
		if !named[p.Field] {
			problems = append(problems, p)
		}
	}
	return grant, problems
}

// observeRecords reads the identity and its use case, and checks the grant against both and the policy.
func (w *Walker) observeRecords(ctx context.Context, f *issueFacts, rules identity.Policy) error {
	path := identity.IdentityPath(f.grant.Identity)
	file, err := w.Repositories.File(ctx, f.registry, f.base.SHA, path)
	switch {
	case errors.Is(err, ErrNotFound):
		f.problems = append(f.problems, identity.Problem{
			Field: identity.HeadingIdentity, What: fmt.Sprintf("%q is not in the registry", f.grant.Identity),
			Hint: "name one of the identities under identities/ in " + f.registry.Repo.String() + ", or add it there by a pull request first",
		})
		return nil
	case err != nil:
		return err
	}
	id, problems := identity.ParseIdentity(path, file.Data)
	if f.problems = append(f.problems, problems...); len(problems) > 0 {
		return nil
	}
	f.identity = &id
	useCase, err := w.record(ctx, f, identity.UseCasePath(id.UseCase))
	if err != nil || useCase == nil {
		return err
	}
	uc, problems := identity.ParseUseCase(useCase.Path, useCase.Data)
	if f.problems = append(f.problems, problems...); len(problems) > 0 {
		return nil
	}
	f.useCase = &uc
	f.problems = append(f.problems, identity.CheckGrant(rules, id, uc, *f.grant, f.now)...)
	path = f.grant.Path()
	f.needs = append(f.needs, f.owners.need(approvals.Path, path, path))
	f.needs = append(f.needs, quorums(identity.MatchingRules(rules, id, *f.grant))...)
	if f.pull == nil || !f.pull.Merged {
		return nil
	}
	merged, err := w.Repositories.File(ctx, f.registry, f.base.SHA, path)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	f.recorded = err == nil && string(merged.Data) == string(identity.Encode(*f.grant))
	return nil
}

// record reads a record that must be there; one that is not is a problem, not an error.
func (w *Walker) record(ctx context.Context, f *issueFacts, path string) (*File, error) {
	file, err := w.Repositories.File(ctx, f.registry, f.base.SHA, path)
	if errors.Is(err, ErrNotFound) {
		f.problems = append(f.problems, identity.Problem{
			File: path, What: path + " is missing from " + f.registry.Repo.String(), Hint: "it has to be on the default branch before anything can be approved",
		})
		return nil, nil
	}
	return &file, err
}

// observeResource reads who owns the resource, by its own CODEOWNERS on its default branch.
func (w *Walker) observeResource(ctx context.Context, f *issueFacts) error {
	if f.grant == nil {
		return nil
	}
	repo, err := identity.ParseRepo(f.grant.Resource)
	if err != nil {
		return nil // CheckGrant has said so
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
	f.needs = append(f.needs, owners.need(approvals.Resource, repo.String(), approvals.ResourcePath))
	return nil
}

// observeBeneficiary reads who would hold the access: they, and whoever asked, may not approve it.
func (w *Walker) observeBeneficiary(ctx context.Context, f *issueFacts) error {
	f.excluded = append(f.excluded, approvals.Exclusion{Person: f.issue.Author, Why: approvals.Requester})
	if f.pull != nil {
		authors, stopped := authorship(f.pull.Commits)
		f.excluded, f.stopped = append(f.excluded, authors...), append(f.stopped, stopped...)
		if f.pull.Truncated {
			f.stopped = append(f.stopped, approvals.Reason{Code: approvals.TooMany, Subject: Place{Repo: f.registry.Repo, Number: f.pull.Number}.String()})
		}
	}
	if f.identity == nil {
		return nil
	}
	holder, ok := f.identity.Account.Principal()
	if !ok {
		return nil // CheckGrant has said so
	}
	people, err := w.behind(ctx, f.subject.Installation, "@"+holder.Name)
	if err != nil {
		return err
	}
	if len(people) == 0 && holder.Kind == identity.User {
		f.problems = append(f.problems, identity.Problem{
			File: identity.IdentityPath(f.identity.Name), Field: HeadingAccount, What: fmt.Sprintf("the account %q does not exist at GitHub", holder.Name),
			Hint: "correct account.user in the identity's record by a pull request",
		})
	}
	for _, p := range people {
		f.excluded = append(f.excluded, approvals.Exclusion{Person: p, Why: approvals.Beneficiary})
	}
	return nil
}

// HeadingAccount names an identity's account in problems.
const HeadingAccount = "account"

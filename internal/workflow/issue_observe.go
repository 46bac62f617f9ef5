package workflow

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	rules    identity.Policy
	owners   ownersFile
	grant    *identity.Grant
	identity *identity.Identity
	useCase  *identity.UseCase
	problems []identity.Problem
	needs    []approvals.Need
	people   map[string]approvals.Members
	excluded []approvals.Exclusion
	stopped  []approvals.Reason
	holder   holder // who would hold the access
	unknown  []string
	recorded bool     // the record is on the default branch, byte for byte
	tree     string   // of the head; of a change only
	sameTree []string // commits that votes were given for, with the same files as the head

	// Only where the request is frozen:
	boundless      bool   // what bounds an extension is missing or in error
	reviewIssue    *Issue // in which an override is reviewed
	reviewComments []Comment

	// The registry pull request, once there is one.
	pull         *Pull
	pullComments []Comment
	pullGone     bool // only where the request is frozen: the registry it was in can't be found any more
	checks       []Check
	branchTip    string // of the request's branch; "" where it does not exist
}

// observeIssue reads everything that a request not yet merged rests on. The issue itself is read after all that was said
// about it: a vote that is seen was then given before the issue was read, so that an edit between the two shows by its time.
func (w *Walker) observeIssue(ctx context.Context, f *issueFacts) (err error) {
	for _, read := range []func(context.Context, *issueFacts) error{
		w.observeConversation, w.observePull, w.observeBody, w.observeRegistry, w.observeResource, w.observeBeneficiary,
	} {
		if err := read(ctx, f); err != nil {
			return err
		}
	}
	var glass []string
	if f.rules.BreakGlass != nil {
		glass = f.rules.BreakGlass.From
	}
	f.people, err = w.standBehind(ctx, f, f.needs, glass...)
	return err
}

// observeFrozen reads what a merged request still needs: where to tell people what became of its access.
func (w *Walker) observeFrozen(ctx context.Context, f *issueFacts) error {
	r := f.stored.Request
	f.grant = r.Grant
	if err := w.observeConversation(ctx, f); err != nil {
		return err
	}
	pull := f.registry
	pull.Number = r.Pull
	var err error
	f.pullComments, err = w.Conversations.Comments(ctx, pull)
	if f.pullGone = errors.Is(err, ErrNotFound); err != nil && !f.pullGone {
		return err
	}
	f.branchTip, err = w.Repositories.Tip(ctx, f.registry, r.Branch)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	for _, read := range []func(context.Context, *issueFacts) error{w.observeBody, w.observeOrders, w.observeReview} {
		if err := read(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

func (w *Walker) observeBody(ctx context.Context, f *issueFacts) (err error) {
	f.issue, err = w.readIssue(ctx, f.subject)
	return err
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
	case errors.Is(err, ErrNotFound) && f.stored.Request.Pull != 0:
		at.Number = f.stored.Request.Pull // a list may be stale, and may lack one whose branch is gone
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
	if f.checks, err = w.Pulls.Checks(ctx, at, pull.Head); err != nil {
		return err
	}
	return w.observeTrees(ctx, f)
}

// mostHeads bounds how many other commits than the head a look asks the tree of.
const mostHeads = 20

// observeTrees reads for which votes on other commits than the head the files are the same: an approval is carried over to
// a new head only then. A commit that is gone can't be shown to be the same.
func (w *Walker) observeTrees(ctx context.Context, f *issueFacts) error {
	var heads []string
	for _, r := range f.pull.Reviews {
		heads = append(heads, r.Head)
	}
	for _, p := range f.stored.Presses {
		heads = append(heads, p.Head)
	}
	slices.Sort(heads)
	heads = slices.DeleteFunc(slices.Compact(heads), func(h string) bool { return h == "" || h == f.pull.Head })
	if len(heads) == 0 {
		return nil
	}
	here, err := w.Repositories.Tree(ctx, f.registry, f.pull.Head)
	if err != nil {
		return err
	}
	for _, h := range heads[:min(len(heads), mostHeads)] {
		tree, err := w.Repositories.Tree(ctx, f.registry, h)
		switch {
		case errors.Is(err, ErrNotFound):
		case err != nil:
			return err
		case tree == here:
			f.sameTree = append(f.sameTree, h)
		}
	}
	return nil
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
	f.rules = rules
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
	f.needs = append(f.needs, f.owners.Need(approvals.Path, path, path))
	f.needs = append(f.needs, approvals.RuleNeeds(identity.MatchingRules(rules, id, *f.grant))...)
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

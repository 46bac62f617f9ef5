package workflow

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/internal/audit"
	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/lifecycle"
)

// lookAtIssue looks at an issue that may be an access request: from the form,
// over the registry pull request and its approvals, to the merge; and after
// that at what became of its access, to tell the people.
func (w *Walker) lookAtIssue(ctx context.Context, s Subject) (turn, error) {
	registry, served := w.Registry(s.Repo.Owner)
	if !served {
		return turn{}, nil
	}
	stored, err := w.Store.Load(ctx, s)
	if err != nil {
		return turn{}, err
	}
	if stored.Of != nil { // the review of an override: its request sees what became of it
		w.Trace(Point{Subject: s, Step: Observed})
		return turn{commit: Commit{WakeKeys: []string{stored.Of.Key()}}}, nil
	}
	if stored.Request == nil {
		if issue, err := w.readIssue(ctx, s); err != nil || !isRequest(issue) {
			return turn{}, err
		}
	}
	f := issueFacts{now: w.Now(), subject: s, stored: stored, registry: Place{Installation: s.Installation, Repo: registry}}
	if stored.Request != nil && stored.Request.State.frozen() {
		err = w.observeFrozen(ctx, &f)
	} else {
		err = w.observeIssue(ctx, &f)
	}
	if err != nil || stored.Request == nil && !isRequest(f.issue) {
		return turn{}, err
	}
	w.Trace(Point{Subject: s, Step: Observed})

	out := decideIssue(f)
	t := turn{plan: planIssue(f, out), open: stored.Open}
	t.again = f.noteSaid(&out.request, t.plan, out.again)
	t.commit = w.commitIssue(s, f, out)
	t.failed = func(e Effect, err error) (Commit, time.Time) {
		request := out.request
		if t.commit.Request != nil {
			request = *t.commit.Request
		}
		return failMerge(request, e, err, w.Now())
	}
	return t, nil
}

// readIssue reads the issue; one that was deleted or transferred is as good as closed.
func (w *Walker) readIssue(ctx context.Context, s Subject) (Issue, error) {
	issue, err := w.Conversations.Issue(ctx, s.Place())
	if errors.Is(err, ErrNotFound) {
		return Issue{}, nil
	}
	return issue, err
}

// tellAfter is how many merges have to fail in a row before people are told: it may be that GitHub is only busy.
const tellAfter = 3

// failMerge counts a merge that was refused. What keeps it from merging (a draft, a rule of the branch) may need somebody
// to act, so it is told, and the merge tried again for as long as the request is approved. Any other effect is left to the queue.
func failMerge(r Request, e Effect, err error, now time.Time) (Commit, time.Time) {
	if _, ok := e.(MergePull); !ok || errors.Is(err, ErrConflict) || errors.Is(err, errNotSeen) {
		return Commit{}, time.Time{}
	}
	told := r.LastError
	if r.Attempts++; r.Attempts >= tellAfter {
		// GitHub's id of the request differs each time; what it said does not.
		r.LastError, _, _ = strings.Cut(err.Error(), " (request ")
	}
	r.UpdatedAt = now
	c := Commit{Request: &r}
	if r.LastError != told {
		c.Wake = []Subject{r.Subject}
	}
	return c, now.Add(lifecycle.Backoff(r.Attempts))
}

// RequestLabel is the label that the issue form gives a request.
const RequestLabel = "access-request"

// isRequest says whether an issue is meant as an access request: it carries
// the form's label or its headings. Issues by bots never are.
func isRequest(i Issue) bool {
	if i.Number == 0 || i.Bot || i.IsPull || !i.Open {
		return false
	}
	for _, l := range i.Labels {
		if strings.EqualFold(l, RequestLabel) {
			return true
		}
	}
	return identity.LooksLikeForm(i.Body)
}

// decided is the entry of a decision, with what it was made by.
func (w *Walker) decided(s Subject, d StoredDecision) audit.Entry {
	return w.entry(s, audit.Decided, "decided "+string(d.Decision.Verdict), d.ID, data(audit.DecidedData{
		Facts: d.factsDigest(), Content: d.Facts.Digest, Head: d.Facts.Head, Policy: d.Policy, Codeowners: d.Codeowners,
	}))
}

// configured says that a request is decided by another policy or other owners than before.
func (w *Walker) configured(s Subject, was *StoredDecision, d StoredDecision) []audit.Entry {
	if was == nil || was.Policy == d.Policy && was.Codeowners == d.Codeowners {
		return nil
	}
	return []audit.Entry{w.entry(s, audit.Configured, "the policy or CODEOWNERS of the registry is another one", d.ID, data(audit.ConfiguredData{
		Policy: d.Policy, PolicyWas: was.Policy, Codeowners: d.Codeowners, CodeownersWas: was.Codeowners,
	}))}
}

// frozen says that a request is merged: its record says what was approved, and
// what the issue says from then on changes nothing.
func (s RequestState) frozen() bool { return s == Merged || s == Live || s == Reviewing || s == Ended }

// commitIssue turns what was decided into one transaction: only what differs from what is stored.
func (w *Walker) commitIssue(s Subject, f issueFacts, out issueOutcome) Commit {
	var c Commit
	was := f.stored.Request
	next := out.request
	if was == nil {
		next.CreatedAt = f.now
	} else {
		next.CreatedAt, next.UpdatedAt = was.CreatedAt, was.UpdatedAt
	}
	if was == nil || !next.equal(*was) || len(out.bindings) > 0 {
		next.UpdatedAt = f.now
		c.Request = &next
	}
	if was == nil || was.State != next.State {
		step := audit.Changed
		if next.State == Expired {
			step = audit.Expired
		}
		e := w.entry(s, step, "request "+next.ID+" is "+string(next.State), next.ID, nil)
		e.Actor = &next.Requester
		c.Entries = append(c.Entries, e)
	}
	c.Votes = out.bindings
	if out.decision != nil && (f.stored.Decision == nil || f.stored.Decision.ID != out.decision.ID) {
		c.Decision = out.decision
		c.Entries = append(c.Entries, w.configured(s, f.stored.Decision, *out.decision)...)
		c.Entries = append(c.Entries, w.decided(s, *out.decision))
	}
	for _, o := range out.orders.taken {
		c.Orders = append(c.Orders, o)
		e := w.entry(s, audit.Changed, fmt.Sprintf("%s ordered: %s lease %s", o.By.Login, o.Kind, o.Lease), o.Lease, detail("reason", o.Reason))
		e.Actor = &o.By
		c.Entries = append(c.Entries, e)
	}
	if len(out.orders.taken) > 0 {
		c.Wake = append(c.Wake, Subject{Installation: s.Installation, Kind: AccessSubject, Access: &f.openLease().Access})
	}
	if out.lease != nil {
		c.Leases = append(c.Leases, *out.lease)
		c.Entries = append(c.Entries, w.entry(s, audit.Changed, "lease "+out.lease.ID+" is "+string(out.lease.State), out.lease.ID, nil))
		c.Wake = append(c.Wake, Subject{Installation: s.Installation, Kind: AccessSubject, Access: &out.lease.Access})
	}
	return c
}

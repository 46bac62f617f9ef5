package workflow

import (
	"context"
	"errors"
	"strings"

	"github.com/keyreeve/keyreeve/internal/audit"
	"github.com/keyreeve/keyreeve/internal/identity"
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
	issue, err := w.Conversations.Issue(ctx, s.Place())
	switch {
	case errors.Is(err, ErrNotFound):
		issue = Issue{} // deleted or transferred: as good as closed
	case err != nil:
		return turn{}, err
	}
	if stored.Request == nil && !isRequest(issue) {
		return turn{}, nil
	}
	var f issueFacts
	if stored.Request != nil && stored.Request.State.frozen() {
		f, err = w.observeFrozen(ctx, s, registry, stored, issue)
	} else {
		f, err = w.observeIssue(ctx, s, registry, stored, issue)
	}
	if err != nil {
		return turn{}, err
	}
	w.Trace(Point{Subject: s, Step: Observed})

	out := decideIssue(f)
	t := turn{plan: planIssue(f, out), open: stored.Open, again: out.again}
	t.commit = w.commitIssue(s, f, out)
	return t, nil
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

// frozen says that a request is merged: its record says what was approved, and
// what the issue says from then on changes nothing.
func (s RequestState) frozen() bool { return s == Merged || s == Live || s == Ended }

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
	if was == nil || !next.equal(*was) {
		next.UpdatedAt = f.now
		c.Request = &next
	}
	if was == nil || was.State != next.State {
		e := w.entry(s, audit.Changed, "request "+next.ID+" is "+string(next.State), next.ID, nil)
		e.Actor = &next.Requester
		c.Entries = append(c.Entries, e)
	}
	c.Votes = out.bindings
	if out.decision != nil && (f.stored.Decision == nil || f.stored.Decision.ID != out.decision.ID) {
		c.Decision = out.decision
		c.Entries = append(c.Entries, w.entry(s, audit.Decided, "decided "+string(out.decision.Decision.Verdict), out.decision.ID, nil))
	}
	if out.lease != nil {
		c.Leases = append(c.Leases, *out.lease)
		c.Entries = append(c.Entries, w.entry(s, audit.Changed, "lease "+out.lease.ID+" is "+string(out.lease.State), out.lease.ID, nil))
		c.Wake = append(c.Wake, Subject{Installation: s.Installation, Kind: AccessSubject, Access: &out.lease.Access})
	}
	return c
}

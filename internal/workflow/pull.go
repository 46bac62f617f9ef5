package workflow

import (
	"context"
	"errors"
	"strings"
	"time"
)

// requestBranches begins the name of every branch that the bot makes for a request.
const requestBranches = "keyreeve/"

// openLook is how long an open pull request of people is left before the next
// look: who stands behind an owner may change without an event that names it.
const openLook = 10 * time.Minute

// lookAtPull looks at a pull request on the registry. One that the bot opened
// for an issue belongs to that issue's request, which is woken; what was said or done on the pull request is seen there.
// One that a person opened is a change of the registry itself: both check runs are kept on its head, and people merge it.
func (w *Walker) lookAtPull(ctx context.Context, s Subject) (turn, error) {
	registry, served := w.Registry(s.Repo.Owner)
	if !served || !strings.EqualFold(registry.Name, s.Repo.Name) {
		return turn{}, nil
	}
	stored, err := w.Store.Load(ctx, s)
	if err != nil {
		return turn{}, err
	}
	if r := stored.Request; r != nil && r.Subject.Kind == IssueSubject {
		w.Trace(Point{Subject: s, Step: Observed})
		return turn{commit: Commit{WakeKeys: []string{r.Subject.Key()}}}, nil
	}
	pull, err := w.Pulls.Pull(ctx, s.Place())
	switch {
	case errors.Is(err, ErrNotFound):
		return turn{}, nil
	case err != nil:
		return turn{}, err
	}
	// A request's branch is its request's alone: whoever opens another pull request from it gets no check from it.
	own := !pull.Fork && strings.HasPrefix(pull.HeadRef, requestBranches)
	if own || !pull.Open && (stored.Request == nil || done(stored.Request.State)) {
		return turn{}, nil
	}
	at := s.Place()
	at.Number = 0
	f := issueFacts{now: w.Now(), subject: s, stored: stored, registry: at}
	if err := w.observeChange(ctx, &f); err != nil {
		return turn{}, err
	}
	w.Trace(Point{Subject: s, Step: Observed})
	out := decideChange(f)
	t := turn{plan: planChange(f, out), open: stored.Open}
	t.again = f.noteSaid(&out.request, t.plan, out.again)
	t.commit = w.commitIssue(s, f, out)
	return t, nil
}

// done says that nothing more becomes of a change: it is merged or closed.
func done(s RequestState) bool { return s == Ended || s == Cancelled }

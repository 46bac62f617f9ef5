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

// lookAtAccess looks at one access with all leases on it. What the leases
// together ask for is one truth, so it is decided in one place: the first of
// two overlapping grants to end takes nothing from the second.
func (w *Walker) lookAtAccess(ctx context.Context, s Subject) (turn, error) {
	stored, err := w.Store.Access(ctx, s)
	if err != nil {
		return turn{}, err
	}
	if len(stored.Leases) == 0 && stored.Prior == nil && len(stored.Open) == 0 {
		return turn{}, nil
	}
	seen, err := w.observeAccess(ctx, s, stored.Leases)
	if err != nil {
		return turn{}, err
	}
	w.Trace(Point{Subject: s, Step: Observed})

	now := w.Now()
	plan := lifecycle.Decide(stored.Prior, stored.Leases, seen, now)
	t := turn{open: stored.Open, again: plan.Look}
	t.commit.Leases = plan.Leases
	if plan.PriorChanged(stored.Prior) {
		t.commit.Prior = &PriorChange{Subject: s, Level: plan.Prior}
	}
	w.noteLeases(s, &t.commit, stored.Leases)
	if plan.Act != nil {
		t.plan = []Effect{SetAccess{Installation: s.Installation, Access: *s.Access, Level: plan.Act.Level, Revoke: plan.Act.Revoke}}
	}
	leases := merge(stored.Leases, plan.Leases)
	t.failed = func(_ Effect, err error) (Commit, time.Time) { return w.failLeases(s, leases, err) }
	if !seen.Known {
		// Unknown is neither granted nor gone: nothing is concluded, and the
		// leases that wait for an answer count an attempt.
		c, again := w.failLeases(s, leases, errors.New(seen.Evidence.Answer))
		t.commit.Leases, t.commit.Entries, t.commit.WakeKeys = c.Leases, c.Entries, c.WakeKeys
		if t.again = earlier(t.again, again); !t.again.After(now) {
			t.again = again // an end that is past is no time to look at again: its lease backs off as the others do
		}
	}
	return t, nil
}

// observeAccess reads what is held now. Only a limit is an error; any other failure makes the observation unknown.
func (w *Walker) observeAccess(ctx context.Context, s Subject, leases []lifecycle.Lease) (lifecycle.Observed, error) {
	p, err := w.Providers(s.Access.Provider)
	if err != nil {
		return lifecycle.Observed{}, err
	}
	seen := lifecycle.Observed{}
	if err = w.sameHolder(ctx, s, leases); err == nil {
		seen, err = p.Observe(ctx, s.Installation, *s.Access)
	}
	var limited *LimitedError
	switch {
	case err == nil:
		return seen, nil
	case errors.As(err, &limited), ctx.Err() != nil:
		return lifecycle.Observed{}, err
	}
	w.Log.WarnContext(ctx, "observe failed", "subject", s.String(), "error", err)
	return lifecycle.Observed{Evidence: lifecycle.Evidence{At: w.Now(), Answer: err.Error()}}, nil
}

// sameHolder makes sure that the name by which access is held still is that of whom it was approved for. A name can be
// given up, and taken by somebody else: then what is seen under it is neither granted nor gone, since the one who holds
// the access may go by another name now.
func (w *Walker) sameHolder(ctx context.Context, s Subject, leases []lifecycle.Lease) error {
	name := s.Access.Principal.Name
	switch s.Access.Principal.Kind {
	case identity.User:
		person, err := w.People.User(ctx, s.Installation, name)
		if err != nil {
			return fmt.Errorf("the account %s can't be read, and may have another name now: %w", name, err)
		}
		for _, l := range leases {
			if l.HolderID != 0 && l.HolderID != person.ID {
				return fmt.Errorf("%s is another account than the one that lease %s was approved for", name, l.ID)
			}
		}
	case identity.Team:
		org, slug, _ := strings.Cut(name, "/")
		if _, err := w.People.Team(ctx, s.Installation, org, slug); err != nil {
			return fmt.Errorf("the team %s can't be read, and may have another name now: %w", name, err)
		}
	}
	return nil
}

// noteLeases writes down each change of a lease's state, and wakes the
// requests that they belong to, which tell the people.
func (w *Walker) noteLeases(s Subject, c *Commit, before []lifecycle.Lease) {
	was := map[string]lifecycle.State{}
	for _, l := range before {
		was[l.ID] = l.State
	}
	for _, l := range c.Leases {
		if was[l.ID] == l.State {
			continue
		}
		step := audit.Changed
		if l.State == lifecycle.Stuck {
			step = audit.IsStuck
		}
		c.Entries = append(c.Entries, w.entry(s, step, "lease "+l.ID+" is "+string(l.State), l.ID, nil))
		c.WakeKeys = append(c.WakeKeys, l.Subject)
	}
}

// failLeases counts a failed attempt for each lease that waits for the provider.
func (w *Walker) failLeases(s Subject, leases []lifecycle.Lease, err error) (Commit, time.Time) {
	now := w.Now()
	var c Commit
	var again time.Time
	for _, l := range leases {
		if !l.Waits(now) {
			continue
		}
		l = lifecycle.Fail(l, err.Error(), now)
		c.Leases = append(c.Leases, l)
		again = earlier(again, now.Add(lifecycle.Backoff(l.Attempts)))
	}
	if again.IsZero() {
		again = now.Add(time.Minute)
	}
	w.noteLeases(s, &c, leases)
	return c, again
}

// merge returns all with each lease of changed in the place of the one with its id.
func merge(all, changed []lifecycle.Lease) []lifecycle.Lease {
	out := append([]lifecycle.Lease(nil), all...)
	for _, l := range changed {
		for i := range out {
			if out[i].ID == l.ID {
				out[i] = l
			}
		}
	}
	return out
}

// earlier returns the earlier of two times; a zero time is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

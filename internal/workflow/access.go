package workflow

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
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
	leases := obeyed(stored.Leases, stored.Orders)
	plan := lifecycle.Decide(stored.Prior, leases, seen, now)
	leases = merge(leases, plan.Leases)
	t := turn{open: stored.Open, again: plan.Look}
	if plan.PriorChanged(stored.Prior) {
		t.commit.Prior = &PriorChange{Subject: s, Level: plan.Prior}
	}
	if plan.Act != nil {
		t.plan = []Effect{SetAccess{Installation: s.Installation, Access: *s.Access, Level: plan.Act.Level, Revoke: plan.Act.Revoke}}
	}
	if !seen.Known {
		// Unknown is neither granted nor gone: nothing is concluded, and the
		// leases that wait for an answer count an attempt.
		var again time.Time
		leases, again = fail(leases, errors.New(seen.Evidence.Answer), now)
		if t.again = earlier(t.again, again); !t.again.After(now) {
			t.again = again // an end that is past is no time to look at again: its lease backs off as the others do
		}
	}
	w.keepLeases(s, &t.commit, stored.Leases, leases)
	t.failed = func(_ Effect, err error) (Commit, time.Time) {
		var c Commit
		failed, again := fail(leases, err, w.Now())
		w.keepLeases(s, &c, leases, failed)
		return c, again
	}
	return t, nil
}

// obeyed is the leases as the orders that people gave leave them.
func obeyed(leases []lifecycle.Lease, orders []LeaseOrder) []lifecycle.Lease {
	out := slices.Clone(leases)
	for i, l := range out {
		var own []lifecycle.Order
		for _, o := range orders {
			if o.Lease == l.ID {
				own = append(own, o.Order)
			}
		}
		out[i] = l.Obey(own)
	}
	return out
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

// keepLeases stores the leases that are not as they were, writes down each change of a state and each order that was
// obeyed, and wakes the requests that they belong to, which tell the people.
func (w *Walker) keepLeases(s Subject, c *Commit, before, after []lifecycle.Lease) {
	for i, l := range after {
		was := before[i]
		if reflect.DeepEqual(was, l) {
			continue
		}
		c.Leases = append(c.Leases, l)
		for _, o := range l.Orders[len(was.Orders):] {
			c.Entries = append(c.Entries, w.entry(s, audit.Changed, fmt.Sprintf("lease %s obeys %s by %s, and ends at %s", l.ID, o.Kind, o.By.Login, when(l.EndsAt)), l.ID, nil))
		}
		if was.State != l.State {
			step := audit.Changed
			switch l.State { //nolint:exhaustive // the other states are changes like any
			case lifecycle.Stuck:
				step = audit.IsStuck
			case lifecycle.Revoked:
				step = audit.Revoked
			}
			c.Entries = append(c.Entries, w.entry(s, step, "lease "+l.ID+" is "+string(l.State), l.ID, nil))
		}
		if was.State != l.State || !was.EndsAt.Equal(l.EndsAt) {
			c.WakeKeys = append(c.WakeKeys, l.Subject)
		}
	}
}

// when writes a time for the log; a zero one is not there yet.
func when(t time.Time) string {
	if t.IsZero() {
		return "once, before it began"
	}
	return t.UTC().Format(time.RFC3339)
}

// fail counts a failed attempt for each lease that waits for the provider, and says when to try again.
func fail(leases []lifecycle.Lease, err error, now time.Time) (out []lifecycle.Lease, again time.Time) {
	out = slices.Clone(leases)
	for i, l := range out {
		if !l.Waits(now) {
			continue
		}
		out[i] = lifecycle.Fail(l, err.Error(), now)
		again = earlier(again, now.Add(lifecycle.Backoff(out[i].Attempts)))
	}
	if again.IsZero() {
		again = now.Add(time.Minute)
	}
	return out, again
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

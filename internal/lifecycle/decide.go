package lifecycle

import (
	"slices"
	"time"

	"github.com/keyreeve/keyreeve/internal/identity"
)

// PendingLook is how long an unanswered invitation is left before the next
// look, should no event tell of its acceptance.
const PendingLook = 10 * time.Minute

// Plan is what follows from one look at an access.
type Plan struct {
	// Prior is what is to be kept as held before the leases; nil when no lease
	// is live any more and there is nothing left to restore.
	Prior *identity.Permission
	// Leases are those that changed, in the order given.
	Leases []Lease
	// Act is what to do; nil when all is as it should be, or nothing is known.
	Act *Act
	// Look is when to look again if nothing calls before; zero when there is nothing to wait for.
	Look time.Time
}

// Act brings the access to a level. Revoke is set when that takes something
// away, a pending invitation included.
type Act struct {
	Level  identity.Permission
	Revoke bool
}

// PriorChanged reports whether the plan keeps another prior level than prior.
func (p Plan) PriorChanged(prior *identity.Permission) bool {
	if p.Prior == nil || prior == nil {
		return p.Prior != prior
	}
	return *p.Prior != *prior
}

// Decide says what one look at an access leads to. prior is what was held
// before the first of the leases (nil while nothing was captured), leases are
// all on this access that are not Revoked, and seen is what the provider says now.
//
// Before an act and after it the function is the same. The act is to be carried
// out once the plan is stored; a crash in between leaves leases in Granting or
// Revoking, for which the next look plans the act again, since only seen counts:
//
//   - Nothing follows from what is unknown.
//   - Approved becomes Granting, and the level that is held then becomes prior if
//     there is none. Active becomes Revoking at its end, and so does what is ordered to stop before it is active.
//   - What should be held is the highest of prior and the live leases. The first of
//     two to end so takes nothing from the second, and what was held before stays.
//   - Granting becomes Active, and its clock starts, when at least its permission
//     is seen and no invitation is open. Revoking becomes Revoked when nothing more
//     is seen than what should be held without it. Stuck leads to either likewise.
//   - The act is the difference. While an invitation is open, none is made that
//     would send another one; but it is taken back when nothing should be held.
//
// Times are compared as instants. EndsAt is set once and moved by orders alone, so that a clock that goes
// back makes no lease longer.
func Decide(prior *identity.Permission, leases []Lease, seen Observed, now time.Time) Plan {
	if !seen.Known {
		return Plan{Prior: prior, Look: nextEnd(leases)}
	}
	if prior == nil && untouched(leases) {
		held := seen.Level
		prior = &held
	}
	next := begin(leases, now)
	desired, live := want(prior, next)
	open := 0
	for i, l := range next {
		next[i] = l.readBack(seen, desired, live, now)
		if next[i].State != Revoked {
			open++
		}
	}
	if open == 0 {
		// The last one's end was read back just now, at prior: nothing is left to restore.
		return Plan{Leases: changed(leases, next)}
	}
	p := Plan{Prior: prior, Leases: changed(leases, next), Act: difference(desired, seen), Look: nextEnd(next)}
	if p.Act == nil && seen.Pending {
		p.Look = earliest(p.Look, now.Add(PendingLook))
	}
	return p
}

// untouched reports whether there is a lease to start and none was started
// yet, so that what is held now was held before any of them.
func untouched(leases []Lease) bool {
	starting := false
	for _, l := range leases {
		if !l.starting() && l.State != Revoked {
			return false
		}
		starting = starting || l.starting()
	}
	return starting
}

// begin moves on the leases that only had to be seen to be started or ended.
func begin(leases []Lease, now time.Time) []Lease {
	next := slices.Clone(leases)
	for i, l := range next {
		switch {
		case l.stop() != nil && (l.stopped() || l.State == Active): // whatever the clock says
			next[i] = l.enter(Revoking)
		case l.starting():
			next[i] = l.enter(Granting)
		case l.overdue(now):
			next[i] = l.enter(Revoking)
		}
	}
	return next
}

// want says what should be held, and whether a lease is live.
func want(prior *identity.Permission, leases []Lease) (desired identity.Permission, live bool) {
	if prior != nil {
		desired = *prior
	}
	for _, l := range leases {
		if l.live() {
			live = true
			desired = max(desired, l.Permission)
		}
	}
	return desired, live
}

// readBack concludes from what is seen that l's access exists, or is gone.
func (l Lease) readBack(seen Observed, desired identity.Permission, live bool, now time.Time) Lease {
	switch {
	case seen.Pending:
		return l
	case l.live() && l.State != Active && seen.Level >= l.Permission:
		return l.verified(seen.Evidence, now)
	case l.ending() && (seen.Level == desired || seen.Level < desired && live):
		return l.ended(seen.Evidence, now)
	}
	return l
}

func difference(desired identity.Permission, seen Observed) *Act {
	switch {
	case seen.Level > desired, seen.Pending && desired == identity.None:
		return &Act{Level: desired, Revoke: true}
	case seen.Level < desired && !seen.Pending:
		return &Act{Level: desired}
	}
	return nil
}

func changed(before, after []Lease) []Lease {
	var out []Lease
	for i := range after {
		if after[i].State != before[i].State {
			out = append(out, after[i])
		}
	}
	return out
}

// nextEnd is the earliest end of the active leases, zero when there is none.
func nextEnd(leases []Lease) (at time.Time) {
	for _, l := range leases {
		if l.State == Active {
			at = earliest(at, l.EndsAt)
		}
	}
	return at
}

// earliest returns the earlier of two times, of which a zero one is none.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

package lifecycle

import "time"

// StuckAfter is how many failed attempts in one state make a lease Stuck.
const StuckAfter = 6

// MaxBackoff is the longest wait between two attempts.
const MaxBackoff = 15 * time.Minute

// Fail counts a failed attempt to get l on its way and returns the lease as
// it is to be stored. err is kept and shown to people, so it holds no secret. At StuckAfter attempts the
// lease is Stuck, of which StuckFrom says what was attempted: Approved when
// not even an observation could be had, Granting, or Revoking. A lease that waits
// for nothing (see Waits) only notes err.
func Fail(l Lease, err string, now time.Time) Lease {
	l.LastError = err
	if !l.Waits(now) {
		return l
	}
	l.Attempts++
	if l.Attempts < StuckAfter || l.State == Stuck {
		return l
	}
	l.StuckFrom = l.State
	if l.State == Active {
		l.StuckFrom = Revoking // past its end, but that could not be observed
	}
	l.State = Stuck
	return l
}

// Backoff is how long to wait after so many failed attempts: a second after
// the first, then each time twice as long, up to MaxBackoff. It has no jitter.
func Backoff(attempts int) time.Duration {
	if attempts < 1 {
		return 0
	}
	if attempts > 10 {
		return MaxBackoff
	}
	return min(time.Second<<(attempts-1), MaxBackoff)
}

// Waits reports whether l waits for an answer of the provider: it is to be
// granted or revoked, or is past its end.
func (l Lease) Waits(now time.Time) bool {
	switch l.State {
	case Approved, Granting, Revoking, Stuck:
		return true
	case Active:
		return l.overdue(now)
	case Revoked:
	}
	return false
}

// starting reports whether nothing was yet done for l.
func (l Lease) starting() bool {
	return l.State == Approved || l.State == Stuck && l.StuckFrom == Approved
}

// overdue reports whether an active lease is at its end.
func (l Lease) overdue(now time.Time) bool { return l.State == Active && !now.Before(l.EndsAt) }

// live reports whether l entitles to its permission now.
func (l Lease) live() bool {
	return l.State == Granting || l.State == Active || l.State == Stuck && l.StuckFrom == Granting
}

// ending reports whether l is to be taken back.
func (l Lease) ending() bool {
	return l.State == Revoking || l.State == Stuck && l.StuckFrom == Revoking
}

// enter moves l to another state, in which nothing was attempted yet.
func (l Lease) enter(s State) Lease {
	l.State, l.StuckFrom, l.Attempts, l.LastError = s, "", 0, ""
	return l
}

// verified makes l Active: its access was read back at now.
func (l Lease) verified(e Evidence, now time.Time) Lease {
	l = l.enter(Active)
	l.Granted = &e
	if l.EndsAt.IsZero() {
		l.VerifiedAt, l.EndsAt = now, now.Add(l.Duration)
	}
	return l
}

// ended makes l Revoked: that its access is gone was read back at now.
func (l Lease) ended(e Evidence, now time.Time) Lease {
	l = l.enter(Revoked)
	l.Ended, l.RevokedAt = &e, now
	return l
}

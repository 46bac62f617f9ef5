package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/keyreeve/keyreeve/internal/store"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

// rounds bounds how often a subject is walked in a row by one job, so that one
// that is woken without end leaves its worker to others.
const rounds = 10

// noting bounds the writes that note how work ended. They are made also when
// the work itself was called off.
const noting = 10 * time.Second

// walk claims a subject and walks it until nothing more is owed to it. Where
// somebody else has it there is nothing to do: they walk it again for an event
// that came meanwhile, and should they die, the next tick sees that it is
// still owed. An error is one of the store's.
//
// A crash anywhere in it leaves the subject owed, and claimed by nobody.
func (q *Queue) walk(ctx context.Context, key string) error {
	defer q.begin(key)()
	for range rounds {
		if q.stopping.Load() {
			return nil // a job that was fetched while Stop began: its subject is owed to the next start
		}
		if more, err := q.walkOnce(ctx, key); err != nil || !more {
			return err
		}
	}
	return nil // what woke it in the last round has put it at the end of the line
}

func (q *Queue) walkOnce(ctx context.Context, key string) (more bool, err error) {
	claim, release, ok, err := q.store.Claim(ctx, key)
	if err != nil {
		return false, err
	}
	if !ok {
		return false, q.store.Drop(ctx, key)
	}
	defer release()
	if !claim.Owed(q.o.Now()) {
		return false, nil
	}
	var again time.Time
	failure := q.guard("walk "+key, func() (err error) {
		again, err = q.handlers.Walk(ctx, claim.Subject)
		return err
	})
	if q.handedBack(failure) {
		return false, nil
	}
	o := store.Outcome{Again: again}
	if failure != nil {
		o = q.outcome("walk "+key, claim.Attempts, failure)
	}
	note, done := context.WithTimeout(context.WithoutCancel(ctx), noting)
	defer done()
	return q.store.Finish(note, claim.Subject, claim.Generation, o)
}

// deliver reads a delivery and wakes its subjects. busy is true when another worker has it.
//
// A crash anywhere in it leaves the delivery unfinished: it is read again.
func (q *Queue) deliver(ctx context.Context, ref store.DeliveryRef) (busy bool, err error) {
	name := fmt.Sprintf("delivery %d/%s", ref.App, ref.ID)
	defer q.begin(name)()
	release, ok, err := q.store.Lock(ctx, name)
	if err != nil || !ok {
		return !ok && err == nil, err
	}
	defer release()
	d, finished, err := q.store.Delivery(ctx, ref.App, ref.ID)
	if err != nil || finished {
		return false, err
	}
	var routed workflow.Routed
	failure := q.guard(name, func() (err error) {
		routed, err = q.handlers.Delivery(ctx, d)
		return err
	})
	if q.handedBack(failure) {
		return false, nil
	}
	note, done := context.WithTimeout(context.WithoutCancel(ctx), noting)
	defer done()
	if failure == nil {
		return false, q.store.FinishDelivery(note, ref.App, ref.ID, routed)
	}
	attempts, err := q.store.DeliveryAttempts(note, ref.App, ref.ID)
	if err != nil {
		return false, err
	}
	return false, q.store.PutOffDelivery(note, ref.App, ref.ID, q.outcome(name, attempts, failure))
}

// handedBack reports whether work failed because it was called off by Stop:
// then nothing is noted, and it is owed as before.
func (q *Queue) handedBack(failure error) bool { return failure != nil && q.hard.Load() }

// outcome is what becomes of work that failed for the (attempts+1)th time. It is logged here and nowhere else.
func (q *Queue) outcome(what string, attempts int, failure error) store.Outcome {
	now, cause := q.o.Now(), q.o.Redact(failure.Error())
	if limited, ok := errors.AsType[*workflow.LimitedError](failure); ok {
		// A limit that is over by our clock is not over by the provider's: never ask again at once.
		again := later(limited.Until, now.Add(time.Second))
		q.o.Log.Info("work waits for a limit", "work", what, "installation", limited.Installation, "until", again)
		return store.Outcome{Again: again, Err: cause}
	}
	again := now.Add(Backoff(attempts, q.o.Rand()))
	q.o.Log.Warn("work failed", "work", what, "attempt", attempts+1, "again", again, "error", cause)
	return store.Outcome{Again: again, Err: cause, Failed: true}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// longest bounds Backoff: no failed work waits longer.
const longest = 15 * time.Minute

// Backoff is how long work waits after it failed for the (attempts+1)th time
// in a row: a second doubled each time, at most 15 minutes, of which the last
// half is scaled by random, a number in [0, 1), so that what failed together does not come back together.
func Backoff(attempts int, random float64) time.Duration {
	d := longest
	if attempts < 10 { // 2^10 s is more than the bound
		d = min(longest, time.Second<<max(attempts, 0))
	}
	return d/2 + time.Duration(random*float64(d/2))
}

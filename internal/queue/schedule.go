package queue

import (
	"context"
	"time"

	"github.com/keyreeve/keyreeve/internal/workflow"
)

// scheduleDue reports whether a schedule's time has come since its last run.
// However many of its times went by while nobody ran it, that is one run: a
// sweep looks at what is true now.
func (q *Queue) scheduleDue(ctx context.Context, s schedule) (bool, error) {
	last, err := q.store.LastRun(ctx, s.Name)
	if err != nil || last.IsZero() {
		return false, err
	}
	return !s.cron.Next(last.UTC()).After(q.o.Now().UTC()), nil
}

// retry is what is remembered of a sweep that failed. It is forgotten with the
// process: then the sweep, still due, is tried at once.
type retry struct {
	attempts int
	after    time.Time
}

// sweepOne runs a schedule if its time has come. Its run is noted in the
// transaction that wakes what it found, so a crash before that sweeps again.
// Of several replicas one sweeps.
func (q *Queue) sweepOne(ctx, work context.Context, s schedule) {
	name := "sweep " + s.Name
	if err := q.trySweep(ctx, work, name, s); err != nil && ctx.Err() == nil {
		o := q.outcome(name, q.retries[s.Name].attempts, err)
		q.retries[s.Name] = retry{q.retries[s.Name].attempts + 1, o.Again}
	}
}

func (q *Queue) trySweep(ctx, work context.Context, name string, s schedule) error {
	if due, err := q.sweepNow(ctx, s); err != nil || !due {
		return err
	}
	defer q.begin(name)()
	release, ok, err := q.store.Lock(ctx, name)
	if err != nil || !ok {
		return err
	}
	defer release()
	// Again, now that no other replica can have done it meanwhile.
	if due, err := q.sweepNow(ctx, s); err != nil || !due {
		return err
	}
	work, done := context.WithTimeout(work, q.o.Timeout)
	defer done()
	var found []workflow.Subject
	err = q.guard(name, func() (err error) {
		found, err = q.handlers.Sweep(work, s.Name)
		return err
	})
	if err != nil {
		return err
	}
	delete(q.retries, s.Name)
	return q.store.RanAndWake(work, s.Name, q.o.Now(), found)
}

// sweepNow reports whether to sweep. A schedule that never ran gets its beginning noted.
func (q *Queue) sweepNow(ctx context.Context, s schedule) (bool, error) {
	last, err := q.store.LastRun(ctx, s.Name)
	if err != nil {
		return false, err
	}
	if last.IsZero() {
		return false, q.store.RanAndWake(ctx, s.Name, q.o.Now(), nil)
	}
	due, err := q.scheduleDue(ctx, s)
	return due && !q.o.Now().Before(q.retries[s.Name].after), err
}

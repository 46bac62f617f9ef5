package queue

import (
	"context"
	"time"
)

// batch is how much is put into the queue again in one transaction.
const batch = 200

// every calls do at once and then at each tick, until ctx ends.
func (q *Queue) every(ctx context.Context, do func(context.Context)) {
	t := time.NewTicker(q.o.Tick)
	defer t.Stop()
	for {
		do(ctx)
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// requeue puts into the queue what is owed and not there: subjects and
// deliveries whose time has come, and what was written down while no queue ran.
func (q *Queue) requeue(ctx context.Context) {
	for ctx.Err() == nil {
		n, err := q.store.Requeue(ctx, q.o.Now(), batch, q.inHand)
		if err != nil && ctx.Err() == nil {
			q.o.Log.Error("look for work that is due", "error", q.o.Redact(err.Error()))
		}
		if err != nil || n < batch {
			return
		}
	}
}

// sweepDue runs each schedule whose time has come, until ctx ends. A sweep in
// hand goes on then, until work ends.
func (q *Queue) sweepDue(ctx, work context.Context) {
	for _, s := range q.schedules {
		if ctx.Err() != nil {
			return
		}
		q.sweepOne(ctx, work, s)
	}
}

package queue_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyreeve/keyreeve/internal/queue"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

func TestSchedules(t *testing.T) {
	r := newRig(t)
	var hourly, nightly atomic.Int64
	r.schedule = []queue.Schedule{{Name: "hourly", Cron: "@hourly"}, {Name: "nightly", Cron: "30 3 * * *"}}
	r.sweep = func(_ context.Context, name string) ([]workflow.Subject, error) {
		if name == "hourly" {
			hourly.Add(1)
			return []workflow.Subject{issue(7, 1)}, nil
		}
		nightly.Add(1)
		return nil, nil
	}
	begun := func() bool { // both have their beginning noted
		a, err := r.store.LastRun(t.Context(), "hourly")
		r.ok(err)
		b, err := r.store.LastRun(t.Context(), "nightly")
		r.ok(err)
		return !a.IsZero() && !b.IsZero()
	}
	expect := func(when string, h, n int64) {
		t.Helper()
		r.idle()
		if hourly.Load() != h || nightly.Load() != n || int64(r.walks(issue(7, 1))) != h {
			t.Errorf("%s: hourly %d, nightly %d, %d walks; want %d, %d", when, hourly.Load(), nightly.Load(), r.walks(issue(7, 1)), h, n)
		}
	}
	r.start() // at 12:00
	r.until("begun", begun)
	expect("a new one waits for its time", 0, 0)
	r.clock.Add(time.Hour - 1)
	expect("before 13:00", 0, 0)
	r.clock.Add(1)
	expect("13:00", 1, 0)
	r.clock.Add(10 * time.Minute)
	expect("13:10", 1, 0)

	// Nobody leads for three days: each is run once then, not never and not 72 times.
	r.close()
	r.clock.Add(72 * time.Hour)
	r.start()
	expect("three days later", 2, 1)
	r.clock.Add(50 * time.Minute)
	expect("14:00", 3, 1)

	// A clock that goes back runs nothing twice.
	r.clock.Add(-2 * time.Hour)
	expect("set back", 3, 1)
	r.clock.Add(3 * time.Hour)
	expect("15:00", 4, 1)
}

// TestSweepFails: a run counts only once it went well; meanwhile it is tried again, and others are run.
func TestSweepFails(t *testing.T) {
	r := newRig(t)
	var tries, others atomic.Int64
	r.schedule = []queue.Schedule{{Name: "bad", Cron: "@hourly"}, {Name: "other", Cron: "@hourly"}}
	r.sweep = func(_ context.Context, name string) ([]workflow.Subject, error) {
		if name == "other" {
			others.Add(1)
			return nil, nil
		}
		switch tries.Add(1) {
		case 1:
			return nil, errors.New("no answer")
		case 2:
			panic("twice")
		}
		return []workflow.Subject{issue(7, 1)}, nil
	}
	r.start()
	r.until("begun", func() bool {
		at, err := r.store.LastRun(t.Context(), "other")
		r.ok(err)
		return !at.IsZero()
	})
	r.clock.Add(time.Hour)
	// Only what was noted as failed waits by the clock as it is now.
	noted := func(n string) bool { return strings.Contains(r.log.String(), `work="sweep bad" attempt=`+n) }
	r.until("tried once", func() bool { return noted("1") && others.Load() == 1 })
	if idle, err := r.queue.Idle(t.Context()); idle || err != nil {
		t.Errorf("idle, with a sweep that is due: %v", err)
	}
	r.clock.Add(queue.Backoff(0, 0))
	r.until("tried twice", func() bool { return noted("2") })
	r.clock.Add(queue.Backoff(1, 0))
	r.idle()
	if tries.Load() != 3 || others.Load() != 1 || r.walks(issue(7, 1)) != 1 {
		t.Errorf("%d tries, %d of the other, %d walks", tries.Load(), others.Load(), r.walks(issue(7, 1)))
	}
}

// TestStopEndsSweep: a sweep in hand ends before the queue has stopped.
func TestStopEndsSweep(t *testing.T) {
	r := newRig(t)
	began, goOn := make(chan struct{}), make(chan struct{})
	r.schedule = []queue.Schedule{{Name: "hourly", Cron: "@hourly"}}
	r.sweep = func(ctx context.Context, _ string) ([]workflow.Subject, error) {
		close(began)
		select {
		case <-goOn:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		return []workflow.Subject{issue(7, 1)}, nil
	}
	r.start()
	r.until("begun", func() bool {
		at, err := r.store.LastRun(t.Context(), "hourly")
		r.ok(err)
		return !at.IsZero()
	})
	r.clock.Add(time.Hour)
	<-began
	stopped := make(chan error)
	go func() { stopped <- r.queue.Stop(context.Background()) }()
	r.until("it stops", r.queue.Stopping)
	close(goOn)
	r.ok(<-stopped)
	at, err := r.store.LastRun(t.Context(), "hourly")
	r.ok(err)
	if s := r.subject(issue(7, 1)); s.Generation != 1 || !at.Equal(r.clock.Now()) {
		t.Errorf("the sweep's end: %+v, ran at %s", s, at)
	}
}

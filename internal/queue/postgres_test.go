package queue_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyreeve/keyreeve/internal/queue"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

// TestPostgreSQL runs this package's tests on the server that KEYREEVE_TEST_POSTGRES names.
func TestPostgreSQL(t *testing.T) {
	for name, test := range map[string]func(*testing.T){
		"delivery": TestDeliveryWakesItsSubjects, "event during walk": TestEventDuringWalk, "one walk at a time": TestOneWalkAtATime,
		"woken by itself": TestWokenByItself, "limit": TestLimit, "failure": TestFailureStopsNobodyElse, "again": TestAgain,
		"restart": TestRestart, "graceful stop": TestGracefulStop, "killed": TestKilled,
		"schedules": TestSchedules, "sweep fails": TestSweepFails, "stop ends sweep": TestStopEndsSweep,
		"replicas": testReplicas,
	} {
		t.Run(name, test)
	}
}

// testReplicas: two processes' queues on one database walk a subject one after
// the other, sweep once, and one takes over what the other has not done when it stops.
func testReplicas(t *testing.T) {
	a := newRig(t)
	var holders, most, sweeps atomic.Int64
	a.walk = func(context.Context, workflow.Subject) (time.Time, error) {
		most.Store(max(most.Load(), holders.Add(1)))
		defer holders.Add(-1)
		return time.Time{}, nil
	}
	a.schedule = []queue.Schedule{{Name: "hourly", Cron: "@hourly"}}
	a.sweep = func(context.Context, string) ([]workflow.Subject, error) {
		sweeps.Add(1)
		return nil, nil
	}
	b := newRig(t)
	b.url, b.clock, b.walk, b.schedule, b.sweep = a.url, a.clock, a.walk, a.schedule, a.sweep
	a.start()
	b.start()
	x := issue(7, 1)
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			for range 10 {
				if err := []*rig{a, b}[i%2].store.Wake(t.Context(), x); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	a.idle()
	b.idle()
	if s := a.subject(x); s.Generation != 60 || s.Done != 60 || most.Load() != 1 {
		t.Errorf("%+v, %d walks at once", s, most.Load())
	}
	a.clock.Add(time.Hour)
	a.idle()
	b.idle()
	if sweeps.Load() != 1 {
		t.Errorf("%d sweeps", sweeps.Load())
	}
	a.ok(a.queue.Stop(t.Context()))
	a.wake(issue(7, 2)) // written down by a, which runs nothing any more
	b.until("the other replica takes it up", func() bool { return b.walks(issue(7, 2)) == 1 })
}

package store_test

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyreeve/keyreeve/internal/store"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

func testGenerations(t *testing.T, db database) {
	s, ctx, h := db.open(t), t.Context(), &handed{}
	s.SetEnqueue(h.take)
	x := issue(7, 1)
	ok(t, s.Wake(ctx, x))
	ok(t, s.Wake(ctx, x)) // still in the queue: one job
	if keys(h.subjects) != "[7/issue/99#1]" {
		t.Fatalf("handed %s", keys(h.subjects))
	}
	c, release, got, err := s.Claim(ctx, x.Key())
	ok(t, err)
	if !got || c.Generation != 2 || c.Done != 0 || c.Subject != x || !c.Owed(db.clock.Now()) {
		t.Fatalf("claim: %+v", c)
	}
	ok(t, s.Wake(ctx, x)) // while it is walked: a job of its own
	if keys(h.subjects) != "[7/issue/99#1 7/issue/99#1]" {
		t.Fatalf("an event while the subject is walked: handed %s", keys(h.subjects))
	}
	if !must(s.Finish(ctx, x, c.Generation, store.Outcome{}))(t) {
		t.Error("the event is swallowed")
	}
	if must(s.Finish(ctx, x, 3, store.Outcome{}))(t) {
		t.Error("there is more after the last generation")
	}
	if must(s.Finish(ctx, x, 2, store.Outcome{}))(t) {
		t.Error("an older walk's end takes a generation back")
	}
	release()
	release()
	c, release, _, err = s.Claim(ctx, x.Key())
	ok(t, err)
	if c.Owed(db.clock.Now()) || c.Generation != 3 || c.Done != 3 {
		t.Errorf("nothing is owed, but: %+v", c)
	}
	release()
	if _, _, _, err := s.Claim(ctx, "7/issue/99#404"); !errors.Is(err, workflow.ErrNotFound) {
		t.Errorf("claim of one never woken: %v", err)
	}
	if _, err := s.Finish(ctx, issue(7, 404), 1, store.Outcome{}); !errors.Is(err, workflow.ErrNotFound) {
		t.Errorf("finish of one never woken: %v", err)
	}
	// A renamed repository is the same subject, by its newest name.
	x.Repo.Name = "renamed"
	ok(t, s.Wake(ctx, x))
	if all := must(s.Subjects(ctx))(t); len(all) != 1 || all[0].Subject.Repo.Name != "renamed" || all[0].Generation != 4 {
		t.Errorf("after a rename: %+v", all)
	}
}

func testDue(t *testing.T, db database) {
	s, ctx := db.open(t), t.Context()
	x, now := issue(7, 1), db.clock.Now()
	ok(t, s.Wake(ctx, x, issue(7, 2), issue(8, 1)))
	if due := must(s.Due(ctx, now, 2))(t); keys(due) != "[7/issue/99#1 7/issue/99#2]" {
		t.Errorf("woken, two at most: %s", keys(due))
	}
	for _, y := range []workflow.Subject{issue(7, 2), issue(8, 1)} {
		must(s.Finish(ctx, y, 1, store.Outcome{}))(t)
	}
	in := now.Add
	for _, step := range []struct {
		name     string
		o        store.Outcome
		attempts int
		due      time.Time
	}{
		{"by itself", store.Outcome{Again: in(time.Hour + 1)}, 0, in(time.Hour + time.Microsecond)},
		{"failed, its own time is earlier", store.Outcome{Again: in(2 * time.Hour), Err: "a", Failed: true}, 1, in(time.Hour + time.Microsecond)},
		{"failed again", store.Outcome{Again: in(time.Minute), Err: "b", Failed: true}, 2, in(time.Minute)},
		{"limited", store.Outcome{Again: in(2 * time.Hour), Err: "c"}, 2, in(2 * time.Hour)},
		{"went well", store.Outcome{}, 0, time.Time{}},
	} {
		must(s.Finish(ctx, x, 1, step.o))(t)
		got := must(s.Subjects(ctx))(t)[0]
		if got.Attempts != step.attempts || !got.DueAt.Equal(step.due) || got.LastError != step.o.Err {
			t.Errorf("%s: %+v", step.name, got)
		}
		if step.due.IsZero() {
			continue
		}
		if early := must(s.Due(ctx, step.due.Add(-1), 10))(t); len(early) != 0 {
			t.Errorf("%s: due before its time", step.name)
		}
		if due := must(s.Due(ctx, step.due, 10))(t); keys(due) != "[7/issue/99#1]" {
			t.Errorf("%s: due at its time: %s", step.name, keys(due))
		}
	}
}

// testClaims: of many at once, in one process and in another replica, one has a subject.
func testClaims(t *testing.T, db database) {
	s, ctx := db.open(t), t.Context()
	x := issue(7, 1)
	ok(t, s.Wake(ctx, x))
	stores := []*store.Store{s}
	if replicas(db) {
		stores = append(stores, db.open(t))
	}
	var holders, most, claims atomic.Int64
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 50 {
				_, release, got, err := stores[i%len(stores)].Claim(ctx, x.Key())
				if err != nil {
					t.Error(err)
					return
				}
				if !got {
					continue
				}
				claims.Add(1)
				most.Store(max(most.Load(), holders.Add(1)))
				runtime.Gosched()
				holders.Add(-1)
				release()
			}
		})
	}
	wg.Wait()
	if most.Load() != 1 || claims.Load() < 1 {
		t.Errorf("%d claims, %d at once", claims.Load(), most.Load())
	}
	_, release, got, err := s.Claim(ctx, x.Key())
	ok(t, err)
	if !got {
		t.Fatal("it is claimed by nobody, and can't be claimed")
	}
	last := stores[len(stores)-1]
	if _, _, got, err := last.Claim(ctx, x.Key()); got || err != nil {
		t.Errorf("claimed twice: %t, %v", got, err)
	}
	if _, free, got, err := last.Claim(ctx, issue(7, 2).Key()); got || !errors.Is(err, workflow.ErrNotFound) {
		t.Errorf("another subject: %t, %v", got, err)
		free()
	}
	release()
	if _, release, got, err := last.Claim(ctx, x.Key()); !got || err != nil {
		t.Errorf("released, and not to be had: %t, %v", got, err)
	} else {
		release()
	}
}

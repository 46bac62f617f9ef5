package store_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/keyreeve/keyreeve/internal/audit"
	"github.com/keyreeve/keyreeve/internal/store"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

// handed collects what is put into the queue.
type handed struct {
	deliveries []store.DeliveryRef
	subjects   []workflow.Subject
	fail       error
}

func (h *handed) take(_ context.Context, tx *sql.Tx, d []store.DeliveryRef, x []workflow.Subject) error {
	if tx == nil {
		return errors.New("no transaction")
	}
	if h.fail == nil {
		h.deliveries, h.subjects = append(h.deliveries, d...), append(h.subjects, x...)
	}
	return h.fail
}

func testDeliveries(t *testing.T, db database) {
	s, ctx, h := db.open(t), t.Context(), &handed{}
	s.SetEnqueue(h.take)
	d := delivery("a-1", db.clock.Now())

	if !must(s.Accept(ctx, d))(t) || len(h.deliveries) != 1 || h.deliveries[0] != (store.DeliveryRef{App: 1, ID: "a-1"}) {
		t.Fatalf("a new delivery: handed %v", h.deliveries)
	}
	if log := must(s.Entries(ctx, 0, 10))(t); len(log) != 1 || log[0].Step != audit.Received || log[0].Ref != "a-1" {
		t.Fatalf("log after one delivery: %+v", log)
	}
	// Known and not finished: into the queue again, nothing new in the log, and the first body stands.
	other := d
	other.Body = []byte(`{"action":"deleted"}`)
	if must(s.Accept(ctx, other))(t) || len(h.deliveries) != 2 {
		t.Fatalf("an unfinished one again: handed %v", h.deliveries)
	}
	got, finished, err := s.Delivery(ctx, 1, "a-1")
	ok(t, err)
	if string(got.Body) != string(d.Body) || finished || got.Event != d.Event || got.Installation != 7 || !got.ReceivedAt.Equal(d.ReceivedAt) {
		t.Errorf("read back: %+v, finished %t", got, finished)
	}
	ok(t, s.PutOffDelivery(ctx, 1, "a-1", store.Outcome{Again: db.clock.Now(), Err: "limited"}))
	ok(t, s.PutOffDelivery(ctx, 1, "a-1", store.Outcome{Again: db.clock.Now().Add(time.Minute), Err: "no\x00 luck\xff", Failed: true}))
	if n := must(s.DeliveryAttempts(ctx, 1, "a-1"))(t); n != 1 {
		t.Errorf("%d attempts", n)
	}
	open := must(s.UnfinishedDeliveries(ctx, 10))(t)
	if len(open) != 1 || open[0].Attempts != 1 || open[0].LastError != "no luck\ufffd" || !open[0].DueAt.Equal(db.clock.Now().Add(time.Minute)) {
		t.Errorf("after a failure: %+v", open)
	}
	ok(t, s.FinishDelivery(ctx, 1, "a-1", workflow.Routed{Subjects: []workflow.Subject{issue(7, 1), issue(7, 2), issue(7, 1)}}))
	if keys(h.subjects) != "[7/issue/99#1 7/issue/99#2]" {
		t.Errorf("woken: %s", keys(h.subjects))
	}
	// Finished: nothing is written or woken any more, by whatever comes late.
	if must(s.Accept(ctx, d))(t) || len(h.deliveries) != 2 {
		t.Errorf("a finished one again: handed %v", h.deliveries)
	}
	ok(t, s.FinishDelivery(ctx, 1, "a-1", workflow.Routed{Rule: "late", Subjects: []workflow.Subject{issue(7, 3)}}))
	ok(t, s.PutOffDelivery(ctx, 1, "a-1", store.Outcome{Again: db.clock.Now(), Err: "late", Failed: true}))
	all := must(s.Deliveries(ctx, 10))(t)
	if len(all) != 1 || all[0].Rule != "" || all[0].LastError != "" || all[0].FinishedAt.IsZero() || !all[0].DueAt.IsZero() {
		t.Errorf("after a late finish: %+v", all)
	}
	if len(must(s.UnfinishedDeliveries(ctx, 10))(t)) != 0 || len(must(s.Subjects(ctx))(t)) != 2 || len(must(s.Entries(ctx, 0, 10))(t)) != 1 {
		t.Error("something was written for a finished delivery")
	}
	// Another App's delivery of the same id is another one; an ignored one keeps its rule.
	d.App = 2
	if !must(s.Accept(ctx, d))(t) {
		t.Error("the same id of another App was not fresh")
	}
	ok(t, s.FinishDelivery(ctx, 2, "a-1", workflow.Routed{Rule: "not watched"}))
	for _, x := range must(s.Deliveries(ctx, 10))(t) {
		if x.App == 2 && x.Rule != "not watched" {
			t.Errorf("rule: %+v", x)
		}
	}
	if _, _, err := s.Delivery(ctx, 1, "none"); !errors.Is(err, workflow.ErrNotFound) {
		t.Errorf("read one that is not there: %v", err)
	}
	if err := s.FinishDelivery(ctx, 1, "none", workflow.Routed{}); !errors.Is(err, workflow.ErrNotFound) {
		t.Errorf("finish one that is not there: %v", err)
	}
	empty := workflow.Delivery{App: 1, ID: "empty", ReceivedAt: db.clock.Now()}
	if !must(s.Accept(ctx, empty))(t) {
		t.Error("an empty one was not fresh")
	}
}

// testEnqueue: work and its job are one transaction.
func testEnqueue(t *testing.T, db database) {
	s, ctx, h := db.open(t), t.Context(), &handed{fail: errors.New("the queue is full")}
	s.SetEnqueue(h.take)
	d := delivery("a-1", db.clock.Now())
	if fresh, err := s.Accept(ctx, d); fresh || !errors.Is(err, h.fail) {
		t.Errorf("accept: %t, %v", fresh, err)
	}
	if err := s.Wake(ctx, issue(7, 1)); !errors.Is(err, h.fail) {
		t.Errorf("wake: %v", err)
	}
	if err := s.Commit(ctx, workflow.Commit{Entries: []audit.Entry{entry("x")}, Wake: []workflow.Subject{issue(7, 1)}}); !errors.Is(err, h.fail) {
		t.Errorf("commit: %v", err)
	}
	if err := s.RanAndWake(ctx, "hourly", db.clock.Now(), []workflow.Subject{issue(7, 1)}); !errors.Is(err, h.fail) {
		t.Errorf("schedule: %v", err)
	}
	if n := len(must(s.Deliveries(ctx, 10))(t)) + len(must(s.Subjects(ctx))(t)) + len(must(s.Entries(ctx, 0, 10))(t)); n != 0 {
		t.Errorf("%d rows of transactions that failed", n)
	}
	if at := must(s.LastRun(ctx, "hourly"))(t); !at.IsZero() {
		t.Errorf("the schedule ran at %s", at)
	}
	h.fail = nil
	if !must(s.Accept(ctx, d))(t) {
		t.Error("the delivery is not fresh when the queue is there again")
	}
}

func testRequeue(t *testing.T, db database) {
	s, ctx, h := db.open(t), t.Context(), &handed{}
	none := func(string) bool { return false }
	// Without a queue work is only written down.
	must(s.Accept(ctx, delivery("a-1", db.clock.Now())))(t)
	must(s.Accept(ctx, delivery("a-2", db.clock.Now())))(t)
	ok(t, s.PutOffDelivery(ctx, 1, "a-2", store.Outcome{Again: db.clock.Now().Add(time.Minute), Err: "later"}))
	ok(t, s.Wake(ctx, issue(7, 1), issue(7, 2)))
	s.SetEnqueue(h.take)

	skip2 := func(key string) bool { return key == issue(7, 2).Key() }
	if n := must(s.Requeue(ctx, db.clock.Now(), 10, skip2))(t); n != 2 || len(h.deliveries) != 1 || keys(h.subjects) != "[7/issue/99#1]" {
		t.Fatalf("first: %d, %v %s", n, h.deliveries, keys(h.subjects))
	}
	if n := must(s.Requeue(ctx, db.clock.Now(), 10, none))(t); n != 1 || keys(h.subjects) != "[7/issue/99#1 7/issue/99#2]" {
		t.Fatalf("what was skipped: %d, %s", n, keys(h.subjects))
	}
	if n := must(s.Requeue(ctx, db.clock.Now(), 10, none))(t); n != 0 {
		t.Errorf("%d are handed over twice", n)
	}
	ok(t, s.Drop(ctx, issue(7, 1).Key()))
	if n := must(s.Requeue(ctx, db.clock.Now(), 10, none))(t); n != 1 || keys(h.subjects[2:]) != "[7/issue/99#1]" {
		t.Errorf("one whose job was dropped: %d, %s", n, keys(h.subjects))
	}
	db.clock.Add(time.Minute)
	if n := must(s.Requeue(ctx, db.clock.Now(), 10, none))(t); n != 1 || h.deliveries[1].ID != "a-2" {
		t.Errorf("a failed delivery when its time has come: %d, %v", n, h.deliveries)
	}
	ok(t, s.ForgetQueued(ctx))
	if n := must(s.Requeue(ctx, db.clock.Now(), 10, none))(t); n != 4 {
		t.Errorf("after a restart %d are handed over", n)
	}
	db.clock.Add(11 * time.Minute)
	if n := must(s.Requeue(ctx, db.clock.Now(), 1, none))(t); n != 2 {
		t.Errorf("jobs long without a sign of life, one of each at most: %d", n)
	}
}

func testSchedules(t *testing.T, db database) {
	s, ctx := db.open(t), t.Context()
	if at := must(s.LastRun(ctx, "hourly"))(t); !at.IsZero() {
		t.Errorf("one that never ran: %s", at)
	}
	ok(t, s.RanAndWake(ctx, "hourly", db.clock.Now(), []workflow.Subject{issue(7, 1)}))
	ok(t, s.RanAndWake(ctx, "daily", db.clock.Now(), nil))
	later := db.clock.Now().Add(time.Hour)
	ok(t, s.RanAndWake(ctx, "hourly", later, nil))
	if at := must(s.LastRun(ctx, "hourly"))(t); !at.Equal(later) {
		t.Errorf("last run %s, want %s", at, later)
	}
	if due := must(s.Due(ctx, later, 10))(t); keys(due) != "[7/issue/99#1]" {
		t.Errorf("due: %s", keys(due))
	}
}

func testPing(t *testing.T, db database) {
	s := db.open(t)
	ok(t, s.Ping(t.Context()))
	ok(t, s.Close())
	if err := s.Ping(t.Context()); err == nil {
		t.Error("a closed database can be written")
	}
}

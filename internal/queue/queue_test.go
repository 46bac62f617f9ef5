package queue_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/queue"
	"github.com/keyreeve/keyreeve/internal/store"
	"github.com/keyreeve/keyreeve/internal/store/storetest"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

// patience bounds every wait; none takes that long unless something is broken.
const patience = 2 * time.Minute

// clock is a clock that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// rig is a queue on a real database, with handlers that a test sets.
type rig struct {
	t     *testing.T
	url   string
	clock *clock
	store *store.Store
	queue *queue.Queue
	log   *syncBuffer

	mu      sync.Mutex
	walked  []string // keys, in order
	walking map[string]int
	most    int // walks of one subject at once

	walk     func(ctx context.Context, s workflow.Subject) (time.Time, error)
	deliver  func(ctx context.Context, d workflow.Delivery) (workflow.Routed, error)
	sweep    func(ctx context.Context, name string) ([]workflow.Subject, error)
	schedule []queue.Schedule
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func newRig(t *testing.T) *rig {
	url := filepath.Join(t.TempDir(), "k.db")
	if strings.HasPrefix(t.Name(), "TestPostgreSQL/") {
		url = storetest.PostgreSQL(t)
	}
	return &rig{
		t: t, url: url, log: &syncBuffer{}, walking: map[string]int{},
		clock: &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)},
		walk:  func(context.Context, workflow.Subject) (time.Time, error) { return time.Time{}, nil },
		deliver: func(context.Context, workflow.Delivery) (workflow.Routed, error) {
			return workflow.Routed{Rule: "ignored"}, nil
		},
		sweep: func(context.Context, string) ([]workflow.Subject, error) { return nil, nil },
	}
}

// open opens the store and sets a queue up on it, which is not started yet.
func (r *rig) open() *rig {
	r.t.Helper()
	log := slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelInfo}))
	s, err := store.Open(r.t.Context(), r.url, store.Options{Now: r.clock.Now, Log: log})
	r.ok(err)
	q, err := queue.New(s, queue.Handlers{Delivery: r.deliver, Walk: r.onWalk, Sweep: r.sweep}, queue.Options{
		Now: r.clock.Now, Log: log, Poll: 5 * time.Millisecond, Tick: 5 * time.Millisecond, Workers: 4, Schedules: r.schedule,
		Rand:   func() float64 { return 0 },
		Redact: func(s string) string { return strings.ReplaceAll(s, "hunter2", "[redacted]") },
	})
	r.ok(err)
	r.store, r.queue = s, q
	r.t.Cleanup(r.close)
	return r
}

func (r *rig) start() {
	r.t.Helper()
	r.open()
	r.ok(r.queue.Start(r.t.Context()))
}

// close stops the queue and closes the store, once or more.
func (r *rig) close() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := r.queue.Stop(ctx); err != nil {
		r.t.Error(err)
	}
	if err := r.store.Close(); err != nil {
		r.t.Error(err)
	}
}

// onWalk counts walks, and notices two of one subject at once.
func (r *rig) onWalk(ctx context.Context, s workflow.Subject) (time.Time, error) {
	key := s.Key()
	r.mu.Lock()
	r.walked = append(r.walked, key)
	r.walking[key]++
	r.most = max(r.most, r.walking[key])
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.walking[key]--
	}()
	return r.walk(ctx, s)
}

// walks tells how often a subject was walked.
func (r *rig) walks(s workflow.Subject) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(slices.DeleteFunc(slices.Clone(r.walked), func(k string) bool { return k != s.Key() }))
}

func (r *rig) ok(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// until waits for what has to come true.
func (r *rig) until(what string, came func() bool) {
	r.t.Helper()
	end, look := time.After(patience), time.NewTicker(time.Millisecond)
	defer look.Stop()
	for !came() {
		select {
		case <-look.C:
		case <-end:
			r.t.Fatalf("%s: it does not come true\n%s", what, r.log)
		}
	}
}

func (r *rig) idle() {
	r.t.Helper()
	r.until("idle", func() bool {
		idle, err := r.queue.Idle(r.t.Context())
		r.ok(err)
		return idle
	})
}

func (r *rig) subject(s workflow.Subject) store.StoredSubject {
	r.t.Helper()
	all, err := r.store.Subjects(r.t.Context())
	r.ok(err)
	for _, x := range all {
		if x.Subject.Key() == s.Key() {
			return x
		}
	}
	r.t.Fatalf("no subject %s", s.Key())
	panic("unreachable")
}

func (r *rig) wake(subjects ...workflow.Subject) {
	r.t.Helper()
	r.ok(r.store.Wake(r.t.Context(), subjects...))
}

func issue(installation int64, number int) workflow.Subject {
	return workflow.Subject{
		Installation: installation, Kind: workflow.IssueSubject, Number: number,
		Repo: identity.Repo{ID: 99, Owner: "acme", Name: "identities"},
	}
}

func delivery(id string) workflow.Delivery {
	return workflow.Delivery{App: 1, ID: id, Event: "issues", Body: []byte(`{}`), ReceivedAt: time.Unix(1, 0), Installation: 7}
}

func (r *rig) accept(ids ...string) {
	r.t.Helper()
	for _, id := range ids {
		if _, err := r.store.Accept(r.t.Context(), delivery(id)); err != nil {
			r.t.Fatal(err)
		}
	}
}

func TestDeliveryWakesItsSubjects(t *testing.T) {
	r := newRig(t)
	r.deliver = func(_ context.Context, d workflow.Delivery) (workflow.Routed, error) {
		if d.ID == "ignored" {
			return workflow.Routed{Rule: "not watched"}, nil
		}
		return workflow.Routed{Subjects: []workflow.Subject{issue(7, 1), issue(7, 2)}}, nil
	}
	r.start()
	r.accept("a", "ignored")
	r.idle()
	if r.walks(issue(7, 1)) != 1 || r.walks(issue(7, 2)) != 1 {
		t.Errorf("walked %v", r.walked)
	}
	all, err := r.store.Deliveries(t.Context(), 10)
	r.ok(err)
	for _, d := range all {
		if d.FinishedAt.IsZero() || (d.ID == "ignored") != (d.Rule == "not watched") {
			t.Errorf("delivery: %+v", d)
		}
	}
}

// TestEventDuringWalk: an event that comes while its subject is walked leads to another walk, which sees it.
func TestEventDuringWalk(t *testing.T) {
	r := newRig(t)
	x := issue(7, 1)
	begun, goOn := make(chan int, 10), make(chan struct{})
	r.walk = func(context.Context, workflow.Subject) (time.Time, error) {
		begun <- 1
		<-goOn
		return time.Time{}, nil
	}
	r.start()
	r.wake(x)
	<-begun
	r.wake(x)
	r.wake(x)
	if idle, err := r.queue.Idle(t.Context()); idle || err != nil {
		t.Errorf("idle in the middle of a walk: %v", err)
	}
	close(goOn)
	r.idle()
	if n := r.walks(x); n != 2 || r.most != 1 {
		t.Errorf("%d walks, %d at once; want 2, one after the other", n, r.most)
	}
	if s := r.subject(x); s.Generation != 3 || s.Done != 3 {
		t.Errorf("subject: %+v", s)
	}
}

// TestOneWalkAtATime: many events for few subjects, by many workers.
func TestOneWalkAtATime(t *testing.T) {
	r := newRig(t)
	r.start()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 10 {
				if err := r.store.Wake(t.Context(), issue(7, i%3)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	r.idle()
	if r.most != 1 {
		t.Errorf("%d walks of one subject at once", r.most)
	}
	for i := range 3 {
		if s := r.subject(issue(7, i)); s.Done != s.Generation || r.walks(issue(7, i)) == 0 {
			t.Errorf("subject %d: %+v", i, s)
		}
	}
}

// TestWokenByItself: a subject that wakes itself in every walk keeps nobody from their work.
func TestWokenByItself(t *testing.T) {
	r := newRig(t)
	endless, other := issue(7, 1), issue(7, 2)
	stop := make(chan struct{})
	r.walk = func(ctx context.Context, s workflow.Subject) (time.Time, error) {
		select {
		case <-stop:
			return time.Time{}, nil
		default:
		}
		if s.Number == endless.Number {
			return time.Time{}, r.store.Wake(ctx, s)
		}
		return time.Time{}, nil
	}
	r.start()
	r.wake(endless)
	r.until("walked over and over", func() bool { return r.walks(endless) > 25 })
	r.wake(other)
	r.until("the other is walked", func() bool { return r.walks(other) == 1 })
	close(stop)
	r.idle()
}

func TestLimit(t *testing.T) {
	r := newRig(t)
	limited, other := issue(7, 1), issue(8, 1)
	over := r.clock.Now().Add(10 * time.Minute)
	r.walk = func(_ context.Context, s workflow.Subject) (time.Time, error) {
		if s.Installation == 7 && r.clock.Now().Before(over) {
			return time.Time{}, fmt.Errorf("observe: %w", &workflow.LimitedError{Installation: 7, Until: over})
		}
		return time.Time{}, nil
	}
	r.start()
	r.wake(limited)
	r.idle()
	if s := r.subject(limited); s.Attempts != 0 || !s.DueAt.Equal(over) || s.LastError == "" {
		t.Errorf("limited: %+v", s)
	}
	r.wake(other)
	r.idle()
	if r.walks(other) != 1 || r.walks(limited) != 1 {
		t.Errorf("walked %v", r.walked)
	}
	r.clock.Add(10 * time.Minute)
	r.idle()
	if s := r.subject(limited); r.walks(limited) != 2 || !s.DueAt.IsZero() || s.LastError != "" {
		t.Errorf("after the limit: %d walks, %+v", r.walks(limited), s)
	}
}

// TestFailureStopsNobodyElse: one subject and one delivery fail for ever, one
// panics; others go on, and the failing ones are tried again, ever more slowly.
func TestFailureStopsNobodyElse(t *testing.T) {
	r := newRig(t)
	bad, panics := issue(7, 1), issue(7, 2)
	r.walk = func(_ context.Context, s workflow.Subject) (time.Time, error) {
		switch s.Number {
		case 1:
			return time.Time{}, errors.New("no answer to hunter2")
		case 2:
			panic("token hunter2")
		}
		return time.Time{}, nil
	}
	r.deliver = func(_ context.Context, d workflow.Delivery) (workflow.Routed, error) {
		if d.ID == "bad" {
			_ = d.Body[len(d.Event):]
		}
		return workflow.Routed{Subjects: []workflow.Subject{issue(7, 3)}}, nil
	}
	r.start()
	r.wake(bad, panics)
	r.accept("bad", "good")
	failed := func(n int) func() bool {
		return func() bool {
			d, err := r.store.UnfinishedDeliveries(t.Context(), 10)
			r.ok(err)
			return r.subject(bad).Attempts == n && r.subject(panics).Attempts == n && len(d) == 1 && d[0].Attempts == n
		}
	}
	r.until("the good delivery's subject is walked", func() bool { return r.walks(issue(7, 3)) == 1 })
	for n := range 4 {
		r.until(fmt.Sprint(n+1, " failures"), failed(n+1))
		wait := queue.Backoff(n, 0)
		if s := r.subject(bad); !s.DueAt.Equal(r.clock.Now().Add(wait)) || s.LastError != "no answer to [redacted]" {
			t.Fatalf("after %d failures: %+v", n+1, s)
		}
		r.clock.Add(wait)
	}
	if s := r.subject(panics); !strings.HasSuffix(s.LastError, "panic: a value of type string") {
		t.Errorf("after a panic: %+v", s)
	}
	if log := r.log.String(); strings.Contains(log, "hunter2") || !strings.Contains(log, "queue_test.TestFailureStopsNobodyElse") ||
		!strings.Contains(log, "slice bounds out of range [6:2]") {
		t.Errorf("log:\n%s", log)
	}
}

func TestAgain(t *testing.T) {
	r := newRig(t)
	x := issue(7, 1)
	end := r.clock.Now().Add(8 * time.Hour)
	r.walk = func(context.Context, workflow.Subject) (time.Time, error) {
		if r.clock.Now().Before(end) {
			return end, nil
		}
		return time.Time{}, nil
	}
	r.start()
	r.wake(x)
	r.idle()
	r.clock.Add(8*time.Hour - 1)
	r.idle()
	if n := r.walks(x); n != 1 {
		t.Errorf("%d walks before its time", n)
	}
	r.clock.Add(1)
	r.idle()
	r.clock.Add(1000 * time.Hour)
	r.idle()
	if n := r.walks(x); n != 2 {
		t.Errorf("%d walks, want 2", n)
	}
}

// TestRestart: what one queue left, the next one on the same file takes up:
// written down without a queue, in its jobs, or in the middle of a walk.
func TestRestart(t *testing.T) {
	r := newRig(t)
	began := make(chan struct{}, 1)
	r.deliver = func(context.Context, workflow.Delivery) (workflow.Routed, error) {
		return workflow.Routed{Subjects: []workflow.Subject{issue(7, 9)}}, nil
	}
	r.walk = func(ctx context.Context, s workflow.Subject) (time.Time, error) {
		if s.Number == 1 {
			began <- struct{}{}
			<-ctx.Done()
			return time.Time{}, ctx.Err()
		}
		return time.Time{}, nil
	}
	r.start()
	r.wake(issue(7, 1))
	<-began
	called, cancel := context.WithCancel(t.Context())
	cancel()
	r.ok(r.queue.Stop(called))
	if s := r.subject(issue(7, 1)); s.Done != 0 || s.Attempts != 0 || s.LastError != "" {
		t.Errorf("called off: %+v", s)
	}
	if _, release, ok, err := r.store.Claim(t.Context(), issue(7, 1).Key()); !ok || err != nil {
		t.Errorf("called off, and still claimed: %v", err)
	} else {
		release()
	}
	r.accept("a")
	r.wake(issue(7, 2))
	r.ok(r.store.Close())

	r.walk = func(context.Context, workflow.Subject) (time.Time, error) { return time.Time{}, nil }
	r.start()
	r.idle()
	if r.walks(issue(7, 1)) != 2 || r.walks(issue(7, 2)) != 1 || r.walks(issue(7, 9)) != 1 {
		t.Errorf("walked %v", r.walked)
	}
}

// TestGracefulStop: work in hand ends, and no new work begins.
func TestGracefulStop(t *testing.T) {
	r := newRig(t)
	began, goOn := make(chan struct{}), make(chan struct{})
	r.walk = func(ctx context.Context, s workflow.Subject) (time.Time, error) {
		if s.Number == 1 {
			close(began)
			select {
			case <-goOn:
			case <-ctx.Done():
				return time.Time{}, ctx.Err()
			}
		}
		return time.Time{}, nil
	}
	r.start()
	r.wake(issue(7, 1))
	<-began
	stopped := make(chan error)
	go func() { stopped <- r.queue.Stop(context.Background()) }()
	r.until("it stops", r.queue.Stopping)
	r.wake(issue(7, 2), issue(7, 1))
	select {
	case err := <-stopped:
		t.Fatalf("it stopped in the middle of a walk: %v", err)
	default:
	}
	close(goOn)
	r.ok(<-stopped)
	one, two := r.subject(issue(7, 1)), r.subject(issue(7, 2))
	if one.Done != 1 || one.Generation != 2 || r.walks(issue(7, 1)) != 1 {
		t.Errorf("in hand: %+v, %d walks", one, r.walks(issue(7, 1)))
	}
	if r.walks(issue(7, 2)) != int(two.Done) {
		t.Errorf("woken late: %+v, %d walks", two, r.walks(issue(7, 2)))
	}
	r.ok(r.store.Close())
	r.walk = func(context.Context, workflow.Subject) (time.Time, error) { return time.Time{}, nil }
	r.start()
	r.idle()
	if one, two := r.subject(issue(7, 1)), r.subject(issue(7, 2)); one.Done != 2 || two.Done != 1 {
		t.Errorf("after the next start: %+v, %+v", one, two)
	}
}

func TestBackoff(t *testing.T) {
	for attempts, want := range map[int]time.Duration{
		-1: time.Second, 0: time.Second, 1: 2 * time.Second, 5: 32 * time.Second,
		9: 512 * time.Second, 10: 15 * time.Minute, 63: 15 * time.Minute, 1 << 30: 15 * time.Minute,
	} {
		if low, high := queue.Backoff(attempts, 0), queue.Backoff(attempts, 0.999999); low != want/2 || high < want*9/10 || high > want {
			t.Errorf("Backoff(%d) is %s to %s, want %s to %s", attempts, low, high, want/2, want)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	r := newRig(t).open()
	for _, bad := range [][]queue.Schedule{
		{{Name: "a", Cron: "every day"}},
		{{Name: "", Cron: "@daily"}},
		{{Name: "a", Cron: "@daily"}, {Name: "a", Cron: "@hourly"}},
	} {
		if _, err := queue.New(r.store, queue.Handlers{}, queue.Options{Now: r.clock.Now, Log: slog.New(slog.DiscardHandler), Schedules: bad}); err == nil {
			t.Errorf("%v was accepted", bad)
		}
	}
}

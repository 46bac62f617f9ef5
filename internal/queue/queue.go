// Package queue runs the work that the store says is owed: deliveries to be turned into subjects, subjects to be walked,
// and schedules that find subjects. River's jobs, kept in the same database, say what to look at next and are written in the
// transaction that owes the work; what is owed, since when, and how often it failed is in the store's tables. So a job that is
// lost, doubled or late does no harm: whoever takes it looks there first.
//
// The life of a subject here: an event counts its generation up and puts it into the queue. A worker claims it, walks it, and
// notes the generation that it saw. An event that came meanwhile leaves a higher one, so the subject is walked again.
package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"
	"github.com/robfig/cron/v3"

	"github.com/keyreeve/keyreeve/internal/store"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

// Handlers do the work. Each may be called concurrently, but Walk never twice
// at once for one subject. Their contexts end when the queue is stopped hard,
// or after Options.Timeout. A panic in one is caught and counts as its error.
//
// An error that wraps *workflow.LimitedError is no failure: the work is taken
// up again at its Until. After any other the work is tried again, ever more
// slowly (Backoff), and never dropped.
type Handlers struct {
	// Delivery reads which subjects a delivery speaks of, or why it is ignored.
	Delivery func(ctx context.Context, d workflow.Delivery) (workflow.Routed, error)
	// Walk walks a subject; again says when to walk it by itself, the zero time: not before it is woken.
	Walk func(ctx context.Context, s workflow.Subject) (again time.Time, err error)
	// Sweep finds the subjects that a schedule is to wake.
	Sweep func(ctx context.Context, name string) ([]workflow.Subject, error)
}

// Schedule wakes what its sweep finds, at the times of Cron: five fields, or
// "@hourly" and the like, in UTC unless it begins with "CRON_TZ=…".
type Schedule struct {
	Name string // unique; kept with the last run
	Cron string
}

// Options say how a queue runs. The zero value of each but Now and Log is a good default.
type Options struct {
	// Now is the clock by which subjects and schedules are due.
	Now func() time.Time
	Log *slog.Logger
	// Poll is how often the queue looks for jobs; 0 means 100 ms.
	Poll time.Duration
	// Workers is how many subjects are walked at once; 0 means 8.
	Workers int
	// Schedules that are swept. One that is new runs for the first time at its next time.
	Schedules []Schedule
	// Tick is how often, in real time, it is looked at what is due by Now; 0 means a second.
	Tick time.Duration
	// Timeout bounds one delivery, walk or sweep; 0 means two minutes.
	Timeout time.Duration
	// Rand gives numbers in [0, 1) for jitter; nil means math/rand's.
	Rand func() float64
	// Redact takes secrets out of an error's text before it is logged or stored; nil leaves it as it is.
	Redact func(string) string
}

func (o Options) withDefaults() Options {
	if o.Poll <= 0 {
		o.Poll = 100 * time.Millisecond
	}
	if o.Workers <= 0 {
		o.Workers = 8
	}
	if o.Tick <= 0 {
		o.Tick = time.Second
	}
	if o.Timeout <= 0 {
		o.Timeout = 2 * time.Minute
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	if o.Redact == nil {
		o.Redact = func(s string) string { return s }
	}
	return o
}

// Queue runs the work of one store. It is started and stopped once.
type Queue struct {
	store     *store.Store
	handlers  Handlers
	o         Options
	schedules []schedule
	river     *river.Client[*sql.Tx]

	stopping atomic.Bool        // no new work is begun
	hard     atomic.Bool        // work in hand is called off
	cancel   context.CancelFunc // calls off sweeps; River calls off its jobs itself
	ticks    context.CancelFunc // begins no new ones
	ticking  sync.WaitGroup
	retries  map[string]retry // by schedule; of the goroutine that sweeps alone

	mu      sync.Mutex
	running map[string]int // keys of subjects, and names of other work, in hand
}

type schedule struct {
	Schedule
	cron cron.Schedule
}

// New makes a queue on a store. A Cron that can't be read, or a name that is
// there twice, is an error. Nothing runs before Start.
func New(s *store.Store, h Handlers, o Options) (*Queue, error) {
	q := &Queue{store: s, handlers: h, o: o.withDefaults(), running: map[string]int{}, retries: map[string]retry{}}
	names := map[string]bool{}
	for _, x := range o.Schedules {
		parsed, err := cron.ParseStandard(x.Cron)
		if err != nil {
			return nil, fmt.Errorf("schedule %s: %w", x.Name, err)
		}
		if x.Name == "" || names[x.Name] {
			return nil, fmt.Errorf("schedule %q: the name is empty or there twice", x.Name)
		}
		names[x.Name] = true
		q.schedules = append(q.schedules, schedule{x, parsed})
	}
	client, err := q.newRiver()
	if err != nil {
		return nil, fmt.Errorf("set up the queue: %w", err)
	}
	q.river = client
	return q, nil
}

// Start takes up all that is unfinished, also what a killed process left, and
// then whatever the store accepts or wakes. ctx bounds the start alone; the queue runs until Stop.
func (q *Queue) Start(ctx context.Context) error {
	q.store.SetEnqueue(q.enqueue)
	if err := q.store.ForgetQueued(ctx); err != nil {
		return fmt.Errorf("start the queue: %w", err)
	}
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	if err := q.river.Start(work); err != nil {
		cancel()
		return fmt.Errorf("start the queue: %w", err)
	}
	ticks, stop := context.WithCancel(work)
	q.cancel, q.ticks = cancel, stop
	q.ticking.Go(func() { q.every(ticks, q.requeue) })
	q.ticking.Go(func() { q.every(ticks, func(ctx context.Context) { q.sweepDue(ctx, work) }) })
	return nil
}

// callOff is how long Stop waits, after it has called work off, for that to end.
const callOff = 5 * time.Second

// Stop begins no new work and waits for work in hand. When ctx ends before
// that does, the work is called off and handed back: nobody has a claim on it,
// it counts no failed attempt, and it is owed to the next start. An error says that a handler did not let itself be called off.
func (q *Queue) Stop(ctx context.Context) error {
	if q.ticks == nil || q.stopping.Swap(true) {
		return nil
	}
	defer q.cancel()
	q.ticks()
	soft := q.river.Stop(ctx)
	if soft == nil {
		soft = q.wait(ctx)
	}
	q.store.SetEnqueue(nil) // what the door still accepts is written down for the next start
	if soft == nil {
		return nil
	}
	q.hard.Store(true)
	q.cancel()
	last, done := context.WithTimeout(context.WithoutCancel(ctx), callOff)
	defer done()
	if err := errors.Join(q.river.StopAndCancel(last), q.wait(last)); err != nil {
		return fmt.Errorf("stop the queue: work in hand does not end: %w", err)
	}
	return nil
}

// Stopping reports whether Stop was called. It is what readiness rests on.
func (q *Queue) Stopping() bool { return q.stopping.Load() }

// wait waits until the ticks, and with them sweeps, have ended.
func (q *Queue) wait(ctx context.Context) error {
	ended := make(chan struct{})
	go func() { q.ticking.Wait(); close(ended) }()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Idle reports whether there is nothing to do: no delivery unfinished, no
// subject or schedule due by the clock, nothing running. Work that failed
// counts as idle while its time has not come, except for deliveries.
func (q *Queue) Idle(ctx context.Context) (bool, error) {
	// The order matters: what ends between two of these looks has left its marks for the later ones.
	if q.inHand("") {
		return false, nil
	}
	for _, s := range q.schedules {
		due, err := q.scheduleDue(ctx, s)
		if err != nil || due {
			return false, err
		}
	}
	busy, err := q.store.Busy(ctx, q.o.Now())
	return err == nil && !busy, err
}

// begin notes work in hand, end that it has ended.
func (q *Queue) begin(name string) (end func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.running[name]++
	return func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		if q.running[name]--; q.running[name] == 0 {
			delete(q.running, name)
		}
	}
}

// inHand reports whether the named work, or with "" any, is running in this process.
func (q *Queue) inHand(name string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if name == "" {
		return len(q.running) > 0
	}
	return q.running[name] > 0
}

package queue

import (
	"context"
	"database/sql"
	"time"

	"github.com/riverqueue/river"

	"github.com/keyreeve/keyreeve/internal/store"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

// deliveryJob says: look at this delivery.
type deliveryJob struct {
	App int64  `json:"app"`
	ID  string `json:"id"`
}

// Kind implements river.JobArgs. It is part of what is stored.
func (deliveryJob) Kind() string { return "delivery" }

// walkJob says: look at the subject with this key.
type walkJob struct {
	Key string `json:"key"`
}

// Kind implements river.JobArgs. It is part of what is stored.
func (walkJob) Kind() string { return "walk" }

type deliveryWorker struct {
	river.WorkerDefaults[deliveryJob]
	q *Queue
}

// Work implements river.Worker.
func (w *deliveryWorker) Work(ctx context.Context, job *river.Job[deliveryJob]) error {
	return w.q.answer(w.q.deliver(ctx, store.DeliveryRef{App: job.Args.App, ID: job.Args.ID}))
}

type walkWorker struct {
	river.WorkerDefaults[walkJob]
	q *Queue
}

// Work implements river.Worker.
func (w *walkWorker) Work(ctx context.Context, job *river.Job[walkJob]) error {
	return w.q.answer(false, w.q.walk(ctx, job.Args.Key))
}

// snooze is how long a job waits whose delivery another worker has, and
// onError whose database could not be asked.
const (
	snooze  = time.Second
	onError = 2 * time.Second
)

// answer tells River how a job ended. Failed work is not a failed job: it is noted in the store. What is left are failures
// of the store itself, and those don't use up the job either.
func (q *Queue) answer(busy bool, err error) error {
	if err != nil {
		q.o.Log.Error("the queue can't reach its database", "error", q.o.Redact(err.Error()))
		return river.JobSnooze(onError)
	}
	if busy {
		return river.JobSnooze(snooze)
	}
	return nil
}

// The names of River's queues. Deliveries have workers of their own, so that
// slow walks never keep an event from waking what it speaks of.
const (
	deliveries = "deliveries"
	walks      = "walks"
)

const deliveryWorkers = 4

func (q *Queue) newRiver() (*river.Client[*sql.Tx], error) {
	workers := river.NewWorkers()
	if err := river.AddWorkerSafely(workers, &deliveryWorker{q: q}); err != nil {
		return nil, err
	}
	if err := river.AddWorkerSafely(workers, &walkWorker{q: q}); err != nil {
		return nil, err
	}
	return river.NewClient(q.store.River(), &river.Config{
		Logger:  quiet(q.o.Log),
		Workers: workers,
		Queues: map[string]river.QueueConfig{
			deliveries: {MaxWorkers: deliveryWorkers},
			walks:      {MaxWorkers: q.o.Workers},
		},
		// Polling alone is the same on both databases, and needs no connection kept open for notifications.
		PollOnly:          true,
		FetchPollInterval: q.o.Poll,
		FetchCooldown:     q.o.Poll,
		// A job that is still "running" after its time is of a process that died. Taking it up again needs no haste,
		// since the next start takes up what is owed by the store's tables.
		JobTimeout:                  q.o.Timeout,
		RescueStuckJobsAfter:        q.o.Timeout + 10*time.Second,
		CompletedJobRetentionPeriod: time.Hour,
	})
}

// enqueue writes jobs within the transaction that owes the work.
func (q *Queue) enqueue(ctx context.Context, tx *sql.Tx, refs []store.DeliveryRef, subjects []workflow.Subject) error {
	jobs := make([]river.InsertManyParams, 0, len(refs)+len(subjects))
	for _, r := range refs {
		jobs = append(jobs, river.InsertManyParams{Args: deliveryJob(r), InsertOpts: &river.InsertOpts{Queue: deliveries}})
	}
	for _, s := range subjects {
		jobs = append(jobs, river.InsertManyParams{Args: walkJob{s.Key()}, InsertOpts: &river.InsertOpts{Queue: walks}})
	}
	if len(jobs) == 0 {
		return nil
	}
	_, err := q.river.InsertManyFastTx(ctx, tx, jobs)
	return err
}

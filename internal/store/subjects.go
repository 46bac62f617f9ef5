package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/internal/workflow"
)

// requeueAfter is how long work that was handed to the queue may show no sign
// of life before it is handed over again. It is a net under the queue's own
// rescue of jobs: doing so too early only costs a job that finds nothing to do.
const requeueAfter = 10 * time.Minute

// Wake counts a new generation for each subject and puts it into the queue.
func (s *Store) Wake(ctx context.Context, subjects ...workflow.Subject) error {
	return s.write(ctx, "wake subjects", func(ctx context.Context, tx *Tx) error {
		return s.wake(ctx, tx, subjects)
	})
}

// wake does Wake's work within a transaction. A subject that the queue has
// already, and has not begun with, is not given to it twice: its job sees the new generation.
func (s *Store) wake(ctx context.Context, tx *Tx, subjects []workflow.Subject) error {
	var fresh []workflow.Subject
	// In the order of their keys, so that two transactions never wait for each other in a circle.
	for _, x := range sorted(subjects) {
		record, err := encode(x)
		if err != nil {
			return err
		}
		var queued sql.NullInt64
		_, err = tx.get(ctx, []any{&queued}, `INSERT INTO subjects (key, installation, subject, generation) VALUES (?, ?, ?, 1)
			ON CONFLICT (key) DO UPDATE SET generation = subjects.generation + 1, subject = excluded.subject
			RETURNING queued_at`, x.Key(), x.Installation, record)
		if err != nil {
			return fmt.Errorf("wake %s: %w", x.Key(), err)
		}
		if !queued.Valid {
			fresh = append(fresh, x)
		}
	}
	return s.hand(ctx, tx, nil, fresh)
}

func sorted(subjects []workflow.Subject) []workflow.Subject {
	list := slices.SortedFunc(slices.Values(subjects), func(a, b workflow.Subject) int { return strings.Compare(a.Key(), b.Key()) })
	return slices.CompactFunc(list, func(a, b workflow.Subject) bool { return a.Key() == b.Key() })
}

const isDue = `(generation > done_generation OR due_at <= ?)`

// Due lists at most limit subjects that are owed a walk: those woken since
// their last one, and those whose time has come.
func (s *Store) Due(ctx context.Context, now time.Time, limit int) ([]workflow.Subject, error) {
	var list []workflow.Subject
	err := s.read(ctx, "list subjects that are due", func(ctx context.Context, tx *Tx) (err error) {
		list, err = records[workflow.Subject](ctx, tx, `SELECT subject FROM subjects WHERE `+isDue+` ORDER BY key LIMIT ?`, floor(now), limit)
		return err
	})
	return list, err
}

// floor is the present as due times are compared with: rounded down, as they were rounded up.
func floor(now time.Time) int64 { return now.UnixMicro() }

// Requeue hands over again at most limit deliveries, and limit subjects, that
// are owed work at now and that the queue does not have; it returns how many
// that were. Subjects whose key skip names are left out: those being walked.
func (s *Store) Requeue(ctx context.Context, now time.Time, limit int, skip func(key string) bool) (n int, err error) {
	stale := floor(now.Add(-requeueAfter))
	find := func(ctx context.Context, tx *Tx) (refs []DeliveryRef, subjects []workflow.Subject, err error) {
		err = tx.each(ctx, func(rows *sql.Rows) error {
			var r DeliveryRef
			err := rows.Scan(&r.App, &r.ID)
			refs = append(refs, r)
			return err
		}, `SELECT app, id FROM deliveries WHERE finished_at IS NULL AND (due_at IS NULL OR due_at <= ?)
			AND (queued_at IS NULL OR queued_at < ?) ORDER BY received_at, app, id LIMIT ?`, floor(now), stale, limit)
		if err != nil {
			return nil, nil, err
		}
		subjects, err = records[workflow.Subject](ctx, tx, `SELECT subject FROM subjects WHERE `+isDue+`
			AND (queued_at IS NULL OR queued_at < ?) ORDER BY key LIMIT ?`, floor(now), stale, limit)
		return refs, slices.DeleteFunc(subjects, func(x workflow.Subject) bool { return skip(x.Key()) }), err
	}
	// Most often there is nothing, which costs a read alone.
	err = s.read(ctx, "look for work", func(ctx context.Context, tx *Tx) error {
		refs, subjects, err := find(ctx, tx)
		n = len(refs) + len(subjects)
		return err
	})
	if err != nil || n == 0 {
		return 0, err
	}
	err = s.write(ctx, "take work up again", func(ctx context.Context, tx *Tx) error {
		refs, subjects, err := find(ctx, tx)
		if err != nil {
			return err
		}
		n = len(refs) + len(subjects)
		return s.hand(ctx, tx, refs, subjects)
	})
	return n, err
}

// ForgetQueued forgets what was handed to the queue, so that Requeue hands all
// of it over again. The queue calls it when it starts, since its jobs may have
// died with the process before.
func (s *Store) ForgetQueued(ctx context.Context) error {
	return s.write(ctx, "forget the queue's jobs", func(ctx context.Context, tx *Tx) error {
		if _, err := tx.exec(ctx, `UPDATE deliveries SET queued_at = NULL WHERE finished_at IS NULL AND queued_at IS NOT NULL`); err != nil {
			return err
		}
		_, err := tx.exec(ctx, `UPDATE subjects SET queued_at = NULL WHERE queued_at IS NOT NULL`)
		return err
	})
}

// Outcome says how a walk ended.
type Outcome struct {
	// Again is when to walk again by itself; zero: only when woken.
	Again time.Time
	// Err is what went wrong, safe to show; "" when nothing did.
	Err string
	// Failed counts an attempt. An Err without it (a provider asks to wait) leaves the count as it is; no Err sets it to 0.
	Failed bool
}

// Finish notes the end of the walk that saw the given generation. more is true
// when the subject was woken meanwhile: walk again. After a failure an earlier
// time for which the subject had been due anyhow is kept.
func (s *Store) Finish(ctx context.Context, x workflow.Subject, generation int64, o Outcome) (more bool, err error) {
	err = s.write(ctx, "finish the walk of "+x.Key(), func(ctx context.Context, tx *Tx) error {
		var attempts int
		var due sql.NullInt64
		ok, err := tx.get(ctx, []any{&attempts, &due}, `SELECT attempts, due_at FROM subjects WHERE key = ?`, x.Key())
		if err != nil {
			return err
		}
		if !ok {
			return workflow.ErrNotFound
		}
		again := micros(o.Again)
		switch {
		case o.Failed:
			attempts++
			if due.Valid && due.Int64 > floor(s.now()) && again.Valid && due.Int64 < again.Int64 {
				again = due
			}
		case o.Err == "":
			attempts = 0
		}
		var left int64
		_, err = tx.get(ctx, []any{&left}, `UPDATE subjects SET due_at = ?, attempts = ?, last_error = ?,
			done_generation = CASE WHEN done_generation < ? THEN ? ELSE done_generation END
			WHERE key = ? RETURNING generation - done_generation`, again, attempts, text(o.Err), generation, generation, x.Key())
		more = left > 0
		return err
	})
	return more && err == nil, err
}

// StoredSubject is what is kept of a subject.
type StoredSubject struct {
	Subject          workflow.Subject
	Generation, Done int64     // it is owed a walk while Generation > Done
	DueAt            time.Time // or from DueAt on; zero: never by itself
	Attempts         int       // failed ones in a row
	LastError        string    // of the last walk
}

// Subjects lists all subjects by their keys.
func (s *Store) Subjects(ctx context.Context) (list []StoredSubject, err error) {
	err = s.read(ctx, "list subjects", func(ctx context.Context, tx *Tx) error {
		return tx.each(ctx, func(rows *sql.Rows) error {
			x, err := scanSubject(rows.Scan)
			list = append(list, x)
			return err
		}, `SELECT `+subjectColumns+` FROM subjects ORDER BY key`)
	})
	return list, err
}

const subjectColumns = `subject, generation, done_generation, due_at, attempts, last_error`

func scanSubject(scan func(...any) error) (x StoredSubject, err error) {
	var record string
	var due sql.NullInt64
	if err := scan(&record, &x.Generation, &x.Done, &due, &x.Attempts, &x.LastError); err != nil {
		return x, err
	}
	x.DueAt = timeOf(due)
	if err := json.Unmarshal([]byte(record), &x.Subject); err != nil {
		return x, fmt.Errorf("decode a stored subject: %w", err)
	}
	return x, nil
}

// Busy reports whether anything is owed at now: a delivery that is not
// finished, also one that waits after a failure, or a subject that is due.
func (s *Store) Busy(ctx context.Context, now time.Time) (busy bool, err error) {
	err = s.read(ctx, "look for unfinished work", func(ctx context.Context, tx *Tx) error {
		var one int
		busy, err = tx.get(ctx, []any{&one}, `SELECT 1 FROM deliveries WHERE finished_at IS NULL
			UNION ALL SELECT 1 FROM subjects WHERE `+isDue+` LIMIT 1`, floor(now))
		return err
	})
	return busy, err
}

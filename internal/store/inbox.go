package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/keyreeve/keyreeve/internal/audit"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

// StoredDelivery is what is kept of a delivery, without its body.
type StoredDelivery struct {
	App          int64
	ID           string
	Event        string
	Installation int64
	SHA256       string // of the body, in hex
	ReceivedAt   time.Time
	FinishedAt   time.Time // zero while it is not finished
	Rule         string    // why it was ignored, "" where it was not
	Attempts     int       // failed ones
	DueAt        time.Time // when it is tried again after a failure; zero: at once
	LastError    string
}

// Accept writes a delivery down and puts it into the queue, in one
// transaction: once it returns, the delivery may be acknowledged. fresh is
// false for an id that is known: one that was finished is left alone, one that
// was not is put into the queue again, with the body that came first.
// A fresh one is told to the audit log.
func (s *Store) Accept(ctx context.Context, d workflow.Delivery) (fresh bool, err error) {
	sum := sha256.Sum256(d.Body)
	digest := hex.EncodeToString(sum[:])
	what := "accept delivery " + d.ID
	err = s.write(ctx, what, func(ctx context.Context, tx *Tx) error {
		body := d.Body
		if body == nil {
			body = []byte{}
		}
		n, err := tx.exec(ctx, `INSERT INTO deliveries (app, id, installation, event, body, sha256, received_at)
			VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (app, id) DO NOTHING`,
			d.App, d.ID, d.Installation, d.Event, body, digest, micros(d.ReceivedAt))
		if err != nil {
			return err
		}
		fresh = n == 1
		if !fresh {
			var finished sql.NullInt64
			_, err := tx.get(ctx, []any{&finished}, `SELECT finished_at FROM deliveries WHERE app = ? AND id = ?`, d.App, d.ID)
			if err != nil || finished.Valid {
				return err
			}
		}
		if err := s.hand(ctx, tx, []DeliveryRef{{d.App, d.ID}}, nil); err != nil {
			return err
		}
		if !fresh {
			return nil
		}
		e, err := received(d, digest)
		if err != nil {
			return err
		}
		return s.append(ctx, tx, []audit.Entry{e})
	})
	return fresh && err == nil, err
}

func received(d workflow.Delivery, digest string) (audit.Entry, error) {
	data, err := json.Marshal(audit.ReceivedData{App: d.App, Bytes: len(d.Body), SHA256: digest})
	return audit.Entry{
		At: d.ReceivedAt, Step: audit.Received, Installation: d.Installation, Subject: "delivery:" + text(d.ID),
		What: "receive " + text(d.Event), Ref: text(d.ID), Data: data,
	}, err
}

// Delivery reads a delivery, and whether it is finished. One that is not there gives workflow.ErrNotFound.
func (s *Store) Delivery(ctx context.Context, app int64, id string) (d workflow.Delivery, finished bool, err error) {
	d = workflow.Delivery{App: app, ID: id}
	err = s.read(ctx, "read delivery "+id, func(ctx context.Context, tx *Tx) error {
		var at, done sql.NullInt64
		ok, err := tx.get(ctx, []any{&d.Installation, &d.Event, &d.Body, &at, &done},
			`SELECT installation, event, body, received_at, finished_at FROM deliveries WHERE app = ? AND id = ?`, app, id)
		if err == nil && !ok {
			err = workflow.ErrNotFound
		}
		d.ReceivedAt, finished = timeOf(at), done.Valid
		return err
	})
	return d, finished, err
}

// FinishDelivery marks a delivery as finished and wakes the subjects that it
// speaks of, in one transaction. rule says why it was ignored, or is "". For
// one that is finished already nothing is done, so that of two workers only one wakes. The presses that it tells of are
// kept in the same transaction; one that is known already stays as it is.
func (s *Store) FinishDelivery(ctx context.Context, app int64, id string, r workflow.Routed) error {
	return s.write(ctx, "finish delivery "+id, func(ctx context.Context, tx *Tx) error {
		n, err := tx.exec(ctx, `UPDATE deliveries SET finished_at = ?, rule = ?, due_at = NULL, queued_at = NULL, last_error = ''
			WHERE app = ? AND id = ? AND finished_at IS NULL`, micros(s.now()), text(r.Rule), app, id)
		if err != nil {
			return err
		}
		if n == 1 {
			if err := putPresses(ctx, tx, r.Presses); err != nil {
				return err
			}
			return s.wake(ctx, tx, r.Subjects)
		}
		var one int
		ok, err := tx.get(ctx, []any{&one}, `SELECT 1 FROM deliveries WHERE app = ? AND id = ?`, app, id)
		if err == nil && !ok {
			err = workflow.ErrNotFound
		}
		return err
	})
}

// PutOffDelivery notes that a delivery could not be worked yet, and when to
// try again. One that was finished meanwhile is left alone.
func (s *Store) PutOffDelivery(ctx context.Context, app int64, id string, o Outcome) error {
	return s.write(ctx, "put off delivery "+id, func(ctx context.Context, tx *Tx) error {
		failed := 0
		if o.Failed {
			failed = 1
		}
		_, err := tx.exec(ctx, `UPDATE deliveries SET attempts = attempts + ?, last_error = ?, due_at = ?, queued_at = NULL
			WHERE app = ? AND id = ? AND finished_at IS NULL`, failed, text(o.Err), micros(o.Again), app, id)
		return err
	})
}

// DeliveryAttempts tells how often work on a delivery failed; 0 for one that is not there.
func (s *Store) DeliveryAttempts(ctx context.Context, app int64, id string) (n int, err error) {
	err = s.read(ctx, "read delivery "+id, func(ctx context.Context, tx *Tx) error {
		_, err := tx.get(ctx, []any{&n}, `SELECT attempts FROM deliveries WHERE app = ? AND id = ?`, app, id)
		return err
	})
	return n, err
}

const deliveryColumns = `app, id, event, installation, sha256, received_at, finished_at, rule, attempts, due_at, last_error`

// UnfinishedDeliveries lists at most limit deliveries that are not finished, oldest first.
func (s *Store) UnfinishedDeliveries(ctx context.Context, limit int) ([]StoredDelivery, error) {
	return s.deliveries(ctx, `WHERE finished_at IS NULL ORDER BY received_at, app, id LIMIT ?`, limit)
}

// Deliveries lists at most limit deliveries, newest first.
func (s *Store) Deliveries(ctx context.Context, limit int) ([]StoredDelivery, error) {
	return s.deliveries(ctx, `ORDER BY received_at DESC, app, id LIMIT ?`, limit)
}

func (s *Store) deliveries(ctx context.Context, where string, args ...any) (list []StoredDelivery, err error) {
	err = s.read(ctx, "list deliveries", func(ctx context.Context, tx *Tx) error {
		return tx.each(ctx, func(rows *sql.Rows) error {
			var d StoredDelivery
			var at, done, due sql.NullInt64
			err := rows.Scan(&d.App, &d.ID, &d.Event, &d.Installation, &d.SHA256, &at, &done, &d.Rule, &d.Attempts, &due, &d.LastError)
			d.ReceivedAt, d.FinishedAt, d.DueAt = timeOf(at), timeOf(done), timeOf(due)
			list = append(list, d)
			return err
		}, `SELECT `+deliveryColumns+` FROM deliveries `+where, args...)
	})
	return list, err
}

// hand gives work to the queue within tx, if there is one, and notes that it did.
func (s *Store) hand(ctx context.Context, tx *Tx, deliveries []DeliveryRef, subjects []workflow.Subject) error {
	f := s.enqueuer()
	if f == nil || len(deliveries)+len(subjects) == 0 {
		return nil
	}
	now := micros(s.now())
	for _, d := range deliveries {
		if _, err := tx.exec(ctx, `UPDATE deliveries SET queued_at = ? WHERE app = ? AND id = ?`, now, d.App, d.ID); err != nil {
			return err
		}
	}
	for _, x := range subjects {
		if _, err := tx.exec(ctx, `UPDATE subjects SET queued_at = ? WHERE key = ?`, now, x.Key()); err != nil {
			return err
		}
	}
	if err := f(ctx, tx.Tx, deliveries, subjects); err != nil {
		return fmt.Errorf("put into the queue: %w", err)
	}
	return nil
}

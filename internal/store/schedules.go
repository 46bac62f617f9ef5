package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/keyreeve/keyreeve/internal/audit"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

// LastRun tells when a schedule last ran; the zero time when it never did.
func (s *Store) LastRun(ctx context.Context, name string) (at time.Time, err error) {
	err = s.read(ctx, "read schedule "+name, func(ctx context.Context, tx *Tx) error {
		var n sql.NullInt64
		_, err := tx.get(ctx, []any{&n}, `SELECT ran_at FROM schedules WHERE name = ?`, name)
		at = timeOf(n)
		return err
	})
	return at, err
}

// RanAndWake notes that a schedule ran and wakes the subjects that it found,
// in one transaction, with an entry in the log where there were any: a crash before it runs the schedule again, a crash after it has lost nothing.
func (s *Store) RanAndWake(ctx context.Context, name string, at time.Time, subjects []workflow.Subject) error {
	return s.write(ctx, "note the run of schedule "+name, func(ctx context.Context, tx *Tx) error {
		_, err := tx.exec(ctx, `INSERT INTO schedules (name, ran_at) VALUES (?, ?)
			ON CONFLICT (name) DO UPDATE SET ran_at = excluded.ran_at`, name, at.UnixMicro())
		if err != nil {
			return err
		}
		if err := s.wake(ctx, tx, subjects); err != nil || len(subjects) == 0 {
			return err
		}
		data, err := json.Marshal(audit.SweptData{Woken: len(subjects)})
		if err != nil {
			return err
		}
		e := audit.Entry{At: at.UTC(), Step: audit.Swept, Subject: "sweep:" + text(name), What: "sweep: " + text(name), Data: data}
		return s.append(ctx, tx, []audit.Entry{e})
	})
}

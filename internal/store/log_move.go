package store

import (
	"context"
	"fmt"
	"time"

	"github.com/keyreeve/keyreeve/internal/audit"
)

// LogCursor returns how far the log was streamed to the sink of that name: the number of the first entry that it has not
// acknowledged; 0 for a sink that is new.
func (s *Store) LogCursor(ctx context.Context, name string) (seq int64, err error) {
	err = s.read(ctx, "read log cursor "+name, func(ctx context.Context, tx *Tx) error {
		_, err := tx.get(ctx, []any{&seq}, `SELECT seq FROM log_cursors WHERE name = ?`, name)
		return err
	})
	return seq, err
}

// MoveLogCursor notes that a sink has acknowledged every entry before seq. It never moves back: what was acknowledged is
// not sent again by an older note that came late.
func (s *Store) MoveLogCursor(ctx context.Context, name string, seq int64) error {
	return s.write(ctx, "move log cursor "+name, func(ctx context.Context, tx *Tx) error {
		_, err := tx.exec(ctx, `INSERT INTO log_cursors (name, seq) VALUES (?, ?)
			ON CONFLICT (name) DO UPDATE SET seq = excluded.seq WHERE excluded.seq > log_cursors.seq`, name, seq)
		return err
	})
}

// FirstEntry returns the number of the first entry that is kept in the database: those before it were archived. ok is
// false when there is none.
func (s *Store) FirstEntry(ctx context.Context) (seq int64, ok bool, err error) {
	err = s.read(ctx, "read the first audit entry", func(ctx context.Context, tx *Tx) error {
		ok, err = tx.get(ctx, []any{&seq}, `SELECT seq FROM entries ORDER BY seq LIMIT 1`)
		return err
	})
	return seq, ok, err
}

// Archive removes the entries from d.First to d.Last, which have to be the first that are kept and not the last, and logs
// in the same transaction that they are in the archive that d names. Their hashes stay, so the rest of the log and the
// archive verify as before. A crash before the commit leaves the entries here and a file that repeats them.
func (s *Store) Archive(ctx context.Context, d audit.ArchivedData, at time.Time) error {
	return s.write(ctx, "archive audit entries", func(ctx context.Context, tx *Tx) error {
		e, err := audit.ArchivedEntry(d, at)
		if err != nil {
			return err
		}
		if err := s.append(ctx, tx, []audit.Entry{e}); err != nil { // first: it holds the log
			return err
		}
		var first, last int64
		if _, err := tx.get(ctx, []any{&first, &last}, `SELECT MIN(seq), MAX(seq) FROM entries`); err != nil {
			return err
		}
		if first != d.First || d.Last < d.First || d.Last >= last {
			return fmt.Errorf("entries %d to %d are not the first of those from %d to %d", d.First, d.Last, first, last)
		}
		n, err := tx.exec(ctx, `DELETE FROM entries WHERE seq <= ?`, d.Last)
		if err == nil && n != d.Last-d.First+1 {
			err = fmt.Errorf("%d entries from %d to %d: some were missing already", n, d.First, d.Last)
		}
		return err
	})
}

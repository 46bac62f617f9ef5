package store

import (
	"context"
	"database/sql"
	"iter"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/keyreeve/keyreeve/internal/audit"
)

// page is how many rows of the audit log are read at a time.
const page = 2000

// Canonical yields the canonical bytes of the first size audit entries in
// their order, as audit.Verify takes them. It reads them page by page, so a
// long log needs little memory; what it yields after an error is nothing.
func (s *Store) Canonical(ctx context.Context, size int64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for row, err := range s.Rows(ctx, 0, size) {
			if !yield(row.Canonical, err) {
				return
			}
		}
	}
}

// Rows yields the rows of the entries from number from up to, and without, number to, in order. Those that are not there
// are left out. It reads them page by page; after an error it yields nothing. A row is the caller's own.
func (s *Store) Rows(ctx context.Context, from, to int64) iter.Seq2[audit.Row, error] {
	return paged(from, func(next int64) (list []audit.Row, err error) {
		err = s.read(ctx, "read audit entries", func(ctx context.Context, tx *Tx) (err error) {
			list, err = entryPage(ctx, tx, next, to)
			return err
		})
		return list, err
	}, func(r audit.Row) int64 { return r.Seq })
}

// paged yields what read gives, from the place after the last one that it gave, until it gives nothing.
func paged[T any](from int64, read func(next int64) ([]T, error), place func(T) int64) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			list, err := read(from)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, v := range list {
				if !yield(v, nil) {
					return
				}
				from = place(v) + 1
			}
			if len(list) == 0 || from == lowest { // after the highest place there is none
				return
			}
		}
	}
}

func entryPage(ctx context.Context, tx *Tx, from, to int64) ([]audit.Row, error) {
	list := make([]audit.Row, 0, page)
	err := tx.each(ctx, func(rows *sql.Rows) error {
		var r audit.Row
		err := rows.Scan(&r.Seq, &r.Installation, &r.Canonical, &r.Hash)
		list = append(list, r)
		return err
	}, `SELECT seq, installation, canonical, hash FROM entries WHERE seq >= ? AND seq < ? ORDER BY seq LIMIT ?`, from, to, page)
	return list, err
}

func hashPage(ctx context.Context, tx *Tx, from int64) ([]audit.StoredHash, error) {
	list := make([]audit.StoredHash, 0, 2*page)
	err := tx.each(ctx, func(rows *sql.Rows) error {
		var h audit.StoredHash
		err := rows.Scan(&h.Index, &h.Hash)
		list = append(list, h)
		return err
	}, `SELECT idx, hash FROM log_hashes WHERE idx >= ? ORDER BY idx LIMIT ?`, from, 2*page)
	return list, err
}

// The places from which, and to which, all rows of a table lie: of a log that was tampered with, negative ones too.
const (
	lowest  = -1 << 63
	highest = 1<<63 - 1
)

// CheckLog verifies all columns of all tables of the log, by audit.VerifyRows, on one consistent state. What is wrong is an
// *audit.Problem. signed is a checkpoint that the log has to agree with, nil if there is none; archived are rows that were
// moved to archives, in order, nil if they are not at hand. It needs little memory, whatever the log's size.
func (s *Store) CheckLog(ctx context.Context, signed *audit.Checkpoint, archived iter.Seq2[audit.Row, error]) (done audit.Checked, err error) {
	err = s.read(ctx, "read the audit log", func(ctx context.Context, tx *Tx) error {
		r := audit.Rows{Signed: signed}
		n := 0
		if err := tx.each(ctx, func(rows *sql.Rows) error { n++; return rows.Scan(&r.Size) }, `SELECT size FROM log_size`); err != nil {
			return err
		}
		if n != 1 {
			return &audit.Problem{Entry: -1, Where: "log_size", Why: "it has not one row"}
		}
		r.Entries = paged(lowest, func(from int64) ([]audit.Row, error) { return entryPage(ctx, tx, from, highest) },
			func(e audit.Row) int64 { return e.Seq })
		if archived != nil {
			r.Entries = joined(archived, r.Entries)
		}
		r.Hashes = paged(lowest, func(from int64) ([]audit.StoredHash, error) { return hashPage(ctx, tx, from) },
			func(h audit.StoredHash) int64 { return h.Index })
		done, err = audit.VerifyRows(r)
		return err
	})
	return done, err
}

// joined yields all of a, then all of b.
func joined[T any](a, b iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, seq := range []iter.Seq2[T, error]{a, b} {
			for v, err := range seq {
				if !yield(v, err) || err != nil {
					return
				}
			}
		}
	}
}

// Leaves returns the kept hashes of the first size audit entries, as audit.VerifyLeaves takes them: 32 bytes for each.
func (s *Store) Leaves(ctx context.Context, size int64) (leaves []tlog.Hash, err error) {
	err = s.read(ctx, "read the audit log's leaves", func(ctx context.Context, tx *Tx) error {
		indexes := make([]int64, size)
		for n := range size {
			indexes[n] = tlog.StoredHashIndex(0, n)
		}
		leaves, err = hashReader(ctx, tx).ReadHashes(indexes)
		return err
	})
	return leaves, err
}

package store

import (
	"context"
	"database/sql"
	"fmt"
	"iter"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/keyreeve/keyreeve/internal/audit"
)

// append adds entries to the audit log within tx: their numbers follow the
// last ones without a gap, and their hashes go into the tree. It is to be the
// last thing that a transaction does, since it holds the log until the end. Entries without controls get those of their step.
func (s *Store) append(ctx context.Context, tx *Tx, entries []audit.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	var size int64
	ok, err := tx.get(ctx, []any{&size}, `UPDATE log_size SET size = size + ? WHERE one = 1 RETURNING size`, len(entries))
	if err != nil || !ok {
		return fmt.Errorf("count the audit log up (its row is there: %t): %w", ok, err)
	}
	seq := size - int64(len(entries))
	for i, e := range entries {
		e.Seq = seq + int64(i)
		if e.Controls == nil {
			e.Controls = audit.Controls(e.Step)
		}
		if err := appendOne(ctx, tx, e); err != nil {
			return err
		}
	}
	return nil
}

func appendOne(ctx context.Context, tx *Tx, e audit.Entry) error {
	raw, err := e.Canonical()
	if err != nil {
		return err
	}
	leaf := audit.Hash(raw)
	hashes, err := tlog.StoredHashesForRecordHash(e.Seq, leaf, hashReader(ctx, tx))
	if err != nil {
		return fmt.Errorf("hash audit entry %d: %w", e.Seq, err)
	}
	_, err = tx.exec(ctx, `INSERT INTO entries (seq, installation, canonical, hash) VALUES (?, ?, ?, ?)`,
		e.Seq, e.Installation, string(raw), leaf[:])
	if err != nil {
		return fmt.Errorf("write audit entry %d: %w", e.Seq, err)
	}
	at := tlog.StoredHashIndex(0, e.Seq)
	for i, h := range hashes {
		if _, err := tx.exec(ctx, `INSERT INTO log_hashes (idx, hash) VALUES (?, ?)`, at+int64(i), h[:]); err != nil {
			return fmt.Errorf("write the hashes of audit entry %d: %w", e.Seq, err)
		}
	}
	return nil
}

// hashReader reads the tree's stored hashes in tx.
func hashReader(ctx context.Context, tx *Tx) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, at := range indexes {
			var raw []byte
			ok, err := tx.get(ctx, []any{&raw}, `SELECT hash FROM log_hashes WHERE idx = ?`, at)
			if err == nil && (!ok || len(raw) != tlog.HashSize) {
				err = fmt.Errorf("the tree's hash %d is missing", at)
			}
			if err != nil {
				return nil, err
			}
			copy(out[i][:], raw)
		}
		return out, nil
	})
}

// Root returns how many entries the audit log has, and the root hash of their tree (RFC 6962).
func (s *Store) Root(ctx context.Context) (size int64, root tlog.Hash, err error) {
	err = s.read(ctx, "read the audit log's root", func(ctx context.Context, tx *Tx) error {
		if err := tx.QueryRowContext(ctx, `SELECT size FROM log_size WHERE one = 1`).Scan(&size); err != nil {
			return err
		}
		root, err = tlog.TreeHash(size, hashReader(ctx, tx))
		return err
	})
	return size, root, err
}

// Entries lists at most limit audit entries, from number from on.
func (s *Store) Entries(ctx context.Context, from int64, limit int) (list []audit.Entry, err error) {
	err = s.read(ctx, "list audit entries", func(ctx context.Context, tx *Tx) (err error) {
		list, err = records[audit.Entry](ctx, tx, `SELECT canonical FROM entries WHERE seq >= ? ORDER BY seq LIMIT ?`, from, limit)
		return err
	})
	return list, err
}

// page is how many audit entries are read at a time.
const page = 500

// Canonical yields the canonical bytes of the first size audit entries in
// their order, as audit.Verify takes them. It reads them page by page, so a
// long log needs little memory; what it yields after an error is nothing.
func (s *Store) Canonical(ctx context.Context, size int64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for next := int64(0); next < size; {
			raws, last, err := s.canonicalPage(ctx, next, min(size-1, next+page-1))
			if err != nil {
				yield(nil, err)
				return
			}
			for _, raw := range raws {
				if !yield(raw, nil) {
					return
				}
			}
			if next = last + 1; len(raws) == 0 {
				next = min(size, next+page) // a hole, which Verify will see by the numbers
			}
		}
	}
}

func (s *Store) canonicalPage(ctx context.Context, from, to int64) (raws [][]byte, last int64, err error) {
	last = from - 1
	err = s.read(ctx, "read audit entries", func(ctx context.Context, tx *Tx) error {
		return tx.each(ctx, func(rows *sql.Rows) error {
			var raw string
			err := rows.Scan(&last, &raw)
			raws = append(raws, []byte(raw))
			return err
		}, `SELECT seq, canonical FROM entries WHERE seq BETWEEN ? AND ? ORDER BY seq`, from, to)
	})
	return raws, last, err
}

// Leaves returns the kept hashes of the first size audit entries, as audit.VerifyLeaves takes them.
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

// Hashes reads stored hashes of the audit log's tree by their index
// (tlog.StoredHashIndex): what proofs and tiles are made of.
func (s *Store) Hashes(ctx context.Context, indexes []int64) (hashes []tlog.Hash, err error) {
	err = s.read(ctx, "read the audit log's hashes", func(ctx context.Context, tx *Tx) error {
		hashes, err = hashReader(ctx, tx).ReadHashes(indexes)
		return err
	})
	return hashes, err
}

package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/keyreeve/keyreeve/internal/audit"
	"github.com/keyreeve/keyreeve/scanners"
)

// append adds entries to the audit log within tx: their numbers follow the
// last ones without a gap, and their hashes go into the tree. It is to be the
// last thing that a transaction does, since it holds the log until the end. Entries without controls get those of their step, and what people or other programs
// wrote in them is redacted.
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
	edge, err := hashReader(ctx, tx).ReadHashes(audit.RangeIndexes(seq))
	if err != nil {
		return fmt.Errorf("read the tree's edge at %d audit entries: %w", seq, err)
	}
	tree, err := audit.NewRange(seq, edge)
	if err != nil {
		return err
	}
	lines := rowsInto{table: `entries (seq, installation, canonical, hash)`}
	nodes := rowsInto{table: `log_hashes (idx, hash)`}
	at := tlog.StoredHashIndex(0, seq)
	for i, e := range entries {
		e.Seq = seq + int64(i)
		if e.Controls == nil {
			e.Controls = audit.Controls(e.Step)
		}
		raw, err := e.Redacted(scanners.Redact).Bounded()
		if err != nil {
			return err
		}
		leaf := audit.Hash(raw)
		lines.add(e.Seq, e.Installation, string(raw), leaf[:])
		for _, h := range tree.Add(nil, leaf) {
			nodes.add(at, h[:])
			at++
		}
	}
	if err := lines.insert(ctx, tx); err != nil {
		return fmt.Errorf("write audit entries from %d on: %w", seq, err)
	}
	if err := nodes.insert(ctx, tx); err != nil {
		return fmt.Errorf("write the hashes of audit entries from %d on: %w", seq, err)
	}
	return nil
}

// rowsInto are rows to be inserted, many by one statement.
type rowsInto struct {
	table   string // with its columns
	columns int
	args    []any
}

// most bounds the parameters of one statement: SQLite takes 32,766, PostgreSQL 65,535.
const most = 1000

func (r *rowsInto) add(values ...any) {
	r.columns = len(values)
	r.args = append(r.args, values...)
}

func (r *rowsInto) insert(ctx context.Context, tx *Tx) error {
	row := "(" + strings.TrimSuffix(strings.Repeat("?, ", r.columns), ", ") + ")"
	for rest := r.args; len(rest) > 0; {
		n := min(len(rest)/r.columns, most/r.columns)
		values := strings.TrimSuffix(strings.Repeat(row+", ", n), ", ")
		if _, err := tx.exec(ctx, `INSERT INTO `+r.table+` VALUES `+values, rest[:n*r.columns]...); err != nil {
			return err
		}
		rest = rest[n*r.columns:]
	}
	return nil
}

// hashReader reads the tree's stored hashes in tx.
func hashReader(ctx context.Context, tx *Tx) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, 0, len(indexes))
		for part := range slices.Chunk(indexes, most) {
			found, err := readHashes(ctx, tx, part)
			if err != nil {
				return nil, err
			}
			for _, at := range part {
				h, ok := found[at]
				if !ok {
					return nil, fmt.Errorf("the tree's hash %d is missing", at)
				}
				out = append(out, h)
			}
		}
		return out, nil
	})
}

// readHashes reads those of the hashes at indexes that are there, by one statement.
func readHashes(ctx context.Context, tx *Tx, indexes []int64) (map[int64]tlog.Hash, error) {
	found := make(map[int64]tlog.Hash, len(indexes))
	args := make([]any, len(indexes))
	for i, at := range indexes {
		args[i] = at
	}
	marks := strings.TrimSuffix(strings.Repeat("?, ", len(indexes)), ", ")
	err := tx.each(ctx, func(rows *sql.Rows) error {
		var at int64
		var raw []byte
		if err := rows.Scan(&at, &raw); err != nil {
			return err
		}
		if len(raw) == tlog.HashSize {
			found[at] = tlog.Hash(raw)
		}
		return nil
	}, `SELECT idx, hash FROM log_hashes WHERE idx IN (`+marks+`)`, args...)
	return found, err
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

// Hashes reads stored hashes of the audit log's tree by their index
// (tlog.StoredHashIndex): what proofs and tiles are made of.
func (s *Store) Hashes(ctx context.Context, indexes []int64) (hashes []tlog.Hash, err error) {
	err = s.read(ctx, "read the audit log's hashes", func(ctx context.Context, tx *Tx) error {
		hashes, err = hashReader(ctx, tx).ReadHashes(indexes)
		return err
	})
	return hashes, err
}

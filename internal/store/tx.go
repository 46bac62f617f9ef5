package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/riverqueue/river/riverdriver"

	"github.com/keyreeve/keyreeve/internal/workflow"
)

// dialect is all in which the two databases differ once they are open.
type dialect interface {
	// bind rewrites the parameter marks of a statement.
	bind(query string) string
	// read are the options of a transaction that reads one consistent state.
	read() *sql.TxOptions
	// river is River's driver for the database.
	river(db *sql.DB) riverdriver.Driver[*sql.Tx]
}

// Tx is a transaction on either database. Its statements mark parameters by "?".
type Tx struct {
	*sql.Tx
	dialect dialect
}

// tries bounds how often a transaction is taken up again that PostgreSQL broke off because of another one.
const tries = 5

// write runs do in a transaction and commits it; any error rolls all of it
// back. do may run more than once. what says what was being done, for the error.
func (s *Store) write(ctx context.Context, what string, do func(context.Context, *Tx) error) error {
	var err error
	for range tries {
		if err = s.writeOnce(ctx, do); !brokenOff(err) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

func (s *Store) writeOnce(ctx context.Context, do func(context.Context, *Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	if err := do(ctx, &Tx{Tx: tx, dialect: s.dialect}); err != nil {
		return err
	}
	return tx.Commit()
}

// read runs do on one consistent state.
func (s *Store) read(ctx context.Context, what string, do func(context.Context, *Tx) error) error {
	tx, err := s.reads.BeginTx(ctx, s.dialect.read())
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	if err := do(ctx, &Tx{Tx: tx, dialect: s.dialect}); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// brokenOff tells whether PostgreSQL ended a transaction so that another one
// could go on: a deadlock or a serialization failure.
func brokenOff(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pg.Code == "40001" || pg.Code == "40P01")
}

func (tx *Tx) exec(ctx context.Context, query string, args ...any) (int64, error) {
	res, err := tx.ExecContext(ctx, tx.dialect.bind(query), args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// one runs a statement that has to change exactly one row.
func (tx *Tx) one(ctx context.Context, query string, args ...any) error {
	n, err := tx.exec(ctx, query, args...)
	if err == nil && n != 1 {
		err = fmt.Errorf("%d rows changed: %w", n, workflow.ErrNotFound)
	}
	return err
}

// get reads one row into dest; ok is false when there is none.
func (tx *Tx) get(ctx context.Context, dest []any, query string, args ...any) (ok bool, err error) {
	err = tx.QueryRowContext(ctx, tx.dialect.bind(query), args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// each calls row for every row of a query.
func (tx *Tx) each(ctx context.Context, row func(*sql.Rows) error, query string, args ...any) error {
	rows, err := tx.QueryContext(ctx, tx.dialect.bind(query), args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // its error is that of rows.Err
	for rows.Next() {
		if err := row(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// records reads a query's only column as JSON records.
func records[T any](ctx context.Context, tx *Tx, query string, args ...any) ([]T, error) {
	var list []T
	err := tx.each(ctx, func(rows *sql.Rows) error {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		var v T
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			return fmt.Errorf("decode a stored %T: %w", v, err)
		}
		list = append(list, v)
		return nil
	}, query, args...)
	return list, err
}

func encode(v any) (string, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("encode a %T: %w", v, err)
	}
	return string(raw), nil
}

// numbered rewrites "?" to "$1", "$2" … No statement here has a "?" in a literal.
func numbered(query string) string {
	var b strings.Builder
	n := 0
	for part := range strings.SplitSeq(query, "?") {
		if n > 0 {
			b.WriteString("$" + strconv.Itoa(n))
		}
		b.WriteString(part)
		n++
	}
	return b.String()
}

// micros is a time as it is stored: rounded up to a microsecond, so that
// nothing is due before its time; the zero time is NULL.
func micros(t time.Time) sql.NullInt64 {
	if t.IsZero() {
		return sql.NullInt64{}
	}
	n := t.UnixMicro()
	if t.Nanosecond()%1000 != 0 {
		n++
	}
	return sql.NullInt64{Int64: n, Valid: true}
}

func timeOf(n sql.NullInt64) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return time.UnixMicro(n.Int64).UTC()
}

// text is an error's text as both databases can hold it.
func text(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "")
}

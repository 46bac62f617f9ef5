package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

type sqliteDialect struct{}

func (sqliteDialect) bind(query string) string                     { return query }
func (sqliteDialect) read() *sql.TxOptions                         { return &sql.TxOptions{ReadOnly: true} }
func (sqliteDialect) river(db *sql.DB) riverdriver.Driver[*sql.Tx] { return riversqlite.New(db) }

// readers bounds the connections that read a SQLite file at once. The
// write-ahead log lets them read while the one writer writes.
const readers = 4

// openSQLite opens a file: a path, or "file:" and a path.
func (s *Store) openSQLite(ctx context.Context, path string) error {
	s.dialect = sqliteDialect{}
	path = strings.TrimPrefix(strings.TrimPrefix(path, "file://"), "file:")
	if path == "" || strings.HasPrefix(path, ":memory:") || strings.ContainsAny(path, "?#\x00") {
		return fmt.Errorf("open SQLite database %q: name a file, without parameters", path)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("open SQLite database: %w", err)
	}
	if !s.readOnly {
		unlock, err := lockFile(path + ".lock")
		if err != nil {
			return fmt.Errorf("open SQLite database %s: %w", path, err)
		}
		defer func() { s.closers = append(s.closers, unlock) }() // the last to be let go
		if err := createPrivate(path); err != nil {
			return fmt.Errorf("open SQLite database %s: %w", path, err)
		}
	} else if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("open SQLite database: %w", err)
	}
	// Pragmas are per connection, so they are part of the name by which each one is opened.
	common := "_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)"
	s.reads, err = openPool(path, common+"&_pragma=query_only(1)", readers)
	if err != nil {
		return err
	}
	if s.readOnly {
		s.db = s.reads
		s.closers = append(s.closers, s.reads.Close)
		return ping(ctx, s.db, path)
	}
	// FULL: a commit is on the disk when it returns, so an acknowledged delivery outlives a power cut.
	// IMMEDIATE: a transaction that will write takes the lock at once and never fails halfway.
	s.db, err = openPool(path, common+"&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate", 1)
	if err != nil {
		return errors.Join(err, s.reads.Close())
	}
	s.closers = append(s.closers, s.reads.Close, s.db.Close)
	return ping(ctx, s.db, path)
}

func openPool(path, options string, connections int) (*sql.DB, error) {
	name := (&url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path), RawQuery: options}).String()
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, fmt.Errorf("open SQLite database %s: %w", path, err)
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

func ping(ctx context.Context, db *sql.DB, path string) error {
	if err := db.PingContext(ctx); err != nil {
		return fmt.Errorf("open SQLite database %s: %w", path, err)
	}
	return nil
}

// createPrivate makes the file, for this user alone, where there is none:
// it will name people and what they may do. SQLite gives its side files the same mode.
func createPrivate(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

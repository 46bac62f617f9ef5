// Package store keeps what is under way, in SQLite or PostgreSQL: deliveries, subjects, requests, decisions, leases,
// intents, schedules, and the audit log with its tree. All SQL is here, written once for both; nothing outside this package
// knows which of the two it is.
//
// Each exported method is one transaction. What a subject or delivery is owed is told by this package's own tables;
// the jobs of the queue only wake (see SetEnqueue), so a lost or doubled job does no harm.
package store

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/riverqueue/river/riverdriver"

	"github.com/keyreeve/keyreeve/internal/workflow"
)

// Options are the clock and logger of a Store, both needed, and how it is opened.
type Options struct {
	Now func() time.Time
	Log *slog.Logger
	// ReadOnly opens an existing SQLite file beside the process that serves it:
	// no lock, no migration, and every write fails. On PostgreSQL each transaction is read-only.
	ReadOnly bool
}

// Store is an open database. Its methods may be called concurrently.
type Store struct {
	now      func() time.Time
	log      *slog.Logger
	db       *sql.DB // writes; on SQLite one connection
	reads    *sql.DB // reads; on PostgreSQL the same as db
	dialect  dialect
	readOnly bool
	claims   claims
	closers  []func() error // in the order in which they are called

	mu      sync.Mutex
	enqueue EnqueueFunc
}

// DeliveryRef names a delivery: GitHub's id (X-GitHub-Delivery) is unique within an App.
type DeliveryRef struct {
	App int64
	ID  string
}

// EnqueueFunc puts work into the queue, within the transaction that owes it.
// An error of it fails the transaction.
type EnqueueFunc func(ctx context.Context, tx *sql.Tx, deliveries []DeliveryRef, subjects []workflow.Subject) error

// Open opens the database at url, creates it where it is a SQLite file that
// does not exist, and brings its tables, and those of the queue, up to date.
//
// A url is "postgres://…", or names a SQLite file: "sqlite:///var/lib/k.db",
// "file:k.db", or a plain path. A SQLite file is held by one process at a
// time; a second one gets an error that says so. The hold ends with the process, however that ends.
func Open(ctx context.Context, url string, o Options) (*Store, error) {
	s := &Store{now: o.Now, log: o.Log, readOnly: o.ReadOnly}
	s.claims.held = map[string]struct{}{}
	var err error
	if isPostgres(url) {
		err = s.openPostgres(ctx, url)
	} else {
		err = s.openSQLite(ctx, strings.TrimPrefix(strings.TrimPrefix(url, "sqlite://"), "sqlite:"))
	}
	if err == nil && !o.ReadOnly {
		err = s.migrate(ctx)
	}
	if err != nil {
		_ = s.Close() // what failed is the news
		return nil, err
	}
	return s, nil
}

func isPostgres(url string) bool {
	return strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://")
}

// Close closes the database and lets go of its file. The queue on it has to be stopped before.
func (s *Store) Close() error {
	var first error
	for _, f := range s.closers {
		if err := f(); err != nil && first == nil {
			first = fmt.Errorf("close the database: %w", err)
		}
	}
	s.closers = nil
	return first
}

// SetEnqueue sets what is called within each transaction that accepts a
// delivery or wakes a subject. While it is nil such work is only written down,
// and the queue takes it up when it starts.
func (s *Store) SetEnqueue(f EnqueueFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.enqueue = f
}

func (s *Store) enqueuer() EnqueueFunc {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.enqueue
}

// River returns the driver by which River keeps its jobs in this database.
// It is for package queue.
func (s *Store) River() riverdriver.Driver[*sql.Tx] { return s.dialect.river(s.db) }

// Ping tells whether the database can be written: it writes one row. It is
// what readiness rests on, since a full disk or a read-only replica still answers reads.
func (s *Store) Ping(ctx context.Context) error {
	return s.write(ctx, "check that the database can be written", func(ctx context.Context, tx *Tx) error {
		return tx.one(ctx, `UPDATE health SET at = ? WHERE one = 1`, micros(s.now()))
	})
}

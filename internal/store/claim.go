package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/keyreeve/keyreeve/internal/workflow"
)

// Claim is the right to walk a subject, and what is owed to it.
type Claim struct {
	Subject    workflow.Subject
	Generation int64 // to be given to Finish
	Done       int64
	DueAt      time.Time
	Attempts   int // failed ones in a row
}

// Owed reports whether the subject is to be walked at now.
func (c Claim) Owed(now time.Time) bool {
	return c.Generation > c.Done || (!c.DueAt.IsZero() && !now.Before(c.DueAt))
}

// claims are the names that this process holds, and on PostgreSQL the pool
// whose connections hold them against other replicas.
type claims struct {
	mu   sync.Mutex
	held map[string]struct{}
	pool *sql.DB
}

// Claim takes a subject for this caller alone, across goroutines and replicas;
// ok is false while somebody else has it. From here on an event for the
// subject puts it into the queue anew. release has to be called, once or more;
// a process that dies releases what it had. A subject that was never woken gives workflow.ErrNotFound.
func (s *Store) Claim(ctx context.Context, key string) (c Claim, release func(), ok bool, err error) {
	release, ok, err = s.Lock(ctx, "subject/"+key)
	if err != nil || !ok {
		return Claim{}, func() {}, false, err
	}
	err = s.write(ctx, "claim "+key, func(ctx context.Context, tx *Tx) error {
		var x StoredSubject
		row := tx.QueryRowContext(ctx, tx.dialect.bind(`UPDATE subjects SET queued_at = NULL WHERE key = ? RETURNING `+subjectColumns), key)
		x, err := scanSubject(row.Scan)
		if errors.Is(err, sql.ErrNoRows) {
			return workflow.ErrNotFound
		}
		c = Claim{Subject: x.Subject, Generation: x.Generation, Done: x.Done, DueAt: x.DueAt, Attempts: x.Attempts}
		return err
	})
	if err != nil {
		release()
		return Claim{}, func() {}, false, err
	}
	return c, release, true, nil
}

// Drop notes that the queue has no job for a subject any more, though the
// subject may be owed a walk: its job found somebody else walking it. Requeue
// then puts it into the queue again, should that somebody not see to it.
func (s *Store) Drop(ctx context.Context, key string) error {
	return s.write(ctx, "drop the job of "+key, func(ctx context.Context, tx *Tx) error {
		_, err := tx.exec(ctx, `UPDATE subjects SET queued_at = NULL WHERE key = ? AND queued_at IS NOT NULL`, key)
		return err
	})
}

// Lock takes a name for this caller alone, across goroutines and replicas,
// without waiting; ok is false while somebody else has it. release may be called more than once.
//
// On PostgreSQL the name is held by a connection. Should that break, another
// replica can take the name while its holder still works; what keeps that harmless is that effects are keyed by content.
func (s *Store) Lock(ctx context.Context, name string) (release func(), ok bool, err error) {
	s.claims.mu.Lock()
	defer s.claims.mu.Unlock()
	if _, taken := s.claims.held[name]; taken {
		return func() {}, false, nil
	}
	letGo := func() {}
	if s.claims.pool != nil {
		if letGo, ok, err = s.lockPostgres(ctx, name); err != nil || !ok {
			return func() {}, false, err
		}
	}
	s.claims.held[name] = struct{}{}
	return sync.OnceFunc(func() {
		letGo()
		s.claims.mu.Lock()
		defer s.claims.mu.Unlock()
		delete(s.claims.held, name)
	}), true, nil
}

func (s *Store) lockPostgres(ctx context.Context, name string) (letGo func(), ok bool, err error) {
	conn, err := s.claims.pool.Conn(ctx)
	if err != nil {
		return nil, false, fmt.Errorf("lock %s: %w", name, err)
	}
	number := lockNumber(name)
	if err := conn.QueryRowContext(ctx, `SELECT pg_try_advisory_lock($1)`, number).Scan(&ok); err != nil || !ok {
		err = errors.Join(err, conn.Close())
		if err != nil {
			err = fmt.Errorf("lock %s: %w", name, err)
		}
		return nil, false, err
	}
	return func() {
		// Also when the work was called off; a connection that can't be asked is thrown away, which lets go as well.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		var was bool
		if err := conn.QueryRowContext(ctx, `SELECT pg_advisory_unlock($1)`, number).Scan(&was); err != nil || !was {
			s.log.Warn("a lock was lost before it was let go", "name", name)
			_ = conn.Raw(func(any) error { return driver.ErrBadConn })
		}
		_ = conn.Close()
	}, true, nil
}

// lockNumber is a name's advisory lock. River's and other programs' locks
// share the numbers; 64 bits of a hash keep them apart.
func lockNumber(name string) int64 {
	sum := sha256.Sum256([]byte("keyreeve/" + name))
	return int64(binary.BigEndian.Uint64(sum[:8])) //nolint:gosec // any bits will do
}

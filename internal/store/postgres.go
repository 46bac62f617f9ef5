package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
)

type postgresDialect struct{}

func (postgresDialect) bind(query string) string { return numbered(query) }
func (postgresDialect) read() *sql.TxOptions {
	return &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead}
}

func (postgresDialect) river(db *sql.DB) riverdriver.Driver[*sql.Tx] { return riverdatabasesql.New(db) }

// connections bounds the connections of one replica, those that hold claims apart.
const connections = 20

// migrationLock is the advisory lock under which replicas that start at once migrate one after the other: "keyreeve".
const migrationLock = 0x6b65797265657665

func (s *Store) openPostgres(ctx context.Context, url string) error {
	s.dialect = postgresDialect{}
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return errors.New("open PostgreSQL database: the URL is not of the form postgres://user:password@host:port/database?sslmode=…") // the parser's error may quote the password
	}
	if s.readOnly {
		config.RuntimeParams["default_transaction_read_only"] = "on"
	}
	s.db = stdlib.OpenDB(*config)
	s.db.SetMaxOpenConns(connections)
	s.reads = s.db
	// A claim keeps its connection for as long as its walk takes, so claims have
	// a pool of their own: walks could otherwise wait for each other's connections for ever.
	s.claims.pool = stdlib.OpenDB(*config)
	s.closers = append(s.closers, s.claims.pool.Close, s.db.Close)
	if err := s.db.PingContext(ctx); err != nil {
		return fmt.Errorf("open PostgreSQL database %s at %s: %w", config.Database, config.Host, err)
	}
	return nil
}

// alone runs do while no other replica migrates.
func (s *Store) alone(ctx context.Context, do func(context.Context) error) error {
	if s.claims.pool == nil {
		return do(ctx) // the file's lock sees to it
	}
	conn, err := s.claims.pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, int64(migrationLock)); err != nil {
		return err
	}
	// A crash before this lets go of the lock with its connection.
	defer func() {
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, int64(migrationLock))
	}()
	return do(ctx)
}

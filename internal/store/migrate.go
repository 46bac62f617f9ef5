package store

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/rivermigrate"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings this package's tables and River's up to date. Each step is
// one transaction with its own mark, so a crash leaves whole steps, and the next start goes on.
func (s *Store) migrate(ctx context.Context) error {
	return s.alone(ctx, func(ctx context.Context) error {
		if err := s.migrateOwn(ctx); err != nil {
			return fmt.Errorf("migrate the database: %w", err)
		}
		river, err := rivermigrate.New(s.River(), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			return fmt.Errorf("migrate the queue's tables: %w", err)
		}
		if _, err := river.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
			return fmt.Errorf("migrate the queue's tables: %w", err)
		}
		return nil
	})
}

func (s *Store) migrateOwn(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	kind := goose.DialectSQLite3
	if _, ok := s.dialect.(postgresDialect); ok {
		kind = goose.DialectPostgres
	}
	provider, err := goose.NewProvider(kind, s.db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}

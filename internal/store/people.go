package store

import (
	"context"
	"fmt"

	"github.com/keyreeve/keyreeve/internal/lifecycle"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

// Requests lists all requests, oldest first. It and the methods after it are
// for people at the command line and for tests, who may see all installations.
func (s *Store) Requests(ctx context.Context) ([]workflow.Request, error) {
	return list[workflow.Request](ctx, s, "list requests", `SELECT record FROM requests ORDER BY created_at, key`)
}

// Leases lists all leases, revoked ones included, oldest first.
func (s *Store) Leases(ctx context.Context) ([]lifecycle.Lease, error) {
	return list[lifecycle.Lease](ctx, s, "list leases", `SELECT record FROM leases ORDER BY ordinal, installation, id`)
}

// Decisions lists all stored decisions, oldest first.
func (s *Store) Decisions(ctx context.Context) ([]workflow.StoredDecision, error) {
	return list[workflow.StoredDecision](ctx, s, "list decisions", `SELECT record FROM decisions ORDER BY at, installation, id`)
}

// Decision reads one stored decision. None, or more than one installation's, gives workflow.ErrNotFound.
func (s *Store) Decision(ctx context.Context, id string) (workflow.StoredDecision, error) {
	found, err := list[workflow.StoredDecision](ctx, s, "read decision "+id, `SELECT record FROM decisions WHERE id = ?`, id)
	if err == nil && len(found) != 1 {
		err = fmt.Errorf("read decision %s: there are %d: %w", id, len(found), workflow.ErrNotFound)
	}
	if err != nil {
		return workflow.StoredDecision{}, err
	}
	return found[0], nil
}

// Intents lists all intents, oldest first.
func (s *Store) Intents(ctx context.Context) ([]workflow.Intent, error) {
	return list[workflow.Intent](ctx, s, "list intents", `SELECT record FROM intents ORDER BY ordinal, installation, id`)
}

func list[T any](ctx context.Context, s *Store, what, query string, args ...any) (all []T, err error) {
	err = s.read(ctx, what, func(ctx context.Context, tx *Tx) error {
		all, err = records[T](ctx, tx, query, args...)
		return err
	})
	return all, err
}

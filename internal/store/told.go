package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/keyreeve/keyreeve/internal/workflow"
)

// loadTold reads what people ordered and pressed, and of which request's override a subject is the review.
func loadTold(ctx context.Context, tx *Tx, x workflow.Subject, key string, st *workflow.State) (err error) {
	if st.Orders, err = records[workflow.LeaseOrder](ctx, tx, `SELECT o.record FROM lease_orders o JOIN leases l ON l.installation = o.installation AND l.id = o.lease
		WHERE l.subject = ? ORDER BY o.ordinal`, key); err != nil {
		return err
	}
	repo, number := strings.ToLower(x.Repo.String()), x.Number
	if st.Request != nil {
		repo, number = strings.ToLower(st.Request.Registry.String()), st.Request.Pull
	}
	if st.Presses, err = records[workflow.Press](ctx, tx, `SELECT record FROM presses WHERE installation = ? AND repo = ? AND number = ? ORDER BY at, id`,
		x.Installation, repo, number); err != nil {
		return err
	}
	if st.Request != nil || x.Kind != workflow.IssueSubject {
		return nil
	}
	list, err := records[workflow.Request](ctx, tx, `SELECT record FROM requests WHERE installation = ? AND registry = ? AND review = ?`,
		x.Installation, strings.ToLower(x.Repo.String()), x.Number)
	if err == nil && len(list) > 0 {
		st.Of = &list[0].Subject
	}
	return err
}

// putPresses keeps presses. One that is there was told of before, by the same body, and stays as it is.
func putPresses(ctx context.Context, tx *Tx, presses []workflow.Press) error {
	for _, p := range presses {
		record, err := encode(p)
		if err != nil {
			return err
		}
		x := p.Subject
		_, err = tx.exec(ctx, `INSERT INTO presses (installation, id, repo, number, at, record) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (installation, id) DO NOTHING`, x.Installation, p.ID, strings.ToLower(x.Repo.String()), x.Number, micros(p.At), record)
		if err != nil {
			return fmt.Errorf("write press %s: %w", p.ID, err)
		}
	}
	return nil
}

// putOrders keeps orders. One that is there was taken already, and what it says then stands.
func putOrders(ctx context.Context, tx *Tx, c workflow.Commit) error {
	for _, o := range c.Orders {
		record, err := encode(o)
		if err != nil {
			return err
		}
		_, err = tx.exec(ctx, `INSERT INTO lease_orders (installation, lease, id, ordinal, record)
			VALUES (?, ?, ?, (SELECT COALESCE(MAX(ordinal), 0) + 1 FROM lease_orders), ?) ON CONFLICT (installation, lease, id) DO NOTHING`,
			o.Installation, o.Lease, o.ID, record)
		if err != nil {
			return fmt.Errorf("write order %s of lease %s: %w", o.ID, o.Lease, err)
		}
	}
	return nil
}

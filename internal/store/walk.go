package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/lifecycle"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

var _ workflow.Store = (*Store)(nil)

const openIntents = `SELECT record FROM intents WHERE subject = ? AND state = 'intended' ORDER BY ordinal`

// Load implements workflow.Store.
func (s *Store) Load(ctx context.Context, x workflow.Subject) (st workflow.State, err error) {
	err = s.read(ctx, "load "+x.Key(), func(ctx context.Context, tx *Tx) error {
		if st.Request, err = loadRequest(ctx, tx, x); err != nil {
			return err
		}
		key := x.Key()
		if st.Request != nil {
			key = st.Request.Subject.Key()
			if st.Decision, err = loadDecision(ctx, tx, st.Request); err != nil {
				return err
			}
		}
		if st.Votes, err = records[workflow.BoundVote](ctx, tx, `SELECT record FROM bound_votes WHERE subject = ? ORDER BY ordinal, vote`, key); err != nil {
			return err
		}
		if st.Leases, err = records[lifecycle.Lease](ctx, tx, `SELECT record FROM leases WHERE subject = ? ORDER BY ordinal, id`, key); err != nil {
			return err
		}
		if err := loadTold(ctx, tx, x, key, &st); err != nil {
			return err
		}
		st.Open, err = records[workflow.Intent](ctx, tx, openIntents, key)
		return err
	})
	return st, err
}

// loadRequest finds the request of a subject, nil where there is none. A pull
// request is its own request's subject, or the registry pull request of an issue's.
func loadRequest(ctx context.Context, tx *Tx, x workflow.Subject) (*workflow.Request, error) {
	list, err := records[workflow.Request](ctx, tx, `SELECT record FROM requests WHERE key = ?`, x.Key())
	if err == nil && len(list) == 0 && x.Kind == workflow.PullSubject {
		list, err = records[workflow.Request](ctx, tx, `SELECT record FROM requests WHERE installation = ? AND registry = ? AND pull = ?`,
			x.Installation, strings.ToLower(x.Repo.String()), x.Number)
	}
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// loadDecision reads the decision that a request names, nil where it names none.
func loadDecision(ctx context.Context, tx *Tx, r *workflow.Request) (*workflow.StoredDecision, error) {
	if r.Decision == "" {
		return nil, nil
	}
	list, err := records[workflow.StoredDecision](ctx, tx, `SELECT record FROM decisions WHERE installation = ? AND id = ?`, r.Subject.Installation, r.Decision)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// Access implements workflow.Store.
func (s *Store) Access(ctx context.Context, x workflow.Subject) (st workflow.AccessState, err error) {
	if x.Kind != workflow.AccessSubject || x.Access == nil {
		return st, fmt.Errorf("load access: %s is not an access", x.Kind)
	}
	key := x.Key()
	err = s.read(ctx, "load "+key, func(ctx context.Context, tx *Tx) error {
		var prior string
		ok, err := tx.get(ctx, []any{&prior}, `SELECT prior FROM accesses WHERE key = ?`, key)
		if err != nil {
			return err
		}
		if ok {
			level, err := identity.ParsePermission(prior)
			if err != nil {
				return fmt.Errorf("decode the stored prior level: %w", err)
			}
			st.Prior = &level
		}
		if st.Leases, err = records[lifecycle.Lease](ctx, tx, `SELECT record FROM leases WHERE access = ? AND state <> ? ORDER BY ordinal, id`, key, string(lifecycle.Revoked)); err != nil {
			return err
		}
		if st.Orders, err = records[workflow.LeaseOrder](ctx, tx, `SELECT o.record FROM lease_orders o JOIN leases l ON l.installation = o.installation AND l.id = o.lease
			WHERE l.access = ? AND l.state <> ? ORDER BY o.ordinal`, key, string(lifecycle.Revoked)); err != nil {
			return err
		}
		st.Open, err = records[workflow.Intent](ctx, tx, openIntents, key)
		return err
	})
	return st, err
}

// Open implements workflow.Store. Requests come first, then accesses, each by
// key. A denied or refused request has not ended: a vote or an edit can still change it.
func (s *Store) Open(ctx context.Context, installation int64) (list []workflow.Subject, err error) {
	what := fmt.Sprintf("list what is open in installation %d", installation)
	err = s.read(ctx, what, func(ctx context.Context, tx *Tx) error {
		requests, err := records[workflow.Request](ctx, tx, `SELECT record FROM requests WHERE installation = ? AND state NOT IN (?, ?, ?) ORDER BY key`,
			installation, string(workflow.Ended), string(workflow.Cancelled), string(workflow.Expired))
		if err != nil {
			return err
		}
		for _, r := range requests {
			list = append(list, r.Subject)
		}
		leases, err := records[lifecycle.Lease](ctx, tx, `SELECT record FROM leases WHERE installation = ? AND state <> ?`,
			installation, string(lifecycle.Revoked))
		if err != nil {
			return err
		}
		accesses := make([]workflow.Subject, 0, len(leases))
		for _, l := range leases {
			accesses = append(accesses, accessOf(l.Installation, l.Access))
		}
		list = append(list, sorted(accesses)...)
		return nil
	})
	return list, err
}

func accessOf(installation int64, a identity.Access) workflow.Subject {
	return workflow.Subject{Installation: installation, Kind: workflow.AccessSubject, Access: &a}
}

// Commit implements workflow.Store. A change of two installations at once is
// refused: nothing that is decided for one may ever write another's rows.
func (s *Store) Commit(ctx context.Context, c workflow.Commit) error {
	if err := checkCommit(c); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return s.write(ctx, "commit", func(ctx context.Context, tx *Tx) error {
		for _, part := range []func(context.Context, *Tx, workflow.Commit) error{
			putRequest, putVotes, putDecision, putLeases, putOrders, putPrior, putIntents,
		} {
			if err := part(ctx, tx, c); err != nil {
				return err
			}
		}
		known, err := knownSubjects(ctx, tx, c.WakeKeys)
		if err != nil {
			return err
		}
		if err := s.wake(ctx, tx, append(known, c.Wake...)); err != nil {
			return err
		}
		return s.append(ctx, tx, c.Entries)
	})
}

// knownSubjects reads the subjects behind keys; one that is not stored is an error, since who asks for it would wait for ever.
func knownSubjects(ctx context.Context, tx *Tx, keys []string) ([]workflow.Subject, error) {
	var out []workflow.Subject
	for _, key := range keys {
		list, err := records[workflow.Subject](ctx, tx, `SELECT subject FROM subjects WHERE key = ?`, key)
		if err != nil {
			return nil, err
		}
		if len(list) == 0 {
			return nil, fmt.Errorf("wake %s: it is not known", key)
		}
		out = append(out, list[0])
	}
	return out, nil
}

func checkCommit(c workflow.Commit) error {
	var of []int64
	if c.Request != nil {
		of = append(of, c.Request.Subject.Installation)
	} else if len(c.Votes) > 0 {
		return errors.New("votes without the request that they are for")
	}
	if c.Decision != nil {
		of = append(of, c.Decision.Subject.Installation)
	}
	if c.Prior != nil {
		of = append(of, c.Prior.Subject.Installation)
	}
	for _, l := range c.Leases {
		of = append(of, l.Installation)
	}
	for _, o := range c.Orders {
		of = append(of, o.Installation)
	}
	for _, i := range c.Intents {
		of = append(of, i.Subject.Installation)
	}
	for _, e := range c.Entries {
		of = append(of, e.Installation)
	}
	for _, x := range c.Wake {
		of = append(of, x.Installation)
	}
	for _, key := range c.WakeKeys {
		installation, _, _ := strings.Cut(key, "/")
		n, err := strconv.ParseInt(installation, 10, 64)
		if err != nil {
			return fmt.Errorf("%q is no subject's key", key)
		}
		of = append(of, n)
	}
	for _, n := range of {
		if n != of[0] {
			return fmt.Errorf("it speaks of installation %d and of %d", of[0], n)
		}
	}
	return nil
}

func putRequest(ctx context.Context, tx *Tx, c workflow.Commit) error {
	r := c.Request
	if r == nil {
		return nil
	}
	record, err := encode(r)
	if err != nil {
		return err
	}
	review := 0
	if r.Review != nil {
		review = r.Review.Number
	}
	_, err = tx.exec(ctx, `INSERT INTO requests (key, installation, id, state, registry, pull, review, created_at, record) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (key) DO UPDATE SET id = excluded.id, state = excluded.state, registry = excluded.registry, pull = excluded.pull,
		review = excluded.review, record = excluded.record`,
		r.Subject.Key(), r.Subject.Installation, r.ID, string(r.State), strings.ToLower(r.Registry.String()), r.Pull, review, micros(r.CreatedAt), record)
	if err != nil {
		return fmt.Errorf("write request %s: %w", r.Subject.Key(), err)
	}
	return nil
}

// putVotes binds votes. That the first binding stands is what makes an edit
// between two looks of the bot void a vote rather than move it.
func putVotes(ctx context.Context, tx *Tx, c workflow.Commit) error {
	for _, v := range c.Votes {
		record, err := encode(v)
		if err != nil {
			return err
		}
		key := c.Request.Subject.Key()
		_, err = tx.exec(ctx, `INSERT INTO bound_votes (subject, vote, installation, ordinal, record)
			VALUES (?, ?, ?, (SELECT COALESCE(MAX(ordinal), 0) + 1 FROM bound_votes WHERE subject = ?), ?) ON CONFLICT (subject, vote) DO NOTHING`,
			key, v.Vote, c.Request.Subject.Installation, key, record)
		if err != nil {
			return fmt.Errorf("bind vote %s: %w", v.Vote, err)
		}
	}
	return nil
}

func putDecision(ctx context.Context, tx *Tx, c workflow.Commit) error {
	d := c.Decision
	if d == nil {
		return nil
	}
	record, err := encode(d)
	if err != nil {
		return err
	}
	// Its id names its content, so one that is there says the same already; it keeps the time at which it was first made.
	_, err = tx.exec(ctx, `INSERT INTO decisions (installation, id, subject, at, record) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (installation, id) DO NOTHING`, d.Subject.Installation, d.ID, d.Subject.Key(), micros(d.At), record)
	if err != nil {
		return fmt.Errorf("write decision %s: %w", d.ID, err)
	}
	return nil
}

func putLeases(ctx context.Context, tx *Tx, c workflow.Commit) error {
	for _, l := range c.Leases {
		record, err := encode(l)
		if err != nil {
			return err
		}
		_, err = tx.exec(ctx, `INSERT INTO leases (installation, id, subject, access, state, ordinal, record)
			VALUES (?, ?, ?, ?, ?, (SELECT COALESCE(MAX(ordinal), 0) + 1 FROM leases), ?) ON CONFLICT (installation, id) DO UPDATE
			SET subject = excluded.subject, access = excluded.access, state = excluded.state, record = excluded.record`,
			l.Installation, l.ID, l.Subject, accessOf(l.Installation, l.Access).Key(), string(l.State), record)
		if err != nil {
			return fmt.Errorf("write lease %s: %w", l.ID, err)
		}
	}
	return nil
}

func putPrior(ctx context.Context, tx *Tx, c workflow.Commit) (err error) {
	p := c.Prior
	switch {
	case p == nil:
		return nil
	case p.Level == nil:
		_, err = tx.exec(ctx, `DELETE FROM accesses WHERE key = ?`, p.Subject.Key())
	default:
		_, err = tx.exec(ctx, `INSERT INTO accesses (key, installation, prior) VALUES (?, ?, ?)
			ON CONFLICT (key) DO UPDATE SET prior = excluded.prior`, p.Subject.Key(), p.Subject.Installation, p.Level.String())
	}
	if err != nil {
		return fmt.Errorf("write the prior level of %s: %w", p.Subject.Key(), err)
	}
	return nil
}

func putIntents(ctx context.Context, tx *Tx, c workflow.Commit) error {
	for _, i := range c.Intents {
		record, err := encode(i)
		if err != nil {
			return err
		}
		_, err = tx.exec(ctx, `INSERT INTO intents (installation, id, subject, state, ordinal, record)
			VALUES (?, ?, ?, ?, (SELECT COALESCE(MAX(ordinal), 0) + 1 FROM intents), ?) ON CONFLICT (installation, id) DO UPDATE
			SET state = excluded.state, record = excluded.record`,
			i.Subject.Installation, i.ID, i.Subject.Key(), string(i.State), record)
		if err != nil {
			return fmt.Errorf("write intent %s: %w", i.ID, err)
		}
	}
	return nil
}

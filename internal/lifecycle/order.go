package lifecycle

import (
	"slices"
	"time"

	"github.com/keyreeve/keyreeve/internal/identity"
)

// OrderKind says what somebody who may ordered of a lease.
type OrderKind string

// The orders. Whether somebody may give one is decided before it is stored.
const (
	Extend OrderKind = "extend" // its end comes later by For
	Stop   OrderKind = "revoke" // it ends now, whether it was granted yet or not
)

// Order is one order, as it was given.
type Order struct {
	ID     string          `json:"id"` // "comment/12": an order counts once
	Kind   OrderKind       `json:"kind"`
	By     identity.Person `json:"by"`
	Reason string          `json:"reason"`
	At     time.Time       `json:"at"`
	For    time.Duration   `json:"for,omitempty"` // of an extension
}

// Obey returns l as the orders leave it. Orders that l carries already change nothing, so that it makes no difference how
// often they are given. An extension counts only while the access is there and not stopped: what has ended is asked for
// again. A stop counts always, and none after it makes the end later.
func (l Lease) Obey(orders []Order) Lease {
	l.Orders = slices.Clone(l.Orders)
	for _, o := range orders {
		if slices.ContainsFunc(l.Orders, func(k Order) bool { return k.ID == o.ID }) {
			continue
		}
		if o.Kind == Extend && (l.State != Active || l.stop() != nil || !o.At.Before(l.EndsAt)) {
			continue
		}
		if l.Orders = append(l.Orders, o); !l.VerifiedAt.IsZero() {
			l.EndsAt = l.end()
		}
	}
	return l
}

// end is when l ends by its duration and its orders.
func (l Lease) end() time.Time {
	at := l.VerifiedAt.Add(l.Duration + l.Extended())
	if stop := l.stop(); stop != nil {
		at = earliest(at, stop.At)
	}
	return at
}

// Extended is by how much l was extended in all.
func (l Lease) Extended() (sum time.Duration) {
	for _, o := range l.Orders {
		if o.Kind == Extend {
			sum += o.For
		}
	}
	return sum
}

// stop is the first order to end l, nil where there is none.
func (l Lease) stop() *Order {
	for i, o := range l.Orders {
		if o.Kind == Stop {
			return &l.Orders[i]
		}
	}
	return nil
}

// stopped reports whether l is to end without ever having been active.
func (l Lease) stopped() bool {
	return l.stop() != nil && (l.starting() || l.State == Granting || l.State == Stuck && l.StuckFrom == Granting)
}

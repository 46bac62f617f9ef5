package lifecycle

import (
	"testing"
	"time"
)

func TestObey(t *testing.T) {
	extend := Order{ID: "comment/1", Kind: Extend, For: 30 * time.Minute, At: t0}
	more := Order{ID: "comment/2", Kind: Extend, For: time.Hour, At: t0}
	stop := Order{ID: "comment/3", Kind: Stop, At: t0.Add(10 * time.Minute)}
	late := Order{ID: "comment/4", Kind: Stop, At: t0.Add(9 * time.Hour)}
	for _, c := range []struct {
		name   string
		state  State
		orders []Order
		ends   time.Duration // from t0; 0 where it has no end yet
		kept   int
	}{
		{"nothing", Active, nil, time.Hour, 0},
		{"extended", Active, []Order{extend}, 90 * time.Minute, 1},
		{"twice", Active, []Order{extend, more}, 150 * time.Minute, 2},
		{"the same order again", Active, []Order{extend, extend}, 90 * time.Minute, 1},
		{"stopped", Active, []Order{stop}, 10 * time.Minute, 1},
		{"extended, then stopped", Active, []Order{extend, stop}, 10 * time.Minute, 2},
		{"an extension of what is stopped", Active, []Order{stop, extend}, 10 * time.Minute, 1},
		{"a stop after the end", Active, []Order{late}, time.Hour, 1},
		{"an extension before it is there", Granting, []Order{extend}, 0, 0},
		{"an extension of what is being revoked", Revoking, []Order{extend}, time.Hour, 0},
		{"stopped before it is there", Granting, []Order{stop}, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := lease("a", write, c.state).Obey(c.orders)
			again := l.Obey(c.orders)
			if len(l.Orders) != c.kept || len(again.Orders) != c.kept || !again.EndsAt.Equal(l.EndsAt) {
				t.Errorf("%d orders, and %d when given again", len(l.Orders), len(again.Orders))
			}
			if c.ends == 0 != l.EndsAt.IsZero() || c.ends != 0 && !l.EndsAt.Equal(t0.Add(c.ends)) {
				t.Errorf("ends at %v, want %s after the start", l.EndsAt, c.ends)
			}
		})
	}
}

// TestStoppedBeforeActive: what was ordered to end before it was granted is never granted; what may have reached the
// provider already is taken back.
func TestStoppedBeforeActive(t *testing.T) {
	stop := []Order{{ID: "comment/3", Kind: Stop, At: t0}}
	for _, c := range []struct {
		name  string
		l     Lease
		seen  Observed
		prior bool
		want  string
	}{
		{"approved", lease("a", write, Approved), sees(none), false, "a=revoked"},
		{"approved, of what is held already", lease("a", write, Approved), sees(admin), false, "a=revoked"},
		{"granting, not there yet", lease("a", write, Granting), sees(none), true, "a=revoked"},
		{"granting, there", lease("a", write, Granting), sees(write), true, "a=revoking revoke none prior=none"},
		{"stuck in granting", lease("a", write, Stuck, stuckFrom(Granting)), sees(none), true, "a=revoked"},
		{"granting, invited", lease("a", write, Granting), invited(none), true, "a=revoking revoke none prior=none"},
		{"granting, unknown", lease("a", write, Granting), Observed{}, true, "prior=none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			prior := new(none)
			if !c.prior {
				prior = nil
			}
			if got := show(Decide(prior, []Lease{c.l.Obey(stop)}, c.seen, t0)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

package lifecycle

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyreeve/keyreeve/internal/identity"
)

// world is one access at a provider that may lie, and the bot's rows about it.
type world struct {
	now     time.Time
	level   identity.Permission // what is really held
	invites bool                // whether a first grant only invites
	invited identity.Permission // what the open invitation would give; None: no invitation
	before  identity.Permission // what people gave outside the bot, before the first lease
	prior   *identity.Permission
	leases  []Lease // Revoked ones included
	acts    int
}

// rows are what the store gives: leases that are not revoked.
func (w *world) rows() (out []Lease) {
	for _, l := range w.leases {
		if l.State != Revoked {
			out = append(out, l)
		}
	}
	return out
}

func (w *world) put(t *rapid.T, changed ...Lease) {
	for _, l := range changed {
		i := slices.IndexFunc(w.leases, func(o Lease) bool { return o.ID == l.ID })
		old := w.leases[i]
		if !old.EndsAt.IsZero() && !l.EndsAt.Equal(old.EndsAt) {
			t.Fatalf("%s: its end moved from %s to %s", l.ID, old.EndsAt, l.EndsAt)
		}
		if l.State == Active && (l.Granted == nil || l.VerifiedAt.IsZero() || !l.EndsAt.Equal(l.VerifiedAt.Add(l.Duration))) {
			t.Fatalf("%s: active without a read-back: %+v", l.ID, l)
		}
		if l.State == Revoked && l.Ended == nil {
			t.Fatalf("%s: revoked without a read-back", l.ID)
		}
		w.leases[i] = l
	}
}

// look observes, decides and stores, and returns the act.
func (w *world) look(t *rapid.T, seen Observed) *Act {
	rows := w.rows()
	p := Decide(w.prior, rows, seen, w.now)
	if !seen.Known && (len(p.Leases) > 0 || p.Act != nil || p.PriorChanged(w.prior)) {
		t.Fatalf("something follows from nothing: %+v", p)
	}
	for _, l := range p.Leases {
		if l.State == Active && (seen.Level < l.Permission || seen.Pending) {
			t.Fatalf("%s is active on seeing %+v", l.ID, seen)
		}
	}
	w.put(t, p.Leases...)
	w.prior = p.Prior
	if seen.Pending && p.Act != nil && !p.Act.Revoke {
		t.Fatalf("a second invitation: %+v", p.Act)
	}
	return p.Act
}

func (w *world) observe() Observed {
	return Observed{Known: true, Level: w.level, Pending: w.invited != identity.None, Evidence: Evidence{At: w.now, Answer: w.level.String()}}
}

// apply does what an act asks for, as GitHub would.
func (w *world) apply(a Act) {
	w.acts++
	switch {
	case a.Level == identity.None:
		w.level, w.invited = identity.None, identity.None
	case w.invites && w.level == identity.None:
		w.invited = a.Level
	default:
		w.level = a.Level
	}
}

// walk is one honest walk of the bot: it acts until nothing is left to do.
func (w *world) walk(t *rapid.T) {
	for range 5 {
		a := w.look(t, w.observe())
		if a == nil {
			return
		}
		w.apply(*a)
	}
	t.Fatalf("never settled: level %s, %+v", w.level, w.leases)
}

func (w *world) fail(t *rapid.T) {
	for _, l := range w.rows() {
		w.put(t, Fail(l, "failed", w.now))
	}
}

// step draws one event.
func (w *world) step(t *rapid.T) {
	switch rapid.SampledFrom([]string{"approve", "walk", "walk", "pass", "unknown", "lost", "crash", "accept", "lapse", "back", "meddle"}).Draw(t, "step") {
	case "approve":
		if len(w.rows()) == 0 {
			w.before = w.level
		}
		w.leases = append(w.leases, Lease{
			ID: strconv.Itoa(len(w.leases)), State: Approved,
			Permission: rapid.SampledFrom([]identity.Permission{read, write, admin}).Draw(t, "permission"),
			Duration:   time.Duration(rapid.IntRange(1, 4).Draw(t, "hours")) * time.Hour,
		})
		w.look(t, w.observe()) // so that what the model and the bot call "before" is one moment
	case "walk":
		w.walk(t)
	case "pass":
		w.now = w.now.Add(time.Duration(rapid.IntRange(1, 180).Draw(t, "minutes")) * time.Minute)
	case "back":
		w.now = w.now.Add(-time.Duration(rapid.IntRange(1, 90).Draw(t, "minutes back")) * time.Minute)
	case "unknown":
		w.look(t, Observed{Level: admin, Pending: true})
		w.fail(t)
	case "lost": // a 2xx, or an error, and no effect
		w.look(t, w.observe())
		w.fail(t)
	case "crash": // the effect, and no record of it
		if a := w.look(t, w.observe()); a != nil {
			w.apply(*a)
		}
	case "accept":
		if w.invited != identity.None {
			w.level, w.invited = w.invited, identity.None
		}
	case "lapse":
		w.invited = identity.None
	case "meddle":
		if len(w.rows()) > 0 { // people change the access behind the bot's back
			w.level = rapid.SampledFrom([]identity.Permission{none, read, admin}).Draw(t, "meddled")
			w.invited = identity.None
		}
	}
}

func TestModel(t *testing.T) {
	seen := map[State]int{}
	rapid.Check(t, func(t *rapid.T) {
		w := &world{
			now: t0, invites: rapid.Bool().Draw(t, "invites"),
			level: rapid.SampledFrom([]identity.Permission{none, none, read, write}).Draw(t, "held before"),
		}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			w.step(t)
		}
		// Quiescence: people accept what they were invited to, and the bot walks.
		for range 3 {
			w.walk(t)
			if w.invited != identity.None {
				w.level, w.invited = w.invited, identity.None
			}
		}
		w.settled(t)
		for _, l := range w.leases {
			seen[l.State]++
		}
		acts := w.acts
		w.walk(t)
		if w.acts != acts {
			t.Fatal("a look at what is as it should be acts")
		}
		// And at the end of all leases nothing is left but what was there before.
		w.now = w.now.Add(1000 * time.Hour)
		for range 3 {
			w.walk(t)
			if w.invited != identity.None {
				w.level, w.invited = w.invited, identity.None
			}
		}
		if len(w.leases) > 0 && (w.level != w.before || w.prior != nil || len(w.rows()) > 0) {
			t.Fatalf("at the end %s is held, before it was %s; prior %v, leases %+v", w.level, w.before, w.prior, w.rows())
		}
	})
	if seen[Active] == 0 || seen[Revoked] == 0 {
		t.Errorf("states seen: %v", seen)
	}
}

// settled checks that what is held is what was held before and what the live leases ask for, no more and no less.
func (w *world) settled(t *rapid.T) {
	want := w.before
	live := false
	for _, l := range w.leases {
		switch l.State {
		case Active:
			live = true
			want = max(want, l.Permission)
			if !w.now.Before(l.EndsAt) {
				t.Fatalf("%s outlives its end", l.ID)
			}
		case Revoked:
		default:
			t.Fatalf("%s is left %s", l.ID, l.State)
		}
	}
	if len(w.leases) > 0 && w.level != want {
		t.Fatalf("%s is held, want %s: %+v", w.level, want, w.leases)
	}
	if live != (w.prior != nil) {
		t.Fatalf("prior %v with live leases: %v", w.prior, live)
	}
}

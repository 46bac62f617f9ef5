package lifecycle

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/keyreeve/keyreeve/internal/identity"
)

var t0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const (
	none  = identity.None
	read  = identity.Read
	write = identity.Write
	admin = identity.Admin
)

// lease gives a lease in a state; those that were active ended, or end, an hour from t0.
func lease(id string, p identity.Permission, s State, with ...func(*Lease)) Lease {
	l := Lease{ID: id, Permission: p, Duration: time.Hour, State: s}
	if s == Active || s == Revoking {
		l.VerifiedAt, l.EndsAt = t0, t0.Add(time.Hour)
	}
	for _, w := range with {
		w(&l)
	}
	return l
}

func stuckFrom(s State) func(*Lease) {
	return func(l *Lease) { l.StuckFrom, l.Attempts, l.LastError = s, 6, "no" }
}

func endsAt(at time.Time) func(*Lease) { return func(l *Lease) { l.EndsAt = at } }

func sees(p identity.Permission) Observed {
	return Observed{Known: true, Level: p, Evidence: Evidence{Answer: "role_name: " + p.String()}}
}

func invited(p identity.Permission) Observed {
	o := sees(p)
	o.Pending = true
	return o
}

// show writes a plan as one line: the leases that changed, the act, the prior level and the next look.
func show(p Plan) string {
	var b strings.Builder
	for _, l := range p.Leases {
		fmt.Fprintf(&b, "%s=%s ", l.ID, l.State)
	}
	if p.Act != nil {
		fmt.Fprintf(&b, "%s %s ", map[bool]string{true: "revoke", false: "grant"}[p.Act.Revoke], p.Act.Level)
	}
	if p.Prior != nil {
		fmt.Fprintf(&b, "prior=%s ", p.Prior)
	}
	if !p.Look.IsZero() {
		fmt.Fprintf(&b, "look+%s", p.Look.Sub(t0))
	}
	return strings.TrimSpace(b.String())
}

func TestDecide(t *testing.T) {
	hour := t0.Add(time.Hour)
	for _, c := range []struct {
		name   string
		prior  *identity.Permission
		leases []Lease
		seen   Observed
		now    time.Time
		want   string
	}{
		{"nothing", nil, nil, sees(write), t0, ""},
		{"approved", nil, []Lease{lease("a", write, Approved)}, sees(none), t0, "a=granting grant write prior=none"},
		{"approved: what is held is kept in mind", nil, []Lease{lease("a", write, Approved)}, sees(read), t0, "a=granting grant write prior=read"},
		{"approved, and held already", nil, []Lease{lease("a", write, Approved)}, sees(admin), t0, "a=active prior=admin look+1h0m0s"},
		{"approved, but unknown", nil, []Lease{lease("a", write, Approved)}, Observed{Level: admin}, t0, ""},
		{"granting, not there yet", new(none), []Lease{lease("a", write, Granting)}, sees(none), t0, "grant write prior=none"},
		{"granting, less than asked", new(none), []Lease{lease("a", write, Granting)}, sees(read), t0, "grant write prior=none"},
		{"granting, unknown", new(none), []Lease{lease("a", write, Granting)}, Observed{Level: write}, t0, "prior=none"},
		{"granting, invited", new(none), []Lease{lease("a", write, Granting)}, invited(none), t0, "prior=none look+10m0s"},
		{"granting, read back", new(none), []Lease{lease("a", write, Granting)}, sees(write), t0, "a=active prior=none look+1h0m0s"},
		{"granting, more than asked", new(none), []Lease{lease("a", write, Granting)}, sees(admin), t0, "a=active revoke write prior=none look+1h0m0s"},
		{"active", new(none), []Lease{lease("a", write, Active)}, sees(write), t0, "prior=none look+1h0m0s"},
		{"active, unknown", new(none), []Lease{lease("a", write, Active)}, Observed{}, t0, "prior=none look+1h0m0s"},
		{"active, taken away by somebody", new(none), []Lease{lease("a", write, Active)}, sees(none), t0, "grant write prior=none look+1h0m0s"},
		{"active, raised by somebody", new(none), []Lease{lease("a", write, Active)}, sees(admin), t0, "revoke write prior=none look+1h0m0s"},
		{"active, a nanosecond before its end", new(none), []Lease{lease("a", write, Active)}, sees(write), hour.Add(-1), "prior=none look+1h0m0s"},
		{"at its end", new(none), []Lease{lease("a", write, Active)}, sees(write), hour, "a=revoking revoke none prior=none"},
		{"at its end, unknown", new(none), []Lease{lease("a", write, Active)}, Observed{}, hour, "prior=none look+1h0m0s"},
		{"at its end, restoring", new(read), []Lease{lease("a", write, Active)}, sees(write), hour, "a=revoking revoke read prior=read"},
		{"at its end, gone already", new(none), []Lease{lease("a", write, Active)}, sees(none), hour, "a=revoked"},
		{"at its end, what was held before is gone", new(read), []Lease{lease("a", write, Active)}, sees(none), hour, "a=revoking grant read prior=read"},
		{"at its end, held from before", new(admin), []Lease{lease("a", write, Active)}, sees(admin), hour, "a=revoked"},
		{"at its end, invited again", new(none), []Lease{lease("a", write, Active)}, invited(none), hour, "a=revoking revoke none prior=none"},
		{"revoking, still there", new(none), []Lease{lease("a", write, Revoking)}, sees(read), hour, "revoke none prior=none"},
		{"revoking, unknown", new(none), []Lease{lease("a", write, Revoking)}, Observed{}, hour, "prior=none"},
		{"revoking, gone", new(none), []Lease{lease("a", write, Revoking)}, sees(none), hour, "a=revoked"},
		{"revoking, the clock goes back", new(none), []Lease{lease("a", write, Revoking)}, sees(write), t0, "revoke none prior=none"},
		{"no prior level was kept", nil, []Lease{lease("a", write, Granting)}, sees(write), t0, "a=active look+1h0m0s"},

		{"the second begins", new(none), []Lease{lease("a", read, Active), lease("b", write, Approved)}, sees(read), t0, "b=granting grant write prior=none look+1h0m0s"},
		{"the second asks for less", new(none), []Lease{lease("a", write, Active), lease("b", read, Approved)}, sees(write), t0, "b=active prior=none look+1h0m0s"},
		{
			"the first ends, the second holds the same", new(none),
			[]Lease{lease("a", write, Active), lease("b", write, Active, endsAt(t0.Add(2*time.Hour)))},
			sees(write), hour, "a=revoked prior=none look+2h0m0s",
		},
		{
			"the first ends, the second holds less", new(none),
			[]Lease{lease("a", admin, Active), lease("b", read, Active, endsAt(t0.Add(2*time.Hour)))},
			sees(admin), hour, "a=revoking revoke read prior=none look+2h0m0s",
		},
		{
			"the first is read back as ended", new(none),
			[]Lease{lease("a", admin, Revoking), lease("b", read, Active, endsAt(t0.Add(2*time.Hour)))},
			sees(read), hour, "a=revoked prior=none look+2h0m0s",
		},
		{
			"the first ends while the second is granted more", new(none),
			[]Lease{lease("a", read, Active), lease("b", write, Granting)},
			sees(read), hour, "a=revoked grant write prior=none",
		},
		{"both end", new(read), []Lease{lease("a", admin, Active), lease("b", write, Active)}, sees(admin), hour, "a=revoking b=revoking revoke read prior=read"},
		{"both are gone", new(read), []Lease{lease("a", admin, Revoking), lease("b", write, Revoking)}, sees(read), hour, "a=revoked b=revoked"},
		{"a new one while the last is taken back", new(none), []Lease{lease("a", admin, Revoking), lease("b", write, Approved)}, sees(admin), hour, "b=active revoke write prior=none look+2h0m0s"},

		{"stuck in granting", new(none), []Lease{lease("a", write, Stuck, stuckFrom(Granting))}, sees(none), t0, "grant write prior=none"},
		{"stuck in granting, read back", new(none), []Lease{lease("a", write, Stuck, stuckFrom(Granting))}, sees(write), t0, "a=active prior=none look+1h0m0s"},
		{"stuck in revoking", new(none), []Lease{lease("a", write, Stuck, stuckFrom(Revoking))}, sees(write), t0, "revoke none prior=none"},
		{"stuck in revoking, gone", new(none), []Lease{lease("a", write, Stuck, stuckFrom(Revoking))}, sees(none), t0, "a=revoked"},
		{"stuck before anything was seen", nil, []Lease{lease("a", write, Stuck, stuckFrom(Approved))}, sees(read), t0, "a=granting grant write prior=read"},
		{"stuck, unknown", new(none), []Lease{lease("a", write, Stuck, stuckFrom(Revoking))}, Observed{}, t0, "prior=none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := fmt.Sprint(c.leases)
			if got := show(Decide(c.prior, c.leases, c.seen, c.now)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if fmt.Sprint(c.leases) != before {
				t.Error("the leases given were changed")
			}
		})
	}
}

func TestReadBackIsKept(t *testing.T) {
	at := t0.Add(time.Minute)
	l := Decide(new(none), []Lease{lease("a", write, Stuck, stuckFrom(Granting))}, sees(write), at).Leases[0]
	if l.Granted == nil || l.Granted.Answer != "role_name: write" || !l.VerifiedAt.Equal(at) || !l.EndsAt.Equal(at.Add(time.Hour)) {
		t.Errorf("granted: %+v", l)
	}
	if l.StuckFrom != "" || l.Attempts != 0 || l.LastError != "" {
		t.Errorf("what went wrong before is still there: %+v", l)
	}
	end := at.Add(2 * time.Hour)
	l = Decide(new(none), []Lease{l}, sees(none), end).Leases[0]
	if l.State != Revoked || l.Ended == nil || l.Ended.Answer != "role_name: none" || !l.RevokedAt.Equal(end) || !l.EndsAt.Equal(at.Add(time.Hour)) {
		t.Errorf("ended: %+v", l)
	}
}

func TestPriorChanged(t *testing.T) {
	for _, c := range []struct {
		before, after *identity.Permission
		want          bool
	}{{nil, nil, false}, {nil, new(none), true}, {new(none), nil, true}, {new(read), new(read), false}, {new(read), new(write), true}} {
		if got := (Plan{Prior: c.after}).PriorChanged(c.before); got != c.want {
			t.Errorf("%v to %v: %v", c.before, c.after, got)
		}
	}
}

func TestFail(t *testing.T) {
	for _, c := range []struct {
		l         Lease
		now       time.Time
		stuckFrom State // "" where it never gets stuck
		attempts  int   // after six
	}{
		{lease("a", write, Approved), t0, Approved, 6},
		{lease("a", write, Granting), t0, Granting, 6},
		{lease("a", write, Revoking), t0, Revoking, 6},
		{lease("a", write, Active), t0.Add(time.Hour), Revoking, 6},
		{lease("a", write, Active), t0, "", 0},
		{lease("a", write, Revoked), t0, "", 0},
		{lease("a", write, Stuck, stuckFrom(Revoking)), t0, Revoking, 12},
	} {
		l := c.l
		for i := range 6 {
			if i > 0 && i < 5 && l.State != c.l.State {
				t.Errorf("%s: %s after %d attempts", c.l.State, l.State, i)
			}
			l = Fail(l, fmt.Sprint("error ", i), c.now)
		}
		if l.StuckFrom != c.stuckFrom || l.Attempts != c.attempts || l.LastError != "error 5" || (l.State == Stuck) != (c.stuckFrom != "") {
			t.Errorf("%s: %s from %q, %d attempts, %q", c.l.State, l.State, l.StuckFrom, l.Attempts, l.LastError)
		}
	}
}

func TestBackoff(t *testing.T) {
	for attempts, want := range map[int]time.Duration{
		-1: 0, 0: 0, 1: time.Second, 2: 2 * time.Second, 6: 32 * time.Second, 10: 512 * time.Second, 11: MaxBackoff, 1 << 40: MaxBackoff,
	} {
		if got := Backoff(attempts); got != want {
			t.Errorf("after %d attempts: %s, want %s", attempts, got, want)
		}
	}
}

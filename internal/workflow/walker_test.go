package workflow

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/keyreeve/keyreeve/internal/audit"
	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/lifecycle"
)

// memory is a store of one subject. It fails a commit when told to, as a crash before it would.
type memory struct {
	request *Request
	leases  map[string]lifecycle.Lease
	prior   *identity.Permission
	intents map[string]Intent
	order   []string // of the intents
	entries []audit.Entry
	woken   []string
	fail    func(Commit) error
}

func newMemory() *memory {
	return &memory{leases: map[string]lifecycle.Lease{}, intents: map[string]Intent{}}
}

func (m *memory) open() (out []Intent) {
	for _, id := range m.order {
		if in := m.intents[id]; in.State == Intended {
			out = append(out, in)
		}
	}
	return out
}

func (m *memory) Load(context.Context, Subject) (State, error) {
	return State{Request: m.request, Open: m.open()}, nil
}

func (m *memory) Access(context.Context, Subject) (AccessState, error) {
	st := AccessState{Prior: m.prior, Open: m.open()}
	for _, l := range m.leases {
		if l.State != lifecycle.Revoked {
			st.Leases = append(st.Leases, l)
		}
	}
	return st, nil
}

func (m *memory) Open(context.Context, int64) ([]Subject, error) { return []Subject{theIssue}, nil }

func (m *memory) Commit(_ context.Context, c Commit) error {
	if m.fail != nil {
		if err := m.fail(c); err != nil {
			return err
		}
	}
	if c.Request != nil {
		m.request = c.Request
	}
	for _, l := range c.Leases {
		m.leases[l.ID] = l
	}
	if c.Prior != nil {
		m.prior = c.Prior.Level
	}
	for _, in := range c.Intents {
		if _, known := m.intents[in.ID]; !known {
			m.order = append(m.order, in.ID)
		}
		m.intents[in.ID] = in
	}
	m.entries = append(m.entries, c.Entries...)
	for _, s := range c.Wake {
		m.woken = append(m.woken, s.Key())
	}
	m.woken = append(m.woken, c.WakeKeys...)
	return nil
}

// balanced checks that each intent has ended, with one entry before it and one after.
func (m *memory) balanced(t *testing.T) {
	t.Helper()
	for _, in := range m.intents {
		before, after := 0, 0
		for _, e := range m.entries {
			switch {
			case e.Ref != in.ID:
			case e.Step == audit.Intended:
				before++
			case e.Step == audit.Applied || e.Step == audit.Failed:
				after++
			}
		}
		if in.State == Intended || before != 1 || after != 1 {
			t.Errorf("%s is %s, with %d entries before and %d after", in.ID, in.State, before, after)
		}
	}
}

// github is GitHub as far as an access and comments go.
type github struct {
	accounts map[string]identity.Person
	teams    map[string][]identity.Person
	held     identity.Permission
	stale    int // how many reads of the access still show nothing
	grants   int
	applied  []string
	fail     map[string]error // by the effect's What
	down     error            // of reads
}

func (g *github) User(_ context.Context, _ int64, login string) (identity.Person, error) {
	if p, ok := g.accounts[login]; ok {
		return p, nil
	}
	return identity.Person{}, fmt.Errorf("read user %s: %w", login, ErrNotFound)
}

func (g *github) Team(_ context.Context, _ int64, org, slug string) ([]identity.Person, error) {
	if p, ok := g.teams[org+"/"+slug]; ok {
		return p, nil
	}
	return nil, ErrNotFound
}

func (g *github) RepositoryPermission(context.Context, int64, identity.Repo, identity.Principal) (identity.Permission, error) {
	return g.held, g.down
}

func (g *github) Apply(_ context.Context, e Effect) error {
	if err := g.fail[e.What()]; err != nil {
		return err
	}
	g.applied = append(g.applied, e.What())
	return nil
}

func (g *github) Describe() string { return "a fake" }

func (g *github) Observe(context.Context, int64, identity.Access) (lifecycle.Observed, error) {
	if g.down != nil {
		return lifecycle.Observed{}, g.down
	}
	seen := lifecycle.Observed{Known: true, Level: g.held}
	if g.stale > 0 && g.grants > 0 {
		g.stale--
		seen.Level = identity.None
	}
	return seen, nil
}

func (g *github) Grant(_ context.Context, _ int64, _ identity.Access, level identity.Permission) error {
	g.held = level
	g.grants++
	return nil
}

func (g *github) Revoke(_ context.Context, _ int64, _ identity.Access, level identity.Permission) error {
	g.held = level
	return nil
}

type setting struct {
	*Walker
	store *memory
	hub   *github
	now   time.Time
}

func newSetting() *setting {
	s := &setting{store: newMemory(), now: noon, hub: &github{
		accounts: map[string]identity.Person{"deploy-bot": {ID: 44, Login: "deploy-bot"}}, teams: map[string][]identity.Person{}, fail: map[string]error{},
	}}
	walks := 0
	s.Walker = New(Config{
		People: s.hub, Applier: s.hub, Store: s.store, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return s.now },
		Providers: func(string) (Provider, error) { return s.hub, nil },
		NewID:     func() string { walks++; return fmt.Sprint("walk", walks) },
	})
	return s
}

// lease gives the setting an approved lease, and returns its access.
func (s *setting) lease(who identity.Principal, id int64) Subject {
	a := identity.Access{Provider: "github", Resource: "acme/payments", Principal: who}
	s.store.leases["l"] = lifecycle.Lease{
		ID: "l", Installation: 7, Subject: theIssue.Key(), Access: a, HolderID: id, Permission: identity.Write, Duration: time.Hour, State: lifecycle.Approved,
	}
	return Subject{Installation: 7, Kind: AccessSubject, Access: &a}
}

var deployBot = identity.Principal{Kind: identity.User, Name: "deploy-bot"}

func (s *setting) walk(t *testing.T, x Subject) time.Time {
	t.Helper()
	again, err := s.Walk(t.Context(), x)
	if err != nil {
		t.Fatal(err)
	}
	s.store.balanced(t)
	return again
}

func TestAccessIsGrantedOnceWhileItsReadBackIsStale(t *testing.T) {
	s := newSetting()
	x := s.lease(deployBot, 44)
	s.hub.stale = 1
	again := s.walk(t, x)
	if l := s.store.leases["l"]; l.State != lifecycle.Granting || l.Attempts != 1 || s.hub.grants != 1 || !again.After(noon) {
		t.Fatalf("after a stale read-back: %s, %d attempts, %d grants, again %s", l.State, l.Attempts, s.hub.grants, again)
	}
	s.now = again
	if end := s.walk(t, x); s.store.leases["l"].State != lifecycle.Active || s.hub.grants != 1 || !end.Equal(s.now.Add(time.Hour)) {
		t.Fatalf("%+v, %d grants, again %s", s.store.leases["l"], s.hub.grants, end)
	}
	s.now = s.now.Add(time.Hour)
	s.walk(t, x)
	if s.store.leases["l"].State != lifecycle.Revoked || s.hub.held != identity.None || s.store.prior != nil {
		t.Errorf("at its end it is %s, and %s is held", s.store.leases["l"].State, s.hub.held)
	}
	if len(s.store.woken) != 4 || s.store.woken[0] != theIssue.Key() {
		t.Errorf("each change tells the request, and it was told by %v", s.store.woken)
	}
}

// TestNothingIsConcludedAboutAnotherHolder: a name that cannot be read, or is another account's now, is neither a yes nor a no.
func TestNothingIsConcludedAboutAnotherHolder(t *testing.T) {
	bots := identity.Principal{Kind: identity.Team, Name: "acme/bots"}
	for name, tt := range map[string]struct {
		who    identity.Principal
		change func(*github)
	}{
		"the account has another name":   {deployBot, func(g *github) { delete(g.accounts, "deploy-bot") }},
		"another account has taken it":   {deployBot, func(g *github) { g.accounts["deploy-bot"] = gus }},
		"the team has another name":      {bots, func(g *github) { delete(g.teams, "acme/bots") }},
		"what is held could not be read": {deployBot, func(g *github) { g.down = errors.New("502") }},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSetting()
			s.hub.teams["acme/bots"] = nil
			id := int64(0)
			if tt.who.Kind == identity.User {
				id = 44
			}
			x := s.lease(tt.who, id)
			s.walk(t, x)
			if s.store.leases["l"].State != lifecycle.Active {
				t.Fatalf("it is %s", s.store.leases["l"].State)
			}
			s.now = noon.Add(2 * time.Hour)
			tt.change(s.hub)
			s.hub.held = identity.None // under this name, nothing is held
			for range 6 {
				again := s.walk(t, x)
				if !again.After(s.now) {
					t.Fatalf("it is not looked at again")
				}
				s.now = again
			}
			if l := s.store.leases["l"]; l.State != lifecycle.Stuck || l.StuckFrom != lifecycle.Revoking || l.LastError == "" {
				t.Errorf("after six looks the lease is %+v", l)
			}
			if e := s.store.entries[len(s.store.entries)-1]; e.Step != audit.IsStuck {
				t.Errorf("the log's last entry is %s %s", e.Step, e.What)
			}
		})
	}
	s := newSetting()
	x := s.lease(deployBot, 45)
	if s.walk(t, x); s.hub.grants != 0 || s.store.leases["l"].State != lifecycle.Approved {
		t.Errorf("somebody else was given access: %+v", s.store.leases["l"])
	}
}

func TestLimitIsNoFailedAttempt(t *testing.T) {
	s := newSetting()
	x := s.lease(deployBot, 44)
	s.hub.down = &LimitedError{Installation: 7, Until: noon.Add(time.Hour)}
	_, err := s.Walk(t.Context(), x)
	if _, ok := errors.AsType[*LimitedError](err); !ok || s.store.leases["l"].Attempts != 0 {
		t.Errorf("%v, after %d attempts", err, s.store.leases["l"].Attempts)
	}
}

// look gives converge one plan a round, then none.
func look(plans ...[]Effect) func(context.Context) (turn, error) {
	round := 0
	return func(context.Context) (turn, error) {
		if round++; round > len(plans) {
			return turn{}, nil
		}
		return turn{plan: plans[round-1]}, nil
	}
}

func TestCommentThatIsNotSeenIsNotMadeAgain(t *testing.T) {
	s := newSetting()
	_, err := s.converge(t.Context(), theIssue, look(
		[]Effect{CreateComment{At: theIssue.Place(), Body: "waiting"}},
		[]Effect{CreateComment{At: theIssue.Place(), Body: "waiting, with a pull request"}},
	))
	if !errors.Is(err, errNotSeen) || len(s.hub.applied) != 1 {
		t.Errorf("%v, after %v", err, s.hub.applied)
	}
	s.store.balanced(t)
}

func TestWalkThatNeverSettlesEnds(t *testing.T) {
	s := newSetting()
	n := 0
	_, err := s.converge(t.Context(), theIssue, func(context.Context) (turn, error) {
		n++
		return turn{plan: []Effect{EditComment{At: theIssue.Place(), Body: fmt.Sprint(n)}}}, nil
	})
	if err == nil || n != maxRounds {
		t.Errorf("%v after %d rounds", err, n)
	}
}

func TestWhatFollowsAFailedEffectIsNotTried(t *testing.T) {
	at := theIssue.Place()
	effects := []Effect{CreateComment{At: at}, ClosePull{At: at}, CloseIssue{At: at}}
	s := newSetting()
	s.hub.fail["close pull request acme/identities#1"] = errors.New("no")
	_, err := s.converge(t.Context(), theIssue, look(effects))
	if err == nil || strings.Join(s.hub.applied, ", ") != "comment on acme/identities#1" {
		t.Errorf("%v, after %v", err, s.hub.applied)
	}
	s.store.balanced(t)
	last := s.store.intents[s.store.order[2]]
	if last.State != Failed || !strings.HasPrefix(last.Error, "not tried: ") {
		t.Errorf("the last one is %+v", last)
	}
}

// TestCrashBetweenCommits lets each commit of a walk fail in turn, as a crash before it would, and walks again: no intent is
// left open, and what reached the world before is not done again.
func TestCrashBetweenCommits(t *testing.T) {
	for crash := 1; crash <= 4; crash++ {
		s := newSetting()
		x := s.lease(deployBot, 44)
		n := 0
		s.store.fail = func(Commit) error {
			if n++; n >= crash {
				return errors.New("gone")
			}
			return nil
		}
		_, err := s.Walk(t.Context(), x)
		if crash <= 3 && err == nil {
			t.Fatalf("commit %d did not fail", crash)
		}
		s.store.fail = nil
		s.now = s.now.Add(time.Minute)
		s.walk(t, x)
		if s.store.leases["l"].State != lifecycle.Active || s.hub.grants != 1 {
			t.Errorf("after a crash before commit %d: %s, %d grants", crash, s.store.leases["l"].State, s.hub.grants)
		}
	}
}

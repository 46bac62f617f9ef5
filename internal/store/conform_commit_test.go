package store_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/internal/audit"
	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/lifecycle"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

var deployBot = identity.Access{
	Provider: "github", Resource: "acme/payments",
	Principal: identity.Principal{Kind: identity.User, Name: "deploy-bot"},
}

func access(installation int64) workflow.Subject {
	a := deployBot
	return workflow.Subject{Installation: installation, Kind: workflow.AccessSubject, Access: &a}
}

func request(x workflow.Subject, state workflow.RequestState) *workflow.Request {
	at := time.Date(2026, 3, 1, 12, 0, 0, 123, time.UTC)
	return &workflow.Request{
		Subject: x, ID: "acme-identities-1", State: state, Requester: identity.Person{ID: 5, Login: "dev"},
		Title: "NUL \x00, and 'quotes'?", Registry: x.Repo, CreatedAt: at, UpdatedAt: at,
	}
}

func lease(id string, x workflow.Subject, state lifecycle.State) lifecycle.Lease {
	return lifecycle.Lease{
		ID: id, Installation: x.Installation, Subject: x.Key(), Decision: "d1", Access: deployBot,
		Permission: identity.Write, Duration: time.Hour, State: state,
	}
}

func intent(id string, x workflow.Subject, state workflow.IntentState) workflow.Intent {
	return workflow.Intent{
		ID: id, Subject: x, What: "comment", Effect: json.RawMessage(`{"type":"CreateComment"}`),
		State: state, At: time.Unix(1, 0).UTC(),
	}
}

// full is a commit with every part in it.
func full(x workflow.Subject) workflow.Commit {
	level := identity.Read
	return workflow.Commit{
		Request: request(x, workflow.Waiting),
		Votes:   []workflow.BoundVote{{Vote: "comment/7", Digest: "aaa", SeenAt: time.Unix(1, 0).UTC()}},
		Decision: &workflow.StoredDecision{
			ID: "d1", Subject: x, At: time.Unix(1, 0).UTC(), Policy: "p", Codeowners: "c",
			Facts: approvals.Facts{Digest: "aaa"}, Decision: approvals.Decision{Verdict: approvals.Approved, Digest: "aaa"},
		},
		Leases:  []lifecycle.Lease{lease("l1", x, lifecycle.Approved), lease("l2", x, lifecycle.Revoked)},
		Prior:   &workflow.PriorChange{Subject: access(x.Installation), Level: &level},
		Intents: []workflow.Intent{intent("i10", x, workflow.Intended), intent("i9", x, workflow.Intended), intent("i8", x, workflow.Applied)},
		Entries: []audit.Entry{entry("one"), entry("two")},
		Wake:    []workflow.Subject{access(x.Installation), x},
	}
}

func testCommit(t *testing.T, db database) {
	s, ctx := db.open(t), t.Context()
	x := issue(7, 1)
	if st := must(s.Load(ctx, x))(t); st.Request != nil || st.Votes != nil || st.Leases != nil || st.Open != nil {
		t.Errorf("a subject not seen before: %+v", st)
	}
	c := full(x)
	ok(t, s.Commit(ctx, c))
	want := workflow.State{Request: c.Request, Votes: c.Votes, Leases: c.Leases, Open: c.Intents[:2]}
	if got := must(s.Load(ctx, x))(t); !reflect.DeepEqual(got, want) {
		t.Errorf("loaded %+v\nwant   %+v", got, want)
	}
	if c.Entries[1].Seq != 0 || c.Entries[1].Controls != nil {
		t.Error("the caller's entries were changed")
	}
	log := must(s.Entries(ctx, 0, 10))(t)
	if len(log) != 2 || log[0].What != "one" || log[1].What != "two" || log[1].Seq != 1 || !reflect.DeepEqual(log[0].Controls, audit.Controls(audit.Decided)) {
		t.Errorf("log: %+v", log)
	}
	if due := must(s.Due(ctx, db.clock.Now(), 10))(t); keys(due) != "[7/access/github/acme/payments/user:deploy-bot 7/issue/99#1]" {
		t.Errorf("woken: %s", keys(due))
	}
	// Upserts keep their place in the order.
	c2 := workflow.Commit{
		Request: request(x, workflow.Live), Leases: []lifecycle.Lease{lease("l1", x, lifecycle.Active)},
		Intents: []workflow.Intent{intent("i10", x, workflow.Applied), intent("i9", x, workflow.Intended), intent("i11", x, workflow.Intended)},
	}
	ok(t, s.Commit(ctx, c2))
	got := must(s.Load(ctx, x))(t)
	if got.Request.State != workflow.Live || got.Leases[0].State != lifecycle.Active || got.Leases[1].ID != "l2" ||
		len(got.Open) != 2 || got.Open[0].ID != "i9" || got.Open[1].ID != "i11" {
		t.Errorf("after upserts: %+v", got)
	}
	// A decision's id names its content: what was stored first stays.
	again := *c.Decision
	again.At = time.Unix(500, 0).UTC()
	ok(t, s.Commit(ctx, workflow.Commit{Decision: &again}))
	if d := must(s.Decision(ctx, "d1"))(t); !reflect.DeepEqual(d, *c.Decision) {
		t.Errorf("decision %+v, want %+v", d, *c.Decision)
	}
	if _, err := s.Decision(ctx, "d2"); !errors.Is(err, workflow.ErrNotFound) {
		t.Errorf("a decision that is not there: %v", err)
	}
	if n := len(must(s.Requests(ctx))(t)); n != 1 {
		t.Errorf("%d requests", n)
	}
	if n := len(must(s.Decisions(ctx))(t)); n != 1 {
		t.Errorf("%d decisions", n)
	}
	if l := must(s.Leases(ctx))(t); len(l) != 2 || l[0].ID != "l1" {
		t.Errorf("leases: %+v", l)
	}
	if i := must(s.Intents(ctx))(t); len(i) != 4 || i[0].ID != "i10" || i[3].ID != "i11" {
		t.Errorf("intents: %+v", i)
	}
}

func testFirstBinding(t *testing.T, db database) {
	s, ctx := db.open(t), t.Context()
	x := issue(7, 1)
	bind := func(x workflow.Subject, votes ...string) {
		t.Helper()
		c := workflow.Commit{Request: request(x, workflow.Waiting)}
		for i := 0; i < len(votes); i += 2 {
			c.Votes = append(c.Votes, workflow.BoundVote{Vote: votes[i], Digest: votes[i+1]})
		}
		ok(t, s.Commit(ctx, c))
	}
	bind(x, "comment/9", "aaa", "comment/10", "aaa")
	bind(x, "comment/9", "bbb", "comment/8", "bbb")
	bind(issue(7, 2), "comment/9", "ccc")
	var got []string
	for _, v := range must(s.Load(ctx, x))(t).Votes {
		got = append(got, v.Vote, v.Digest)
	}
	if want := []string{"comment/9", "aaa", "comment/10", "aaa", "comment/8", "bbb"}; !reflect.DeepEqual(got, want) {
		t.Errorf("votes %v, want %v", got, want)
	}
	if err := s.Commit(ctx, workflow.Commit{Votes: []workflow.BoundVote{{Vote: "v"}}}); err == nil {
		t.Error("votes for no request were written")
	}
}

// testAtomic: whichever part fails, nothing is left of the others.
func testAtomic(t *testing.T, db database) {
	s, ctx := db.open(t), t.Context()
	x := issue(7, 1)
	broken := json.RawMessage(`{`)
	for name, breaks := range map[string]func(*workflow.Commit){
		"intent":             func(c *workflow.Commit) { c.Intents[2].Effect = broken },
		"entry":              func(c *workflow.Commit) { c.Entries[1].Data = broken },
		"lease":              func(c *workflow.Commit) { c.Leases[1].VerifiedAt = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"other installation": func(c *workflow.Commit) { c.Wake = append(c.Wake, issue(8, 1)) },
	} {
		c := full(x)
		breaks(&c)
		if err := s.Commit(ctx, c); err == nil {
			t.Errorf("%s: it was committed", name)
		}
	}
	st := must(s.Load(ctx, x))(t)
	size, _, err := s.Root(ctx)
	ok(t, err)
	if st.Request != nil || st.Votes != nil || st.Leases != nil || st.Open != nil || size != 0 ||
		len(must(s.Subjects(ctx))(t)) != 0 || len(must(s.Decisions(ctx))(t)) != 0 || must(s.Access(ctx, access(7)))(t).Prior != nil {
		t.Errorf("left behind: %+v, %d entries", st, size)
	}
	ok(t, s.Commit(ctx, full(x)))
	if log := must(s.Entries(ctx, 0, 10))(t); len(log) != 2 || log[0].Seq != 0 || log[1].Seq != 1 {
		t.Errorf("numbers have gaps after failures: %+v", log)
	}
}

// testInstallations: equal ids of two installations are two things.
func testInstallations(t *testing.T, db database) {
	s, ctx := db.open(t), t.Context()
	a, b := full(issue(7, 1)), full(issue(8, 1))
	for i := range b.Entries {
		b.Entries[i].Installation = 8
	}
	b.Leases[0].State, b.Request.State = lifecycle.Active, workflow.Live
	none := identity.None
	b.Prior.Level = &none
	ok(t, s.Commit(ctx, a))
	ok(t, s.Commit(ctx, b))
	if l := must(s.Load(ctx, issue(7, 1)))(t); l.Request.State != workflow.Waiting || l.Leases[0].State != lifecycle.Approved || len(l.Open) != 2 {
		t.Errorf("the first: %+v", l)
	}
	for n, level := range map[int64]identity.Permission{7: identity.Read, 8: identity.None} {
		st := must(s.Access(ctx, access(n)))(t)
		if st.Prior == nil || *st.Prior != level || len(st.Leases) != 1 || st.Leases[0].Installation != n {
			t.Errorf("installation %d: %+v", n, st)
		}
	}
	if len(must(s.Leases(ctx))(t)) != 4 || len(must(s.Intents(ctx))(t)) != 6 {
		t.Error("one installation's rows took the place of the other's")
	}
	if _, err := s.Decision(ctx, "d1"); !errors.Is(err, workflow.ErrNotFound) {
		t.Errorf("a decision's id in two installations: %v", err)
	}
}

func testAccesses(t *testing.T, db database) {
	s, ctx := db.open(t), t.Context()
	x := access(7)
	if st := must(s.Access(ctx, x))(t); st.Prior != nil || st.Leases != nil || st.Open != nil {
		t.Errorf("one not seen before: %+v", st)
	}
	if _, err := s.Access(ctx, issue(7, 1)); err == nil {
		t.Error("an issue was loaded as an access")
	}
	level := identity.Triage
	ok(t, s.Commit(ctx, workflow.Commit{
		Leases: []lifecycle.Lease{
			lease("b", issue(7, 2), lifecycle.Active), lease("a", issue(7, 1), lifecycle.Stuck), lease("c", issue(7, 3), lifecycle.Revoked),
		},
		Prior: &workflow.PriorChange{Subject: x, Level: &level}, Intents: []workflow.Intent{intent("i", x, workflow.Intended)},
	}))
	st := must(s.Access(ctx, x))(t)
	if *st.Prior != identity.Triage || len(st.Leases) != 2 || st.Leases[0].ID != "b" || st.Leases[1].ID != "a" || len(st.Open) != 1 {
		t.Errorf("access: %+v", st)
	}
	ok(t, s.Commit(ctx, workflow.Commit{
		Leases: []lifecycle.Lease{lease("a", issue(7, 1), lifecycle.Revoked), lease("b", issue(7, 2), lifecycle.Revoked)},
		Prior:  &workflow.PriorChange{Subject: x},
	}))
	if st := must(s.Access(ctx, x))(t); st.Prior != nil || len(st.Leases) != 0 {
		t.Errorf("after the last end: %+v", st)
	}
}

func testOpen(t *testing.T, db database) {
	s, ctx := db.open(t), t.Context()
	for i, state := range []workflow.RequestState{
		workflow.Invalid, workflow.Refused, workflow.Waiting, workflow.Denied, workflow.Approved,
		workflow.Merged, workflow.Live, workflow.Ended, workflow.Cancelled,
	} {
		ok(t, s.Commit(ctx, workflow.Commit{Request: request(issue(7, i+1), state)}))
	}
	ok(t, s.Commit(ctx, workflow.Commit{Request: request(issue(8, 1), workflow.Waiting)}))
	ok(t, s.Commit(ctx, workflow.Commit{Leases: []lifecycle.Lease{lease("a", issue(7, 1), lifecycle.Active), lease("b", issue(7, 2), lifecycle.Stuck)}}))
	ok(t, s.Commit(ctx, workflow.Commit{Leases: []lifecycle.Lease{lease("c", issue(8, 1), lifecycle.Revoked)}}))
	want := "[7/issue/99#1 7/issue/99#2 7/issue/99#3 7/issue/99#4 7/issue/99#5 7/issue/99#6 7/issue/99#7 7/access/github/acme/payments/user:deploy-bot]"
	if got := keys(must(s.Open(ctx, 7))(t)); got != want {
		t.Errorf("open in 7: %s", got)
	}
	if got := keys(must(s.Open(ctx, 8))(t)); got != "[8/issue/99#1]" {
		t.Errorf("open in 8: %s", got)
	}
	if got := must(s.Open(ctx, 9))(t); len(got) != 0 {
		t.Errorf("open in 9: %s", keys(got))
	}
}

// testByPull: a request is found by the registry pull request that it led to, with its newest decision.
func testByPull(t *testing.T, db database) {
	s, ctx := db.open(t), t.Context()
	x := issue(7, 1)
	c := full(x)
	c.Request.Pull, c.Request.Decision = 12, "d1"
	c.Request.Registry = identity.Repo{Owner: "Acme", Name: "Identities"}
	ok(t, s.Commit(ctx, c))
	pull := func(installation int64, number int, name string) workflow.Subject {
		return workflow.Subject{Installation: installation, Kind: workflow.PullSubject, Number: number, Repo: identity.Repo{ID: 99, Owner: "acme", Name: name}}
	}
	got := must(s.Load(ctx, pull(7, 12, "identities")))(t)
	if got.Request == nil || got.Request.Subject != x || got.Decision == nil || got.Decision.ID != "d1" || len(got.Votes) != 1 || len(got.Leases) != 2 || len(got.Open) != 2 {
		t.Errorf("by its pull request: %+v", got)
	}
	for _, other := range []workflow.Subject{pull(8, 12, "identities"), pull(7, 13, "identities"), pull(7, 12, "payments"), issue(7, 12)} {
		if got := must(s.Load(ctx, other))(t); got.Request != nil || got.Decision != nil {
			t.Errorf("%s gives the request of another", other.Key())
		}
	}
	// A pull request that is a request of its own is found first.
	own := pull(7, 12, "identities")
	ok(t, s.Commit(ctx, workflow.Commit{Request: request(own, workflow.Invalid)}))
	if got := must(s.Load(ctx, own))(t); got.Request == nil || got.Request.Subject != own {
		t.Errorf("its own request: %+v", got.Request)
	}
}

func testWakeKeys(t *testing.T, db database) {
	s, ctx := db.open(t), t.Context()
	x := issue(7, 1)
	ok(t, s.Wake(ctx, x, issue(8, 1)))
	ok(t, s.Commit(ctx, workflow.Commit{Wake: []workflow.Subject{x}, WakeKeys: []string{x.Key()}}))
	if all := must(s.Subjects(ctx))(t); all[0].Generation != 2 || all[1].Generation != 1 {
		t.Errorf("woken by subject and key at once: %+v", all)
	}
	for _, bad := range []workflow.Commit{
		{WakeKeys: []string{"7/issue/99#2"}},
		{WakeKeys: []string{"nonsense"}},
		{Wake: []workflow.Subject{x}, WakeKeys: []string{issue(8, 1).Key()}},
	} {
		if err := s.Commit(ctx, bad); err == nil {
			t.Errorf("%v was woken", bad.WakeKeys)
		}
	}
	if all := must(s.Subjects(ctx))(t); len(all) != 2 || all[0].Generation != 2 || all[1].Generation != 1 {
		t.Errorf("woken by a refused commit: %+v", all)
	}
}

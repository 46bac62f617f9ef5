package proof

import (
	"strings"
	"testing"
	"time"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/internal/audit"
	"github.com/keyreeve/keyreeve/internal/hub"
	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/lifecycle"
	"github.com/keyreeve/keyreeve/internal/store"
	"github.com/keyreeve/keyreeve/internal/workflow"
	"github.com/keyreeve/keyreeve/templates"
)

var (
	noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	dana = identity.Person{ID: 1, Login: "dana"}
	erin = identity.Person{ID: 2, Login: "erin"}
	bots = identity.Access{Provider: "github", Resource: "acme/payments", Principal: identity.Principal{Kind: identity.User, Name: "bot"}}
)

// sound is a state in which one grant is active, and everything holds.
func sound() (State, stored) {
	grant := &identity.Grant{
		Version: 1, ID: "acme-identities-1", Identity: "payments/bot", Provider: "github", Resource: "acme/payments",
		Permission: identity.Write, Environment: "production", Duration: identity.Duration(time.Hour), Reason: "why", Requester: dana,
	}
	facts := approvals.Facts{
		Digest:   grant.Digest(),
		Needs:    []approvals.Need{{Kind: approvals.Resource, Subject: "acme/payments", Owners: []string{"@erin"}}},
		People:   map[string]approvals.Members{"@erin": {Known: true, People: []identity.Person{erin}}},
		Excluded: []approvals.Exclusion{{Person: dana, Why: approvals.Requester}},
		Votes:    []approvals.Vote{{ID: "comment/1", By: erin, Verb: approvals.Approve, Digest: grant.Digest()}},
	}
	access := bots
	issue := workflow.Subject{Installation: 1, Kind: workflow.IssueSubject, Repo: identity.Repo{ID: 9, Owner: "acme", Name: "identities"}, Number: 1}
	reach := workflow.Intent{
		ID: "i", Subject: workflow.Subject{Installation: 1, Kind: workflow.AccessSubject, Access: &access}, What: "grant", State: workflow.Applied,
	}
	d := stored{
		requests: []workflow.Request{{
			Subject: issue, ID: grant.ID, State: workflow.Live, Requester: dana, Grant: grant, Pull: 2, Registry: issue.Repo, Decision: "d",
			Identity: &identity.Identity{Name: "payments/bot", Account: &identity.Account{User: "bot"}},
		}},
		leases: []lifecycle.Lease{{
			ID: grant.ID, Access: bots, Permission: identity.Write, Duration: time.Hour, State: lifecycle.Active, Decision: "d",
			VerifiedAt: noon, EndsAt: noon.Add(time.Hour), Granted: &lifecycle.Evidence{At: noon},
		}},
		decisions: map[string]workflow.StoredDecision{"d": {ID: "d", Subject: issue, Facts: facts, Decision: approvals.Decide(facts)}},
		intents:   []workflow.Intent{reach},
		entries:   []audit.Entry{{Seq: 1, Step: audit.Intended, Ref: "i"}, {Seq: 2, Step: audit.Applied, Ref: "i"}},
		deliveries: []store.StoredDelivery{
			{ID: "guid", FinishedAt: noon},
		},
	}
	answer := []hub.Comment{{Body: templates.Marker(grant.ID), ViaApp: "keyreeve"}}
	s := State{
		App: "keyreeve", AppID: 7, Now: noon, Before: map[string]identity.Permission{},
		World: hub.World{
			Repos: []hub.Repo{
				{FullName: "acme/payments", Collaborators: []hub.Collaborator{{Login: "bot", Permission: "write"}}},
				{
					FullName: "acme/identities", Issues: []hub.Issue{{Number: 1, Comments: answer}},
					Pulls: []hub.Pull{{Issue: hub.Issue{Number: 2, Comments: answer}, Head: "keyreeve/acme-identities-1"}},
				},
			},
			Deliveries: []hub.Delivery{{AppID: 7, GUID: "guid", StatusCode: 202}},
		},
		Writes: []hub.Write{
			{App: "keyreeve", Method: "PUT", Path: "/repos/acme/identities/pulls/2/merge", Status: 200},
			{App: "keyreeve", Method: "PUT", Path: "/repos/acme/payments/collaborators/bot", Status: 204},
		},
	}
	return s, d
}

func broken(s State, d stored) string {
	var all []string
	for _, list := range [][]string{
		replays(d), backed(s, d), asked(d), own(s, d), ends(s, d), access(s, d), logged(s, d), kept(s, d), once(s, d),
	} {
		all = append(all, list...)
	}
	return strings.Join(all, "\n")
}

func TestSoundStateHolds(t *testing.T) {
	if got := broken(sound()); got != "" {
		t.Fatalf("a sound state is called broken:\n%s", got)
	}
}

// TestEveryCheckCanFail breaks the sound state in one way each; the check that is meant for it has to say so.
func TestEveryCheckCanFail(t *testing.T) {
	tests := map[string]struct {
		do   func(s *State, d *stored)
		want string
	}{
		"a decision that its facts do not give": {func(_ *State, d *stored) {
			x := d.decisions["d"]
			x.Facts.Votes = nil
			d.decisions["d"] = x
		}, "does not replay"},
		"no decision": {func(_ *State, d *stored) { d.leases[0].Decision = "" }, `says ""`},
		"a grant without a lease": {func(s *State, _ *stored) {
			s.Writes = append(s.Writes, hub.Write{App: "keyreeve", Method: "PUT", Path: "/repos/acme/ledger/collaborators/gus", Status: 201})
		}, "there is no lease"},
		"more than asked":     {func(_ *State, d *stored) { d.leases[0].Permission = identity.Admin }, "not what was asked for"},
		"longer than asked":   {func(_ *State, d *stored) { d.leases[0].Duration *= 2 }, "not what was asked for"},
		"for somebody else":   {func(_ *State, d *stored) { d.requests[0].Identity.Account.User = "gus" }, "not what was asked for"},
		"of another digest":   {func(_ *State, d *stored) { d.requests[0].Grant.Reason = "else" }, "rests on an approval of"},
		"no request":          {func(_ *State, d *stored) { d.requests = nil }, "has no request"},
		"the requester's own": {func(_ *State, d *stored) { d.requests[0].Requester = erin }, "whose own access"},
		"the holder's own":    {func(_ *State, d *stored) { d.leases[0].Access.Principal.Name = "Erin" }, "whose own access"},
		"a team member's own": {func(s *State, d *stored) {
			d.leases[0].Access.Principal = identity.Principal{Kind: identity.Team, Name: "acme/bots"}
			s.World.Orgs = []hub.Org{{Login: "acme", Teams: []hub.Team{{Slug: "bots", Members: []hub.Member{{Login: "erin"}}}}}}
		}, "whose own access"},
		"too few":      {func(_ *State, d *stored) { d.decisions["d"].Decision.Needs[0].By = nil }, "was approved by 0"},
		"past its end": {func(s *State, _ *stored) { s.Now = noon.Add(time.Hour + 2*Slack) }, "is active after its end"},
		"no read-back": {func(_ *State, d *stored) { d.leases[0].Granted = nil }, "without a read-back"},
		"extended":     {func(_ *State, d *stored) { d.leases[0].EndsAt = noon.Add(3 * time.Hour) }, "longer than was approved"},
		"revoked early": {func(_ *State, d *stored) {
			l := &d.leases[0]
			l.State, l.RevokedAt, l.Ended = lifecycle.Revoked, noon, l.Granted
		}, "before its end"},
		"revoked unseen": {func(_ *State, d *stored) {
			d.leases[0].State, d.leases[0].RevokedAt = lifecycle.Revoked, noon.Add(time.Hour)
		}, "revoked without a read-back"},
		"on its way":     {func(_ *State, d *stored) { d.leases[0].State = lifecycle.Stuck }, "not settled"},
		"access is gone": {func(s *State, _ *stored) { s.World.Repos[0].Collaborators = nil }, "holds none, and should hold write"},
		"a custom role":  {func(s *State, _ *stored) { s.World.Repos[0].Collaborators[0].Permission = "deployer" }, "holds deployer"},
		"still there":    {func(_ *State, d *stored) { end(&d.leases[0]) }, "holds write, and should hold none"},
		"still invited": {func(s *State, d *stored) {
			end(&d.leases[0])
			s.World.Repos[0].Invitations = []hub.Invitation{{Invitee: "bot"}}
		}, "still invited"},
		"not restored":    {func(s *State, d *stored) { end(&d.leases[0]); s.Before[bots.String()] = identity.Read }, "should hold read"},
		"no entry before": {func(_ *State, d *stored) { d.entries = d.entries[1:] }, "has the entries [] before"},
		"no entry after":  {func(_ *State, d *stored) { d.entries = d.entries[:1] }, "and [] after"},
		"entries turned":  {func(_ *State, d *stored) { d.entries[0].Seq = 3 }, "has the entries [3] before it and [2]"},
		"no intent": {func(s *State, _ *stored) {
			s.Writes = append(s.Writes, hub.Write{App: "keyreeve", Method: "DELETE", Path: "/api/v3/repos/acme/payments/collaborators/bot", Status: 204})
		}, "was changed 2 times, and intended 1"},
		"a lost delivery":       {func(_ *State, d *stored) { d.deliveries = nil }, "is not in the inbox"},
		"an unfinished one":     {func(_ *State, d *stored) { d.deliveries[0].FinishedAt = time.Time{} }, "never finished"},
		"no answer":             {func(s *State, _ *stored) { s.World.Repos[1].Issues[0].Comments = nil }, "identities#1 has 0 answers"},
		"no answer on the pull": {func(s *State, _ *stored) { s.World.Repos[1].Pulls[0].Comments = nil }, "identities#2 has 0 answers"},
		"two answers": {func(s *State, _ *stored) {
			c := &s.World.Repos[1].Issues[0].Comments
			*c = append(*c, (*c)[0])
		}, "has 2 answers"},
		"two pulls":  {func(s *State, _ *stored) { p := &s.World.Repos[1].Pulls; *p = append(*p, (*p)[0]) }, "has 2 pull requests"},
		"two merges": {func(s *State, _ *stored) { s.Writes = append(s.Writes, s.Writes[0]) }, "was called 2 times"},
		"two grants": {func(s *State, d *stored) {
			s.Writes = append(s.Writes, s.Writes[1])
			d.intents = append(d.intents, d.intents[0])
		}, "was granted 2 times"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s, d := sound()
			tt.do(&s, &d)
			if got := broken(s, d); !strings.Contains(got, tt.want) {
				t.Errorf("it was not seen; instead:\n%s", got)
			}
		})
	}
}

func end(l *lifecycle.Lease) {
	l.State, l.RevokedAt, l.Ended = lifecycle.Revoked, l.EndsAt, l.Granted
}

package main

import (
	"testing"
	"time"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

// TestTry decides one stored decision again under policies that differ from the one that it was made by.
func TestTry(t *testing.T) {
	hour := identity.Duration(time.Hour)
	erin, frank := identity.Person{ID: 1, Login: "erin"}, identity.Person{ID: 2, Login: "frank"}
	ask := func(name, owner string, count int) identity.Rule {
		return identity.Rule{Name: name, Require: []identity.Quorum{{From: []string{owner}, Count: count}}}
	}
	base := identity.Policy{
		Environments: []string{"production"}, Grants: identity.Limits{MaxDuration: 8 * hour}, Rules: []identity.Rule{ask("security", "@acme/security", 1)},
	}
	grant := identity.Grant{Environment: "production", Duration: 2 * hour, Permission: identity.Write}
	request := workflow.Request{Grant: &grant, Identity: &identity.Identity{}}
	facts := approvals.UnderPolicy(approvals.Facts{
		Digest: "sha256:x",
		Needs:  []approvals.Need{{Kind: approvals.Resource, Subject: "acme/payments", Owners: []string{"@acme/payments"}, Count: 1}},
		People: map[string]approvals.Members{
			"@acme/payments": {Known: true, People: []identity.Person{erin}}, "@acme/security": {Known: true, People: []identity.Person{frank}},
		},
		Votes: []approvals.Vote{
			{ID: "comment/1", By: erin, Verb: approvals.Approve, Digest: "sha256:x"}, {ID: "comment/2", By: frank, Verb: approvals.Approve, Digest: "sha256:x"},
		},
	}, base, *request.Identity, grant)
	stored := workflow.StoredDecision{ID: "d", Facts: facts, Decision: approvals.Decide(facts)}
	if stored.Decision.Verdict != approvals.Approved {
		t.Fatal(stored.Decision)
	}
	for _, c := range []struct {
		name           string
		change         func(*identity.Policy)
		would          approvals.Verdict
		added, removed int
		problems       int
		unknown        int
		same           bool
	}{
		{"the same", func(*identity.Policy) {}, approvals.Approved, 0, 0, 0, 0, true},
		{"nothing that matters here", func(p *identity.Policy) { p.Revokers = []string{"@acme/board"} }, approvals.Approved, 0, 0, 0, 0, true},
		{"fewer needs", func(p *identity.Policy) { p.Rules = nil }, approvals.Approved, 0, 1, 0, 0, false},
		{"more people than there are", func(p *identity.Policy) { p.Rules[0].Require[0].Count = 2 }, approvals.Refused, 1, 1, 0, 0, false},
		{"people whom the facts don't have", func(p *identity.Policy) { p.Rules[0] = ask("board", "@acme/board", 1) }, approvals.Pending, 1, 1, 0, 1, false},
		{"too long", func(p *identity.Policy) { p.Rules[0].MaxDuration = hour }, approvals.Invalid, 0, 0, 1, 0, false},
		{"an environment that is gone", func(p *identity.Policy) { p.Environments = []string{"staging"} }, approvals.Invalid, 0, 0, 1, 0, false},
		{"break-glass", func(p *identity.Policy) {
			p.BreakGlass = &identity.BreakGlass{From: []string{"@acme/oncall"}, MaxDuration: hour}
		}, approvals.Approved, 0, 0, 0, 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := base
			p.Rules = []identity.Rule{ask("security", "@acme/security", 1)}
			c.change(&p)
			got := try(request, stored, p)
			if got.Would != c.would || len(got.Added) != c.added || len(got.Removed) != c.removed || got.Same != c.same {
				t.Errorf("%+v", got)
			}
			if len(got.Problems) != c.problems || len(got.Unknown) != c.unknown {
				t.Errorf("problems %v, unknown %q", got.Problems, got.Unknown)
			}
		})
	}
	if got := try(workflow.Request{}, stored, identity.Policy{}); !got.Same || len(got.Problems) > 0 {
		t.Errorf("a change to the registry falls under no rule: %+v", got)
	}
}

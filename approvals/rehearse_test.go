package approvals_test

import (
	"strings"
	"testing"
	"time"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/internal/identity"
)

// rehearsal is a registry with two owners' groups, and a case in which all goes well.
func rehearsal() (identity.Registry, identity.PolicyCase) {
	hour := identity.Duration(time.Hour)
	r := identity.Registry{
		Policy: identity.Policy{
			Environments: []string{"staging", "production"}, Grants: identity.Limits{MinDuration: hour / 4, MaxDuration: 24 * hour},
			Rules: []identity.Rule{{
				Name: "risky", When: identity.When{Risk: identity.HighRisk}, MaxDuration: 8 * hour,
				Require: []identity.Quorum{{From: []string{"@acme/security"}, Count: 2}, {From: []string{"@hank"}, Count: 1}},
			}},
			BreakGlass: &identity.BreakGlass{From: []string{"@acme/oncall"}, MaxDuration: hour},
		},
		UseCases: map[string]identity.UseCase{"deploy": {
			Name: "deploy", Kinds: []identity.Kind{identity.MachineUser}, MaxDuration: 4 * hour,
			Ceiling: []identity.Bound{{Provider: "github", Resource: "acme/*", Permission: identity.Write, Environments: []string{"staging", "production"}}},
		}},
		Identities: map[string]identity.Identity{"payments/bot": {
			Name: "payments/bot", Kind: identity.MachineUser, UseCase: "deploy", Environment: "production", Status: identity.Active, Risk: identity.LowRisk,
			Expires: identity.Date{Time: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}, Account: &identity.Account{User: "payments-bot"},
		}},
		Test: identity.PolicyTest{People: map[string][]string{
			"@acme/owners": {"Erin", "dana", "payments-bot"}, "@acme/security": {"frank", "gina", "dana"}, "@acme/oncall": {"ivan"},
		}},
	}
	return r, identity.PolicyCase{
		Name: "a case", ResourceOwners: []string{"@Acme/Owners"}, Approvals: []identity.PolicyVote{{By: "erin"}},
		Request: identity.PolicyRequest{
			Identity: "payments/bot", Resource: "acme/payments", Permission: identity.Write, Environment: "production", Duration: hour, Requester: "dana",
		},
	}
}

var registryOwners = approvals.OwnersFile{Path: ".github/CODEOWNERS", Rules: approvals.ParseCodeowners([]byte("* @acme/owners\n"))}

func TestRehearse(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name   string
		change func(*identity.Registry, *identity.PolicyCase)
		want   approvals.Verdict
		needs  string
		risk   string
		most   time.Duration
	}{
		{"an owner approves", nil, approvals.Approved, "", "low", 4 * time.Hour},
		{"nobody approves", func(_ *identity.Registry, c *identity.PolicyCase) { c.Approvals = nil }, approvals.Pending, "", "low", 4 * time.Hour},
		{"who asks approves", func(_ *identity.Registry, c *identity.PolicyCase) { c.Approvals[0].By = "Dana" }, approvals.Pending, "", "low", 4 * time.Hour},
		{"who would hold it approves", func(_ *identity.Registry, c *identity.PolicyCase) { c.Approvals[0].By = "Payments-Bot" }, approvals.Pending, "", "low", 4 * time.Hour},
		{"somebody denies", func(_ *identity.Registry, c *identity.PolicyCase) {
			c.Approvals = append(c.Approvals, identity.PolicyVote{By: "erin", Verb: "deny"})
		}, approvals.Denied, "", "low", 4 * time.Hour},
		{"the resource has no CODEOWNERS", func(_ *identity.Registry, c *identity.PolicyCase) { c.ResourceOwners = nil }, approvals.Refused, "", "low", 4 * time.Hour},
		{"a rule by risk is not met", func(_ *identity.Registry, c *identity.PolicyCase) { c.Request.Risk = identity.HighRisk }, approvals.Pending, "risky", "high", 4 * time.Hour},
		{"nobody rated it", func(r *identity.Registry, c *identity.PolicyCase) {
			id := r.Identities["payments/bot"]
			id.Risk = ""
			r.Identities["payments/bot"] = id
		}, approvals.Pending, "risky", "unrated", 4 * time.Hour},
		{"both groups of the rule approve", func(_ *identity.Registry, c *identity.PolicyCase) {
			c.Request.Risk = identity.CriticalRisk
			for _, who := range []string{"frank", "gina", "hank"} {
				c.Approvals = append(c.Approvals, identity.PolicyVote{By: who})
			}
		}, approvals.Approved, "risky", "critical", 4 * time.Hour},
		{"one of two of the first group", func(_ *identity.Registry, c *identity.PolicyCase) {
			c.Request.Risk = identity.CriticalRisk
			for _, who := range []string{"frank", "dana", "hank"} {
				c.Approvals = append(c.Approvals, identity.PolicyVote{By: who})
			}
		}, approvals.Pending, "risky", "critical", 4 * time.Hour},
		{"break-glass", func(_ *identity.Registry, c *identity.PolicyCase) { c.Approvals, c.Override = nil, "ivan" }, approvals.Approved, "", "low", 4 * time.Hour},
		{"break-glass for too long", func(_ *identity.Registry, c *identity.PolicyCase) {
			c.Approvals, c.Override = nil, "ivan"
			c.Request.Duration *= 2
		}, approvals.Pending, "", "low", 4 * time.Hour},
		{"longer than the use case allows", func(_ *identity.Registry, c *identity.PolicyCase) { c.Request.Duration *= 5 }, approvals.Invalid, "", "low", 4 * time.Hour},
		{"a kind that the use case is not for", func(_ *identity.Registry, c *identity.PolicyCase) { c.Request.Kind = identity.AIAgent }, approvals.Invalid, "", "low", 4 * time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, pc := rehearsal()
			if c.change != nil {
				c.change(&r, &pc)
			}
			got := approvals.Rehearse(r, registryOwners, pc, now)
			if got.Verdict != c.want || strings.Join(got.Needs, " ") != c.needs || got.Risk != c.risk || time.Duration(got.MaxDuration) != c.most {
				t.Errorf("%+v\n%+v", got, got.Decision)
			}
			if len(got.Unnamed) > 0 || (got.Decision == nil) != (c.want == approvals.Invalid) || (len(got.Problems) > 0) != (c.want == approvals.Invalid) {
				t.Errorf("unnamed %q, decision %v, problems %v", got.Unnamed, got.Decision, got.Problems)
			}
		})
	}
}

// TestRehearseUnnamed: an owner whom the test names nobody behind is neither a yes nor a no, and is said.
func TestRehearseUnnamed(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name   string
		change func(*identity.Registry, *identity.PolicyCase)
		want   string
	}{
		{"an owner of the resource", func(_ *identity.Registry, c *identity.PolicyCase) { c.ResourceOwners = []string{"@acme/board"} }, "@acme/board"},
		{"the team that would hold it", func(r *identity.Registry, _ *identity.PolicyCase) {
			id := r.Identities["payments/bot"]
			id.Account = &identity.Account{Team: "acme/bots"}
			r.Identities["payments/bot"] = id
		}, "@acme/bots"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, pc := rehearsal()
			c.change(&r, &pc)
			got := approvals.Rehearse(r, registryOwners, pc, now)
			if got.Verdict != approvals.Pending || strings.Join(got.Unnamed, " ") != c.want {
				t.Errorf("%s, unnamed %q", got.Verdict, got.Unnamed)
			}
			if d := got.Differs(identity.PolicyExpectation{Verdict: "pending"}); len(d) != 1 || d[0].Field != "people" {
				t.Errorf("differs by %v", d)
			}
		})
	}
}

func TestDiffers(t *testing.T) {
	r := approvals.Rehearsal{
		Verdict: approvals.Invalid, Needs: []string{"b", "a"}, Risk: "high", MaxDuration: identity.Duration(time.Hour),
		Problems: []identity.Problem{{Field: "duration", What: "2h is longer than 1h"}},
	}
	for _, c := range []struct {
		name string
		want identity.PolicyExpectation
		say  string
	}{
		{"as expected", identity.PolicyExpectation{Verdict: "invalid", Needs: []string{"a", "b"}, Problems: []string{"duration: 2h"}, Risk: "high", MaxDuration: identity.Duration(time.Hour)}, ""},
		{"only what is given is compared", identity.PolicyExpectation{Verdict: "invalid"}, ""},
		{"all of it", identity.PolicyExpectation{Verdict: "approved", Needs: []string{}, Problems: []string{}, Risk: "low", MaxDuration: 1e9}, "verdict needs risk maxDuration problems"},
		{"a problem that is not there", identity.PolicyExpectation{Verdict: "invalid", Problems: []string{"reason"}}, "problems"},
		{"one problem for two", identity.PolicyExpectation{Verdict: "invalid", Problems: []string{"2h", "1h"}}, "problems"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var fields []string
			for _, d := range r.Differs(c.want) {
				fields = append(fields, d.Field)
			}
			if got := strings.Join(fields, " "); got != c.say {
				t.Errorf("%q, want %q", got, c.say)
			}
		})
	}
}

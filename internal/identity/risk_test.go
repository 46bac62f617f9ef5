package identity_test

import (
	"strings"
	"testing"
	"time"

	"github.com/keyreeve/keyreeve/internal/identity"
)

// ratedPolicy is a policy that uses all that a policy may say.
const ratedPolicy = `version: 1
environments: [staging, production]
grants: {minDuration: 15m, maxDuration: 24h}
risks:
  - {risk: high, resources: ["acme/pay*"], environments: [production]}
  - {risk: critical, permission: admin}
  - {risk: low, kinds: [ai-agent]}
rules:
  - name: risky
    when: {risk: high}
    maxDuration: 4h
    require: [{from: ["@acme/security"], count: 2}, {from: ["@erin", "@gus"], count: 1}]
  - name: production
    when: {environments: [production]}
    maxDuration: 8h
requests: {remindAfter: 1d, expireAfter: 14d}
breakGlass: {from: ["@acme/security"], maxDuration: 1h}
extensions: {max: 2h}
revokers: ["@acme/security"]
`

func TestRiskAndTheSmallestDuration(t *testing.T) {
	p, problems := identity.ParsePolicy(identity.PolicyPath, []byte(ratedPolicy))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for _, c := range []struct {
		name    string
		own     identity.Risk
		kind    identity.Kind
		grant   identity.Grant
		risk    identity.Risk
		rated   bool
		rules   string
		longest time.Duration
	}{
		{"nobody rated it: of any risk", "", identity.MachineUser, identity.Grant{Resource: "acme/web", Permission: identity.Read, Environment: "staging"}, "", false, "risky", 4 * time.Hour},
		{"rated low by its owner", identity.LowRisk, identity.MachineUser, identity.Grant{Resource: "acme/web", Permission: identity.Read, Environment: "staging"}, identity.LowRisk, true, "", 24 * time.Hour},
		{"the resource is riskier than the identity", identity.LowRisk, identity.MachineUser, identity.Grant{Resource: "ACME/payments", Permission: identity.Read, Environment: "production"}, identity.HighRisk, true, "risky production", 4 * time.Hour},
		{"another environment", identity.MediumRisk, identity.MachineUser, identity.Grant{Resource: "acme/payments", Permission: identity.Read, Environment: "staging"}, identity.MediumRisk, true, "", 24 * time.Hour},
		{"the permission rates it", identity.LowRisk, identity.MachineUser, identity.Grant{Resource: "acme/web", Permission: identity.Admin, Environment: "staging"}, identity.CriticalRisk, true, "risky", 4 * time.Hour},
		{"the identity is riskier than all", identity.CriticalRisk, identity.AIAgent, identity.Grant{Resource: "acme/web", Permission: identity.Read, Environment: "staging"}, identity.CriticalRisk, true, "risky", 4 * time.Hour},
		{"the kind rates it low, in production", "", identity.AIAgent, identity.Grant{Resource: "acme/web", Permission: identity.Read, Environment: "production"}, identity.LowRisk, true, "production", 8 * time.Hour},
		{"no rating that anybody knows", "huge", identity.MachineUser, identity.Grant{Resource: "acme/web", Permission: identity.Read, Environment: "staging"}, "huge", false, "risky", 4 * time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			id := identity.Identity{Kind: c.kind, Risk: c.own}
			if risk, rated := identity.RiskOf(p, id, c.grant); risk != c.risk || rated != c.rated {
				t.Errorf("risk %q, rated: %v", risk, rated)
			}
			var names []string
			for _, r := range identity.MatchingRules(p, id, c.grant) {
				names = append(names, r.Name)
			}
			if got := strings.Join(names, " "); got != c.rules {
				t.Errorf("rules %q, want %q", got, c.rules)
			}
			if got := time.Duration(identity.MaxDuration(p, id, c.grant)); got != c.longest {
				t.Errorf("longest %s, want %s", got, c.longest)
			}
		})
	}
}

func TestPolicyLimits(t *testing.T) {
	for _, c := range []struct{ name, from, to, want string }{
		{"as it is", "", "", ""},
		{"an unknown environment", "environments: [production]}\n  - {risk: critical", "environments: [prod]}\n  - {risk: critical", `keyreeve.yaml:5:59: "prod" is not an environment`},
		{"an unknown risk", "risk: critical, permission", "risk: huge, permission", "keyreeve.yaml:6:12: "},
		{"more than there are", "count: 1}]", "count: 3}]", "3 of 2 people can never approve"},
		{"a reminder after the end", "remindAfter: 1d", "remindAfter: 20d", "nobody would be reminded"},
		{"an override that is too short for any grant", "maxDuration: 1h", "maxDuration: 5m", "no grant can be as short as 5m"},
		{"an override by nobody", `from: ["@acme/security"], maxDuration`, `from: [], maxDuration`, "keyreeve.yaml:17:20: "},
		{"a misspelt key", "revokers", "revoker", `unknown key "revoker"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, problems := identity.ParsePolicy(identity.PolicyPath, []byte(strings.Replace(ratedPolicy, c.from, c.to, 1)))
			var all []string
			for _, p := range problems {
				all = append(all, p.String())
			}
			if got := strings.Join(all, "\n"); c.want == "" != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestCheckPolicy: what the policy alone decides is what CheckGrant says of it.
func TestCheckPolicy(t *testing.T) {
	p, problems := identity.ParsePolicy(identity.PolicyPath, []byte(ratedPolicy))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for _, c := range []struct {
		name, environment string
		duration          time.Duration
		want              string
	}{
		{"within", "production", 4 * time.Hour, ""},
		{"an unknown environment", "prod", time.Hour, `environment: "prod" is not an environment of keyreeve.yaml: it has staging and production`},
		{"longer than a rule allows", "production", 5 * time.Hour, `duration: 5h is longer than 4h, the most that the rule "risky" of keyreeve.yaml allows: ask for 4h or less`},
		{"too short", "staging", time.Minute, "duration: 1m is shorter than 15m, the least that keyreeve.yaml allows: ask for 15m or more"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := identity.Grant{Environment: c.environment, Duration: identity.Duration(c.duration), Resource: "acme/web", Permission: identity.Read}
			got := strings.TrimSpace(identity.Report(identity.CheckPolicy(p, identity.Identity{}, g)))
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			all := identity.Report(identity.CheckGrant(p, identity.Identity{}, identity.UseCase{}, g, time.Time{}))
			if !strings.Contains(all, got) {
				t.Errorf("CheckGrant says %q", all)
			}
		})
	}
}

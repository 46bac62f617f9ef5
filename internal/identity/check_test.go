package identity_test

import (
	"strings"
	"testing"
	"time"

	"github.com/keyreeve/keyreeve/internal/identity"
)

// asked is a grant that may be given, and the records that it is checked by.
type asked struct {
	policy identity.Policy
	id     identity.Identity
	uc     identity.UseCase
	grant  identity.Grant
	now    time.Time
}

func allowed() asked {
	const hour = identity.Duration(time.Hour)
	return asked{
		policy: identity.Policy{
			Version: 1, Environments: []string{"production", "staging"}, Grants: identity.Limits{MinDuration: hour, MaxDuration: 72 * hour},
			Rules: []identity.Rule{
				{Name: "agents", When: identity.When{Kinds: []identity.Kind{identity.AIAgent}}, MaxDuration: 2 * hour},
				{Name: "production-write", When: identity.When{Environments: []string{"production"}, Permission: identity.Write}, MaxDuration: 12 * hour},
				{Name: "all", When: identity.When{}},
			},
		},
		id: identity.Identity{
			Version: 1, Name: "payments/deploy-bot", Kind: identity.MachineUser, Owner: "@acme/payments", UseCase: "deploy", Environment: "production",
			Expires: identity.DateOf(time.Date(2027, 3, 31, 0, 0, 0, 0, time.UTC)), Status: identity.Active, Account: &identity.Account{User: "deploy-bot"},
		},
		uc: identity.UseCase{
			Version: 1, Name: "deploy", Kinds: []identity.Kind{identity.MachineUser}, MaxDuration: 24 * hour,
			Ceiling: []identity.Bound{{Provider: "github", Resource: "acme/pay*", Permission: identity.Maintain, Environments: []string{"production"}}},
		},
		grant: goldenGrant(),
		now:   time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC),
	}
}

func (a asked) check() []identity.Problem {
	return identity.CheckGrant(a.policy, a.id, a.uc, a.grant, a.now)
}

func TestCheckGrant(t *testing.T) {
	const hour = identity.Duration(time.Hour)
	for name, c := range map[string]struct {
		change func(*asked)
		want   []string // each "field: what …" as the beginning
	}{
		"allowed":                {func(*asked) {}, nil},
		"the longest":            {func(a *asked) { a.grant.Duration = 12 * hour }, nil},
		"the shortest":           {func(a *asked) { a.grant.Duration = hour }, nil},
		"ends as the day ends":   {func(a *asked) { a.now = time.Date(2027, 3, 31, 16, 0, 0, 0, time.UTC) }, nil},
		"ends a second later":    {func(a *asked) { a.now = time.Date(2027, 3, 31, 16, 0, 1, 0, time.UTC) }, []string{`identity: "payments/deploy-bot" expires on 2027-03-31`}},
		"expired long ago":       {func(a *asked) { a.id.Expires = identity.Date{} }, []string{`identity: "payments/deploy-bot" expires on 0001-01-01`}},
		"no such identity":       {func(a *asked) { a.id = identity.Identity{} }, []string{`identity: there is no identity "payments/deploy-bot"`}},
		"another identity":       {func(a *asked) { a.id.Name = "payments/other" }, []string{`identity: there is no identity "payments/deploy-bot"`}},
		"decommissioned":         {func(a *asked) { a.id.Status = identity.Decommissioned }, []string{`identity: "payments/deploy-bot" is not in use`}},
		"no account":             {func(a *asked) { a.id.Account = nil }, []string{`identity: "payments/deploy-bot" names no account`}},
		"an empty account":       {func(a *asked) { a.id.Account = &identity.Account{} }, []string{`identity: "payments/deploy-bot" names no account`}},
		"two accounts":           {func(a *asked) { a.id.Account.Team = "acme/x" }, []string{`identity: "payments/deploy-bot" names no account`}},
		"a team":                 {func(a *asked) { a.id.Account = &identity.Account{Team: "acme/deployers"} }, nil},
		"another environment":    {func(a *asked) { a.grant.Environment = "staging" }, []string{`environment: "payments/deploy-bot" works in "production", not in "staging"`, `environment: write on`}},
		"unknown environment":    {func(a *asked) { a.policy.Environments = []string{"staging"} }, []string{`environment: "production" is not an environment of keyreeve.yaml`}},
		"no use case":            {func(a *asked) { a.uc = identity.UseCase{} }, []string{`identity: there is no use case "deploy"`}},
		"another use case":       {func(a *asked) { a.id.UseCase = "other" }, []string{`identity: there is no use case "other"`}},
		"another kind":           {func(a *asked) { a.id.Kind = identity.APIKey }, []string{`identity: "payments/deploy-bot" is of kind "api-key"`}},
		"another provider":       {func(a *asked) { a.grant.Provider = "aws" }, []string{`provider: "aws" is not a known provider`}},
		"no repository":          {func(a *asked) { a.grant.Resource = "acme/pay*" }, []string{`resource: "acme/pay*" is not a repository`}},
		"beyond in resource":     {func(a *asked) { a.grant.Resource = "acme/site" }, []string{`resource: write on "acme/site" in "production" exceeds the use case "deploy"`}},
		"beyond in permission":   {func(a *asked) { a.grant.Permission = identity.Admin }, []string{`permission: admin on "acme/payments"`}},
		"no permission":          {func(a *asked) { a.grant.Permission = identity.None }, []string{`permission: none on "acme/payments"`}},
		"no reason":              {func(a *asked) { a.grant.Reason = " \n" }, []string{`reason: there is no reason`}},
		"longer than a rule":     {func(a *asked) { a.grant.Duration = 13 * hour }, []string{`duration: 13h is longer than 12h, the most that the rule "production-write" of keyreeve.yaml allows`}},
		"the rule does not fit":  {func(a *asked) { a.grant.Permission, a.grant.Duration = identity.Read, 24*hour }, nil},
		"longer than its use":    {func(a *asked) { a.grant.Permission, a.grant.Duration = identity.Read, 25*hour }, []string{`duration: 1d1h is longer than 1d, the most that the use case "deploy" allows`}},
		"longer than the policy": {func(a *asked) { a.uc.MaxDuration, a.policy.Rules, a.grant.Duration = 0, nil, 73*hour }, []string{`duration: 3d1h is longer than 3d, the most that keyreeve.yaml allows`}},
		"shorter than allowed":   {func(a *asked) { a.grant.Duration = hour - 1 }, []string{`duration: 59m59s is shorter than 1h, the least that keyreeve.yaml allows`}},
		"no duration":            {func(a *asked) { a.grant.Duration = 0 }, []string{`duration: there is no duration`}},
		"a rule for the kind": {func(a *asked) {
			a.id.Kind, a.uc.Kinds = identity.AIAgent, []identity.Kind{identity.AIAgent}
		}, []string{`duration: 8h is longer than 2h, the most that the rule "agents"`, `promptedBy: "payments/deploy-bot" is an agent`}},
		"several at once": {func(a *asked) {
			a.id.Status, a.grant.Resource, a.grant.Duration = identity.Decommissioned, "acme/site", 100*hour
		}, []string{`duration: 4d4h`, `identity: "payments/deploy-bot" is not in use`, `resource: write on`}},
	} {
		t.Run(name, func(t *testing.T) {
			a := allowed()
			c.change(&a)
			duration := a.grant.Duration
			got := a.check()
			ok := len(got) == len(c.want)
			for i := range min(len(got), len(c.want)) {
				ok = ok && strings.HasPrefix(got[i].Field+": "+got[i].What, c.want[i])
			}
			if !ok {
				t.Errorf("got\n%swant %q", identity.Report(got), c.want)
			}
			if a.grant.Duration != duration {
				t.Errorf("the duration was changed")
			}
		})
	}
}

func TestMatchingRulesKnowNoCaseOfEnvironments(t *testing.T) {
	a := allowed()
	a.grant.Environment = "PRODUCTION"
	var names []string
	for _, r := range identity.MatchingRules(a.policy, a.id, a.grant) {
		names = append(names, r.Name)
	}
	if strings.Join(names, " ") != "production-write all" {
		t.Errorf("rules %q", names)
	}
}

func TestLocate(t *testing.T) {
	a := allowed()
	a.grant.Duration, a.grant.Resource, a.grant.Reason = a.grant.Duration*10, "acme/site", "x"
	path := a.grant.Path()
	got := identity.Report(identity.Locate(path, identity.Encode(a.grant), append(a.check(),
		identity.Problem{Field: "requester.login", What: "a"}, identity.Problem{Field: "nothing", What: "b"}, identity.Problem{File: "x", Line: 99, What: "c"})))
	want := path + ":2:1: b\n" +
		path + `:6:11: write on "acme/site" in "production" exceeds the use case "deploy": its resource is more than the ceiling in use-cases/deploy.yaml allows` + "\n" +
		path + `:9:11: 3d8h is longer than 12h, the most that the rule "production-write" of keyreeve.yaml allows: ask for 12h or less` + "\n" +
		path + ":13:10: a\nx:99: c\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got := identity.Locate(path, []byte("a: ["), []identity.Problem{{Field: "duration", What: "x"}}); got[0].File != path || got[0].Line != 0 {
		t.Errorf("in a file that can't be read: %v", got)
	}
}

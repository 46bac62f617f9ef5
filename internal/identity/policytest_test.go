package identity_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/keyreeve/keyreeve/internal/identity"
)

const policyCases = `version: 1
today: 2026-11-24
people:
  "@acme/security": [frank, Gina]
  "@acme/developers": [dana]
cases:
  - name: production takes security
    request: {identity: payments/deploy-bot, resource: acme/payments, permission: write, environment: production, duration: 2h, requester: dana}
    resourceOwners: ["@acme/security"]
    approvals: [FRANK, {by: gina, verb: deny}]
    expect: {verdict: denied, needs: [], problems: []}
`

func TestParsePolicyTest(t *testing.T) {
	p, problems := identity.ParsePolicyTest(identity.PolicyTestPath, []byte(policyCases))
	if len(problems) > 0 {
		t.Fatal(identity.Report(problems))
	}
	c := p.Cases[0]
	if c.Approvals[0] != (identity.PolicyVote{By: "FRANK"}) || c.Approvals[1] != (identity.PolicyVote{By: "gina", Verb: "deny"}) {
		t.Errorf("votes %+v", c.Approvals)
	}
	if c.Expect.Needs == nil || c.Expect.Risk != "" || p.Today.String() != "2026-11-24" {
		t.Errorf("case %+v on %s", c, p.Today)
	}
	for owner, want := range map[string]string{"@ACME/security": "frank Gina true", "@erin": "erin true", "a@b.c": " true", "@acme/board": " false"} {
		logins, known := p.PeopleBehind(owner)
		if got := strings.Join(logins, " ") + map[bool]string{true: " true", false: " false"}[known]; got != want {
			t.Errorf("behind %s: %q, want %q", owner, got, want)
		}
	}
}

func TestPolicyTestProblems(t *testing.T) {
	for _, c := range []struct{ name, from, to, want string }{
		{"a login that is misspelt", "FRANK, {by", "frnak, {by", `keyreeve.test.yaml:10:17: "frnak" is nobody that the test knows: did you mean "frank"?`},
		{"likewise in the long form", "by: gina", "by: erin", `keyreeve.test.yaml:10:29: "erin" is nobody that the test knows: list them`},
		{"who asks", "requester: dana", "requester: mallory", `keyreeve.test.yaml:8:`},
		{"no team", `"@acme/security": [frank, Gina]`, `acme/security: [frank, Gina]`, `keyreeve.test.yaml:4:3: "acme/security" is not an owner: write it as @login or @org/team`},
		{"no login", "[dana]", `["@dana"]`, `keyreeve.test.yaml:5:24: "@dana" is not a GitHub login`},
		{"an unknown verdict", "verdict: denied", "verdict: maybe", `"maybe" is not a known verdict`},
		{"an unknown verb", "verb: deny", "verb: shout", `"shout" is not a known verb`},
		{"a key that is none", "needs: []", "need: []", `unknown key "need": did you mean "needs"?`},
		{"no expectation", "    expect: {verdict: denied, needs: [], problems: []}\n", "", `"expect" is missing`},
		{"no identity of the registry", "payments/deploy-bot", "payments/deploy-bat", `there is no identity "payments/deploy-bat"`},
		{"no rule of the policy", "needs: []", "needs: [strict]", `"strict" is not a rule of keyreeve.yaml`},
		{"a rule that is there", "needs: []", "needs: [risky]", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := strings.Replace(policyCases, c.from, c.to, 1)
			if data == policyCases {
				t.Fatal("nothing was changed")
			}
			_, problems := identity.LoadRegistry(fstest.MapFS{
				identity.PolicyTestPath: {Data: []byte(data)},
				identity.PolicyPath:     {Data: []byte(ratedPolicy)},
				identity.CodeownersPath: {Data: []byte("* @acme/security\n")},
				"identities/payments/deploy-bot.yaml": {Data: []byte("version: 1\nname: payments/deploy-bot\nkind: machine-user\nowner: \"@acme/a\"\n" +
					"purpose: Deploys.\nuseCase: deploy\nenvironment: production\nexpires: 2027-01-01\nstatus: active\n")},
				"use-cases/deploy.yaml": {Data: []byte("version: 1\nname: deploy\nowner: \"@acme/a\"\npurpose: Deploys.\nkinds: [machine-user]\n" +
					"ceiling: [{provider: github, resource: acme/*, permission: write, environments: [production]}]\n")},
			})
			if got := identity.Report(problems); (c.want == "") != (got == "") || !strings.Contains(got, c.want) || len(problems) > 1 {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestPolicyTestNamesTwice: two cases of one name could not be told apart in what is printed.
func TestPolicyTestNamesTwice(t *testing.T) {
	_, cases, _ := strings.Cut(policyCases, "cases:\n")
	_, problems := identity.ParsePolicyTest(identity.PolicyTestPath, []byte(policyCases+cases))
	if got := identity.Report(problems); !strings.Contains(got, `keyreeve.test.yaml:12:11: there are two cases named "production takes security"`) {
		t.Error(got)
	}
}

// TestAllThatAPolicySaysParsesBack writes a policy that uses every key, and a test of one, and reads both again.
func TestAllThatAPolicySaysParsesBack(t *testing.T) {
	p, problems := identity.ParsePolicy(identity.PolicyPath, []byte(ratedPolicy))
	if len(problems) > 0 {
		t.Fatal(identity.Report(problems))
	}
	if back, problems := identity.ParsePolicy(identity.PolicyPath, identity.Encode(p)); len(problems) > 0 || !reflect.DeepEqual(back, p) {
		t.Errorf("%s\nread %+v of\n%s", identity.Report(problems), back, identity.Encode(p))
	}
	cases, problems := identity.ParsePolicyTest(identity.PolicyTestPath, []byte(strings.Replace(policyCases, "needs: [], problems: []", "needs: [a]", 1)))
	if len(problems) > 0 {
		t.Fatal(identity.Report(problems))
	}
	data := identity.Encode(cases)
	if back, problems := identity.ParsePolicyTest(identity.PolicyTestPath, data); len(problems) > 0 || !reflect.DeepEqual(back, cases) {
		t.Errorf("%s\nread %+v of\n%s", identity.Report(problems), back, data)
	}
}

// TestPolicyTestIsReadInTime: a file of the largest size, in which every name is unknown.
func TestPolicyTestIsReadInTime(t *testing.T) {
	var people, votes strings.Builder
	for i := range 999 {
		fmt.Fprintf(&people, "a%063d,", i)
	}
	for i := range 99 {
		fmt.Fprintf(&votes, "b%063d,", i)
	}
	head, cases, _ := strings.Cut(policyCases, "cases:\n")
	text := strings.Replace(head, "[dana]", "["+people.String()+"dana]", 1) + "cases:\n"
	for range 20 {
		text += strings.Replace(cases, "[FRANK, {by: gina, verb: deny}]", "["+votes.String()+"dana]", 1)
	}
	start := time.Now()
	_, problems := identity.ParsePolicyTest(identity.PolicyTestPath, []byte(text))
	if len(problems) < 50 || strings.Contains(problems[0].What, "larger than") {
		t.Errorf("%d problems; the first is %s", len(problems), problems[0])
	}
	most := 2 * time.Second
	if raceEnabled {
		most *= 10
	}
	if took := time.Since(start); took > most {
		t.Errorf("it took %s", took)
	}
}

// FuzzParsePolicyTest: whatever is read, what has problems is the zero value, each problem has a place, and what the schema
// accepts can be decoded.
func FuzzParsePolicyTest(f *testing.F) {
	f.Add(policyCases)
	f.Add("version: 1\npeople: {x: [a]}\ncases: [{approvals: [1, {by: 2}]}]\n")
	f.Add("people: {? [a] : b}\n")
	f.Fuzz(func(t *testing.T, text string) {
		p, problems := identity.ParsePolicyTest(identity.PolicyTestPath, []byte(text))
		if len(problems) > 0 && !reflect.DeepEqual(p, identity.PolicyTest{}) {
			t.Error("a test with problems is not the zero value")
		}
		for _, problem := range problems {
			if strings.Contains(problem.What, "can't be read:") || problem.What == "" {
				t.Errorf("the schema accepts what can't be decoded: %s", problem)
			}
		}
	})
}

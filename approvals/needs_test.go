package approvals_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/internal/identity"
)

func TestNeedOfAPath(t *testing.T) {
	repo := identity.Repo{Owner: "acme", Name: "payments"}
	const text = "* @acme/payments\n/docs/\n/api/ @acme/api\n/broken/ nobody\n"
	for _, c := range []struct {
		name, path string
		change     func(*approvals.OwnersFile)
		owners     string
		blocked    approvals.Code
		about      string
		detail     string
	}{
		{"the last line decides", "api/x.go", nil, "@acme/api", "", "", ""},
		{"a line without owners", "docs/x.md", nil, "", approvals.NoOwner, "docs/x.md", ""},
		{"a line in error", "broken/x", nil, "", approvals.OwnersInvalid, "broken/x", "line 4"},
		{"no file", "x", func(o *approvals.OwnersFile) { *o = approvals.OwnersFile{Repo: repo} }, "", approvals.NoCodeowners, "acme/payments", ""},
		{"too large", "x", func(o *approvals.OwnersFile) {
			o.Rules = approvals.ParseCodeowners([]byte(strings.Repeat("#\n", approvals.CodeownersLimit/2+1)))
		}, "", approvals.OwnersTooLarge, "acme/payments", ""},
		{"GitHub knows that the owner is gone", "x", func(o *approvals.OwnersFile) {
			o.Reported = []approvals.ReportedError{{Path: ".github/CODEOWNERS", Line: 1, Kind: "Unknown owner"}}
		}, "", approvals.OwnersInvalid, "x", "line 1: GitHub says Unknown owner"},
		{"GitHub speaks of another line", "x", func(o *approvals.OwnersFile) {
			o.Reported = []approvals.ReportedError{{Path: ".github/CODEOWNERS", Line: 3, Kind: "Unknown owner"}, {Path: "CODEOWNERS", Line: 1}}
		}, "@acme/payments", "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := approvals.OwnersFile{Repo: repo, Path: ".github/CODEOWNERS", Rules: approvals.ParseCodeowners([]byte(text))}
			if c.change != nil {
				c.change(&o)
			}
			n := o.Need(approvals.Path, c.path, c.path)
			if got := strings.Join(n.Owners, " "); got != c.owners || (n.Blocked == nil) != (c.blocked == "") {
				t.Fatalf("owners %q, blocked %v", got, n.Blocked)
			}
			if b := n.Blocked; b != nil && (b.Code != c.blocked || b.Subject != c.about || !strings.Contains(b.Detail, c.detail)) {
				t.Errorf("blocked by %+v", *b)
			}
			if n.Blocked == nil && !strings.HasPrefix(n.Source, "acme/payments:.github/CODEOWNERS:") {
				t.Errorf("source %q", n.Source)
			}
		})
	}
}

func TestUnderPolicy(t *testing.T) {
	erin, frank := identity.Person{ID: 1, Login: "erin"}, identity.Person{ID: 2, Login: "frank"}
	f := approvals.Facts{
		Digest: "sha256:x",
		Needs: []approvals.Need{
			{Kind: approvals.Path, Subject: "grants/a/b/c.yaml", Owners: []string{"@acme/owners"}},
			{Kind: approvals.PolicyRule, Subject: "strict", Owners: []string{"@acme/security"}, Count: 1},
			{Kind: approvals.Resource, Subject: "acme/payments", Owners: []string{"@acme/owners"}},
		},
		People: map[string]approvals.Members{
			"@acme/owners":   {Known: true, People: []identity.Person{erin}},
			"@acme/security": {Known: true, People: []identity.Person{frank}},
		},
		Votes: []approvals.Vote{{ID: "comment/1", By: erin, Verb: approvals.Approve, Digest: "sha256:x"}},
	}
	rule := func(owner string) identity.Policy {
		return identity.Policy{Rules: []identity.Rule{{Name: "other", Require: []identity.Quorum{{From: []string{owner}, Count: 1}}}}}
	}
	for _, c := range []struct {
		name   string
		policy identity.Policy
		needs  string
		want   approvals.Verdict
	}{
		{"no rules", identity.Policy{}, "grants/a/b/c.yaml acme/payments", approvals.Approved},
		{"whom the facts know", rule("@acme/security"), "grants/a/b/c.yaml other acme/payments", approvals.Pending},
		{"whom the facts don't know", rule("@acme/board"), "grants/a/b/c.yaml other acme/payments", approvals.Pending},
		{"who approved already", rule("@acme/owners"), "grants/a/b/c.yaml other acme/payments", approvals.Approved},
	} {
		t.Run(c.name, func(t *testing.T) {
			other := approvals.UnderPolicy(f, c.policy, identity.Identity{}, identity.Grant{})
			var subjects []string
			for _, n := range other.Needs {
				subjects = append(subjects, n.Subject)
			}
			if got := strings.Join(subjects, " "); got != c.needs {
				t.Errorf("needs %q", got)
			}
			if got := approvals.Decide(other).Verdict; got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			if len(f.Needs) != 3 || f.Needs[1].Subject != "strict" {
				t.Errorf("the facts were changed: %+v", f.Needs)
			}
		})
	}
}

func TestGlassOf(t *testing.T) {
	hour := identity.Duration(time.Hour)
	p := identity.Policy{BreakGlass: &identity.BreakGlass{From: []string{"@acme/security"}, MaxDuration: hour}}
	if g := approvals.GlassOf(identity.Policy{}, identity.Grant{}); g != nil {
		t.Errorf("without break-glass: %+v", g)
	}
	if g := approvals.GlassOf(p, identity.Grant{Duration: hour}); g == nil || g.Blocked != nil || g.From[0] != "@acme/security" {
		t.Errorf("short enough: %+v", g)
	}
	if g := approvals.GlassOf(p, identity.Grant{Duration: hour + 1}); g == nil || g.Blocked == nil || g.Blocked.Code != approvals.OverrideTooLong {
		t.Errorf("too long: %+v", g)
	}
}

func TestRuleNeeds(t *testing.T) {
	got := approvals.RuleNeeds([]identity.Rule{{Name: "production", Require: []identity.Quorum{{From: []string{"@acme/security"}, Count: 2}, {From: []string{"@erin"}, Count: 1}}}, {Name: "none"}})
	want := []approvals.Need{
		{Kind: approvals.PolicyRule, Subject: "production", Owners: []string{"@acme/security"}, Count: 2, Source: "keyreeve.yaml rule production"},
		{Kind: approvals.PolicyRule, Subject: "production", Owners: []string{"@erin"}, Count: 1, Source: "keyreeve.yaml rule production"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the needs are %+v", got)
	}
}

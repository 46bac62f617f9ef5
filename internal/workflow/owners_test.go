package workflow

import (
	"reflect"
	"testing"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/internal/identity"
)

// TestNeed: what has no owner is blocked with the reason; it never needs nobody.
func TestNeed(t *testing.T) {
	file := func(text string) ownersFile {
		return ownersFile{repo: registry, path: ".github/CODEOWNERS", size: len(text), rules: approvals.ParseCodeowners([]byte(text))}
	}
	big := file("* @erin\n")
	big.size = approvals.CodeownersLimit + 1
	tests := map[string]struct {
		file    ownersFile
		owners  []string
		source  string
		blocked approvals.Code
		about   string
	}{
		"the last line that matches":  {file: file("* @erin\n/grants/ @acme/payments @gus\n"), owners: []string{"@acme/payments", "@gus"}, source: "acme/identities:.github/CODEOWNERS:2 /grants/"},
		"no file":                     {file: ownersFile{repo: registry}, blocked: approvals.NoCodeowners, about: "acme/identities"},
		"too large":                   {file: big, blocked: approvals.OwnersTooLarge, about: "acme/identities"},
		"no line matches":             {file: file("/docs/ @erin\n"), blocked: approvals.NoOwner, about: "grants/x.yaml"},
		"a line takes the owners off": {file: file("* @erin\n/grants/\n"), blocked: approvals.NoOwner, about: "grants/x.yaml"},
		"empty":                       {file: file(""), blocked: approvals.NoOwner, about: "grants/x.yaml"},
		"a line in error matches":     {file: file("* @erin\n/grants/ erin\n"), blocked: approvals.OwnersInvalid, about: "grants/x.yaml"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			n := tt.file.need(approvals.Path, "grants/x.yaml", "grants/x.yaml")
			if n.Count != 1 || n.Kind != approvals.Path || !reflect.DeepEqual(n.Owners, tt.owners) || n.Source != tt.source {
				t.Errorf("the need is %+v", n)
			}
			switch {
			case tt.blocked == "" && n.Blocked != nil, tt.blocked != "" && n.Blocked == nil:
				t.Errorf("blocked: %+v", n.Blocked)
			case n.Blocked != nil && (n.Blocked.Code != tt.blocked || n.Blocked.Subject != tt.about):
				t.Errorf("blocked by %+v", n.Blocked)
			}
		})
	}
}

func TestQuorums(t *testing.T) {
	got := quorums([]identity.Rule{{Name: "production", Require: []identity.Quorum{{From: []string{"@acme/security"}, Count: 2}, {From: []string{"@erin"}, Count: 1}}}, {Name: "none"}})
	want := []approvals.Need{
		{Kind: approvals.PolicyRule, Subject: "production", Owners: []string{"@acme/security"}, Count: 2, Source: "keyreeve.yaml rule production"},
		{Kind: approvals.PolicyRule, Subject: "production", Owners: []string{"@erin"}, Count: 1, Source: "keyreeve.yaml rule production"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the needs are %+v", got)
	}
}

package templates_test

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/lifecycle"
	"github.com/keyreeve/keyreeve/templates"
)

var update = flag.Bool("update", false, "write the golden files")

var (
	dana  = identity.Person{ID: 101, Login: "dana"}
	erin  = identity.Person{ID: 102, Login: "erin"}
	frank = identity.Person{ID: 103, Login: "frank"}
	noon  = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
)

func grant() *identity.Grant {
	return &identity.Grant{
		Version: 1, ID: "acme-identities-1", Identity: "payments/deploy-bot", Provider: "github", Resource: "acme/payments",
		Permission: identity.Write, Environment: "production", Duration: identity.Duration(2 * time.Hour),
		Reason: "Upload the release.\nSee #12, @acme/payments | <img src=x>", Requester: dana, Origin: "acme/identities#1",
	}
}

func decision(verdict approvals.Verdict, met bool) *approvals.Decision {
	record := approvals.NeedResult{
		Need: approvals.Need{
			Kind: approvals.Path, Subject: "grants/payments/deploy-bot/acme-identities-1.yaml", Owners: []string{"@acme/payments"}, Count: 1,
			Source: "acme/identities:.github/CODEOWNERS:4 /grants/payments/",
		},
		Eligible: []identity.Person{erin},
	}
	rule := approvals.NeedResult{
		Need:     approvals.Need{Kind: approvals.PolicyRule, Subject: "production", Owners: []string{"@acme/security", "@gus"}, Count: 2, Source: "keyreeve.yaml rule production"},
		Eligible: []identity.Person{frank},
	}
	if met {
		record.Met, record.By = true, []identity.Person{erin}
		rule.Met, rule.By = true, []identity.Person{frank}
	}
	return &approvals.Decision{
		Verdict: verdict, Digest: "sha256:" + strings.Repeat("ab", 32), Head: strings.Repeat("c", 40),
		Needs: []approvals.NeedResult{record, rule},
		Votes: []approvals.VoteResult{
			{Vote: approvals.Vote{ID: "comment/7", By: dana, Verb: approvals.Approve}, Why: &approvals.Reason{Code: approvals.Requester, Person: dana}},
			{Vote: approvals.Vote{ID: "comment/8", By: erin, Verb: approvals.Approve}, Counts: met, Why: unless(met, &approvals.Reason{Code: approvals.OtherDigest, Person: erin})},
		},
	}
}

// overridden is a decision that frank's override made.
func overridden() *approvals.Decision {
	d := decision(approvals.Approved, false)
	d.Override = &approvals.Overridden{By: frank, Vote: "comment/9", Reason: "payments are down, erin is asleep | @all"}
	return d
}

func change(state string, d *approvals.Decision) templates.Change {
	return templates.Change{ID: "acme-identities-7", State: state, Digest: d.Digest, Decision: d, Files: 1}
}

func with2(c templates.Change, change func(*templates.Change)) templates.Change { change(&c); return c }

func unless(ok bool, r *approvals.Reason) *approvals.Reason {
	if ok {
		return nil
	}
	return r
}

func lease(state lifecycle.State) lifecycle.Lease {
	l := lifecycle.Lease{
		ID: "acme-identities-1", Permission: identity.Write, Duration: 2 * time.Hour, State: state,
		VerifiedAt: noon, EndsAt: noon.Add(2 * time.Hour),
		Granted: &lifecycle.Evidence{At: noon, Endpoint: "GET /repos/acme/payments/collaborators?affiliation=direct", Answer: "role_name: write", Request: "A1:B2"},
	}
	if state == lifecycle.Revoked {
		l.RevokedAt = noon.Add(2 * time.Hour)
		l.Ended = &lifecycle.Evidence{At: l.RevokedAt, Endpoint: l.Granted.Endpoint, Answer: "not among them"}
	}
	if state == lifecycle.Stuck {
		l.StuckFrom, l.Attempts, l.LastError, l.Granted = lifecycle.Granting, 6, "PUT: 500 @all | oops", nil
	}
	return l
}

func status(state string) templates.Status {
	return templates.Status{
		ID: "acme-identities-1", State: state, Grant: grant(), Digest: "sha256:" + strings.Repeat("ab", 32), Issue: "acme/identities#1",
		Identity: &identity.Identity{Name: "payments/deploy-bot", Kind: identity.MachineUser, Owner: "@acme/payments"},
		Pull:     "acme/identities#2", Registry: "acme/identities", Path: "grants/payments/deploy-bot/acme-identities-1.yaml",
	}
}

// TestGolden renders every text once; the golden files are what people read.
func TestGolden(t *testing.T) {
	with := func(s templates.Status, change func(*templates.Status)) templates.Status { change(&s); return s }
	pull := templates.Pull{Grant: *grant(), Issue: "acme/identities#1", Path: "grants/payments/deploy-bot/acme-identities-1.yaml", Digest: "sha256:" + strings.Repeat("ab", 32)}
	problems := []identity.Problem{
		{Field: "Duration", What: `"3 weeks" is not a duration`, Hint: "write it as 30m, 8h or 5d"},
		{File: "keyreeve.yaml", Line: 8, Column: 3, What: "unknown field \"ruels\" | @all"},
	}
	for name, got := range map[string]string{
		"status-invalid":  templates.StatusComment(with(status("invalid"), func(s *templates.Status) { s.Grant, s.Pull, s.Problems = nil, "", problems })),
		"status-refused":  templates.StatusComment(with(status("refused"), func(s *templates.Status) { s.Pull = ""; s.Decision = refused() })),
		"status-waiting":  templates.StatusComment(with(status("waiting"), func(s *templates.Status) { s.Decision = decision(approvals.Pending, false) })),
		"status-voided":   templates.StatusComment(with(status("waiting"), func(s *templates.Status) { s.Decision = decision(approvals.Pending, false); s.Voided = 1 })),
		"status-unmerged": templates.StatusComment(with(status("waiting"), func(s *templates.Status) { s.Decision = decision(approvals.Pending, false); s.Unmerged = true })),
		"status-on-pull":  templates.StatusComment(with(status("waiting"), func(s *templates.Status) { s.Decision = decision(approvals.Pending, false); s.OnPull = true })),
		"status-denied":   templates.StatusComment(with(status("denied"), func(s *templates.Status) { s.Decision = denied() })),
		"status-approved": templates.StatusComment(with(status("approved"), func(s *templates.Status) { s.Decision = decision(approvals.Approved, true) })),
		"status-granting": templates.StatusComment(with(status("merged"), func(s *templates.Status) {
			s.Decision = decision(approvals.Approved, true)
			s.Leases = []lifecycle.Lease{lease(lifecycle.Granting)}
		})),
		"status-stuck": templates.StatusComment(with(status("merged"), func(s *templates.Status) {
			s.Decision = decision(approvals.Approved, true)
			s.Leases = []lifecycle.Lease{lease(lifecycle.Stuck)}
		})),
		"status-active": templates.StatusComment(with(status("active"), func(s *templates.Status) {
			s.Decision = decision(approvals.Approved, true)
			s.Leases = []lifecycle.Lease{lease(lifecycle.Active)}
		})),
		"status-revoking": templates.StatusComment(with(status("active"), func(s *templates.Status) {
			s.Decision = decision(approvals.Approved, true)
			s.Leases = []lifecycle.Lease{lease(lifecycle.Revoking)}
		})),
		"status-ended": templates.StatusComment(with(status("ended"), func(s *templates.Status) {
			s.Decision = decision(approvals.Approved, true)
			s.Leases = []lifecycle.Lease{lease(lifecycle.Revoked)}
		})),
		"status-extended": templates.StatusComment(with(status("active"), func(s *templates.Status) {
			s.Decision = decision(approvals.Approved, true)
			s.Leases = []lifecycle.Lease{lease(lifecycle.Active)}
			s.Leases[0].Orders = []lifecycle.Order{{Kind: lifecycle.Extend, By: dana, Reason: "the backfill | is slow", For: 30 * time.Minute}, {Kind: lifecycle.Stop, By: erin, Reason: "done"}}
		})),
		"status-expired": templates.StatusComment(status("expired")),
		"status-overridden": templates.StatusComment(with(status("active"), func(s *templates.Status) {
			s.Decision = overridden()
			s.Leases = []lifecycle.Lease{lease(lifecycle.Active)}
			s.Review = "acme/identities#9"
		})),
		"status-reviewed": templates.StatusComment(with(status("ended"), func(s *templates.Status) {
			s.Decision = overridden()
			s.Leases = []lifecycle.Lease{lease(lifecycle.Revoked)}
			s.Review, s.Reviewer = "acme/identities#9", "erin"
		})),
		"change-waiting":    templates.ChangeComment(change("waiting", decision(approvals.Pending, false))),
		"change-merged":     templates.ChangeComment(with2(change("ended", decision(approvals.Approved, true)), func(c *templates.Change) { c.Merged = true })),
		"change-unapproved": templates.ChangeComment(with2(change("ended", decision(approvals.Pending, false)), func(c *templates.Change) { c.Merged, c.Unapproved = true, true })),
		"change-voided": templates.ChangeComment(with2(change("waiting", decision(approvals.Pending, false)), func(c *templates.Change) {
			c.Voided, c.Changes, c.Problems = 2, []templates.Difference{{What: "what the pull request holds", From: "abab", To: "cdcd"}}, problems[1:]
		})),
		"explain":            templates.Explain("waiting", *decision(approvals.Pending, false)),
		"explain-overridden": templates.Explain("approved", *overridden()),
		"undecided":          templates.Undecided("invalid"),
		"help":               templates.Help(),
		"malformed":          templates.Malformed(approvals.ParseCommands("/aprove\n\n/deny\n\n/extend soon please\n\n/withdraw it\n\n/merge")),
		"reminder":           templates.Reminder(templates.ReminderMarker("acme-identities-1", noon, 2), *decision(approvals.Pending, false), noon, noon.Add(240*time.Hour)),
		"review":             templates.ReviewBody(templates.Review{ID: "acme-identities-1", Grant: *grant(), Override: *overridden().Override, Needs: overridden().Needs, Issue: "acme/identities#1", Pull: "acme/identities#2"}),
		"checkpoint":         templates.Checkpoint(42, "example.org/log\n42\naGFzaA==\n\n— example.org/log c2ln\n", "example.org/log+1+a2V5"),
		"not-reviewed":       templates.NotReviewed(dana),
		"order-nothing":      templates.OrderRefused(templates.NothingToOrder, 0, ""),
		"order-revoke":       templates.OrderRefused(templates.MayNotRevoke, 0, ""),
		"order-extend":       templates.OrderRefused(templates.MayNotExtend, 0, ""),
		"order-not-active":   templates.OrderRefused(templates.NotActive, 0, ""),
		"order-broken":       templates.OrderRefused(templates.PolicyBroken, 0, ""),
		"order-extension":    templates.OrderRefused(templates.BeyondExtension, 30*time.Minute, ""),
		"order-fits":         templates.OrderRefused(templates.NoLongerFits, 0, "expires before"),
		"order-policy":       templates.OrderRefused(templates.BeyondPolicy, time.Hour, ""),
		"status-cancelled":   templates.StatusComment(status("cancelled")),
		"pull":               templates.PullBody(pull),
		"pull-title":         templates.PullTitle(*grant()),
		"commit":             templates.CommitMessage(pull),
		"merge-overridden":   templates.MergeMessage(*overridden()),
		"merge":              templates.MergeMessage(*decision(approvals.Approved, true)),
		"approvals":          templates.ApprovalsSummary(*decision(approvals.Pending, false)),
		"approvals-title":    templates.ApprovalsTitle(*decision(approvals.Pending, false)),
		"approvals-denied":   templates.ApprovalsSummary(*denied()),
		"records-good":       templates.RecordsSummary(nil),
		"records-bad":        templates.RecordsSummary(problems),
	} {
		t.Run(name, func(t *testing.T) { golden(t, name, got) })
	}
}

func refused() *approvals.Decision {
	d := decision(approvals.Refused, false)
	d.Votes = nil
	d.Reasons = []approvals.Reason{{Code: approvals.NoCodeowners, Subject: "acme/ledger"}, {Code: approvals.OwnersInvalid, Subject: "acme/payments", Detail: "line 3: `@@x` | is no owner"}}
	return d
}

func denied() *approvals.Decision {
	d := decision(approvals.Denied, false)
	d.Reasons = []approvals.Reason{{Code: approvals.DeniedBy, Person: frank, Detail: "not during the freeze, see #9 /approve"}}
	return d
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden.md")
	if *update {
		if err := os.WriteFile(path, []byte(got+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got+"\n" != string(want) {
		t.Errorf("%s differs; run with -update after looking at it.\n--- got\n%s\n--- want\n%s", path, got, want)
	}
}

// TestEveryReasonHasWords reads the codes from the package's source, so that a new code without words fails here.
func TestEveryReasonHasWords(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../approvals/types.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if id, ok := spec.Type.(*ast.Ident); ok && id.Name == "Code" {
			for _, v := range spec.Values {
				code, err := strconv.Unquote(v.(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				codes = append(codes, code)
			}
		}
		return true
	})
	if len(codes) < 25 {
		t.Fatalf("found only %d codes", len(codes))
	}
	for _, c := range codes {
		if got := templates.Reason(approvals.Reason{Code: approvals.Code(c), Subject: "x", Detail: "y"}); got == c || got == "" {
			t.Errorf("reason %s has no words", c)
		}
	}
	if got := templates.Reason(approvals.Reason{Code: "unheard-of"}); got != "unheard-of" {
		t.Errorf("a code without words is shown as %q", got)
	}
}

// TestNoTextCommands: what the bot says holds no command that would run if somebody else said it (THREATS 12): not in any
// golden text, which together are all that it says, nor with a user's words in it.
func TestNoTextCommands(t *testing.T) {
	files, err := filepath.Glob("testdata/*.golden.md")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d golden texts: %v", len(files), err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if commands := approvals.ParseCommands(string(b)); len(commands) > 0 {
			t.Errorf("%s says %+v", file, commands)
		}
	}
	hostile := "x\n/approve\n\n/deny because"
	d := decision(approvals.Pending, false)
	d.Reasons = []approvals.Reason{{Code: approvals.DeniedBy, Person: erin, Detail: hostile}}
	o := overridden()
	o.Override.Reason = hostile
	g := grant()
	g.Reason = hostile
	l := lease(lifecycle.Active)
	l.Orders = []lifecycle.Order{{Kind: lifecycle.Extend, By: dana, Reason: hostile}}
	s := status("active")
	s.Grant, s.Decision, s.Leases = g, o, []lifecycle.Lease{l}
	s.Changes, s.Voided = []templates.Difference{{What: hostile, From: hostile, To: hostile}}, 1
	for name, text := range map[string]string{
		"explain": templates.Explain("waiting", *d), "override": templates.Explain("approved", *o), "status": templates.StatusComment(s),
		"review":    templates.ReviewBody(templates.Review{ID: "x", Grant: *g, Override: *o.Override, Needs: o.Needs}),
		"malformed": templates.Malformed(approvals.ParseCommands("/deny\n\n/nope " + hostile)),
		"marker":    templates.ReplyMarker("x --> \n/approve"),
	} {
		if commands := approvals.ParseCommands(text); len(commands) > 0 {
			t.Errorf("%s says %+v:\n%s", name, commands, text)
		}
	}
}

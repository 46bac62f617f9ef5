package evidence

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/internal/audit"
	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/lifecycle"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

var update = flag.Bool("update", false, "write the golden files anew")

func day(month time.Month, d, hour int) time.Time {
	return time.Date(2026, month, d, hour, 0, 0, 0, time.UTC)
}

// input is a quarter with a request that was approved and ended, an override, and a lease that is stuck.
func input(t *testing.T) Input {
	t.Helper()
	control, ok := audit.FindControl("PR.AA-05")
	if !ok {
		t.Fatal("no control")
	}
	var tree audit.Range
	in := Input{Control: control, From: day(1, 1, 0), To: day(4, 1, 0), Now: day(4, 2, 9), Version: "v1", Signed: []byte("signed\n")}
	for i, e := range []audit.Entry{
		{Step: audit.Decided, What: "decided approved", Subject: "7/issue/99#1", At: day(1, 5, 12)},
		{Step: audit.Verified, What: "grant github/acme/payments/user:deploy-bot write", Subject: "7/access/x", At: day(1, 5, 13)},
		{Step: audit.Verified, What: "<script>alert(1)</script>", Subject: " ", At: day(2, 5, 13)},
	} {
		e.Seq, e.Installation, e.Controls = int64(i), 7, audit.Controls(e.Step)
		raw, err := e.Canonical()
		if err != nil {
			t.Fatal(err)
		}
		tree.Add(nil, audit.Hash(raw))
		line, err := audit.ProvenLine(audit.Row{Seq: e.Seq, Canonical: raw}, nil)
		if err != nil {
			t.Fatal(err)
		}
		in.Entries = append(in.Entries, Entry{e, line})
		in.Steps = append(in.Steps, StepCount{e.At.Truncate(24 * time.Hour), e.Step, 1})
	}
	in.Head = audit.Checkpoint{Origin: "keyreeve.example/log", Size: 3, Root: tree.Root()}
	one := workflow.Subject{Installation: 7, Kind: workflow.IssueSubject, Repo: identity.Repo{ID: 99, Owner: "acme", Name: "identities"}, Number: 1}
	two := one
	two.Number = 2
	access := identity.Access{Provider: "github", Resource: "acme/payments", Principal: identity.Principal{Kind: "user", Name: "deploy-bot"}}
	in.Requests = []workflow.Request{
		{Subject: one, CreatedAt: day(1, 5, 9), Grant: &identity.Grant{Resource: "acme/payments", Permission: identity.Write, Duration: identity.Duration(2 * time.Hour)}},
		{Subject: two, CreatedAt: day(3, 1, 9), Title: "<b>more</b>"},
		{Subject: two, CreatedAt: day(5, 1, 9)},
	}
	approved := approvals.Decision{Verdict: approvals.Approved, Needs: []approvals.NeedResult{{By: []identity.Person{{ID: 2, Login: "frank"}, {ID: 1, Login: "erin"}}}, {By: []identity.Person{{ID: 1, Login: "erin"}}}}}
	override := approvals.Decision{Verdict: approvals.Approved, Override: &approvals.Overridden{By: identity.Person{ID: 3, Login: "olga"}, Reason: "production is down"}}
	in.Decisions = []workflow.StoredDecision{
		{ID: "sha256:b", Subject: two, At: day(3, 1, 10), Decision: override},
		{ID: "sha256:a", Subject: one, At: day(1, 5, 12), Decision: approved},
		{ID: "sha256:c", Subject: one, At: day(1, 4, 12), Decision: approvals.Decision{Verdict: approvals.Denied}},
		{ID: "sha256:d", Subject: one, At: day(4, 1, 0), Decision: approved},
	}
	in.Leases = []lifecycle.Lease{
		{
			ID: "acme-identities-1", Access: access, Permission: identity.Write, State: lifecycle.Revoked, VerifiedAt: day(1, 5, 13), EndsAt: day(1, 5, 15), RevokedAt: day(1, 5, 15).Add(3 * time.Second),
			Granted: &lifecycle.Evidence{Endpoint: "GET /x", Answer: "role_name: write"}, Ended: &lifecycle.Evidence{Endpoint: "GET /x", Answer: "404"},
		},
		{ID: "acme-identities-2", Access: access, Permission: identity.Admin, State: lifecycle.Stuck, StuckFrom: lifecycle.Revoking, VerifiedAt: day(3, 1, 11), EndsAt: day(3, 1, 12), LastError: "502"},
		{ID: "later", Access: access, State: lifecycle.Active, VerifiedAt: day(4, 1, 11), EndsAt: day(4, 3, 12)},
		{ID: "before", Access: access, State: lifecycle.Revoked, VerifiedAt: time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC), EndsAt: time.Date(2025, 12, 2, 0, 0, 0, 0, time.UTC), RevokedAt: time.Date(2025, 12, 2, 0, 0, 0, 0, time.UTC)},
	}
	return in
}

func TestReport(t *testing.T) {
	r := New(input(t))
	figures := map[string]string{}
	for _, f := range r.Figures {
		figures[f.Name] = f.Value
	}
	for name, want := range map[string]string{
		"Entries of this control": "3", "Requests": "2", "Approvals": "2", "Denials": "1", "Accesses begun": "1", "Accesses ended": "1",
		"Time to revoke": "median 3s, longest 3s", "Effects read back": "2", "Exceptions": "3",
	} {
		if figures[name] != want {
			t.Errorf("%s: %q, want %q", name, figures[name], want)
		}
	}
	if a := r.Approvals; len(a) != 2 || a[0].Digest != "sha256:a" || strings.Join(a[0].By, " ") != "erin frank" || a[0].What != "write on acme/payments for 2h0m0s" || a[1].What != "a change of the registry: <b>more</b>" {
		t.Errorf("approvals: %+v", a)
	}
	if a := r.Access; len(a) != 2 || a[0].ID != "acme-identities-1" || a[0].EndEvidence != "GET /x: 404" {
		t.Errorf("access: %+v", a)
	}
	var what []string
	for _, x := range r.Exceptions {
		what = append(what, x.What+" ("+x.Why+")")
	}
	want := "override of the approvals for acme/identities#2 (olga: production is down); lease acme-identities-2 is stuck, from revoking (502); lease acme-identities-2 outlived its end (by 765h0m0s)"
	if got := strings.Join(what, "; "); got != want {
		t.Errorf("exceptions: %s", got)
	}
}

func TestEmpty(t *testing.T) {
	in := input(t)
	in.From, in.To, in.Entries, in.Steps, in.First, in.Now = day(6, 1, 0), day(7, 1, 0), nil, nil, 12, day(6, 2, 0)
	in.Leases = in.Leases[:1]
	r := New(in)
	page, err := r.HTML()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"has no entry of this control in this period", "The first 12 entries of the log are in an archive", "The period is not over", "None in this period", "The age of credentials over time is not measured",
	} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("%q is not in the page", want)
		}
	}
	valid(t, r)
}

func TestGolden(t *testing.T) {
	files, err := New(input(t)).Files()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		name := "testdata/golden/" + f.Name
		if *update {
			if err := os.WriteFile(name, f.Data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil || !bytes.Equal(f.Data, want) {
			t.Errorf("%s is not as it was (%v): run this test with -update, and read the difference", name, err)
		}
	}
}

// TestPage: nothing in the page runs, loads or links, whatever people wrote.
func TestPage(t *testing.T) {
	page, err := New(input(t)).HTML()
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(page, []byte("<b>more")) || !bytes.Contains(page, []byte("&lt;b&gt;more")) {
		t.Error("what a person wrote is taken for markup")
	}
	tags := map[string]int{}
	for _, m := range regexp.MustCompile(`<([a-zA-Z]+)`).FindAllSubmatch(page, -1) {
		tags[strings.ToLower(string(m[1]))]++
	}
	for _, tag := range []string{"script", "a", "img", "link", "iframe", "object", "form", "base"} {
		if tags[tag] > 0 {
			t.Errorf("the page has a <%s>", tag)
		}
	}
	if m := regexp.MustCompile(`(?i)<[^>]*\s(on[a-z]+|src|href|style)\s*=`).Find(page); m != nil {
		t.Errorf("the page has %s", m)
	}
	if tags["svg"] != 4 {
		t.Errorf("%d pictures", tags["svg"])
	}
}

// TestOSCAL holds the assessment results to the schema, for every control.
func TestOSCAL(t *testing.T) {
	for _, c := range audit.Catalogue() {
		in := input(t)
		in.Control = c
		valid(t, New(in))
	}
	in := input(t)
	for len(in.Entries) <= maxObservations {
		e := in.Entries[0]
		e.Seq = int64(len(in.Entries))
		in.Entries = append(in.Entries, e)
	}
	r := New(in)
	valid(t, r)
	raw, err := r.OSCAL()
	if err != nil || strings.Count(string(raw), `"methods"`) != maxObservations || !strings.Contains(string(raw), "Only the first 1000 of 1001 entries") {
		t.Errorf("too many entries: %v", err)
	}
	again, err := New(in).OSCAL()
	if err != nil || !bytes.Equal(raw, again) {
		t.Errorf("the same evidence has other bytes: %v", err)
	}
	var doc map[string]any
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	delete(doc["assessment-results"].(map[string]any), "import-ap")
	if err := schema(t, "testdata/assessment-results.schema.json").Validate(doc); err == nil {
		t.Error("results without a plan are valid")
	}
}

func valid(t *testing.T, r Report) {
	t.Helper()
	raw, err := r.OSCAL()
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"testdata/assessment-results.schema.json"}
	if name := os.Getenv("KEYREEVE_TEST_OSCAL_SCHEMA"); name != "" {
		names = append(names, name)
	}
	for _, name := range names {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema(t, name).Validate(doc); err != nil {
			t.Errorf("%s by %s: %v", r.Control.ID, name, err)
		}
	}
}

// schema compiles a schema file; nothing is loaded from elsewhere.
func schema(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	doc, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("mem:///schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("mem:///schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestToken(t *testing.T) {
	for in, want := range map[string]string{"NIST.CSF.2.0/PR.AA-01": "pr.aa-01", "OWASP.NHI/NHI5:2025": "nhi5-2025", "NIST.SP.800-207/tenet-3": "tenet-3"} {
		if got := controlID(in); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
	for in, want := range map[string]string{"": "_", "5 b": "_5-b", "Ärger": "_-rger"} {
		if got := token(in); got != want {
			t.Errorf("%q: %s", in, got)
		}
	}
}

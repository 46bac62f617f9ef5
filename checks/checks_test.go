package checks_test

import (
	"strings"
	"testing"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/checks"
	"github.com/keyreeve/keyreeve/internal/identity"
)

func TestApprovals(t *testing.T) {
	for _, tt := range []struct {
		verdict            approvals.Verdict
		status, conclusion string
	}{
		{approvals.Approved, "completed", "success"},
		{approvals.Denied, "completed", "failure"},
		{approvals.Refused, "completed", "failure"},
		{approvals.Pending, "in_progress", ""},
	} {
		t.Run(string(tt.verdict), func(t *testing.T) {
			r := checks.Approvals(approvals.Decision{Verdict: tt.verdict, Digest: "sha256:ab"})
			if r.Name != "keyreeve / approvals" || r.Status != tt.status || r.Conclusion != tt.conclusion || r.Title == "" || r.Summary == "" {
				t.Errorf("got %+v", r)
			}
		})
	}
}

// TestUnheardOfVerdict fails closed: whatever is not an approval never turns the check green.
func TestUnheardOfVerdict(t *testing.T) {
	if r := checks.Approvals(approvals.Decision{Verdict: "perhaps"}); r.Conclusion == "success" {
		t.Errorf("got %+v", r)
	}
}

func TestRecords(t *testing.T) {
	good := checks.Records("grants/a/b/c.yaml", nil)
	if good.Conclusion != "success" || len(good.Annotations) != 0 {
		t.Errorf("got %+v", good)
	}
	bad := checks.Records("grants/a/b/c.yaml", []identity.Problem{
		{Field: "duration", What: "too long", Hint: "8h at most", Line: 8, Column: 11},
		{File: "keyreeve.yaml", What: "missing"},
	})
	want := []checks.Annotation{
		{Path: "grants/a/b/c.yaml", Line: 8, Column: 11, Level: "failure", Message: "too long: 8h at most", Title: "duration"},
		{Path: "keyreeve.yaml", Line: 1, Level: "failure", Message: "missing"},
	}
	if bad.Conclusion != "failure" || bad.Title != "2 problems in the records" || len(bad.Annotations) != 2 {
		t.Fatalf("got %+v", bad)
	}
	for i := range want {
		if bad.Annotations[i] != want[i] {
			t.Errorf("annotation %d: got %+v, want %+v", i, bad.Annotations[i], want[i])
		}
	}
}

func TestDigestTellsRunsApart(t *testing.T) {
	a := checks.Approvals(approvals.Decision{Verdict: approvals.Pending, Digest: "a"})
	b := checks.Approvals(approvals.Decision{Verdict: approvals.Pending, Digest: "b"})
	if a.Digest() == b.Digest() {
		t.Error("two runs that differ have one digest")
	}
	if again := checks.Approvals(approvals.Decision{Verdict: approvals.Pending, Digest: "a"}); a.Digest() != again.Digest() {
		t.Error("the same run has two digests")
	}
}

// TestButtons: GitHub takes at most three buttons, with a label and an identifier of 20 characters and a description of 40.
// https://docs.github.com/en/rest/checks/runs#create-a-check-run
func TestButtons(t *testing.T) {
	for verdict, want := range map[approvals.Verdict]string{
		approvals.Pending: "approve deny explain", approvals.Denied: "approve deny explain", approvals.Approved: "explain", approvals.Refused: "explain",
	} {
		var names []string
		for _, a := range checks.Approvals(approvals.Decision{Verdict: verdict}).Actions {
			if len(a.Label) > 20 || len(a.Identifier) > 20 || len(a.Description) > 40 || a.Label == "" || a.Description == "" {
				t.Errorf("%s: the button %+v does not fit", verdict, a)
			}
			names = append(names, a.Identifier)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s has the buttons %q, want %q", verdict, got, want)
		}
	}
}

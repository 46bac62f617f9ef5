// Package checks says what each of the bot's check runs should show: status, conclusion, texts and annotations, from
// decisions and problems. It is pure; package workflow compares it with what GitHub shows and sets the difference.
package checks

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/templates"
)

// The names of the check runs. Branch protection requires them by these
// names, and from this App.
const (
	ApprovalsName = "keyreeve / approvals"
	RecordsName   = "keyreeve / records"
)

// Run is what a check run shows.
// https://docs.github.com/en/rest/checks/runs
type Run struct {
	Name        string       `json:"name"`
	Status      string       `json:"status"`     // in_progress or completed
	Conclusion  string       `json:"conclusion"` // success, failure; "" while in progress
	Title       string       `json:"title"`
	Summary     string       `json:"summary"`
	Annotations []Annotation `json:"annotations,omitempty"`
	Actions     []Action     `json:"actions,omitempty"` // at most 3
}

// Action is a button on a check run. Whoever presses it is authorized by the bot, as whoever comments is.
// https://docs.github.com/en/rest/guides/using-the-rest-api-to-interact-with-checks#check-runs-and-requested-actions
type Action struct {
	Label       string `json:"label"`       // at most 20 characters
	Description string `json:"description"` // at most 40
	Identifier  string `json:"identifier"`  // at most 20
}

// Annotation is a message at a line of a file.
type Annotation struct {
	Path    string `json:"path"`
	Line    int    `json:"line"`             // from 1
	Column  int    `json:"column,omitempty"` // from 1; 0 where unknown
	Level   string `json:"level"`            // notice, warning, failure
	Message string `json:"message"`
	Title   string `json:"title,omitempty"`
}

// Digest identifies what the run shows: two runs with the same digest need no
// update. It is what the bot stores as the check run's external_id.
func (r Run) Digest() string {
	b, err := json.Marshal(r)
	if err != nil {
		panic(fmt.Sprintf("check run %s: %v", r.Name, err)) // strings and numbers only: can't happen
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}

// Approvals is the gate. A pending decision is in progress rather than
// failed, so that GitHub shows it as waiting, and blocks the merge all the same.
func Approvals(d approvals.Decision) Run {
	r := Run{
		Name:    ApprovalsName,
		Status:  "completed",
		Title:   templates.ApprovalsTitle(d),
		Summary: templates.ApprovalsSummary(d),
	}
	explain := Action{Label: "Explain", Description: "Who could approve, and what counts", Identifier: approvals.ExplainCommand}
	answers := []Action{
		{Label: "Approve", Description: "Counts as a comment with /approve", Identifier: string(approvals.Approve)},
		{Label: "Deny", Description: "Stands until you withdraw it", Identifier: string(approvals.Deny)},
		explain,
	}
	switch d.Verdict {
	case approvals.Approved:
		r.Conclusion, r.Actions = "success", []Action{explain}
	case approvals.Denied:
		r.Conclusion, r.Actions = "failure", answers
	case approvals.Refused, approvals.Invalid:
		r.Conclusion, r.Actions = "failure", []Action{explain}
	case approvals.Pending:
		r.Status, r.Actions = "in_progress", answers
	}
	return r
}

// Records says whether the records are valid. path is the record that
// problems without a file of their own are about.
func Records(path string, problems []identity.Problem) Run {
	r := Run{Name: RecordsName, Status: "completed", Conclusion: "success", Title: "The records are valid"}
	r.Summary = templates.RecordsSummary(problems)
	if len(problems) == 0 {
		return r
	}
	r.Conclusion = "failure"
	r.Title = fmt.Sprintf("%d problems in the records", len(problems))
	if len(problems) == 1 {
		r.Title = "1 problem in the records"
	}
	for _, p := range problems {
		at := p.File
		if at == "" {
			at = path
		}
		if at == "" {
			continue // GitHub takes no annotation without a path; the summary says it
		}
		r.Annotations = append(r.Annotations, Annotation{
			Path: at, Line: max(1, p.Line), Column: p.Column, Level: "failure", Message: templates.Problem(p), Title: p.Field,
		})
	}
	return r
}

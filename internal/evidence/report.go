// Package evidence makes of the log and the store what an assessor of a control asks for: a report to read, the entries with
// their proofs, and OSCAL assessment results. It decides on values and writes nothing; what it does not know it says.
package evidence

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/internal/audit"
	"github.com/keyreeve/keyreeve/internal/lifecycle"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

// Input is all that evidence is made of, read beforehand.
type Input struct {
	Control  audit.Control
	From, To time.Time // the period: From counts, To does not
	Now      time.Time
	Version  string // of keyreeve
	Head     audit.Checkpoint
	Signed   []byte // the head, as a signed note
	// First is the number of the first entry that the store has; those before it were archived.
	First int64
	// Entries are those of the period that carry the control, in order, with their proofs.
	Entries []Entry
	// Steps counts all entries of the period, whatever control they carry, by step and by day.
	Steps     []StepCount
	Requests  []workflow.Request
	Leases    []lifecycle.Lease
	Decisions []workflow.StoredDecision
}

// Entry is an entry with its line of the export, which carries its proof under Head.
type Entry struct {
	audit.Entry

	Line []byte // audit.ProvenLine
}

// StepCount is how many entries of a step a day has.
type StepCount struct {
	Day  time.Time // 00:00 UTC
	Step audit.Step
	N    int
}

// Report is what the page shows.
type Report struct {
	Input

	Empty      bool // the log has nothing of this control in the period
	Figures    []Figure
	Charts     []Chart
	Approvals  []Approval
	Access     []Access
	Exceptions []Exception
	Gaps       []string // what is not measured, or not here
}

// Figure is one number with what it means.
type Figure struct{ Name, Value, Means string }

// Approval is a decision that approved, and who stood behind it.
type Approval struct {
	At      time.Time
	Request string
	What    string
	By      []string
	Digest  string // of the decision
}

// Access is a lease as the period saw it.
type Access struct {
	ID, What                   string
	State                      string
	Verified, Ends, Revoked    time.Time
	GrantEvidence, EndEvidence string
}

// Exception is what did not go as it should, or went past the rules.
type Exception struct {
	At   time.Time
	What string
	Why  string
}

// New makes the report.
func New(in Input) Report {
	r := Report{Input: in, Empty: len(in.Entries) == 0}
	r.Approvals = approvalsOf(in)
	r.Access = accessOf(in)
	r.Exceptions = exceptions(in)
	r.Figures = figures(in, r)
	r.Charts = charts(in)
	r.Gaps = gaps(in)
	return r
}

// within tells whether a time is in the period.
func (in Input) within(at time.Time) bool {
	return !at.IsZero() && !at.Before(in.From) && at.Before(in.To)
}

func approvalsOf(in Input) (list []Approval) {
	for _, d := range in.Decisions {
		if !in.within(d.At) || d.Decision.Verdict != approvals.Approved {
			continue
		}
		a := Approval{At: d.At, Request: d.Subject.String(), Digest: d.ID}
		if q := in.request(d.Subject); q != nil {
			a.What = asked(*q)
		}
		for _, n := range d.Decision.Needs {
			for _, p := range n.By {
				if !slices.Contains(a.By, p.Login) {
					a.By = append(a.By, p.Login)
				}
			}
		}
		slices.Sort(a.By)
		list = append(list, a)
	}
	slices.SortStableFunc(list, func(a, b Approval) int { return a.At.Compare(b.At) })
	return list
}

func (in Input) request(s workflow.Subject) *workflow.Request {
	for i := range in.Requests {
		if in.Requests[i].Subject.Key() == s.Key() {
			return &in.Requests[i]
		}
	}
	return nil
}

// asked is what a request asks for.
func asked(q workflow.Request) string {
	if q.Grant == nil {
		return "a change of the registry: " + q.Title
	}
	return fmt.Sprintf("%s on %s for %s", q.Grant.Permission, q.Grant.Resource, time.Duration(q.Grant.Duration))
}

// accessOf lists the leases that were there at any time of the period.
func accessOf(in Input) (list []Access) {
	for _, l := range in.Leases {
		if l.VerifiedAt.IsZero() || !l.VerifiedAt.Before(in.To) || !l.RevokedAt.IsZero() && l.RevokedAt.Before(in.From) {
			continue
		}
		a := Access{ID: l.ID, What: l.Access.String() + " " + l.Permission.String(), State: string(l.State), Verified: l.VerifiedAt, Ends: l.EndsAt, Revoked: l.RevokedAt}
		if l.Granted != nil {
			a.GrantEvidence = l.Granted.Endpoint + ": " + l.Granted.Answer
		}
		if l.Ended != nil {
			a.EndEvidence = l.Ended.Endpoint + ": " + l.Ended.Answer
		}
		list = append(list, a)
	}
	slices.SortStableFunc(list, func(a, b Access) int { return cmp.Or(a.Verified.Compare(b.Verified), cmp.Compare(a.ID, b.ID)) })
	return list
}

// exceptions are overrides, leases that are stuck, and accesses that outlived their end.
func exceptions(in Input) (list []Exception) {
	for _, d := range in.Decisions {
		if o := d.Decision.Override; o != nil && in.within(d.At) {
			list = append(list, Exception{d.At, "override of the approvals for " + d.Subject.String(), o.By.Login + ": " + o.Reason})
		}
	}
	for _, l := range in.Leases {
		if l.State == lifecycle.Stuck && l.VerifiedAt.Before(in.To) {
			list = append(list, Exception{l.EndsAt, "lease " + l.ID + " is stuck, from " + string(l.StuckFrom), l.LastError})
		}
		if late := lateness(l, in.Now); late > time.Minute && in.within(l.EndsAt) {
			list = append(list, Exception{l.EndsAt, "lease " + l.ID + " outlived its end", "by " + late.Round(time.Second).String()})
		}
	}
	slices.SortStableFunc(list, func(a, b Exception) int { return a.At.Compare(b.At) })
	return list
}

// lateness is how long after its end an access was read back to be gone, or is still there.
func lateness(l lifecycle.Lease, now time.Time) time.Duration {
	switch {
	case l.EndsAt.IsZero():
		return 0
	case !l.RevokedAt.IsZero():
		return max(0, l.RevokedAt.Sub(l.EndsAt))
	default:
		return max(0, now.Sub(l.EndsAt))
	}
}

func figures(in Input, r Report) []Figure {
	asked, denied := 0, 0
	for _, q := range in.Requests {
		if in.within(q.CreatedAt) {
			asked++
		}
	}
	for _, d := range in.Decisions {
		if in.within(d.At) && d.Decision.Verdict == approvals.Denied {
			denied++
		}
	}
	proven, ended := 0, 0
	var late []time.Duration
	for _, l := range in.Leases {
		if in.within(l.VerifiedAt) && l.Granted != nil {
			proven++
		}
		if in.within(l.RevokedAt) && l.Ended != nil {
			ended++
			late = append(late, lateness(l, in.Now))
		}
	}
	looks := 0
	for _, s := range in.Steps {
		if s.Step == audit.Verified {
			looks += s.N
		}
	}
	return []Figure{
		{"Entries of this control", fmt.Sprint(len(in.Entries)), "each with a proof in entries.jsonl"},
		{"Requests", fmt.Sprint(asked), "opened in the period"},
		{"Approvals", fmt.Sprint(len(r.Approvals)), "decisions that approved, each stored with its facts"},
		{"Denials", fmt.Sprint(denied), "decisions that denied"},
		{"Accesses begun", fmt.Sprint(proven), "read back by another endpoint than the write"},
		{"Accesses ended", fmt.Sprint(ended), "read back to be gone"},
		{"Time to revoke", spread(late), "from the end that was approved to the read-back that it is gone"},
		{"Effects read back", fmt.Sprint(looks), "entries of the step verified, of all controls"},
		{"Exceptions", fmt.Sprint(len(r.Exceptions)), "listed below"},
	}
}

// spread is the median and the longest of some durations.
func spread(list []time.Duration) string {
	if len(list) == 0 {
		return "–"
	}
	slices.Sort(list)
	return fmt.Sprintf("median %s, longest %s", list[len(list)/2].Round(time.Second), list[len(list)-1].Round(time.Second))
}

func gaps(in Input) []string {
	list := []string{
		"The age of credentials over time is not measured: what `keyreeve scan` finds is not an entry of the log.",
		"Access that was not asked for through keyreeve is not part of this report.",
	}
	if in.Control.Not != "" {
		list = append(list, in.Control.Not)
	}
	if in.First > 0 {
		list = append(list, fmt.Sprintf("The first %d entries of the log are in an archive. Those of them that are of the period are not in this report.", in.First))
	}
	if in.To.After(in.Now) {
		list = append(list, "The period is not over.")
	}
	return list
}

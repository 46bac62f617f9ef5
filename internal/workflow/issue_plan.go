package workflow

import (
	"cmp"
	"crypto/sha1" //nolint:gosec // git's own object name of a blob, not a signature
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/checks"
	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/templates"
)

// planIssue is the difference between what the conversation and the registry
// should show and what they show, in the order in which it is applied. It is empty when all is as it should be.
func planIssue(f issueFacts, out issueOutcome) []Effect {
	p := planner{facts: f, out: out}
	p.record()
	p.check()
	p.answer()
	p.remind()
	p.respond()
	p.merge()
	p.finish()
	p.review()
	return p.effects
}

// planner gathers the effects.
type planner struct {
	facts   issueFacts
	out     issueOutcome
	effects []Effect
}

func (p *planner) add(e Effect) { p.effects = append(p.effects, e) }

// record brings the record to its branch, and opens the pull request.
func (p *planner) record() {
	f, r := p.facts, p.out.request
	switch {
	case p.out.unmerged:
		return
	case r.State == Waiting, r.State == Denied, r.State == Approved:
	case r.State == Refused && f.pull != nil && f.pull.Open: // what was pushed to the branch may be why
	default:
		return
	}
	about := p.about()
	if !f.holds(*r.Grant) {
		p.add(WriteBranch{
			At: f.registry, Branch: r.Branch, Old: f.branchTip, From: f.base.SHA,
			Path: r.Grant.Path(), Content: identity.Encode(*r.Grant), Message: templates.CommitMessage(about),
		})
	}
	if f.pull == nil {
		p.add(OpenPull{At: f.registry, Branch: r.Branch, Base: f.base.Name, Title: templates.PullTitle(*r.Grant), Body: templates.PullBody(about)})
	}
}

// check sets both check runs on the pull request's head. What was approved is the record: a head that holds anything else
// never gets a green check, however the votes stand, since whoever pushed it could have it merged by that check. A
// head that is about to be replaced gets none.
func (p *planner) check() {
	f, r := p.facts, p.out.request
	if f.pull == nil || r.State.frozen() || f.pull.Merged || p.planned() {
		return
	}
	no := approvals.Reason{Code: approvals.ContentDiffers, Subject: p.pullPlace().String()}
	if r.State == Cancelled || r.State == Expired {
		no = approvals.Reason{Code: approvals.GivenUp, Subject: p.pullPlace().String()}
	}
	approval := checks.Approvals(approvals.Decision{Verdict: approvals.Refused, Reasons: []approvals.Reason{no}})
	if p.out.decision != nil && f.holds(*r.Grant) && no.Code != approvals.GivenUp {
		approval = checks.Approvals(p.out.decision.Decision)
	}
	p.showChecks(checks.Records(p.recordProblems()), approval)
}

// showChecks sets check runs, those that fail or wait first: at no moment are all green that are not to be.
func (p *planner) showChecks(runs ...checks.Run) {
	slices.SortStableFunc(runs, func(a, b checks.Run) int { return cmp.Compare(green(a), green(b)) })
	for _, run := range runs {
		p.showCheck(run)
	}
}

func green(run checks.Run) int {
	if run.Conclusion == "success" {
		return 1
	}
	return 0
}

// recordProblems gives the problems a place in the record on the pull request, which the form's problems came from, and
// returns its path. A line of the issue is none of the record's.
func (p *planner) recordProblems() (path string, problems []identity.Problem) {
	f := p.facts
	if len(f.pull.Files) > 0 {
		path = f.pull.Files[0].Path
	}
	for _, one := range f.problems {
		if one.File == "" {
			one.Line, one.Column = 0, 0
			if f.grant != nil && f.holds(*f.grant) {
				one = identity.Locate(path, identity.Encode(*f.grant), []identity.Problem{one})[0]
			}
		}
		problems = append(problems, one)
	}
	return path, problems
}

// showCheck sets a check run on the pull request's head where it does not show the same already. When somebody asked for
// it to run again it is set once more for that.
func (p *planner) showCheck(run checks.Run) {
	digest := run.Digest()
	for _, press := range p.facts.stored.Presses {
		if press.Action == Rerun && press.Head == p.facts.pull.Head {
			digest = run.Digest() + "/" + press.ID // the last one
		}
	}
	if id, same := shownOn(p.facts.checks, p.facts.pull.Head, run, digest); !same {
		p.add(setCheck(p.pullPlace(), id, p.facts.pull.Head, run, digest))
	}
}

// shownOn finds a check run on a commit, and whether it shows the same already.
func shownOn(list []Check, head string, run checks.Run, digest string) (id int64, same bool) {
	for _, c := range list {
		if c.Name == run.Name && c.Head == head {
			return c.ID, c.ExternalID == digest && c.Status == run.Status && c.Conclusion == run.Conclusion
		}
	}
	return 0, false
}

func setCheck(at Place, id int64, head string, run checks.Run, digest string) SetCheck {
	return SetCheck{
		At: at, ID: id, Head: head, Name: run.Name, ExternalID: digest, Status: run.Status, Conclusion: run.Conclusion,
		Title: run.Title, Summary: run.Summary, Annotations: run.Annotations, Actions: run.Actions,
	}
}

// merge merges once the checks are seen green on the very head that was approved.
func (p *planner) merge() {
	f, r := p.facts, p.out.request
	if r.State != Approved || f.pull == nil || !f.pull.Open || p.planned() {
		return
	}
	d := p.out.decision.Decision
	p.add(MergePull{At: p.pullPlace(), Head: f.pull.Head, Title: templates.PullTitle(*r.Grant), Message: templates.MergeMessage(d)})
}

// planned says whether something of the record or the checks is still to be set; the merge waits for the next round then.
func (p *planner) planned() bool {
	for _, e := range p.effects {
		switch e.(type) {
		case WriteBranch, OpenPull, SetCheck:
			return true
		}
	}
	return false
}

// finish tidies up what a request leaves behind.
func (p *planner) finish() {
	f, r := p.facts, p.out.request
	switch r.State {
	case Cancelled:
		if f.pull != nil && f.pull.Open {
			p.add(ClosePull{At: p.pullPlace()})
		}
		p.obey()
	case Ended, Reviewing, Live, Merged:
		if f.branchTip != "" && f.stored.Request.State.frozen() {
			p.add(DeleteBranch{At: f.registry, Branch: r.Branch})
		}
		if (r.State == Ended || r.State == Reviewing) && f.issue.Open {
			p.add(CloseIssue{At: f.subject.Place(), Reason: "completed"})
		}
	case Expired:
		p.expire()
	case Invalid, Refused, Waiting, Denied, Approved:
	}
}

// expire closes both conversations of an expired request, once: who opens one of them again is not contradicted.
func (p *planner) expire() {
	f := p.facts
	if p.out.request.Closed {
		return
	}
	if f.pull != nil && f.pull.Open {
		p.add(ClosePull{At: p.pullPlace()})
	}
	if f.subject.Kind == IssueSubject && f.issue.Open {
		p.add(CloseIssue{At: f.subject.Place(), Reason: "not_planned"})
	}
}

func (p *planner) pullPlace() Place {
	at := p.facts.registry
	at.Number = p.out.request.Pull
	return at
}

func (p *planner) about() templates.Pull {
	g := *p.out.request.Grant
	return templates.Pull{Grant: g, Issue: p.facts.subject.String(), Path: g.Path(), Digest: p.out.request.Digest}
}

// blobName is git's name for a file's content.
func blobName(content []byte) string {
	h := sha1.New() //nolint:gosec // see above
	fmt.Fprintf(h, "blob %d\x00", len(content))
	h.Write(content)
	return hex.EncodeToString(h.Sum(nil))
}

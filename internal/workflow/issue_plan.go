package workflow

import (
	"crypto/sha1" //nolint:gosec // git's own object name of a blob, not a signature
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/checks"
	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/lifecycle"
	"github.com/keyreeve/keyreeve/templates"
)

// planIssue is the difference between what the conversation and the registry
// should show and what they show, in the order in which it is applied. It is empty when all is as it should be.
func planIssue(f issueFacts, out issueOutcome) []Effect {
	p := planner{facts: f, out: out}
	p.record()
	p.check()
	p.answer()
	p.react()
	p.merge()
	p.finish()
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
	approval := checks.Approvals(approvals.Decision{
		Verdict: approvals.Refused, Reasons: []approvals.Reason{{Code: approvals.ContentDiffers, Subject: p.pullPlace().String()}},
	})
	if p.out.decision != nil && f.holds(*r.Grant) {
		approval = checks.Approvals(p.out.decision.Decision)
	}
	for _, run := range []checks.Run{checks.Records(p.recordProblems()), approval} {
		if id, same := p.shown(run); !same {
			p.add(setCheck(p.pullPlace(), id, f.pull.Head, run))
		}
	}
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

// shown finds the check run of this name on the head, and whether it shows the same already.
func (p *planner) shown(run checks.Run) (id int64, same bool) {
	for _, c := range p.facts.checks {
		if c.Name == run.Name && c.Head == p.facts.pull.Head {
			return c.ID, c.ExternalID == run.Digest()
		}
	}
	return 0, false
}

func setCheck(at Place, id int64, head string, run checks.Run) SetCheck {
	return SetCheck{
		At: at, ID: id, Head: head, Name: run.Name, ExternalID: run.Digest(), Status: run.Status, Conclusion: run.Conclusion,
		Title: run.Title, Summary: run.Summary, Annotations: run.Annotations,
	}
}

// answer keeps the one comment in each of the two conversations up to date.
func (p *planner) answer() {
	f := p.facts
	if f.issue.Number != 0 {
		p.say(f.subject.Place(), f.comments, false)
	}
	if number := p.out.request.Pull; number != 0 && !f.pullGone {
		p.say(p.pullPlace(), f.pullComments, true)
	}
}

func (p *planner) say(at Place, comments []Comment, onPull bool) {
	body := templates.StatusComment(p.status(onPull))
	marker := templates.Marker(p.out.request.ID)
	for _, c := range comments {
		if c.Ours && strings.HasPrefix(c.Body, marker) {
			if normal(c.Body) != normal(body) {
				p.add(EditComment{At: at, ID: c.ID, Body: body})
			}
			return
		}
	}
	if _, waits := p.facts.unseen(at); !waits {
		p.add(CreateComment{At: at, Body: body})
	}
}

// seenWithin is how long a new comment may take to be seen in GitHub's list. Within it no other one is made, also not by
// another walk, or after a crash that leaves it open whether the first was.
const seenWithin = 10 * time.Second

// unseen says that a comment was lately made, or about to be, and until when it may not be seen yet.
func (f issueFacts) unseen(at Place) (until time.Time, waits bool) {
	if f.stored.Request == nil {
		return until, false
	}
	said, ok := f.stored.Request.Said[at.String()]
	until = said.Add(seenWithin)
	return until, ok && f.now.Before(until) && !f.now.Before(said)
}

// noteSaid writes down which comments are about to be made, and returns when to look again for those that are not seen yet.
func (f issueFacts) noteSaid(r *Request, plan []Effect, again time.Time) time.Time {
	r.Said = maps.Clone(r.Said)
	for _, e := range plan {
		if c, ok := e.(CreateComment); ok {
			if r.Said == nil {
				r.Said = map[string]time.Time{}
			}
			r.Said[c.At.String()] = f.now.UTC()
		}
	}
	marker := templates.Marker(r.ID)
	for _, c := range []struct {
		at   Place
		list []Comment
	}{{f.subject.Place(), f.comments}, {Place{Repo: f.registry.Repo, Number: r.Pull}, f.pullComments}} {
		until, waits := f.unseen(c.at)
		if waits && !slices.ContainsFunc(c.list, func(one Comment) bool { return one.Ours && strings.HasPrefix(one.Body, marker) }) {
			again = earlier(again, until)
		}
	}
	return again
}

// normal takes away what GitHub may change in a body.
func normal(body string) string { return strings.TrimSpace(strings.ReplaceAll(body, "\r\n", "\n")) }

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
	case Ended, Live, Merged:
		if f.branchTip != "" && f.stored.Request.State.frozen() {
			p.add(DeleteBranch{At: f.registry, Branch: r.Branch})
		}
		if r.State == Ended && f.issue.Open {
			p.add(CloseIssue{At: f.subject.Place(), Reason: "completed"})
		}
	case Invalid, Refused, Waiting, Denied, Approved:
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

func (p *planner) status(onPull bool) templates.Status {
	r := p.out.request
	s := templates.Status{
		ID: r.ID, State: string(r.State), Grant: r.Grant, Identity: r.Identity, Digest: r.Digest, Problems: slices.Clone(p.facts.problems),
		Leases: p.out.leases, LastError: r.LastError, Issue: p.facts.subject.String(), Registry: r.Registry.String(), OnPull: onPull, Unmerged: p.out.unmerged,
	}
	for i, one := range s.Problems {
		if one.File == "" {
			s.Problems[i].Field = identity.HeadingOf(one.Field)
		}
	}
	if r.Pull != 0 {
		s.Pull = p.pullPlace().String()
	}
	if r.Grant != nil {
		s.Path = r.Grant.Path()
	}
	if p.out.decision != nil {
		s.Decision = &p.out.decision.Decision
		for _, v := range s.Decision.Votes {
			if v.Why != nil && v.Why.Code == approvals.OtherDigest {
				s.Voided++
			}
		}
	}
	for _, l := range s.Leases {
		if l.State == lifecycle.Stuck {
			s.LastError = l.LastError
		}
	}
	return s
}

// blobName is git's name for a file's content.
func blobName(content []byte) string {
	h := sha1.New() //nolint:gosec // see above
	fmt.Fprintf(h, "blob %d\x00", len(content))
	h.Write(content)
	return hex.EncodeToString(h.Sum(nil))
}

package workflow

import (
	"crypto/sha1" //nolint:gosec // git's own object name of a blob, not a signature
	"encoding/hex"
	"fmt"
	"strings"

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
	if r.State != Waiting && r.State != Denied && r.State != Approved || p.out.unmerged {
		return
	}
	path, content := r.Grant.Path(), identity.Encode(*r.Grant)
	about := p.about()
	if !p.holds(path, content) {
		p.add(WriteBranch{
			At: f.registry, Branch: r.Branch, Old: f.branchTip, From: f.base.SHA,
			Path: path, Content: content, Message: templates.CommitMessage(about),
		})
	}
	if f.pull == nil {
		p.add(OpenPull{At: f.registry, Branch: r.Branch, Base: f.base.Name, Title: templates.PullTitle(*r.Grant), Body: templates.PullBody(about)})
	}
}

// holds says whether the pull request brings just this file with just this content.
func (p *planner) holds(path string, content []byte) bool {
	if p.facts.pull == nil {
		return false
	}
	files := p.facts.pull.Files
	return len(files) == 1 && files[0].Path == path && files[0].Status == "added" && files[0].SHA == blobName(content)
}

// check sets both check runs on the pull request's head.
func (p *planner) check() {
	f, r := p.facts, p.out.request
	if f.pull == nil || r.State.frozen() || f.pull.Merged {
		return
	}
	path := ""
	if len(f.pull.Files) > 0 {
		path = f.pull.Files[0].Path // what is wrong with the form is shown at the record that came from it
	}
	runs := []checks.Run{checks.Records(path, f.problems)}
	if p.out.decision != nil {
		runs = append(runs, checks.Approvals(p.out.decision.Decision))
	} else {
		runs = append(runs, checks.Approvals(approvals.Decision{Verdict: approvals.Refused, Reasons: []approvals.Reason{{Code: approvals.ContentDiffers, Subject: f.subject.String()}}}))
	}
	for _, run := range runs {
		if id, same := p.shown(run); !same {
			p.add(setCheck(p.pullPlace(), id, f.pull.Head, run))
		}
	}
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
	if number := p.out.request.Pull; number != 0 {
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
	p.add(CreateComment{At: at, Body: body})
}

// normal takes away what GitHub may change in a body.
func normal(body string) string { return strings.TrimSpace(strings.ReplaceAll(body, "\r\n", "\n")) }

// react answers each command where it stands: seen and counted, or not.
func (p *planner) react() {
	if p.out.decision == nil || p.out.request.State.frozen() {
		return
	}
	counts := map[string]bool{}
	for _, v := range p.out.decision.Decision.Votes {
		id, _, _ := strings.Cut(v.Vote.ID, ":")
		counts[id] = v.Counts
	}
	for _, c := range []struct {
		at   Place
		list []Comment
	}{{p.facts.subject.Place(), p.facts.comments}, {p.pullPlace(), p.facts.pullComments}} {
		for _, comment := range c.list {
			counted, isVote := counts[fmt.Sprintf("comment/%d", comment.ID)]
			if !isVote || len(comment.Reactions) > 0 {
				continue
			}
			content := "confused"
			if counted {
				content = "+1"
			}
			p.add(React{At: c.at, Comment: comment.ID, Content: content})
		}
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
		ID: r.ID, State: string(r.State), Grant: r.Grant, Identity: r.Identity, Digest: r.Digest, Problems: p.facts.problems,
		Leases: p.out.leases, Issue: p.facts.subject.String(), Registry: r.Registry.String(), OnPull: onPull, Unmerged: p.out.unmerged,
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

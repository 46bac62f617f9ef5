package workflow

import (
	"slices"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/lifecycle"
	"github.com/keyreeve/keyreeve/templates"
)

// answer keeps the one comment in each of the two conversations up to date.
func (p *planner) answer() {
	f := p.facts
	if f.issue.Number != 0 && f.subject.Kind == IssueSubject {
		p.say(f.subject.Place(), f.comments, false)
	}
	if number := p.out.request.Pull; number != 0 && !f.pullGone {
		p.say(p.pullPlace(), f.pullComments, true)
	}
}

func (p *planner) say(at Place, comments []Comment, onPull bool) {
	body := p.body(onPull)
	marker := templates.Marker(p.out.request.ID)
	for _, c := range comments {
		if c.Ours && strings.HasPrefix(c.Body, marker) {
			if normal(c.Body) != normal(body) {
				p.add(EditComment{At: at, ID: c.ID, Body: body})
			}
			return
		}
	}
	if !p.facts.unseen(at, marker) {
		p.add(CreateComment{At: at, Body: body})
	}
}

// body is what the one comment says.
func (p *planner) body(onPull bool) string {
	if p.facts.subject.Kind == PullSubject {
		return templates.ChangeComment(p.change())
	}
	return templates.StatusComment(p.status(onPull))
}

// seenWithin is how long a new comment may take to be seen in GitHub's list. Within it no other one is made, also not by
// another walk, or after a crash that leaves it open whether the first was.
const seenWithin = 10 * time.Second

// saidKey names one comment of the bot's: where it is, and the marker that it begins with.
func saidKey(at Place, marker string) string { return at.String() + " " + marker }

// unseen says that a comment or issue was lately made, or about to be, and may not be seen yet.
func (f issueFacts) unseen(at Place, marker string) bool {
	if f.stored.Request == nil {
		return false
	}
	said, ok := f.stored.Request.Said[saidKey(at, marker)]
	return ok && f.now.Before(said.Add(seenWithin)) && !f.now.Before(said)
}

// noteSaid writes down which comments and issues are about to be made, and returns when to look again for those that are
// not seen yet. What was made longer ago is seen by now, or has to be made again.
func (f issueFacts) noteSaid(r *Request, plan []Effect, again time.Time) time.Time {
	said := map[string]time.Time{}
	for key, at := range r.Said {
		if until := at.Add(seenWithin); f.now.Before(until) && !f.now.Before(at) {
			said[key] = at
			if !f.sees(key) {
				again = earlier(again, until)
			}
		}
	}
	for _, e := range plan {
		switch e := e.(type) {
		case CreateComment:
			said[saidKey(e.At, firstLine(e.Body))] = f.now.UTC()
		case OpenIssue:
			said[saidKey(e.At, firstLine(e.Body))] = f.now.UTC()
		}
	}
	if r.Said = said; len(said) == 0 {
		r.Said = nil
	}
	return again
}

// sees says whether what a key of Request.Said names is in the lists that were read.
func (f issueFacts) sees(key string) bool {
	for _, c := range f.comments {
		if c.Ours && saidKey(f.subject.Place(), firstLine(c.Body)) == key {
			return true
		}
	}
	for _, c := range f.pullComments {
		if c.Ours && saidKey(f.pullAt(), firstLine(c.Body)) == key {
			return true
		}
	}
	return f.reviewIssue != nil && saidKey(f.registry, firstLine(f.reviewIssue.Body)) == key
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return strings.TrimRight(line, "\r")
}

// normal takes away what GitHub may change in a body.
func normal(body string) string { return strings.TrimSpace(strings.ReplaceAll(body, "\r\n", "\n")) }

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
	if after := time.Duration(p.facts.rules.Requests.ExpireAfter); after > 0 && !r.Since.IsZero() {
		s.Expires = r.Since.Add(after)
	}
	if r.Review != nil {
		at := p.facts.registry
		at.Number = r.Review.Number
		s.Review, s.Reviewer = at.String(), r.Review.By.Login
	}
	if p.out.decision != nil {
		s.Decision = &p.out.decision.Decision
		s.Voided, s.Changes = p.voided()
	}
	for _, l := range s.Leases {
		if l.State == lifecycle.Stuck {
			s.LastError = l.LastError
		}
	}
	return s
}

// voided counts the votes that an edit or push made void, and says what it changed.
func (p *planner) voided() (n int, changes []templates.Difference) {
	for _, v := range p.out.decision.Decision.Votes {
		if v.Why != nil && (v.Why.Code == approvals.OtherDigest || v.Why.Code == approvals.OtherHead) {
			n++
		}
	}
	for _, c := range p.out.request.Changes {
		changes = append(changes, templates.Difference(c))
	}
	return n, changes
}

package workflow

import (
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/templates"
)

// wait follows a request that waits for an answer: people are reminded, at growing distances, and at last it expires, as the
// policy says. The time counts from when the request came to ask for what it asks now, or was opened again.
func (f issueFacts) wait(out *issueOutcome) {
	r, old := &out.request, f.stored.Request
	if r.State != Waiting {
		return
	}
	r.Since = f.now.UTC()
	if old != nil && old.State == Waiting && old.Digest == r.Digest && !old.Since.IsZero() && !f.now.Before(old.Since) {
		r.Since, r.Reminded = old.Since, old.Reminded
	}
	limits := f.rules.Requests
	if after := time.Duration(limits.ExpireAfter); after > 0 {
		end := r.Since.Add(after)
		if !f.now.Before(end) {
			r.State, r.Since, r.Reminded = Expired, time.Time{}, 0
			return
		}
		out.again = earlier(out.again, end)
	}
	if after := time.Duration(limits.RemindAfter); after > 0 {
		due, next := reminders(r.Since, after, f.now)
		r.Reminded = max(r.Reminded, due)
		out.again = earlier(out.again, next)
	}
}

// reminders says how many reminders are due, and when the next one is: the first after a while, each following one after
// twice the time of the one before.
func reminders(since time.Time, after time.Duration, now time.Time) (due int, next time.Time) {
	next = since.Add(after)
	for !now.Before(next) && due < 16 {
		due++
		after *= 2
		next = next.Add(after)
	}
	return due, next
}

// expired keeps an expired request as it is for as long as its issue or pull request is closed. Who opens again what there is of the
// two begins anew.
func (f issueFacts) expired(out *issueOutcome) bool {
	old := f.stored.Request
	if old == nil || old.State != Expired {
		return false
	}
	// A change has a pull request alone.
	issueOpen := f.issue.Open || f.subject.Kind == PullSubject && f.pull.Open
	pullOpen := f.pull != nil && f.pull.Open
	if old.Closed && issueOpen && (f.pull == nil || pullOpen) || f.pull != nil && f.pull.Merged {
		return false
	}
	out.request.State = Expired
	out.request.Closed = old.Closed || !issueOpen && !pullOpen
	return true
}

// remind writes the reminder that is due, and mentions those who could answer.
func (p *planner) remind() {
	f, r := p.facts, p.out.request
	if r.State != Waiting || r.Reminded == 0 || p.out.decision == nil {
		return
	}
	at, comments := f.subject.Place(), f.comments
	if f.subject.Kind == PullSubject {
		comments = f.pullComments
	}
	marker := templates.ReminderMarker(r.ID, r.Since, r.Reminded)
	for _, c := range comments {
		if c.Ours && strings.HasPrefix(c.Body, marker) {
			return
		}
	}
	if f.unseen(at, marker) {
		return
	}
	expires := time.Time{}
	if after := time.Duration(f.rules.Requests.ExpireAfter); after > 0 {
		expires = r.Since.Add(after)
	}
	p.add(CreateComment{At: at, About: "reminder", Body: templates.Reminder(marker, p.out.decision.Decision, r.Since, expires)})
}

// differences lists in which fields two grants differ.
func differences(from, to identity.Grant) (out []Change) {
	for _, field := range []struct{ what, from, to string }{
		{"identity", from.Identity, to.Identity},
		{"resource", from.Resource, to.Resource},
		{"permission", from.Permission.String(), to.Permission.String()},
		{"environment", from.Environment, to.Environment},
		{"duration", from.Duration.String(), to.Duration.String()},
		{"prompted by", from.PromptedBy, to.PromptedBy},
		{"reason", from.Reason, to.Reason},
	} {
		if field.from != field.to {
			out = append(out, Change{What: field.what, From: field.from, To: field.to})
		}
	}
	return out
}

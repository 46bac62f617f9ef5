package workflow

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/templates"
)

// ReviewLabel is the label of the issues in which overrides are reviewed.
const ReviewLabel = "keyreeve-review"

// override is the override that a merged request rests on, nil where it was approved by those whose approval it needs.
func (f issueFacts) override() *approvals.Overridden {
	if f.stored.Decision == nil {
		return nil
	}
	return f.stored.Decision.Decision.Override
}

// observeReview reads the issue in which an override is reviewed, as long as nobody has.
func (w *Walker) observeReview(ctx context.Context, f *issueFacts) error {
	if f.override() == nil {
		return nil
	}
	at := f.registry
	switch review := f.stored.Request.Review; {
	case review != nil && review.By.ID != 0:
		return nil
	case review != nil:
		at.Number = review.Number
	default:
		list, err := w.Conversations.OwnIssues(ctx, f.registry, ReviewLabel)
		if err != nil {
			return err
		}
		marker := templates.ReviewMarker(f.stored.Request.ID)
		i := slices.IndexFunc(list, func(i Issue) bool { return strings.HasPrefix(i.Body, marker) })
		if i < 0 {
			return nil
		}
		at.Number = list[i].Number
	}
	issue, err := w.Conversations.Issue(ctx, at)
	if errors.Is(err, ErrNotFound) {
		return nil // deleted: nobody reviewed it, and another one is opened
	}
	if err != nil {
		return err
	}
	f.reviewIssue = &issue
	f.reviewComments, err = w.Conversations.Comments(ctx, at)
	return err
}

// mostReopened bounds how often a review is opened again: an automation that closes it would be at it for ever.
const mostReopened = 5

// decideReview follows the review: it is done once somebody closed its issue who neither overrode nor asked for nor would
// hold the access.
func (f issueFacts) decideReview(r *Request) {
	issue := f.reviewIssue
	if f.override() == nil || r.Review != nil && r.Review.By.ID != 0 {
		return
	}
	if issue == nil {
		r.Review = nil
		return
	}
	review := OverrideReview{Number: issue.Number}
	if r.Review != nil && r.Review.Number == issue.Number {
		review.Reopened = r.Review.Reopened
	}
	switch {
	case issue.Open:
	case f.mayReview(issue.ClosedBy):
		review.By = issue.ClosedBy
	case review.Reopened <= mostReopened:
		review.Reopened++
	}
	r.Review = &review
}

func (f issueFacts) mayReview(p identity.Person) bool {
	bot := strings.HasSuffix(p.Login, "[bot]")
	return p.ID != 0 && !bot && !p.Same(f.override().By) && !f.concerned(p) &&
		!slices.ContainsFunc(f.stored.Decision.Facts.Excluded, func(x approvals.Exclusion) bool { return x.Person.Same(p) })
}

// review opens the issue in which an override is reviewed, and opens it again when it was closed by somebody who may not.
func (p *planner) review() {
	f, r := p.facts, p.out.request
	if f.override() == nil || !r.State.frozen() || r.Review != nil && r.Review.By.ID != 0 {
		return
	}
	marker := templates.ReviewMarker(r.ID)
	if f.reviewIssue == nil {
		if !f.unseen(f.registry, marker) {
			p.add(OpenIssue{At: f.registry, Title: templates.ReviewTitle(*r.Grant), Body: templates.ReviewBody(p.overridden()), Labels: []string{ReviewLabel}})
		}
		return
	}
	if f.reviewIssue.Open {
		return
	}
	if r.Review.Reopened > mostReopened {
		return // something closes it again and again: it stays closed, and the request waits for its review
	}
	at := f.registry
	at.Number = f.reviewIssue.Number
	p.add(ReopenIssue{At: at})
	key := "closing by " + f.reviewIssue.ClosedBy.Login
	if !slices.ContainsFunc(f.reviewComments, func(c Comment) bool { return c.Ours && strings.HasPrefix(c.Body, templates.ReplyMarker(key)) }) {
		p.add(CreateComment{At: at, About: "reply to the " + key, Body: templates.ReplyMarker(key) + "\n" + templates.NotReviewed(f.reviewIssue.ClosedBy)})
	}
}

func (p *planner) overridden() templates.Review {
	f, r := p.facts, p.out.request
	return templates.Review{
		ID: r.ID, Grant: *r.Grant, Override: *f.override(), Needs: f.stored.Decision.Decision.Needs, Issue: f.subject.String(), Pull: p.pullPlace().String(),
	}
}

package workflow

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/lifecycle"
)

// issueOutcome is what a look at a request came to.
type issueOutcome struct {
	request  Request
	decision *StoredDecision
	bindings []BoundVote
	lease    *lifecycle.Lease // to be created
	leases   []lifecycle.Lease
	orders   orders
	again    time.Time
	unmerged bool // merged by somebody before it was approved
}

// decideIssue is pure: the same facts give the same outcome.
func decideIssue(f issueFacts) issueOutcome {
	if r := f.stored.Request; r != nil && r.State.frozen() {
		return decideFrozen(f)
	}
	out := issueOutcome{request: f.asked(), orders: f.decideOrders()}
	expired := f.expired(&out)
	if out.request.Grant == nil || len(f.problems) > 0 {
		out.request.Decision, out.request.Attempts, out.request.LastError = "", 0, ""
		out.request.State = f.endedOr(Invalid, expired)
		// What is said now is said of nothing: it counts for nothing that is understood later.
		out.bindings = f.ballot(asked{content: lateDigest}).fresh
		return out
	}
	ballot := f.ballot(f.asks(out.request))
	out.bindings = ballot.fresh
	facts := f.approval(out.request.Digest, ballot.votes)
	d := approvals.Decide(facts)
	neverAwake(out.bindings, d)
	out.decision = f.store(facts, d)
	out.request.Decision = out.decision.ID
	out.request.State = verdictStates[d.Verdict]
	if hasUnknown(f.people) || len(f.unknown) > 0 {
		out.again = f.now.Add(time.Minute) // a look-up failed: nothing will call for it
	}
	out.request.Changes = f.changes(out.decision.Decision)
	// Given up also when the bot's merge came first: nobody wants the access any more.
	out.request.State = f.endedOr(out.request.State, expired)
	f.merged(&out)
	if out.request.State != Approved {
		out.request.Attempts, out.request.LastError = 0, ""
	}
	f.wait(&out)
	return out
}

// endedOr is the state of a request that nobody wants any more, or else s.
func (f issueFacts) endedOr(s RequestState, expired bool) RequestState {
	switch {
	case expired:
		return Expired
	case f.given():
		return Cancelled
	}
	return s
}

// merged makes the lease of a request whose record is merged, if it is approved.
func (f issueFacts) merged(out *issueOutcome) {
	if s := out.request.State; f.pull == nil || !f.pull.Merged || s == Expired || s == Cancelled {
		return
	}
	if out.decision.Decision.Verdict != approvals.Approved {
		out.unmerged = true
		return
	}
	out.request.State = Merged
	out.lease = f.newLease(out.decision.ID)
	out.leases = []lifecycle.Lease{*out.lease}
}

// changes says what was changed since the votes that it made void were given: as long as there are such votes.
func (f issueFacts) changes(d approvals.Decision) []Change {
	voided := slices.ContainsFunc(d.Votes, func(v approvals.VoteResult) bool {
		return v.Why != nil && (v.Why.Code == approvals.OtherDigest || v.Why.Code == approvals.OtherHead)
	})
	old := f.stored.Request
	if !voided || old == nil {
		return nil
	}
	if f.subject.Kind == PullSubject {
		if list := f.askedChange().Changes; len(list) > 0 {
			return list
		}
	} else if old.Grant != nil && f.grant != nil {
		if list := differences(*old.Grant, *f.grant); len(list) > 0 {
			return list
		}
	}
	return old.Changes
}

// approval is what a decision is made from.
func (f issueFacts) approval(digest string, votes []approvals.Vote) approvals.Facts {
	facts := approvals.Facts{
		Digest: digest, Needs: f.needs, People: f.people, Excluded: f.excluded,
		Votes: votes, Locked: f.issue.Locked, Unknown: f.unknown, Stopped: f.stopped, SameTree: f.sameTree, BreakGlass: approvals.GlassOf(f.rules, *f.grant),
	}
	if f.pull == nil {
		return facts
	}
	facts.Head, facts.Locked = f.pull.Head, f.issue.Locked || f.pull.Locked
	if f.pull.Merged && !f.recorded {
		facts.Stopped = append(slices.Clone(f.stopped), approvals.Reason{Code: approvals.ContentDiffers, Subject: f.grant.Path()})
	}
	return facts
}

var verdictStates = map[approvals.Verdict]RequestState{
	approvals.Pending: Waiting, approvals.Approved: Approved, approvals.Denied: Denied, approvals.Refused: Refused,
}

// decideFrozen follows what became of the access.
func decideFrozen(f issueFacts) issueOutcome {
	out := issueOutcome{request: *f.stored.Request, decision: f.stored.Decision, leases: f.stored.Leases}
	for _, l := range f.stored.Leases {
		switch l.State {
		case lifecycle.Active, lifecycle.Revoking:
			out.request.State = Live
		case lifecycle.Revoked:
			out.request.State = Ended
		case lifecycle.Stuck:
			if l.StuckFrom == lifecycle.Revoking {
				out.request.State = Live
			}
		case lifecycle.Approved, lifecycle.Granting:
		}
	}
	out.orders = f.decideOrders()
	if len(out.orders.deferred) > 0 {
		out.again = f.now.Add(time.Minute)
	}
	f.decideReview(&out.request)
	if r := out.request; r.State == Ended && f.override() != nil && (r.Review == nil || r.Review.By.ID == 0) {
		out.request.State = Reviewing
	}
	return out
}

// given says that somebody gave the request up before it was merged: the issue or its pull request is closed, or the
// requester said so. A later act of a person beats the bot.
func (f issueFacts) given() bool {
	return !f.issue.Open || f.pull != nil && !f.pull.Open && !f.pull.Merged || len(f.cancels()) > 0
}

// asked is the request as the issue has it now.
func (f issueFacts) asked() Request {
	r := Request{
		Subject: f.subject, ID: identity.GrantID(f.subject.Repo, f.subject.Number), Requester: f.issue.Author,
		Title: f.issue.Title, Registry: f.registry.Repo, Grant: f.grant, Identity: f.identity,
	}
	if old := f.stored.Request; old != nil {
		r.Branch, r.Pull, r.Shown, r.Said, r.Attempts, r.LastError = old.Branch, old.Pull, old.Shown, old.Said, old.Attempts, old.LastError
		if f.issue.Number == 0 { // gone: what was known of it stays
			r.Requester, r.Title = old.Requester, old.Title
		}
	}
	if f.grant != nil {
		r.Digest = f.grant.Digest()
		if len(f.problems) == 0 {
			r.Branch = "keyreeve/" + r.ID
		}
	}
	if f.pull != nil {
		r.Pull = f.pull.Number
		switch {
		case r.Grant == nil || !f.holds(*r.Grant):
			r.Shown = showsOther
		case len(f.problems) == 0: // else it is not known for whom it would be
			r.Shown = f.content()
		}
	}
	return r
}

// showsOther is Request.Shown while the pull request asks for anything else than the issue does.
const showsOther = "other"

// content is what votes are bound to: what is asked for, and for which account, since the identity's record could name
// another one tomorrow, and a name could be another account's.
func (f issueFacts) content() string {
	return fmt.Sprintf("%s for %s (%d)", f.grant.Digest(), f.holder.principal, f.holder.id)
}

// holds says whether the pull request brings just the record of a grant, in one commit, and nothing else.
func (f issueFacts) holds(g identity.Grant) bool {
	if f.pull == nil || len(f.pull.Files) != 1 || len(f.pull.Commits) != 1 {
		return false
	}
	file := f.pull.Files[0]
	return file.Path == g.Path() && file.Status == "added" && file.SHA == blobName(identity.Encode(g))
}

// asks is what votes on a request are bound to now.
func (f issueFacts) asks(r Request) asked {
	a := asked{content: f.content(), digest: r.Digest, edited: f.issue.LastEditedAt}
	before := ""
	if f.stored.Request != nil {
		before = f.stored.Request.Shown
	}
	if f.pull != nil {
		a.head = f.pull.Head
	}
	a.shown = r.Shown == a.content && (before == "" || before == a.content)
	return a
}

func (f issueFacts) ballot(a asked) ballot {
	var reviews []Review
	if f.pull != nil {
		reviews = f.pull.Reviews
	}
	return collect(f.stored.Votes, a, f.comments, f.pullComments, reviews, f.stored.Presses, f.now)
}

// neverAwake binds an override that may not be, when it is first seen, to nothing: it was answered so, and is not to count
// because the policy became milder one day.
func neverAwake(fresh []BoundVote, d approvals.Decision) {
	for i, b := range fresh {
		if b.Verb != approvals.Override {
			continue
		}
		for _, v := range d.Votes {
			if v.Vote.ID == b.Vote && !v.Counts && v.Why.Code != approvals.MembershipUnknown {
				fresh[i].Digest = lateDigest
			}
		}
	}
}

// newLease is the lease that the approved, merged request asks for.
func (f issueFacts) newLease(decision string) *lifecycle.Lease {
	// GitHub's names are the same in any case of letters, and one access is to have one name: two leases on it under two
	// spellings would each restore what the other one gave.
	who := f.holder.principal
	who.Name = strings.ToLower(who.Name)
	return &lifecycle.Lease{
		ID: f.grant.ID, Installation: f.subject.Installation, Subject: f.subject.Key(), Decision: decision,
		Access: identity.Access{Provider: f.grant.Provider, Resource: strings.ToLower(f.grant.Resource), Principal: who}, HolderID: f.holder.id,
		Permission: f.grant.Permission, Duration: time.Duration(f.grant.Duration), State: lifecycle.Approved,
	}
}

// store names a decision by what went into it, so that the same decision is stored once.
func (f issueFacts) store(facts approvals.Facts, d approvals.Decision) *StoredDecision {
	sd := StoredDecision{Subject: f.subject, At: f.now, Policy: f.policy.SHA, Codeowners: f.owners.blob, Facts: facts, Decision: d}
	b, err := json.Marshal([]any{f.subject.Key(), sd.Policy, sd.Codeowners, facts, d})
	if err != nil {
		panic(fmt.Sprintf("decision on %s: %v", f.subject, err)) // plain data: can't happen
	}
	sum := sha256.Sum256(b)
	sd.ID = hex.EncodeToString(sum[:16])
	return &sd
}

// factsDigest names the facts of a decision.
func (d StoredDecision) factsDigest() string {
	b, err := json.Marshal(d.Facts)
	if err != nil {
		panic(fmt.Sprintf("facts of %s: %v", d.ID, err)) // plain data: can't happen
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func hasUnknown(people map[string]approvals.Members) bool {
	for _, m := range people {
		if !m.Known {
			return true
		}
	}
	return false
}

// equal compares all but the times.
func (r Request) equal(o Request) bool {
	r.CreatedAt, r.UpdatedAt, o.CreatedAt, o.UpdatedAt = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	return reflect.DeepEqual(r, o)
}

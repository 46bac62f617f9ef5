package workflow

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
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
	again    time.Time
	unmerged bool // merged by somebody before it was approved
}

// decideIssue is pure: the same facts give the same outcome.
func decideIssue(f issueFacts) issueOutcome {
	if r := f.stored.Request; r != nil && r.State.frozen() {
		return decideFrozen(f)
	}
	out := issueOutcome{request: f.asked()}
	if out.request.Grant == nil || len(f.problems) > 0 {
		out.request.State = Invalid
		out.request.Decision = ""
		if f.given() {
			out.request.State = Cancelled
		}
		return out
	}
	digest := out.request.Digest
	ballot := f.ballot(digest)
	out.bindings = ballot.fresh
	facts := approvals.Facts{
		Digest: digest, Needs: f.needs, People: f.people, Excluded: f.excluded,
		Votes: ballot.votes, Locked: f.issue.Locked, Unknown: f.unknown, Stopped: f.stopped,
	}
	if f.pull != nil {
		facts.Head = f.pull.Head
		if f.pull.Merged && !f.recorded {
			facts.Stopped = append(facts.Stopped, approvals.Reason{Code: approvals.ContentDiffers, Subject: f.grant.Path()})
		}
	}
	d := approvals.Decide(facts)
	out.decision = f.store(facts, d)
	out.request.Decision = out.decision.ID
	out.request.State = verdictStates[d.Verdict]
	if hasUnknown(f.people) {
		out.again = f.now.Add(time.Minute) // a look-up failed: nothing will call for it
	}
	switch merged := f.pull != nil && f.pull.Merged; {
	case merged && d.Verdict == approvals.Approved:
		out.request.State = Merged
		out.lease = f.newLease(out.decision.ID)
		out.leases = []lifecycle.Lease{*out.lease}
	case merged:
		out.unmerged = true
	case f.given():
		out.request.State = Cancelled
	}
	return out
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
	return out
}

// given says that somebody gave the request up before it was merged: the
// issue or its pull request is closed. A later act of a person beats the bot.
func (f issueFacts) given() bool {
	return !f.issue.Open || f.pull != nil && !f.pull.Open && !f.pull.Merged
}

// asked is the request as the issue has it now.
func (f issueFacts) asked() Request {
	r := Request{
		Subject: f.subject, ID: identity.GrantID(f.subject.Repo, f.subject.Number), Requester: f.issue.Author,
		Title: f.issue.Title, Registry: f.registry.Repo, Grant: f.grant, Identity: f.identity,
	}
	if old := f.stored.Request; old != nil {
		r.Branch, r.Pull = old.Branch, old.Pull
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
	}
	return r
}

func (f issueFacts) ballot(digest string) ballot {
	comments := append(append([]Comment(nil), f.comments...), f.pullComments...)
	var reviews []Review
	if f.pull != nil {
		reviews = f.pull.Reviews
	}
	return collect(f.stored.Votes, digest, f.issue.LastEditedAt, comments, reviews, f.now)
}

// newLease is the lease that the approved, merged request asks for.
func (f issueFacts) newLease(decision string) *lifecycle.Lease {
	holder, _ := f.identity.Account.Principal()
	return &lifecycle.Lease{
		ID: f.grant.ID, Installation: f.subject.Installation, Subject: f.subject.Key(), Decision: decision,
		Access:     identity.Access{Provider: f.grant.Provider, Resource: f.grant.Resource, Principal: holder},
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

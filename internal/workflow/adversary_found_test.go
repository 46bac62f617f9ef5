package workflow

// Each of these tests is of something that a review found, and that was mended.

import (
	"strings"
	"testing"
	"time"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/lifecycle"
)

var frank = identity.Person{ID: 6, Login: "frank"}

func verdictOf(f issueFacts) approvals.Verdict { return decideIssue(f).decision.Decision.Verdict }

// live is a merged request with an active lease of an hour, extensible by 4h, at most 30 days.
func live() issueFacts {
	f := settled(approved())
	f.stored.Request.State, f.stored.Request.Grant, f.stored.Request.Identity = Live, f.grant, f.identity
	f.rules.Grants.MaxDuration = identity.Duration(30 * 24 * time.Hour)
	f.rules.Extensions.Max = identity.Duration(4 * time.Hour)
	f.stored.Leases = []lifecycle.Lease{{
		ID: "acme-identities-1", State: lifecycle.Active, Duration: 2 * time.Hour, VerifiedAt: noon, EndsAt: noon.Add(2 * time.Hour), Granted: &lifecycle.Evidence{},
	}}
	f.pull = nil
	return f
}

func taken(f issueFacts) (sum time.Duration) {
	for _, o := range decideIssue(f).orders.taken {
		sum += o.For
	}
	return sum
}

// Two extensions in one look.
func TestExtendTwiceInOneLook(t *testing.T) {
	f := live()
	f.says(dana, false, "/extend 4h more")
	f.says(dana, false, "/extend 4h more")
	f.says(dana, false, "/extend 4h more")
	if got := taken(f); got > 4*time.Hour {
		t.Errorf("the policy allows 4h, taken were %s", got)
	}
}

// One stored and not obeyed yet.
func TestExtendBeforeObeyed(t *testing.T) {
	f := live()
	f.stored.Orders = []LeaseOrder{{Lease: "acme-identities-1", Order: lifecycle.Order{ID: "comment/900", Kind: lifecycle.Extend, For: 4 * time.Hour, By: dana, At: noon}}}
	f.says(dana, false, "/extend 4h more")
	if got := taken(f); got != 0 {
		t.Errorf("4h are ordered already, taken were %s more", got)
	}
}

func TestExtendAfterEnd(t *testing.T) {
	f := live()
	f.now = noon.Add(3 * time.Hour)
	f.says(dana, false, "/extend 4h more")
	if got := taken(f); got != 0 {
		t.Errorf("it ended an hour ago, and is made longer by %s", got)
	}
}

func TestExtendOverride(t *testing.T) {
	f := live()
	f.rules.BreakGlass = &identity.BreakGlass{From: []string{"@frank"}, MaxDuration: identity.Duration(2 * time.Hour)}
	f.stored.Decision.Decision.Override = &approvals.Overridden{By: frank, Vote: "comment/3"}
	f.says(dana, false, "/extend 4h more")
	if got := taken(f); got != 0 {
		t.Errorf("an override gives 2h, and is made longer by %s", got)
	}
}

// The account is given up, and its name taken by somebody else, after the vote.
func TestLoginChangesHandsBeforeMerge(t *testing.T) {
	f := settled(approved())
	f.holder.id = 666
	f.pull.Open, f.pull.Merged, f.recorded = false, true, true
	if out := decideIssue(f); out.lease != nil {
		t.Errorf("a vote for account 44 gives a lease to %d", out.lease.HolderID)
	}
}

func TestWithdrawalDeleted(t *testing.T) {
	f := approved()
	f.says(erin, false, "/withdraw")
	f = settled(f)
	if v := verdictOf(f); v != approvals.Pending {
		t.Fatal(v)
	}
	for i, c := range f.comments {
		if c.Body == "/withdraw" {
			f.comments[i].Body, f.comments[i].LastEditedAt = "thanks", noon.Add(time.Hour) // by a maintainer
		}
	}
	if v := verdictOf(f); v == approvals.Approved {
		t.Error("a withdrawn approval came back to life by an edit of the withdrawal")
	}
}

func TestDenialDismissed(t *testing.T) {
	f := asking()
	f.pull.Reviews = []Review{
		{ID: 1, By: erin, State: "APPROVED", Head: head, At: noon.Add(time.Minute)},
		{ID: 2, By: erin, State: "CHANGES_REQUESTED", Head: head, At: noon.Add(2 * time.Minute)},
	}
	f = settled(f)
	if v := verdictOf(f); v != approvals.Denied {
		t.Fatal(v)
	}
	f.pull.Reviews[1].State = "DISMISSED" // by a maintainer
	if v := verdictOf(f); v == approvals.Approved {
		t.Error("dismissing a newer denial revives the approval that it had taken the place of")
	}
}

// A press is told late: its delivery was redelivered.
func TestLatePressLiftsDenial(t *testing.T) {
	f := asking()
	f.comments = append(f.comments, Comment{ID: 50, By: erin, Body: "/deny no", CreatedAt: noon.Add(time.Minute)})
	f = settled(f)
	f.stored.Presses = []Press{{ID: "ab", By: erin, Action: "approve", Head: head, At: noon.Add(time.Hour)}}
	if v := verdictOf(f); v == approvals.Approved {
		t.Error("approved by a press")
	}
}

func TestChangeReopenedAfterExpiry(t *testing.T) {
	f := issueFacts{
		now: noon, subject: Subject{Installation: 7, Kind: PullSubject, Repo: theIssue.Repo, Number: 4}, registry: Place{Installation: 7, Repo: registry},
		base: Branch{Name: "main"}, tree: "t",
		needs:  []approvals.Need{{Kind: approvals.Path, Subject: "x", Owners: []string{"@erin"}}},
		people: map[string]approvals.Members{"@erin": {Known: true, People: []identity.Person{erin}}},
		pull:   &Pull{Number: 4, Author: dana, Open: true, Head: head, BaseRef: "main", Files: []ChangedFile{{Path: "x", Status: "added", SHA: "1"}}},
	}
	f.rules.Requests.ExpireAfter = identity.Duration(time.Hour)
	step := func() RequestState { out := decideChange(f); r := out.request; f.stored.Request = &r; return r.State }
	if s := step(); s != Waiting {
		t.Fatal(s)
	}
	f.now = noon.Add(2 * time.Hour)
	if s := step(); s != Expired {
		t.Fatal(s)
	}
	f.pull.Open = false
	step()
	if !f.stored.Request.Closed {
		t.Fatal("not closed")
	}
	f.pull.Open = true
	if s := step(); s != Waiting {
		t.Errorf("opened again it is %s", s)
	}
}

// Green on a cancelled request.
func TestCancelledIsNotGreen(t *testing.T) {
	f := approved()
	f.issue.Open = false
	out := decideIssue(f)
	for _, e := range planIssue(f, out) {
		if c, ok := e.(SetCheck); ok && c.Conclusion == "success" && strings.Contains(c.Name, "approvals") {
			t.Errorf("the request is %s and its check is %s", out.request.State, c.Conclusion)
		}
	}
}

// A vote below a request that was invalid, which was answered with "confused".
func TestVoteWhileInvalid(t *testing.T) {
	f := asking()
	f.problems = []identity.Problem{{Field: "identity", What: "not in the registry"}}
	f.says(erin, false, "/approve")
	f = settled(f)
	if r := f.comments[len(f.comments)-1].Reactions; len(r) != 1 || r[0] != no {
		t.Fatal(f.comments)
	}
	f.problems = nil
	f.holder = holder{principal: identity.Principal{Kind: identity.User, Name: "mallory"}, id: 13}
	if v := verdictOf(f); v == approvals.Approved {
		t.Error("a vote that was answered as not counting counts for an account that was not known when it was given")
	}
}

func TestOverrideAwakes(t *testing.T) {
	f := asking()
	f.people["@frank"] = approvals.Members{Known: true, People: []identity.Person{frank}}
	f.rules.BreakGlass = &identity.BreakGlass{From: []string{"@frank"}, MaxDuration: identity.Duration(time.Hour)}
	f.says(frank, false, "/override now")
	f = settled(f)
	if v := verdictOf(f); v != approvals.Pending {
		t.Fatal(v)
	}
	f.rules.BreakGlass = &identity.BreakGlass{From: []string{"@frank"}, MaxDuration: identity.Duration(4 * time.Hour)}
	if v := verdictOf(f); v == approvals.Approved {
		t.Error("an override that was refused awakes by a policy change")
	}
}

// The requester, who may write the registry, closes the bot's pull request and opens another one from its branch: what was
// said on the first is gone.
func TestAnotherPullShedsDenials(t *testing.T) {
	f := asking()
	henk := identity.Person{ID: 8, Login: "henk"}
	f.people["@erin"] = approvals.Members{Known: true, People: []identity.Person{erin, henk}}
	f.pull.Reviews = []Review{{ID: 2, By: erin, State: "CHANGES_REQUESTED", Head: head, At: noon}}
	f = settled(f)
	f.says(henk, false, "/approve")
	f = settled(f)
	if v := verdictOf(f); v != approvals.Denied {
		t.Fatal(v)
	}
	other := *f.pull
	other.Number, other.Author, other.Reviews = 9, dana, nil
	f.pull, f.pullComments = &other, nil
	if v := verdictOf(f); v == approvals.Approved {
		t.Error("erin's denial on #2 is shed by #9")
	}
}

// A person's pull request with the bot's own commit as its head.
func TestSameHeadTwoSubjects(t *testing.T) {
	f := asking()
	f.needs = append(f.needs, approvals.Need{Kind: approvals.Resource, Subject: "acme/payments", Owners: []string{"@gus"}})
	f.people["@gus"] = approvals.Members{Known: true, People: []identity.Person{gus}}
	g := f
	g.subject = Subject{Installation: 7, Kind: PullSubject, Repo: theIssue.Repo, Number: 9}
	pull := *f.pull
	pull.Number, pull.Author, pull.HeadRef = 9, dana, "mine"
	pull.Reviews = []Review{{ID: 2, By: erin, State: "APPROVED", Head: head, At: noon}}
	g.pull, g.stored, g.issue, g.needs = &pull, State{}, Issue{}, f.needs[:1]
	g.comments, g.pullComments, g.checks, g.grant = nil, nil, nil, nil
	if got := what(planChange(g, decideChange(g))); strings.Contains(got, "approvals success") {
		t.Errorf("the request waits for the resource's owner, and on its head: %s", got)
	}
}

package workflow

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/checks"
	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/lifecycle"
	"github.com/keyreeve/keyreeve/templates"
)

var (
	noon     = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	dana     = identity.Person{ID: 1, Login: "dana"}
	erin     = identity.Person{ID: 2, Login: "erin"}
	gus      = identity.Person{ID: 3, Login: "gus"}
	keyreeve = identity.Person{ID: 9, Login: "keyreeve[bot]"}
	registry = identity.Repo{Owner: "acme", Name: "identities"}
	theIssue = Subject{Installation: 7, Kind: IssueSubject, Repo: identity.Repo{ID: 5, Owner: "acme", Name: "identities"}, Number: 1}
	head     = strings.Repeat("a", 40)
)

// asking is a request with its pull request open and its checks shown, which waits for erin's approval.
func asking() issueFacts {
	grant := &identity.Grant{
		Version: 1, ID: "acme-identities-1", Identity: "payments/deploy-bot", Provider: "github", Resource: "Acme/payments",
		Permission: identity.Write, Environment: "production", Duration: identity.Duration(2 * time.Hour), Reason: "A release.", Requester: dana,
	}
	f := issueFacts{
		now: noon, subject: theIssue, registry: Place{Installation: 7, Repo: registry},
		issue:    Issue{Number: 1, Title: "Access", Author: dana, Open: true},
		base:     Branch{Name: "main", SHA: strings.Repeat("b", 40)},
		grant:    grant,
		identity: &identity.Identity{Name: "payments/deploy-bot", Owner: "@erin", Account: &identity.Account{User: "Deploy-Bot"}},
		holder:   holder{principal: identity.Principal{Kind: identity.User, Name: "Deploy-Bot"}, id: 44},
		needs:    []approvals.Need{{Kind: approvals.Path, Subject: grant.Path(), Owners: []string{"@erin"}, Count: 1}},
		people:   map[string]approvals.Members{"@erin": {Known: true, People: []identity.Person{erin}}},
		excluded: []approvals.Exclusion{{Person: dana, Why: approvals.Requester}},
		pull: &Pull{
			Number: 2, Author: keyreeve, Open: true, Head: head, BaseRef: "main",
			Files:   []ChangedFile{{Path: grant.Path(), Status: "added", SHA: blobName(identity.Encode(*grant))}},
			Commits: []PullCommit{{SHA: head, Author: keyreeve, Committer: keyreeve}},
		},
		branchTip: head,
	}
	return settled(f)
}

// settled is f once all that it leads to was done and stored, short of a merge.
func settled(f issueFacts) issueFacts {
	for range 3 {
		out := decideIssue(f)
		r := out.request
		f.stored.Request, f.stored.Decision = &r, out.decision
		f.stored.Votes = append(f.stored.Votes, out.bindings...)
		for _, e := range planIssue(f, out) {
			f.do(e)
		}
	}
	return f
}

// do carries out what has to do with the conversation and the checks.
func (f *issueFacts) do(e Effect) {
	talk := func(at Place) *[]Comment {
		if at.Number == 1 {
			return &f.comments
		}
		return &f.pullComments
	}
	switch e := e.(type) {
	case CreateComment:
		*talk(e.At) = append(*talk(e.At), Comment{ID: int64(1000 + e.At.Number), By: keyreeve, Bot: true, Ours: true, Body: e.Body})
	case EditComment:
		for i, c := range *talk(e.At) {
			if c.ID == e.ID {
				(*talk(e.At))[i].Body = e.Body
			}
		}
	case React:
		for i := range *talk(e.At) {
			if c := &(*talk(e.At))[i]; c.ID == e.Comment {
				c.Reactions = append(c.Reactions, e.Content)
			}
		}
	case SetCheck:
		f.checks = slices.DeleteFunc(f.checks, func(c Check) bool { return c.Name == e.Name })
		f.checks = append(f.checks, Check{ID: 1, Name: e.Name, Head: e.Head, ExternalID: e.ExternalID, Status: e.Status, Conclusion: e.Conclusion})
	}
}

func (f *issueFacts) says(who identity.Person, onPull bool, body string) {
	c := Comment{ID: int64(1 + len(f.comments) + 100*len(f.pullComments)), By: who, Body: body, CreatedAt: noon}
	if onPull {
		f.pullComments = append(f.pullComments, c)
	} else {
		f.comments = append(f.comments, c)
	}
}

func approved() issueFacts {
	f := asking()
	f.says(erin, false, "/approve")
	return f
}

// what names the kinds of effects in a plan, those of the status comments left out.
func what(effects []Effect) string {
	var out []string
	for _, e := range effects {
		name := strings.TrimPrefix(fmt.Sprintf("%T", e), "workflow.")
		switch e := e.(type) {
		case CreateComment, EditComment:
			continue
		case React:
			name += " " + e.Content
		case SetCheck:
			name += " " + strings.TrimPrefix(e.Name, "keyreeve / ") + " " + e.Conclusion
		case CloseIssue:
			name += " " + e.Reason
		}
		out = append(out, strings.TrimSpace(name))
	}
	return strings.Join(out, ", ")
}

func TestDecideAndPlanIssue(t *testing.T) {
	tests := map[string]struct {
		facts func() issueFacts
		state RequestState
		plan  string
	}{
		"waiting, and nothing to do": {asking, Waiting, ""},
		"a first look": {func() issueFacts {
			f := asking()
			f.stored, f.pull, f.branchTip, f.comments, f.pullComments, f.checks = State{}, nil, "", nil, nil, nil
			return f
		}, Waiting, "WriteBranch, OpenPull"},
		"approved: the check first, the merge in the next round": {approved, Approved, "SetCheck approvals success, React +1"},
		"approved, and the check is seen":                        {func() issueFacts { return settled(approved()) }, Approved, "MergePull"},
		"a stranger's vote": {func() issueFacts {
			f := asking()
			f.says(gus, false, "/approve")
			return f
		}, Waiting, "SetCheck approvals, React confused"},
		"somebody's push never gets a green check, however the votes stand": {func() issueFacts {
			f := settled(approved())
			f.pull.Head, f.checks = strings.Repeat("d", 40), nil
			f.pull.Files = append(f.pull.Files, ChangedFile{Path: "keyreeve.yaml", Status: "modified"})
			f.pull.Commits = append(f.pull.Commits, PullCommit{SHA: f.pull.Head, Author: gus, Committer: gus})
			return f
		}, Approved, "WriteBranch"},
		"nor when the request was closed meanwhile": {func() issueFacts {
			f := settled(approved())
			f.issue.Open = false
			f.pull.Head, f.checks = strings.Repeat("d", 40), nil
			f.pull.Files[0].SHA = strings.Repeat("e", 40)
			return f
		}, Cancelled, "SetCheck approvals failure, SetCheck records success, ClosePull"},
		"a push by nobody known is taken off too": {func() issueFacts {
			f := asking()
			f.pull.Files = append(f.pull.Files, ChangedFile{Path: "keyreeve.yaml", Status: "modified"})
			f.stopped = []approvals.Reason{{Code: approvals.UnknownAuthor, Subject: "ddddddd"}}
			return f
		}, Refused, "WriteBranch"},
		"a fact that can't be read": {func() issueFacts {
			f := settled(approved())
			f.unknown = []string{"what Deploy-Bot may do"}
			return f
		}, Waiting, "SetCheck approvals"},
		"members that can't be read": {func() issueFacts {
			f := settled(approved())
			f.people = map[string]approvals.Members{"@erin": {}}
			return f
		}, Waiting, "SetCheck approvals"},
		"merged and approved": {func() issueFacts {
			f := settled(approved())
			f.pull.Open, f.pull.Merged, f.recorded = false, true, true
			return f
		}, Merged, ""},
		"merged before it was approved": {func() issueFacts {
			f := asking()
			f.pull.Open, f.pull.Merged, f.recorded = false, true, true
			return f
		}, Waiting, ""},
		"merged, with another record": {func() issueFacts {
			f := settled(approved())
			f.pull.Open, f.pull.Merged = false, true
			return f
		}, Refused, ""},
		"merged, but the issue was closed first": {func() issueFacts {
			f := settled(approved())
			f.pull.Open, f.pull.Merged, f.recorded, f.issue.Open = false, true, true, false
			return f
		}, Cancelled, ""},
		"the pull request was closed by hand": {func() issueFacts {
			f := asking()
			f.pull.Open = false
			return f
		}, Cancelled, "SetCheck approvals failure"},
		"deleted": {func() issueFacts {
			f := asking()
			f.issue, f.grant = Issue{}, nil
			return f
		}, Cancelled, "SetCheck approvals failure, ClosePull"},
		"cancelled by the requester": {func() issueFacts {
			f := settled(approved())
			f.says(dana, true, "/cancel")
			return f
		}, Cancelled, "SetCheck approvals failure, ClosePull, CloseIssue not_planned, React +1"},
		"cancelled, and the answer was lost": {func() issueFacts {
			f := asking()
			f.says(dana, false, "/cancel")
			f.issue.Open, f.pull.Open = false, false
			return f
		}, Cancelled, "SetCheck approvals failure, React +1"},
		"cancelled and answered, then reopened": {func() issueFacts {
			f := asking()
			f.says(dana, false, "/cancel")
			f.comments[len(f.comments)-1].Reactions = []string{"+1"}
			return f
		}, Waiting, ""},
		"cancelled by somebody else": {func() issueFacts {
			f := asking()
			f.says(erin, false, "/cancel")
			return f
		}, Waiting, "React confused"},
		"a comment edited into a command to cancel": {func() issueFacts {
			f := asking()
			f.says(dana, false, "/cancel")
			f.comments[len(f.comments)-1].LastEditedAt = noon
			return f
		}, Waiting, "React confused"},
		"another bot's command": {func() issueFacts {
			f := asking()
			f.says(gus, false, "/lgtm")
			f.comments[len(f.comments)-1].Bot = true
			return f
		}, Waiting, ""},
		"an invalid form": {func() issueFacts {
			f := asking()
			f.grant, f.problems = nil, []identity.Problem{{Line: 9, Field: "Duration", What: "there is no answer"}}
			f.says(erin, false, "/approve")
			return f
		}, Invalid, "SetCheck records failure, SetCheck approvals failure, React confused"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := tt.facts()
			out := decideIssue(f)
			if out.request.State != tt.state {
				t.Errorf("the request is %s, want %s", out.request.State, tt.state)
			}
			if got := what(planIssue(f, out)); got != tt.plan {
				t.Errorf("the plan is %q, want %q", got, tt.plan)
			}
			if (out.lease != nil) != (tt.state == Merged) {
				t.Errorf("a lease: %+v", out.lease)
			}
			if d := out.decision; d != nil {
				if err := approvals.Replay(d.Facts, d.Decision); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestLeaseIsWhatWasApproved(t *testing.T) {
	f := settled(approved())
	f.pull.Open, f.pull.Merged, f.recorded = false, true, true
	out := decideIssue(f)
	want := lifecycle.Lease{
		ID: "acme-identities-1", Installation: 7, Subject: theIssue.Key(), Decision: out.decision.ID, HolderID: 44,
		Access:     identity.Access{Provider: "github", Resource: "acme/payments", Principal: identity.Principal{Kind: identity.User, Name: "deploy-bot"}},
		Permission: identity.Write, Duration: 2 * time.Hour, State: lifecycle.Approved,
	}
	if !reflect.DeepEqual(*out.lease, want) {
		t.Errorf("the lease is %+v, want %+v", *out.lease, want)
	}
	if out.decision.Decision.Verdict != approvals.Approved {
		t.Errorf("it rests on a decision that says %s", out.decision.Decision.Verdict)
	}
}

// TestFrozenRequestFollowsItsLease: what the issue says after the merge changes nothing.
func TestFrozenRequestFollowsItsLease(t *testing.T) {
	for _, tt := range []struct {
		lease lifecycle.Lease
		want  RequestState
		plan  string
	}{
		{lifecycle.Lease{State: lifecycle.Approved}, Merged, "DeleteBranch"},
		{lifecycle.Lease{State: lifecycle.Stuck, StuckFrom: lifecycle.Granting}, Merged, "DeleteBranch"},
		{lifecycle.Lease{State: lifecycle.Active, Granted: &lifecycle.Evidence{}}, Live, "DeleteBranch"},
		{lifecycle.Lease{State: lifecycle.Stuck, StuckFrom: lifecycle.Revoking, Granted: &lifecycle.Evidence{}}, Live, "DeleteBranch"},
		{lifecycle.Lease{State: lifecycle.Revoked, Granted: &lifecycle.Evidence{}}, Ended, "DeleteBranch, CloseIssue completed"},
	} {
		f := settled(approved())
		f.stored.Request.State, f.stored.Request.Grant = Merged, f.grant
		f.stored.Leases = []lifecycle.Lease{tt.lease}
		f.issue.Body, f.grant, f.pull = "something else", f.stored.Request.Grant, nil
		out := decideIssue(f)
		if out.request.State != tt.want || out.request.Grant.Duration != identity.Duration(2*time.Hour) {
			t.Errorf("with a lease that is %s: %s for %s, want %s", tt.lease.State, out.request.State, out.request.Grant.Duration, tt.want)
		}
		if got := what(planIssue(f, out)); got != tt.plan {
			t.Errorf("with a lease that is %s: the plan is %q", tt.lease.State, got)
		}
		f.pullGone, f.pullComments = true, nil
		for _, e := range planIssue(f, out) {
			if c, ok := e.(CreateComment); ok {
				t.Errorf("it comments on a pull request that is gone: %s", c.What())
			}
		}
	}
}

func TestProblemsOfTheRecordHaveTheirLine(t *testing.T) {
	f := asking()
	f.problems = []identity.Problem{
		{Field: "duration", What: "2h is longer than 1h"},
		{Line: 40, Field: "Reason", What: "of the issue's own line 40"},
		{File: "keyreeve.yaml", Line: 3, Field: "rules", What: "elsewhere"},
	}
	out := decideIssue(f)
	i := slices.IndexFunc(planIssue(f, out), func(e Effect) bool {
		c, ok := e.(SetCheck)
		return ok && c.Name == checks.RecordsName
	})
	notes := planIssue(f, out)[i].(SetCheck).Annotations
	line := 1 + strings.Count(strings.SplitN(string(identity.Encode(*f.grant)), "duration:", 2)[0], "\n")
	if notes[0].Path != f.grant.Path() || notes[0].Line != line {
		t.Errorf("the duration is at %s:%d, want line %d", notes[0].Path, notes[0].Line, line)
	}
	if notes[1].Line > 12 || notes[2].Path != "keyreeve.yaml" || notes[2].Line != 3 {
		t.Errorf("the others are at %s:%d and %s:%d", notes[1].Path, notes[1].Line, notes[2].Path, notes[2].Line)
	}
}

func TestFailMerge(t *testing.T) {
	r := Request{Subject: theIssue, State: Approved}
	refused := errors.New("merge acme/identities#2: GitHub answered 405: Pull Request is still a draft (request A1)")
	for attempt := 1; attempt <= 4; attempt++ {
		c, again := failMerge(r, MergePull{}, fmt.Errorf("%w%d)", refused, attempt), noon)
		r = *c.Request
		if told := r.LastError != ""; r.Attempts != attempt || told != (attempt >= tellAfter) || !again.After(noon) {
			t.Fatalf("after attempt %d: %d attempts, told %q, again %s", attempt, r.Attempts, r.LastError, again)
		}
		if woken := len(c.Wake) == 1; woken != (attempt == tellAfter) {
			t.Errorf("attempt %d wakes %v: it is told once, and not again for the same answer", attempt, c.Wake)
		}
	}
	if strings.Contains(r.LastError, "request") || !strings.Contains(r.LastError, "still a draft") {
		t.Errorf("told is %q", r.LastError)
	}
	f := settled(approved())
	f.stored.Request.Attempts, f.stored.Request.LastError = r.Attempts, r.LastError
	out := decideIssue(f)
	if body := templates.StatusComment((&planner{facts: f, out: out}).status(false)); !strings.Contains(body, "could not be merged yet") {
		t.Errorf("it is not told:\n%s", body)
	}
	f.comments = slices.DeleteFunc(f.comments, func(c Comment) bool { return c.By == erin })
	if out := decideIssue(f); out.request.Attempts != 0 || out.request.LastError != "" {
		t.Errorf("what is not approved any more still has %d attempts", out.request.Attempts)
	}
	for _, err := range []error{ErrConflict, errNotSeen} {
		if _, again := failMerge(r, MergePull{}, err, noon); !again.IsZero() {
			t.Errorf("%v is counted as a refusal", err)
		}
	}
	if _, again := failMerge(r, ClosePull{}, refused, noon); !again.IsZero() {
		t.Error("another effect's failure is taken for the merge's")
	}
}

// TestCommentIsNotMadeTwice: one that was made a moment ago, or was about to be before a crash, may not be seen yet.
func TestCommentIsNotMadeTwice(t *testing.T) {
	f := asking()
	f.comments, f.stored.Request.Said = nil, nil
	made := func() (n int, again time.Time) {
		out := decideIssue(f)
		plan := planIssue(f, out)
		again = f.noteSaid(&out.request, plan, out.again)
		f.stored.Request = &out.request
		for _, e := range plan {
			if _, ok := e.(CreateComment); ok {
				n++
			}
		}
		return n, again
	}
	if n, again := made(); n != 1 || !again.IsZero() {
		t.Fatalf("at first %d comments are made, again %s", n, again)
	}
	f.now = noon.Add(seenWithin - time.Second)
	n, again := made()
	if n != 0 || !again.Equal(noon.Add(seenWithin)) {
		t.Fatalf("while it may be on its way, %d are made, again %s", n, again)
	}
	f.now = again
	if n, _ := made(); n != 1 {
		t.Errorf("once it should have been seen, %d are made", n)
	}
	f.now = noon.Add(-time.Hour)
	if n, _ := made(); n != 1 {
		t.Errorf("with a clock that went back, %d are made", n)
	}
}

package workflow

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/internal/identity"
)

func TestCollectBinds(t *testing.T) {
	const now, old, digest = "digest for user:x", "other for user:x", "digest"
	approve := Comment{ID: 7, By: erin, Body: "/approve", CreatedAt: noon}
	tests := map[string]struct {
		stored   []BoundVote
		edited   time.Time
		shown    bool
		onPull   bool
		late     bool
		digest   string
		newBound string // "" where there is a binding already
	}{
		"first seen":                         {digest: digest, newBound: now},
		"known for this content":             {stored: []BoundVote{{Vote: "comment/7", Digest: now}}, digest: digest},
		"known for another content":          {stored: []BoundVote{{Vote: "comment/7", Digest: old}}, digest: old},
		"known for another account":          {stored: []BoundVote{{Vote: "comment/7", Digest: "digest for user:y"}}, digest: "digest for user:y"},
		"the first binding stands":           {stored: []BoundVote{{Vote: "comment/7", Digest: lateDigest}}, late: true, digest: lateDigest},
		"edited before the vote":             {edited: noon.Add(-time.Second), digest: digest, newBound: now},
		"edited in the same second":          {edited: noon, late: true, digest: lateDigest, newBound: lateDigest},
		"edited after the vote":              {edited: noon.Add(time.Hour), late: true, digest: lateDigest, newBound: lateDigest},
		"on a pull request that shows it":    {onPull: true, shown: true, digest: digest, newBound: now},
		"on one that shows something else":   {onPull: true, late: true, digest: lateDigest, newBound: lateDigest},
		"known from one that shows it again": {onPull: true, stored: []BoundVote{{Vote: "comment/7", Digest: now}}, digest: digest},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := asked{content: now, digest: digest, edited: tt.edited, shown: tt.shown}
			onIssue, onPull := []Comment{approve}, []Comment(nil)
			if tt.onPull {
				onIssue, onPull = nil, onIssue
			}
			got := collect(tt.stored, a, onIssue, onPull, nil, nil, noon.Add(time.Minute))
			if len(got.votes) != 1 || got.votes[0].Digest != tt.digest || got.votes[0].Late != tt.late {
				t.Fatalf("the votes are %+v", got.votes)
			}
			var want []BoundVote
			if tt.newBound != "" {
				want = []BoundVote{{Vote: "comment/7", Digest: tt.newBound, SeenAt: noon.Add(time.Minute), By: erin, Verb: approvals.Approve, At: noon}}
			}
			if !reflect.DeepEqual(got.fresh, want) {
				t.Errorf("the new bindings are %+v, want %+v", got.fresh, want)
			}
		})
	}
}

func TestCollectReads(t *testing.T) {
	at := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
	comments := []Comment{
		{ID: 1, By: keyreeve, Bot: true, Ours: true, Body: "/approve", CreatedAt: at(0)},
		{ID: 2, By: erin, Body: "text\n/deny not now\n/withdraw", CreatedAt: at(1)},
		{ID: 3, By: erin, Body: "> /approve", CreatedAt: at(2)},
		{ID: 4, By: gus, Bot: true, Body: "/approve", CreatedAt: at(3)},
		{ID: 5, By: erin, Body: "/deny", CreatedAt: at(3)}, // lacks its reason
		{ID: 6, By: erin, Body: "/approve", CreatedAt: at(9), LastEditedAt: at(10), Minimized: true},
	}
	reviews := []Review{
		{ID: 8, By: erin, State: "APPROVED", Head: head, At: at(5)},
		{ID: 9, By: erin, State: "COMMENTED", Head: head, At: at(6)},
		{ID: 10, By: gus, State: "CHANGES_REQUESTED", Head: head, At: at(7)},
		{ID: 11, By: gus, State: "DISMISSED", Head: head, At: at(8)},
	}
	var got []string
	for _, v := range collect(nil, asked{content: "c", digest: "d"}, comments, nil, reviews, nil, noon).votes {
		got = append(got, fmt.Sprintf("%s %s %s bot=%t edited=%t hidden=%t head=%t", v.ID, v.By.Login, v.Verb, v.Bot, v.Edited, v.Hidden, v.Head != ""))
	}
	want := []string{
		"comment/2 erin deny bot=false edited=false hidden=false head=false",
		"comment/2:1 erin withdraw bot=false edited=false hidden=false head=false",
		"comment/4 gus approve bot=true edited=false hidden=false head=false",
		"review/8 erin approve bot=false edited=false hidden=false head=true",
		"review/10 gus deny bot=false edited=false hidden=false head=true",
		"review/11 gus withdraw bot=false edited=false hidden=true head=true",
		"comment/6 erin approve bot=false edited=true hidden=true head=false",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the votes are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestBallotTrustsWhatThePullRequestShowed: from an edit of the issue until votes were read once with the pull request showing
// it, a comment there was written below something else.
func TestBallotTrustsWhatThePullRequestShowed(t *testing.T) {
	f := asking()
	f.grant.Duration *= 4 // edited; the pull request still shows what was asked before
	f.says(erin, true, "/approve")
	out := decideIssue(f)
	if out.request.State != Waiting || out.request.Shown != showsOther || out.bindings[0].Digest != lateDigest {
		t.Fatalf("%s, shown %q, bound to %q", out.request.State, out.request.Shown, out.bindings[0].Digest)
	}
	f.stored.Request, f.pullComments = &out.request, f.pullComments[:1]
	f.pull.Files[0].SHA = blobName(identity.Encode(*f.grant)) // the bot has brought it there
	f.says(erin, true, "/approve")                            // but perhaps below what was there before
	out = decideIssue(f)
	if out.request.State != Waiting || out.request.Shown != f.content() || out.bindings[0].Digest != lateDigest {
		t.Fatalf("%s, shown %q, bound to %q", out.request.State, out.request.Shown, out.bindings[0].Digest)
	}
	f.stored.Request, f.pullComments = &out.request, f.pullComments[:1]
	f.says(erin, true, "/approve")
	if out = decideIssue(f); out.request.State != Approved {
		t.Errorf("what she sees now is what she approves, and it is %s", out.request.State)
	}
}

// TestApprovalIsForAnAccount: the identity's record names another account after the vote.
func TestApprovalIsForAnAccount(t *testing.T) {
	f := settled(approved())
	if out := decideIssue(f); out.request.State != Approved {
		t.Fatalf("it is %s", out.request.State)
	}
	f.holder.principal.Name = "somebody-else"
	out := decideIssue(f)
	if out.request.State != Waiting || out.decision.Decision.Votes[0].Why.Code != approvals.OtherDigest {
		t.Errorf("it is %s, and the vote %+v", out.request.State, out.decision.Decision.Votes[0])
	}
}

func TestAuthorship(t *testing.T) {
	commit := func(message string) PullCommit {
		return PullCommit{SHA: head, Author: erin, Committer: keyreeve, Message: message}
	}
	who := func(id int64, login string, why approvals.Code) approvals.Exclusion {
		return approvals.Exclusion{Person: identity.Person{ID: id, Login: login}, Why: why}
	}
	both := []approvals.Exclusion{{Person: erin, Why: approvals.Author}, {Person: keyreeve, Why: approvals.Committer}}
	unknown := []approvals.Reason{{Code: approvals.UnknownAuthor, Subject: "aaaaaaa"}}
	tests := map[string]struct {
		commit  PullCommit
		out     []approvals.Exclusion
		stopped []approvals.Reason
	}{
		"author and committer": {commit("x"), both, nil},
		"a co-author": {
			commit("x\n\nCo-Authored-By: Gus <3+gus@users.noreply.github.com> \r\n"), append(both[:2:2], who(3, "gus", approvals.Coauthor)), nil,
		},
		"a co-author by an address that maps to nobody here": {commit("x\n\nco-authored-by: Gus <gus@example.com>"), both, unknown},
		"an address that only looks like GitHub's":           {commit("x\n\nco-authored-by: Gus <1+dana@users.noreply.example.com>"), both, unknown},
		"an id beyond all numbers":                           {commit("x\n\nco-authored-by: Gus <99999999999999999999+gus@users.noreply.github.com>"), both, unknown},
		"an author whom nobody knows":                        {PullCommit{SHA: head, Committer: keyreeve}, both[1:], unknown},
		"a committer whom nobody knows":                      {PullCommit{SHA: head, Author: erin}, both[:1], unknown},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			out, stopped := authorship([]PullCommit{tt.commit})
			if !reflect.DeepEqual(out, tt.out) || !reflect.DeepEqual(stopped, tt.stopped) {
				t.Errorf("excluded %+v, stopped %+v", out, stopped)
			}
		})
	}
}

func TestExcludeAuthors(t *testing.T) {
	f := issueFacts{registry: Place{Repo: registry}, base: Branch{Name: "main"}}
	f.excludeAuthors(Pull{Number: 2, Author: gus, BaseRef: "feature", Truncated: true})
	if len(f.excluded) != 1 || !f.excluded[0].Person.Same(gus) {
		t.Errorf("who opened it is not excluded: %+v", f.excluded)
	}
	if len(f.stopped) != 2 || f.stopped[0].Code != approvals.TooMany || f.stopped[1].Code != approvals.ContentDiffers {
		t.Errorf("stopped by %+v", f.stopped)
	}
}

func TestReaction(t *testing.T) {
	for body, want := range map[string]string{
		"/approve": no, "/aprove": no, "/deny": no, "/cancel": no, "/help": seen, "/recheck": seen, "/recheck now": no,
		"/help\n/recheck": seen, "/help\n/aprove": no,
	} {
		if got := reaction(said{commands: approvals.ParseCommands(body)}, false); got != want {
			t.Errorf("%q is answered with %s, want %s", body, got, want)
		}
	}
	if got := reaction(said{Comment: Comment{Body: "/approve\n/help"}}, true); got != yes {
		t.Errorf("a vote that counts is answered with %s", got)
	}
}

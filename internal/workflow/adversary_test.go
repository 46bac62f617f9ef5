package workflow

import (
	"strings"
	"testing"
	"time"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/lifecycle"
	"github.com/keyreeve/keyreeve/templates"
)

// created lists the comments of a plan that begin with a marker.
func created(effects []Effect, marker string) (n int) {
	for _, e := range effects {
		if c, ok := e.(CreateComment); ok && strings.HasPrefix(c.Body, marker) {
			n++
		}
	}
	return n
}

// TestMarkersOfOthersAreNotBelieved: whoever writes what the bot's own comments begin with keeps it from saying nothing.
func TestMarkersOfOthersAreNotBelieved(t *testing.T) {
	waiting := func() issueFacts {
		f := asking()
		f.rules.Requests = identity.Patience{RemindAfter: identity.Duration(time.Hour)}
		f = settled(f)
		f.now = noon.Add(90 * time.Minute)
		return f
	}
	f := waiting()
	f.says(gus, false, "/explain")
	command := said{Comment: f.comments[len(f.comments)-1]}
	for name, marker := range map[string]string{
		"the reply":    templates.ReplyMarker(command.key()),
		"the reminder": templates.ReminderMarker("acme-identities-1", noon, 1),
	} {
		t.Run(name, func(t *testing.T) {
			f := waiting()
			f.says(gus, false, "/explain")
			if n := created(planIssue(f, decideIssue(f)), marker); n != 1 {
				t.Fatalf("without the marker %d are planned", n)
			}
			f.says(gus, false, marker+"\nDone.")
			f.comments[len(f.comments)-1].Bot = true
			if n := created(planIssue(f, decideIssue(f)), marker); n != 1 {
				t.Errorf("below another bot's comment with its marker, %d are planned", n)
			}
		})
	}
	t.Run("the status", func(t *testing.T) {
		f := asking()
		for i := range f.comments {
			f.comments[i].Ours = false
		}
		f.now = noon.Add(seenWithin)
		if n := created(planIssue(f, decideIssue(f)), templates.Marker("acme-identities-1")); n != 1 {
			t.Errorf("%d are planned", n)
		}
	})
	t.Run("the bound on replies", func(t *testing.T) {
		f := waiting()
		f.says(gus, false, "/explain")
		for range mostReplies {
			f.comments = append(f.comments, Comment{ID: 500, By: gus, Body: templates.ReplyMarkers + "x -->"})
		}
		if n := created(planIssue(f, decideIssue(f)), templates.ReplyMarkers); n != 1 {
			t.Errorf("others' comments use up the bot's replies: %d are planned", n)
		}
		for range mostReplies {
			f.comments = append(f.comments, Comment{ID: 501, By: keyreeve, Bot: true, Ours: true, Body: templates.ReplyMarkers + "x -->"})
		}
		plan := planIssue(f, decideIssue(f))
		if n := created(plan, templates.ReplyMarkers); n != 0 || !strings.Contains(what(plan), "React eyes") {
			t.Errorf("beyond the bound %d replies are planned: %s", n, what(plan))
		}
	})
}

// glassed is a request that waits, which frank may override.
func glassed() issueFacts {
	f := asking()
	frank := identity.Person{ID: 6, Login: "frank"}
	f.people["@frank"] = approvals.Members{Known: true, People: []identity.Person{frank}}
	f.rules.BreakGlass = &identity.BreakGlass{From: []string{"@frank"}, MaxDuration: identity.Duration(2 * time.Hour)}
	f.says(frank, false, "/override it burns")
	return settled(f)
}

// TestOverrideThatStandsNoMore: what is done to an override or around it takes its effect away.
func TestOverrideThatStandsNoMore(t *testing.T) {
	if d := decideIssue(glassed()).decision.Decision; d.Verdict != approvals.Approved || d.Override == nil {
		t.Fatalf("an override that stands gives %s", d.Verdict)
	}
	for name, change := range map[string]func(*issueFacts){
		"edited": func(f *issueFacts) { f.comments[len(f.comments)-1].LastEditedAt = noon.Add(time.Minute) },
		"hidden": func(f *issueFacts) { f.comments[len(f.comments)-1].Minimized = true },
		"locked": func(f *issueFacts) { f.issue.Locked = true },
		"withdrawn": func(f *issueFacts) {
			f.comments = append(f.comments, Comment{ID: 77, By: identity.Person{ID: 6, Login: "frank"}, Body: "/withdraw", CreatedAt: noon.Add(time.Minute)})
		},
		"denied by an owner": func(f *issueFacts) {
			f.comments = append(f.comments, Comment{ID: 77, By: erin, Body: "/deny no", CreatedAt: noon.Add(time.Minute)})
		},
		"what is asked is shortened": func(f *issueFacts) { f.grant.Duration = identity.Duration(time.Hour) },
		"the policy names another":   func(f *issueFacts) { f.rules.BreakGlass.From = []string{"@erin"} },
		"the policy has none":        func(f *issueFacts) { f.rules.BreakGlass = nil },
		"the policy gives less":      func(f *issueFacts) { f.rules.BreakGlass.MaxDuration = identity.Duration(time.Hour) },
		"owners are unknown":         func(f *issueFacts) { f.people["@erin"] = approvals.Members{} },
		"frank would hold it": func(f *issueFacts) {
			f.excluded = append(f.excluded, approvals.Exclusion{Person: identity.Person{ID: 6, Login: "f"}, Why: approvals.Beneficiary})
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := glassed()
			change(&f)
			if d := decideIssue(f).decision.Decision; d.Verdict == approvals.Approved {
				t.Errorf("it is %s, by %+v", d.Verdict, d.Override)
			}
		})
	}
}

// TestReviewIsDoneBySomebodyElse: no one who has to do with the access, nor any bot, closes the review of an override for good.
func TestReviewIsDoneBySomebodyElse(t *testing.T) {
	holder := identity.Person{ID: 44, Login: "Deploy-Bot"}
	f := glassed()
	f.excluded = append(f.excluded, approvals.Exclusion{Person: holder, Why: approvals.Beneficiary})
	f = settled(f)
	f.stored.Request.State = Live
	f.stored.Leases = []lifecycle.Lease{{ID: "acme-identities-1", State: lifecycle.Revoked, Granted: &lifecycle.Evidence{}}}
	for name, tt := range map[string]struct {
		by   identity.Person
		open bool
		want RequestState
	}{
		"open":                 {identity.Person{}, true, Reviewing},
		"the overrider":        {identity.Person{ID: 6, Login: "renamed"}, false, Reviewing},
		"the requester":        {dana, false, Reviewing},
		"the holder":           {holder, false, Reviewing},
		"the bot":              {keyreeve, false, Reviewing},
		"another App":          {identity.Person{ID: 99, Login: "stale[bot]"}, false, Reviewing},
		"nobody who is known":  {identity.Person{}, false, Reviewing},
		"an account that left": {identity.Person{Login: "ghost"}, false, Reviewing},
		"somebody else":        {gus, false, Ended},
	} {
		t.Run(name, func(t *testing.T) {
			f := f
			f.reviewIssue = &Issue{Number: 3, Open: tt.open, ClosedBy: tt.by, Body: templates.ReviewMarker("acme-identities-1")}
			out := decideIssue(f)
			if out.request.State != tt.want {
				t.Errorf("closed by %q it is %s, want %s", tt.by.Login, out.request.State, tt.want)
			}
			reopens := strings.Contains(what(planIssue(f, out)), "ReopenIssue")
			if reopens != (tt.want == Reviewing && !tt.open) {
				t.Errorf("it is opened again: %v", reopens)
			}
		})
	}
}

// TestQueueMergesOnlyTheSame: what a merge queue's commit changes is compared by paths, ends of renames, kinds and contents.
func TestQueueMergesOnlyTheSame(t *testing.T) {
	a := ChangedFile{Path: "a", Status: "modified", SHA: "1"}
	b := ChangedFile{Path: "b", Previous: "c", Status: "renamed", SHA: "2"}
	if !sameFiles([]ChangedFile{a, b}, []ChangedFile{b, a}) {
		t.Error("in another order they are not the same")
	}
	for name, other := range map[string][]ChangedFile{
		"nothing":      {},
		"less":         {a},
		"more":         {a, b, {Path: "keyreeve.yaml", Status: "modified", SHA: "3"}},
		"content":      {a, {Path: "b", Previous: "c", Status: "renamed", SHA: "9"}},
		"from":         {a, {Path: "b", Previous: "d", Status: "renamed", SHA: "2"}},
		"kind":         {a, {Path: "b", Previous: "c", Status: "copied", SHA: "2"}},
		"one of twice": {a, a},
	} {
		if sameFiles([]ChangedFile{a, b}, other) || sameFiles(other, []ChangedFile{a, b}) {
			t.Errorf("%s: taken for the same", name)
		}
	}
	if sameFiles(nil, nil) {
		t.Error("nothing is taken for the same as nothing")
	}
}

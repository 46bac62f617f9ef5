package main

import (
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/keyreeve/keyreeve/internal/hub"
)

func conversation(ts *testscript.TestScript, repo string, n int) hub.Issue {
	r := stage(ts).hub.Snapshot().Repo(repo)
	if r == nil {
		ts.Fatalf("there is no repository %s", repo)
	}
	if i := r.Issue(n); i != nil {
		return *i
	}
	if p := r.Pull(n); p != nil {
		return p.Issue
	}
	return hub.Issue{}
}

// answer is the bot's comment in a conversation.
func answer(ts *testscript.TestScript, at string) string {
	repo, n := place(ts, at)
	for _, c := range conversation(ts, repo, n).Comments {
		if strings.HasPrefix(c.ViaApp, "keyreeve") {
			return c.Body
		}
	}
	return ""
}

// cmdSays checks the bot's answer once it has settled: says acme/identities/1 TEXT
func cmdSays(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: [!] says OWNER/NAME/N TEXT")
	}
	ok(ts, stage(ts).settle())
	if text := strings.Join(args[1:], " "); strings.Contains(answer(ts, args[0]), text) == neg {
		ts.Fatalf("the bot's answer on %s is:\n%s", args[0], answer(ts, args[0]))
	}
}

// cmdReacted checks the bot's reaction to the newest comment by a person: reacted acme/identities/1 confused
func cmdReacted(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 2, 2, "reacted OWNER/NAME/N CONTENT|none")
	ok(ts, stage(ts).settle())
	repo, n := place(ts, args[0])
	last := lastComment(ts, repo, n)
	got := "none"
	for _, c := range conversation(ts, repo, n).Comments {
		if c.ID == last && len(c.Reactions) > 0 {
			got = c.Reactions[0].Content
		}
	}
	if got != args[1] {
		ts.Fatalf("the bot reacted with %s", got)
	}
}

// cmdAnswers counts the bot's comments in a conversation, "+" for at least so many: answers acme/identities/1 1
func cmdAnswers(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 2, 2, "answers OWNER/NAME/N COUNT[+]")
	ok(ts, stage(ts).settle())
	repo, n := place(ts, args[0])
	got := 0
	for _, c := range conversation(ts, repo, n).Comments {
		if strings.HasPrefix(c.ViaApp, "keyreeve") {
			got++
		}
	}
	want, orMore := strings.CutSuffix(args[1], "+")
	if n, err := strconv.Atoi(want); err != nil || got < n || got > n && !orMore {
		ts.Fatalf("%s has %d answers", args[0], got)
	}
}

// cmdPull checks a pull request's state: pull acme/identities/2 open|closed|merged|none
func cmdPull(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 2, 2, "pull OWNER/NAME/N open|closed|merged|none")
	ok(ts, stage(ts).settle())
	repo, n := place(ts, args[0])
	got := "none"
	if p := stage(ts).hub.Snapshot().Repo(repo).Pull(n); p != nil {
		got = p.State
		if p.Merged {
			got = "merged"
		}
	}
	if got != args[1] {
		ts.Fatalf("%s is %s", args[0], got)
	}
}

// cmdIssue checks an issue's state: issue acme/identities/1 open|closed
func cmdIssue(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 2, 2, "issue OWNER/NAME/N open|closed")
	ok(ts, stage(ts).settle())
	repo, n := place(ts, args[0])
	if got := conversation(ts, repo, n).State; got != args[1] {
		ts.Fatalf("%s is %s", args[0], got)
	}
}

// cmdCheckRun checks a check run on a pull request's head: check-run acme/identities/2 approvals success
func cmdCheckRun(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 3, 3, "check-run OWNER/NAME/N approvals|records CONCLUSION|in_progress")
	ok(ts, stage(ts).settle())
	repo, n := place(ts, args[0])
	c := newestCheck(ts, repo, n, args[1])
	got := c.Conclusion
	if c.Status != "completed" {
		got = c.Status
	}
	if got != args[2] {
		ts.Fatalf("the check run is %q:\n%s\n%s", got, c.Title, c.Summary)
	}
}

// cmdGroupCheck waits for a check run on the newest commit that the merge queue made for a pull request, which may be gone
// from it: group-check acme/identities/2 approvals success
func cmdGroupCheck(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 3, 3, "group-check OWNER/NAME/N approvals|records CONCLUSION")
	repo, n := place(ts, args[0])
	th := stage(ts)
	var seen hub.CheckRun
	err := th.until("the check run in the merge queue to be "+args[2], func() (bool, error) {
		if err := th.settle(); err != nil {
			return false, err
		}
		r, head := th.hub.Snapshot().Repo(repo), ""
		for _, g := range r.MergeGroups {
			if g.Pull == n {
				head = g.HeadSHA
			}
		}
		seen = r.CheckOn(head, "keyreeve / "+args[1])
		return seen.Conclusion == args[2], nil
	})
	if err != nil {
		ts.Logf("the check run is %q:\n%s\n%s", seen.Conclusion, seen.Title, seen.Summary)
	}
	ok(ts, err)
}

// cmdSaid checks all that the bot said in a conversation: said acme/identities/1 TEXT
func cmdSaid(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: [!] said OWNER/NAME/N TEXT")
	}
	ok(ts, stage(ts).settle())
	repo, n := place(ts, args[0])
	var all []string
	for _, c := range conversation(ts, repo, n).Comments {
		if strings.HasPrefix(c.ViaApp, "keyreeve") {
			all = append(all, c.Body)
		}
	}
	all = append(all, conversation(ts, repo, n).Body)
	said := strings.Join(all, "\n----\n")
	if text := strings.Join(args[1:], " "); strings.Contains(said, text) == neg {
		ts.Fatalf("the bot said on %s:\n%s", args[0], said)
	}
}

// cmdAccess checks what is held directly, at GitHub itself: access user:payments-deploy-bot acme/payments write|none
func cmdAccess(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 3, 3, "access user:LOGIN|team:ORG/SLUG OWNER/NAME ROLE|none|invited")
	ok(ts, stage(ts).settle())
	kind, name, _ := strings.Cut(args[0], ":")
	r := stage(ts).hub.Snapshot().Repo(args[1])
	got := "none"
	if kind == "user" {
		for _, c := range r.Collaborators {
			if c.Login == name {
				got = c.Permission
			}
		}
		for _, i := range r.Invitations {
			if i.Invitee == name {
				got = "invited"
			}
		}
	} else {
		_, slug, _ := strings.Cut(name, "/")
		for _, x := range r.Teams {
			if x.Team == slug {
				got = x.Permission
			}
		}
	}
	if got != args[2] {
		ts.Fatalf("%s holds %s on %s", args[0], got, args[1])
	}
}

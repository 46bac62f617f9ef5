package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/keyreeve/keyreeve/internal/demo"
	"github.com/keyreeve/keyreeve/internal/hub"
	"github.com/keyreeve/keyreeve/internal/identity"
)

// cmdAs lets a person act; a minute passes before each act, so that no two happen in the same second.
func cmdAs(ts *testscript.TestScript, neg bool, args []string) {
	const form = "as USER open|open-pull|accept|push|push-force|gives REPO … | VERB OWNER/NAME/N …"
	if len(args) < 3 {
		ts.Fatalf("usage: %s", form)
	}
	th := stage(ts)
	ok(ts, th.advance(time.Minute))
	err := act(ts, th.hub.As(args[0]), args[1], args[2:])
	if neg != (err != nil) {
		ts.Fatalf("%v: %v", args, err)
	}
}

func act(ts *testscript.TestScript, who hub.Actor, verb string, args []string) error {
	if slices.Contains([]string{"open", "open-pull", "accept", "push", "push-force", "gives"}, verb) {
		return actOnRepo(ts, who, verb, args)
	}
	repo, n := place(ts, args[0])
	text := strings.Join(args[1:], " ")
	switch verb {
	case "edit":
		return who.EditIssue(repo, n, ts.ReadFile(args[1]))
	case "comment":
		_, err := who.Comment(repo, n, strings.ReplaceAll(text, `\n`, "\n"))
		return err
	case "edit-comment":
		return who.EditComment(repo, lastComment(ts, repo, n), text)
	case "delete-comment":
		return who.DeleteComment(repo, lastComment(ts, repo, n))
	case "review":
		_, err := who.Review(repo, n, args[1], strings.Join(args[2:], " "))
		return err
	case "close":
		return who.SetIssueState(repo, n, "closed")
	case "reopen":
		return who.SetIssueState(repo, n, "open")
	case "merge":
		return who.MergePull(repo, n)
	case "minimize":
		return who.MinimizeComment(repo, lastComment(ts, repo, n))
	case "lock":
		return who.LockIssue(repo, n)
	case "dismiss": // the newest review
		return who.DismissReview(repo, n, lastReview(ts, repo, n), text)
	case "retarget":
		return who.RetargetPull(repo, n, args[1])
	case "press":
		return who.PressButton(repo, newestCheck(ts, repo, n, "approvals").ID, args[1])
	case "rerun": // rerun PULL approvals|records|suite
		if args[1] == "suite" {
			return who.RerunAll(repo, newestCheck(ts, repo, n, "approvals").HeadSHA)
		}
		return who.Rerun(repo, newestCheck(ts, repo, n, args[1]).ID)
	case "queue":
		return who.QueuePull(repo, n)
	}
	return fmt.Errorf("nobody can %s", verb)
}

func actOnRepo(ts *testscript.TestScript, who hub.Actor, verb string, args []string) error {
	switch verb {
	case "open":
		_, err := who.OpenIssue(args[0], args[1], ts.ReadFile(args[2]), args[3:]...)
		return err
	case "accept":
		return who.AcceptInvitation(args[0])
	case "gives": // gives REPO USER PERMISSION, and they accept it
		if err := who.Grant(args[0], args[1], args[2]); err != nil {
			return err
		}
		err := stage(ts).hub.As(args[1]).AcceptInvitation(args[0])
		p, bad := identity.ParsePermission(map[string]string{"push": "write", "pull": "read"}[args[2]])
		ok(ts, bad)
		a := identity.Access{Provider: "github", Resource: args[0], Principal: identity.Principal{Kind: identity.User, Name: args[1]}}
		stage(ts).before[a.String()] = p
		return err
	case "open-pull": // open-pull REPO BRANCH TITLE
		_, err := who.OpenPull(args[0], args[2], "", args[1], "main")
		return err
	default: // push|push-force REPO BRANCH PATH FILE
		content := ""
		if args[3] != "-" {
			content = ts.ReadFile(args[3])
		}
		push := who.Push
		if verb == "push-force" {
			push = who.ForcePush
		}
		_, err := push(args[0], args[1], map[string]string{args[2]: content}, "Change "+args[2])
		return err
	}
}

// lastReview finds the newest review of a pull request.
func lastReview(ts *testscript.TestScript, repo string, n int) int64 {
	p := stage(ts).hub.Snapshot().Repo(repo).Pull(n)
	if p == nil || len(p.Reviews) == 0 {
		ts.Fatalf("%s#%d has no review", repo, n)
	}
	return p.Reviews[len(p.Reviews)-1].ID
}

// newestCheck finds the newest check run of a name on a pull request's head.
func newestCheck(ts *testscript.TestScript, repo string, n int, name string) hub.CheckRun {
	ok(ts, stage(ts).settle())
	r := stage(ts).hub.Snapshot().Repo(repo)
	p := r.Pull(n)
	if p == nil {
		ts.Fatalf("there is no pull request %s#%d", repo, n)
	}
	return r.CheckOn(p.HeadSHA, "keyreeve / "+name)
}

// lastComment finds the newest comment by a person in a conversation.
func lastComment(ts *testscript.TestScript, repo string, n int) int64 {
	comments := conversation(ts, repo, n).Comments
	for _, c := range slices.Backward(comments) {
		if c.ViaApp == "" {
			return c.ID
		}
	}
	ts.Fatalf("%s#%d has no comment by a person", repo, n)
	return 0
}

// cmdApp lets another App act, which it installs the first time: app SLUG comment PLACE TEXT | app SLUG check PULL NAME CONCLUSION
func cmdApp(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 4, -1, "app SLUG comment PLACE TEXT | app SLUG check PULL NAME CONCLUSION")
	th := stage(ts)
	ok(ts, th.advance(time.Minute))
	who, known := th.apps[args[0]]
	if !known {
		app, err := th.hub.AddApp(hub.AppConfig{Slug: args[0], Name: args[0], Permissions: map[string]string{"issues": "write", "pull_requests": "write", "checks": "write", "metadata": "read"}})
		ok(ts, err)
		installation, err := th.hub.Install(app.ID, demo.Org)
		ok(ts, err)
		who = th.hub.AsApp(installation)
		th.apps[args[0]] = who
	}
	repo, n := place(ts, args[2])
	if args[1] == "comment" {
		_, err := who.Comment(repo, n, strings.Join(args[3:], " "))
		ok(ts, err)
		return
	}
	ok(ts, who.SetCheck(repo, newestCheck(ts, repo, n, "approvals").HeadSHA, args[3], args[4]))
}

// cmdPushMany pushes one commit with many files: push-many USER REPO BRANCH COUNT
func cmdPushMany(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 4, 4, "push-many USER REPO BRANCH COUNT")
	count, err := strconv.Atoi(args[3])
	ok(ts, err)
	files := map[string]string{}
	for i := range count {
		files[fmt.Sprintf("many/%d", i)] = "x"
	}
	ok(ts, stage(ts).advance(time.Minute))
	_, err = stage(ts).hub.As(args[0]).Push(args[1], args[2], files, "Many files")
	ok(ts, err)
}

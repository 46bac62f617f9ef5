package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/keyreeve/keyreeve/internal/demo"
	"github.com/keyreeve/keyreeve/internal/hub"
	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

// TestStories plays testdata/*.txtar: each is a story told by what people do at GitHub, and by what is seen there. After
// each the whole state is checked (verify), so that no story can end in a state that it did not think of.
func TestStories(t *testing.T) { playStories(t, testscript.Params{Dir: "testdata"}, 0) }

// playStories plays stories. With a seed, what GitHub sends meanwhile is kept back at each step, and delivered twice and in
// another order.
func playStories(t *testing.T, p testscript.Params, seed uint64) {
	p.Setup = func(env *testscript.Env) error {
		env.Values["theatre"], env.Values["seed"] = new(*theatre), seed
		return nil
	}
	p.Cmds = storyCommands()
	testscript.Run(t, p)
}

func storyCommands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"world": cmdWorld, "bot": cmdBot, "clock": cmdClock, "settle": cmdSettle, "verify": cmdVerify,
		"as": cmdAs, "leaves": cmdLeaves, "joins": cmdJoins, "renames": cmdRenames, "redeliver": cmdRedeliver,
		"said":  cmdSaid,
		"until": cmdUntil, "says": cmdSays, "reacted": cmdReacted, "answers": cmdAnswers, "pull": cmdPull, "check-run": cmdCheckRun, "access": cmdAccess, "issue": cmdIssue,
	}
}

// TestStoriesVerify keeps a story from ending without the check of the whole state.
func TestStoriesVerify(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("found %d stories: %v", len(files), err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		script, _, _ := strings.Cut(string(b), "\n-- ")
		if strings.Contains(script, "\nworld\n") && !strings.HasSuffix(strings.TrimSpace(script), "\nverify") {
			t.Errorf("%s does not end with: verify", f)
		}
	}
}

// stage is the theatre of the script.
func stage(ts *testscript.TestScript) *theatre {
	th, _ := ts.Value("theatre").(**theatre)
	if th == nil || *th == nil {
		ts.Fatalf("the script has to begin with: world")
	}
	return *th
}

func ok(ts *testscript.TestScript, err error) {
	if err != nil {
		ts.Fatalf("%v", err)
	}
}

// usage stops a script that calls a command wrongly.
func usage(ts *testscript.TestScript, neg bool, args []string, least, most int, form string) {
	if neg || len(args) < least || most >= 0 && len(args) > most {
		ts.Fatalf("usage: %s", form)
	}
}

// place reads "acme/identities/1": a script's # begins a comment.
func place(ts *testscript.TestScript, s string) (repo string, number int) {
	at := strings.LastIndex(s, "/")
	number, err := strconv.Atoi(s[at+1:])
	if err != nil || at < 0 {
		ts.Fatalf("%q is not owner/name/number", s)
	}
	return s[:at], number
}

// cmdWorld builds the world: world
func cmdWorld(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 0, 0, "world")
	th, err := newTheatre(ts.MkAbs("."), ts.Value("seed").(uint64))
	ok(ts, err)
	*ts.Value("theatre").(**theatre) = th
	ts.Defer(func() {
		if err := th.close(); err != nil {
			ts.Logf("close: %v", err)
		}
	})
}

// cmdBot starts and ends the bot: bot start | stop | kill
func cmdBot(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 1, 1, "bot start|stop|kill")
	th := stage(ts)
	switch args[0] {
	case "start":
		ok(ts, th.start())
	case "stop":
		ok(ts, th.signal(syscall.SIGTERM))
	case "kill":
		ok(ts, th.signal(syscall.SIGKILL))
	default:
		ts.Fatalf("usage: bot start|stop|kill")
	}
}

// cmdClock moves the clock ahead: clock 2h
func cmdClock(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 1, 1, "clock DURATION")
	d, err := time.ParseDuration(args[0])
	ok(ts, err)
	ok(ts, stage(ts).advance(d))
}

func cmdSettle(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 0, 0, "settle")
	ok(ts, stage(ts).settle())
}

func cmdVerify(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 0, 0, "verify")
	ok(ts, stage(ts).verify())
}

// cmdAs lets a person act; a minute passes before each act, so that no two happen in the same second.
func cmdAs(ts *testscript.TestScript, neg bool, args []string) {
	const form = "as USER open REPO TITLE FILE [LABEL…] | edit|comment|review|close|reopen|merge|push|delete-comment|edit-comment|accept …"
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
	if slices.Contains([]string{"open", "open-pull", "accept", "push", "gives"}, verb) {
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
	case "rerun":
		return who.Rerun(repo, newestCheck(ts, repo, n, args[1]).ID)
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
	default: // push REPO BRANCH PATH FILE
		content := ""
		if args[3] != "-" {
			content = ts.ReadFile(args[3])
		}
		_, err := who.Push(args[0], args[1], map[string]string{args[2]: content}, "Change "+args[2])
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
func newestCheck(ts *testscript.TestScript, repo string, n int, name string) (newest hub.CheckRun) {
	ok(ts, stage(ts).settle())
	r := stage(ts).hub.Snapshot().Repo(repo)
	p := r.Pull(n)
	if p == nil {
		ts.Fatalf("there is no pull request %s#%d", repo, n)
	}
	for _, c := range r.CheckRuns {
		if c.HeadSHA == p.HeadSHA && c.Name == "keyreeve / "+name {
			newest = c
		}
	}
	return newest
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
		if c.ViaApp != "" {
			return c.Body
		}
	}
	return ""
}

// cmdLeaves takes a person off a team: leaves USER TEAM
func cmdLeaves(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 2, 2, "leaves USER TEAM")
	ok(ts, stage(ts).advance(time.Minute))
	ok(ts, stage(ts).hub.RemoveFromTeam(demo.Org, args[1], args[0]))
}

// cmdJoins lets a machine user hold access before the story: joins USER REPO PERMISSION
func cmdJoins(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 3, 3, "joins USER REPO PERMISSION")
	th := stage(ts)
	owner, name, _ := strings.Cut(args[1], "/")
	ok(ts, th.hub.AddCollaborator(owner, name, args[0], args[2]))
	p, err := identity.ParsePermission(args[2])
	ok(ts, err)
	a := identity.Access{Provider: "github", Resource: args[1], Principal: identity.Principal{Kind: identity.User, Name: args[0]}}
	th.before[a.String()] = p
}

// cmdRenames gives a person another login: renames OLD NEW
func cmdRenames(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 2, 2, "renames OLD NEW")
	ok(ts, stage(ts).hub.RenameUser(args[0], args[1]))
}

// cmdUntil waits for the bot's answer to have the headline of a state: until acme/identities/1 waiting
func cmdUntil(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 2, 2, "until OWNER/NAME/N STATE")
	head := demo.Headlines[workflow.RequestState(args[1])]
	if head == "" {
		ts.Fatalf("there is no state %q", args[1])
	}
	th := stage(ts)
	err := th.until(args[0]+" to be "+args[1], func() (bool, error) {
		if _, err := th.mail.deliver(); err != nil {
			return false, err
		}
		return strings.Contains(answer(ts, args[0]), "### "+head+"\n"), th.revive()
	})
	if err != nil {
		ts.Logf("the bot's answer is:\n%s", answer(ts, args[0]))
	}
	ok(ts, err)
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

// cmdAnswers counts the bot's comments in a conversation: answers acme/identities/1 1
func cmdAnswers(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 2, 2, "answers OWNER/NAME/N COUNT")
	ok(ts, stage(ts).settle())
	repo, n := place(ts, args[0])
	got := 0
	for _, c := range conversation(ts, repo, n).Comments {
		if c.ViaApp != "" {
			got++
		}
	}
	if strconv.Itoa(got) != args[1] {
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
	c := newestCheck(ts, repo, n, args[1]) // the newest of a name is the one that counts at GitHub
	got := c.Conclusion
	if c.Status != "completed" {
		got = c.Status
	}
	if got != args[2] {
		ts.Fatalf("the check run is %q:\n%s\n%s", got, c.Title, c.Summary)
	}
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
		if c.ViaApp != "" {
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

// cmdRedeliver sends every delivery so far once more, newest first: each twice, late and out of order.
func cmdRedeliver(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 0, 0, "redeliver")
	th := stage(ts)
	ok(ts, th.settle())
	ok(ts, redeliver(th))
}

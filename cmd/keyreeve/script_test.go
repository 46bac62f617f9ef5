package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/keyreeve/keyreeve/internal/demo"
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
		"said": cmdSaid, "app": cmdApp, "push-many": cmdPushMany,
		"until": cmdUntil, "says": cmdSays, "reacted": cmdReacted, "answers": cmdAnswers, "pull": cmdPull, "check-run": cmdCheckRun, "group-check": cmdGroupCheck, "access": cmdAccess, "issue": cmdIssue,
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
		if err := th.bringMail(); err != nil {
			return false, err
		}
		return strings.Contains(answer(ts, args[0]), "### "+head+"\n"), th.revive()
	})
	if err != nil {
		ts.Logf("the bot's answer is:\n%s", answer(ts, args[0]))
	}
	ok(ts, err)
}

// cmdRedeliver sends every delivery so far once more, newest first: each twice, late and out of order.
func cmdRedeliver(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 0, 0, "redeliver")
	th := stage(ts)
	ok(ts, th.settle())
	ok(ts, redeliver(th))
}

package queue_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/keyreeve/keyreeve/internal/workflow"
)

const killedURL = "KEYREEVE_TEST_KILLED"

// TestKilled: a process that is killed with kill -9 in the middle of a walk
// and of a delivery loses neither, and the next one takes both up at once.
func TestKilled(t *testing.T) {
	r := newRig(t)
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledChild$", "-test.v")
	child.Env = append(os.Environ(), killedURL+"="+r.url)
	out, err := child.StdoutPipe()
	r.ok(err)
	r.ok(child.Start())
	seen := 0
	for lines := bufio.NewScanner(out); seen < 2 && lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "in hand: ") {
			seen++
		}
	}
	r.ok(child.Process.Kill())
	_ = child.Wait() // "signal: killed"
	if seen != 2 {
		t.Fatalf("the child ended with %d things in hand", seen)
	}

	r.deliver = func(context.Context, workflow.Delivery) (workflow.Routed, error) {
		return workflow.Routed{Subjects: []workflow.Subject{issue(7, 2)}}, nil
	}
	r.start()
	begun := time.Now()
	r.idle()
	if r.walks(issue(7, 1)) != 1 || r.walks(issue(7, 2)) != 1 || r.subject(issue(7, 1)).Attempts != 0 {
		t.Errorf("walked %v", r.walked)
	}
	// River's own rescue would take minutes.
	if took := time.Since(begun); took > patience/4 {
		t.Errorf("it took %s", took)
	}
}

// TestKilledChild holds work in hand until it is killed; it is the other half of TestKilled.
func TestKilledChild(t *testing.T) {
	r := newRig(t)
	if r.url = os.Getenv(killedURL); r.url == "" {
		t.Skip("it is started by another test")
	}
	r.walk = func(context.Context, workflow.Subject) (time.Time, error) {
		fmt.Println("in hand: a walk")
		select {}
	}
	r.deliver = func(context.Context, workflow.Delivery) (workflow.Routed, error) {
		fmt.Println("in hand: a delivery")
		select {}
	}
	r.start()
	r.accept("a")
	r.wake(issue(7, 1))
	select {}
}

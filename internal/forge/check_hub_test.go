package forge_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/keyreeve/keyreeve/checks"
	"github.com/keyreeve/keyreeve/internal/hub"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

// TestButtonsOnTheHub: buttons come and go with what the check run says.
func TestButtonsOnTheHub(t *testing.T) {
	g := newGitHub(t)
	_, at := g.request("request/12", "grants/payments/a.yaml", "level: read\n")
	head := must(g.forge.Pull(context.Background(), at))(t).Head
	set := workflow.SetCheck{
		At: at, Head: head, Name: "keyreeve / approvals", ExternalID: "d1", Status: "in_progress", Title: "Waiting", Summary: "for carol",
		Actions: []checks.Action{
			{Label: "Approve", Description: "Counts as a comment with /approve", Identifier: "approve"},
			{Label: "Explain", Description: "Who could approve, and what counts", Identifier: "explain"},
		},
	}
	g.apply(set)
	run := g.latest(at.Repo.String(), set.Name)
	if len(run.Buttons) != 2 || run.Buttons[0] != (hub.Button{Label: "Approve", Description: "Counts as a comment with /approve", Identifier: "approve"}) {
		t.Fatalf("buttons: %+v", run.Buttons)
	}
	set.ID, set.Actions, set.Status, set.Conclusion = run.ID, nil, "completed", "success"
	g.apply(set)
	if run = g.latest(at.Repo.String(), set.Name); run.ID != set.ID || len(run.Buttons) != 0 {
		t.Errorf("after the buttons were taken away: %+v", run)
	}
}

// TestResetRunOnTheHub: a run that was put back to queued is set again under its own id, and its suite with it.
func TestResetRunOnTheHub(t *testing.T) {
	g := newGitHub(t)
	ctx := context.Background()
	_, at := g.request("request/12", "grants/payments/a.yaml", "level: read\n")
	head := must(g.forge.Pull(ctx, at))(t).Head
	done := workflow.SetCheck{
		At: at, Head: head, Name: "keyreeve / approvals", ExternalID: "d1", Status: "completed", Conclusion: "success", Title: "Approved", Summary: "by carol",
	}
	g.apply(done)
	done.ID = g.latest(at.Repo.String(), done.Name).ID
	queued := done
	queued.Status, queued.Conclusion = "queued", ""
	g.apply(queued)
	if got := must(g.forge.Checks(ctx, at, head))(t); len(got) != 1 || got[0].Status != "queued" || got[0].Conclusion != "" {
		t.Fatalf("put back: %+v", got)
	}
	g.apply(done)
	if got := must(g.forge.Checks(ctx, at, head))(t); len(got) != 1 || got[0].ID != done.ID || got[0].Status != "completed" || got[0].Conclusion != "success" {
		t.Errorf("set again: %+v", got)
	}
}

// TestMuchChangedOnTheHub: GitHub lists 300 files of a comparison, so more are told as truncated; a rename has both ends.
func TestMuchChangedOnTheHub(t *testing.T) {
	g := newGitHub(t)
	ctx := context.Background()
	at := g.place("acme/identities", 0)
	before := must(g.forge.Default(ctx, at))(t).SHA
	text := "a line\nanother line\nand a third\n"
	one := must(g.As("alice").Push("acme/identities", "main", map[string]string{"old.txt": text}, "one"))(t)
	two := must(g.As("alice").Push("acme/identities", "main", map[string]string{"old.txt": "", "new.txt": text}, "two"))(t)
	files, truncated, err := g.forge.Changed(ctx, at, one, two)
	if err != nil || truncated || len(files) != 1 || files[0].Path != "new.txt" || files[0].Previous != "old.txt" || files[0].Status != "renamed" {
		t.Errorf("a rename: %+v, %v, %v", files, truncated, err)
	}
	many := map[string]string{}
	for i := range 301 {
		many[fmt.Sprintf("many/%d.txt", i)] = fmt.Sprintln(i)
	}
	last := must(g.As("alice").Push("acme/identities", "main", many, "many"))(t)
	if files, truncated, err = g.forge.Changed(ctx, at, before, last); err != nil || !truncated || len(files) != 300 {
		t.Errorf("302 files: %d, %v, %v", len(files), truncated, err)
	}
}

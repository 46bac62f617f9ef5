package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyreeve/keyreeve/internal/demo"
	"github.com/keyreeve/keyreeve/internal/hub"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

// TestKilledBetweenSteps plays the whole story once to learn every point between two steps of its walks, and then once
// for each of these points with the bot killed there (SIGKILL, by itself) and started again. Each must end as the first did:
// the whole state checked, and no comment, pull request, merge or grant more than without the kill.
func TestKilledBetweenSteps(t *testing.T) {
	if testing.Short() {
		t.Skip("plays the story once for each point of its walks")
	}
	points, want := passPoints(t)
	if len(points) < 40 {
		t.Fatalf("the story passes only %d points: %v", len(points), points)
	}
	t.Logf("%d points", len(points))
	for i, point := range points {
		// With the race detector a sample is played; make test plays all of them without it.
		if raced && i%8 != 0 {
			continue
		}
		t.Run(strings.NewReplacer("/", "_", " ", "_", "#", "_").Replace(point), func(t *testing.T) {
			t.Parallel()
			th := open(t)
			th.kill = point
			if err := playStory(th); err != nil {
				t.Fatalf("%v\n%s", err, tail(th))
			}
			if _, err := os.Stat(th.path("points.killed")); err != nil {
				t.Fatalf("the bot was never killed at %q", point)
			}
			if err := th.verify(); err != nil {
				t.Fatalf("%v\n%s", err, tail(th))
			}
			if got := ending(th); !slices.Equal(got, want) {
				t.Errorf("the story ended otherwise.\ngot:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// passPoints plays the story without a kill: its points in the order of their first passing, and its end.
func passPoints(t *testing.T) (points, end []string) {
	th := open(t)
	if err := playStory(th); err != nil {
		t.Fatalf("%v\n%s", err, tail(th))
	}
	if err := th.verify(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(th.path("points"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for p := range strings.Lines(string(b)) {
		if p = strings.TrimSpace(p); !seen[p] {
			seen[p] = true
			points = append(points, p)
		}
	}
	return points, ending(th)
}

func open(t *testing.T) *theatre {
	t.Helper()
	th, err := newTheatre(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := th.close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return th
}

// playStory is the happy story: asked, refused once, approved, granted, ended.
func playStory(th *theatre) error {
	if err := th.start(); err != nil {
		return err
	}
	at := func(state workflow.RequestState) func() error {
		return func() error { return th.becomes(state) }
	}
	for _, step := range []func() error{
		func() error {
			_, err := th.hub.As(demo.Developer).OpenIssue(demo.Registry, "Access: release", demo.Ask("write", "2h", "Upload the release."), "access-request")
			return err
		},
		at(workflow.Waiting), th.settle,
		th.says(demo.Developer, "/approve"), th.settle,
		th.says(demo.Owner, "/approve"), th.settle,
		th.says(demo.Security, "/approve"),
		at(workflow.Live), th.settle,
		func() error { return th.advance(2 * time.Hour) },
		at(workflow.Ended), th.settle,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// says lets a person comment on the story's issue, a minute later.
func (th *theatre) says(who, what string) func() error {
	return func() error {
		if err := th.advance(time.Minute); err != nil {
			return err
		}
		_, err := th.hub.As(who).Comment(demo.Registry, 1, what)
		return err
	}
}

// becomes waits for the bot's answer to show a state; a bot that was killed is started again.
func (th *theatre) becomes(state workflow.RequestState) error {
	return th.until("the request to be "+string(state), func() (bool, error) {
		if err := th.revive(); err != nil {
			return false, err
		}
		i := th.hub.Snapshot().Repo(demo.Registry).Issue(1)
		for _, c := range i.Comments {
			if strings.HasPrefix(c.ViaApp, "keyreeve") && strings.Contains(c.Body, "### "+demo.Headlines[state]+"\n") {
				return true, nil
			}
		}
		return false, nil
	})
}

// commentID is a comment's number, another one in each play.
var commentID = regexp.MustCompile(`/comments/\d+/`)

// ending is what must be the same, however often the bot was killed: what stands at GitHub, and how often the bot
// commented, opened, merged, granted and revoked. Times, commits and request ids differ from play to play.
func ending(th *theatre) []string {
	var out []string
	for _, repo := range th.hub.Snapshot().Repos {
		for _, i := range repo.Issues {
			out = append(out, conversationEnd(repo.FullName, i, "issue"))
		}
		for _, p := range repo.Pulls {
			out = append(out, conversationEnd(repo.FullName, p.Issue, fmt.Sprintf("pull request merged=%t", p.Merged)))
		}
		for _, c := range repo.Collaborators {
			out = append(out, fmt.Sprintf("%s: %s has %s", repo.FullName, c.Login, c.Permission))
		}
		for _, c := range repo.CheckRuns {
			out = append(out, fmt.Sprintf("%s: check %s %s", repo.FullName, c.Name, c.Conclusion))
		}
	}
	counts := map[string]int{}
	for _, w := range th.hub.Writes() {
		kind := w.Method + " " + commentID.ReplaceAllString(w.Path, "/comments/ID/")
		switch {
		case strings.HasSuffix(kind, "/comments"), strings.HasSuffix(kind, "/merge"), strings.HasSuffix(kind, "/pulls"),
			strings.Contains(kind, "/collaborators/"), strings.HasSuffix(kind, "/reactions"):
			counts[kind]++
		}
	}
	for kind, n := range counts {
		out = append(out, fmt.Sprintf("%d × %s", n, kind))
	}
	slices.Sort(out)
	return out
}

func conversationEnd(repo string, i hub.Issue, kind string) string {
	var said []string
	for _, c := range i.Comments {
		head, _, _ := strings.Cut(c.Body, "\n\n")
		var reactions []string
		for _, r := range c.Reactions {
			reactions = append(reactions, r.Content)
		}
		said = append(said, fmt.Sprintf("%s: %q %v", c.Author.Login, head, reactions))
	}
	return fmt.Sprintf("%s %s %s %s: %s", repo, kind, i.State, i.StateReason, strings.Join(said, "; "))
}

// tail is the end of the bot's log.
func tail(th *theatre) string {
	b, err := os.ReadFile(th.path("bot.log"))
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(lines[max(0, len(lines)-12):], "\n")
}

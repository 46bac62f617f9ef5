package demo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/internal/hub"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

// patience bounds how long the story waits for the bot to do its part.
const patience = time.Minute

// Duration is how long the story's access is asked for.
const Duration = 2 * time.Hour

// act is one step of the story: somebody does something, then the bot answers.
type act struct {
	title string
	do    func(*stage) error
	until string            // what is waited for, to say when it does not come
	seen  func(*stage) bool // true once it has come
}

// stage is the story as it is being played.
type stage struct {
	world *World
	clock *Clock
	issue int
	pull  int
}

// story is the main job, from the issue to proven access and to its proven end.
var story = []act{
	{
		title: "A developer asks for access, with the registry's issue form",
		do: func(s *stage) (err error) {
			body := Ask("write", "2h", "Upload the release artefacts of 4.2 tonight")
			s.issue, err = s.world.Hub.As(Developer).OpenIssue(Registry, "Access: release of payments 4.2", body, "access-request")
			return err
		},
		until: "the bot's answer and its pull request",
		seen: func(s *stage) bool {
			return s.says(workflow.Waiting) && s.findPull() && len(s.repo().CheckRuns) >= 2
		},
	},
	{
		title: "She owns the code, but may not approve her own request",
		do: func(s *stage) error {
			_, err := s.world.Hub.As(Developer).Comment(Registry, s.issue, "/approve I wrote most of it anyway")
			return err
		},
		until: "the refusal of her vote",
		seen:  func(s *stage) bool { return strings.Contains(s.answer(), "nobody approves their own") },
	},
	{
		title: "Another code owner approves, on the pull request",
		do: func(s *stage) error {
			_, err := s.world.Hub.As(Owner).Comment(Registry, s.pull, "/approve release night, I am on call")
			return err
		},
		until: "the other need's approval",
		seen:  func(s *stage) bool { return strings.Contains(s.answer(), "✅") },
	},
	{
		title: "Production needs the security team too, by the policy",
		do: func(s *stage) error {
			_, err := s.world.Hub.As(Security).Comment(Registry, s.pull, "/approve")
			return err
		},
		until: "the access, read back",
		seen:  func(s *stage) bool { return s.says(workflow.Live) },
	},
	{
		title: fmt.Sprintf("%s pass: the demo moves its clock ahead", Duration),
		do: func(s *stage) error {
			s.clock.Advance(Duration)
			return nil
		},
		until: "the end of the access, read back",
		seen: func(s *stage) bool {
			i := s.repo().Issue(s.issue)
			return s.says(workflow.Ended) && i != nil && i.State == "closed"
		},
	},
}

func (s *stage) repo() *hub.Repo { return s.world.Hub.Snapshot().Repo(Registry) }

// answer is the bot's comment on the issue.
func (s *stage) answer() string {
	if i := s.repo().Issue(s.issue); i != nil {
		for _, c := range i.Comments {
			if c.ViaApp != "" {
				return c.Body
			}
		}
	}
	return ""
}

// says waits for the headline that stands for a state.
func (s *stage) says(state workflow.RequestState) bool {
	return strings.Contains(s.answer(), "### "+Headlines[state]+"\n")
}

// Headlines are the status comment's headlines by state; templates render them.
var Headlines = map[workflow.RequestState]string{
	workflow.Invalid: "Access request: please correct it", workflow.Refused: "Access request: refused",
	workflow.Waiting: "Access request: waiting for approval", workflow.Denied: "Access request: denied",
	workflow.Approved: "Access request: approved", workflow.Merged: "Access request: approved, granting",
	workflow.Live: "Access request: active", workflow.Ended: "Access request: ended", workflow.Cancelled: "Access request: cancelled",
	workflow.Reviewing: "Access request: ended, its override to be reviewed", workflow.Expired: "Access request: expired, nobody answered",
}

func (s *stage) findPull() bool {
	for _, p := range s.repo().Pulls {
		s.pull = p.Number
	}
	return s.pull != 0
}

// play plays the acts in turn. pace is the pause before each, so that a person can read.
func play(ctx context.Context, s *stage, acts []act, n *narrator, pace time.Duration) error {
	for i, a := range acts {
		if err := pause(ctx, pace); err != nil {
			return err
		}
		n.notef("%d/%d  %s", i+1, len(acts), a.title)
		if err := a.do(s); err != nil {
			return fmt.Errorf("act %d: %w", i+1, err)
		}
		if err := s.wait(ctx, a); err != nil {
			return fmt.Errorf("act %d: %w", i+1, err)
		}
	}
	return nil
}

func (s *stage) wait(ctx context.Context, a act) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for !a.seen(s) {
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return fmt.Errorf("waited %s for %s: %w", patience, a.until, err)
		}
	}
	return nil
}

// pause waits for d or for the end of ctx.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

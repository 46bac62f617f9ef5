package bot

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/keyreeve/keyreeve/internal/forge"
	"github.com/keyreeve/keyreeve/internal/queue"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

// The sweeps, by the names under which the store keeps when each last ran.
const (
	lookAgain = "look at everything open again"
	redeliver = "redeliver what was missed"
)

func schedules() []queue.Schedule {
	return []queue.Schedule{{Name: lookAgain, Cron: "*/10 * * * *"}, {Name: redeliver, Cron: "*/5 * * * *"}}
}

// sweeper runs the sweeps. It may be used concurrently.
type sweeper struct {
	github *forge.Forge
	now    func() time.Time
	log    *slog.Logger

	mu    sync.Mutex
	since time.Time // up to when deliveries were looked through; zero after a start: all that GitHub keeps
}

// overlap is how far a look at the deliveries goes back behind the last one: an attempt is listed once it has ended.
const overlap = time.Hour

// sweep finds the subjects that a schedule is to wake.
func (s *sweeper) sweep(ctx context.Context, name string) ([]workflow.Subject, error) {
	switch name {
	case lookAgain:
		return everywhere(ctx, s.github)
	case redeliver:
		return nil, s.redeliver(ctx)
	}
	return nil, fmt.Errorf("there is no sweep %q", name)
}

// redeliver gets back what was sent while nobody accepted it. The deliveries come to the door and wake what they speak of.
func (s *sweeper) redeliver(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	asked, err := s.github.Redeliver(ctx, s.since)
	if asked > 0 {
		s.log.InfoContext(ctx, "asked for deliveries that were missed", "deliveries", asked)
	}
	if err == nil {
		s.since = now.Add(-overlap)
	}
	return err
}

// everywhere is the subject of each installation.
func everywhere(ctx context.Context, github *forge.Forge) ([]workflow.Subject, error) {
	ids, err := github.Installations(ctx)
	if err != nil {
		return nil, err
	}
	var out []workflow.Subject
	for _, id := range ids {
		out = append(out, workflow.Subject{Installation: id, Kind: workflow.InstallationSubject})
	}
	return out, nil
}

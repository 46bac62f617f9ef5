package bot

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
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
	publish   = "publish the log's head"
)

func schedules() []queue.Schedule {
	return []queue.Schedule{{Name: lookAgain, Cron: "*/10 * * * *"}, {Name: redeliver, Cron: "*/5 * * * *"}, {Name: publish, Cron: "0 * * * *"}}
}

// sweeper runs the sweeps. It may be used concurrently.
type sweeper struct {
	github   *forge.Forge
	registry registryFunc
	now      func() time.Time
	log      *slog.Logger

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
	case publish:
		return s.ledgers(ctx)
	}
	return nil, fmt.Errorf("there is no sweep %q", name)
}

// ledgers is where the log's head may be to be published.
func (s *sweeper) ledgers(ctx context.Context) (out []workflow.Subject, err error) {
	accounts, err := s.github.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	for _, id := range slices.Sorted(maps.Keys(accounts)) {
		if registry, ok := s.registry(accounts[id]); ok {
			out = append(out, workflow.Subject{Installation: id, Kind: workflow.LedgerSubject, Repo: registry})
		}
	}
	return out, nil
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

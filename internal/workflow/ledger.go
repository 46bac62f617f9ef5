package workflow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/templates"
)

const (
	// ownEntries is how many entries publishing a head makes by itself, the deliveries that tell of it and an hour's sweeps included: growth by
	// no more than that is not published for a day, or each publication would ask for the next one.
	ownEntries = 24
	// publishDaily is how long a head that only such entries were added to may stay unpublished.
	publishDaily = 24 * time.Hour
	// CheckpointPath is the file that holds the head, in a repository that it is published to.
	CheckpointPath = "keyreeve.checkpoint"
)

// lookAtLedger publishes the head of the log where the policy says so: in a place that whoever runs the bot can't write
// without its traces, so that a database written anew does not fit what was published.
func (w *Walker) lookAtLedger(ctx context.Context, s Subject) (turn, error) {
	registry, served := w.Registry(s.Repo.Owner)
	if !served || w.Head == nil {
		return turn{}, nil
	}
	at := Place{Installation: s.Installation, Repo: registry}
	to, err := w.checkpointsOf(ctx, at)
	if err != nil || to == nil {
		return turn{}, err
	}
	stored, err := w.Store.Load(ctx, s)
	if err != nil {
		return turn{}, err
	}
	head, err := w.Head.Head(ctx)
	if err != nil {
		return turn{}, fmt.Errorf("the log's head: %w", err)
	}
	effect, err := w.publication(ctx, at, *to, head)
	if err != nil {
		return turn{}, err
	}
	w.Trace(Point{Subject: s, Step: Observed})
	t := turn{open: stored.Open}
	if effect != nil {
		t.plan = []Effect{effect}
	}
	return t, nil
}

// checkpointsOf reads where heads are published; nil where the registry has no policy that can be read, or none says so.
func (w *Walker) checkpointsOf(ctx context.Context, registry Place) (*identity.Checkpoints, error) {
	branch, err := w.Repositories.Default(ctx, registry)
	if err == nil {
		var file File
		if file, err = w.Repositories.File(ctx, registry, branch.SHA, identity.PolicyPath); err == nil {
			policy, problems := identity.ParsePolicy(file.Path, file.Data)
			if len(problems) > 0 {
				return nil, nil
			}
			return policy.Checkpoints, nil
		}
	}
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	return nil, err
}

// publication is what publishes a head that is not published yet, nil where it is.
func (w *Walker) publication(ctx context.Context, registry Place, to identity.Checkpoints, head Head) (Effect, error) {
	if to.Issue != "" {
		at, err := placeOf(registry, to.Issue)
		if err != nil {
			return nil, err
		}
		return w.comment(ctx, at, head)
	}
	repo, err := identity.ParseRepo(to.Repository)
	if err != nil || !strings.EqualFold(repo.Owner, registry.Repo.Owner) {
		return nil, fmt.Errorf("publish the log's head: %q is no repository of %s", to.Repository, registry.Repo.Owner)
	}
	return w.commitHead(ctx, Place{Installation: registry.Installation, Repo: repo}, head)
}

// placeOf reads "owner/name#12", which has to be of the registry's organization.
func placeOf(registry Place, s string) (Place, error) {
	name, number, _ := strings.Cut(s, "#")
	repo, err := identity.ParseRepo(name)
	n, bad := strconv.Atoi(number)
	if err != nil || bad != nil || !strings.EqualFold(repo.Owner, registry.Repo.Owner) {
		return Place{}, fmt.Errorf("publish the log's head: %q is no issue of %s", s, registry.Repo.Owner)
	}
	return Place{Installation: registry.Installation, Repo: repo, Number: n}, nil
}

func (w *Walker) comment(ctx context.Context, at Place, head Head) (Effect, error) {
	comments, err := w.Conversations.Comments(ctx, at)
	if err != nil {
		return nil, err
	}
	for _, c := range slices.Backward(comments) {
		size, ok := templates.CheckpointSize(firstLine(c.Body))
		if c.Ours && ok {
			if !stale(head.Size-size, w.Now().Sub(c.CreatedAt)) {
				return nil, nil
			}
			break
		}
	}
	return CreateComment{At: at, About: "checkpoint", Body: templates.Checkpoint(head.Size, string(head.Signed), head.Key)}, nil
}

// stale says whether a head that was published is to be followed by a new one.
func stale(grown int64, age time.Duration) bool {
	return grown > ownEntries || grown > 0 && age >= publishDaily
}

func (w *Walker) commitHead(ctx context.Context, at Place, head Head) (Effect, error) {
	branch, err := w.Repositories.Default(ctx, at)
	if err != nil {
		return nil, err
	}
	old, err := w.Repositories.File(ctx, at, branch.SHA, CheckpointPath)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	// The second line of a checkpoint is its size. What can't be read is written anew.
	if lines := strings.Split(string(old.Data), "\n"); len(lines) > 2 {
		if size, err := strconv.ParseInt(lines[1], 10, 64); err == nil && !stale(head.Size-size, 0) {
			return nil, nil
		}
	}
	return CommitFile{
		At: at, Branch: branch.Name, Path: CheckpointPath, Old: old.SHA, Content: head.Signed,
		Message: fmt.Sprintf("Checkpoint of keyreeve's log: %d entries", head.Size),
	}, nil
}

package workflow

import (
	"context"
)

// lookAtPull looks at a pull request on the registry. One that the bot opened
// for an issue belongs to that request, which is woken; what was said or done on the pull request is seen there.
func (w *Walker) lookAtPull(ctx context.Context, s Subject) (turn, error) {
	stored, err := w.Store.Load(ctx, s)
	if err != nil {
		return turn{}, err
	}
	w.Trace(Point{Subject: s, Step: Observed})
	if stored.Request == nil {
		return turn{}, nil
	}
	return turn{commit: Commit{WakeKeys: []string{stored.Request.Subject.Key()}}}, nil
}

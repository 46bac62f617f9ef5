package workflow

import "context"

// lookAtInstallation wakes all that is open in an installation: something
// that they all rest on may have changed (the policy, CODEOWNERS, a team).
func (w *Walker) lookAtInstallation(ctx context.Context, s Subject) (turn, error) {
	open, err := w.Store.Open(ctx, s.Installation)
	if err != nil {
		return turn{}, err
	}
	w.Trace(Point{Subject: s, Step: Observed})
	return turn{commit: Commit{Wake: open}}, nil
}

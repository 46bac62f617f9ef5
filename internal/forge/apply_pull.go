package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/go-github/v60/github"

	"github.com/keyreeve/keyreeve/internal/workflow"
)

// openPull is fine with a pull request that is open from that branch already.
// https://docs.github.com/en/rest/pulls/pulls#create-a-pull-request
func (f *Forge) openPull(ctx context.Context, e workflow.OpenPull) error {
	s, err := f.at(e.At.Installation, e.At.Repo, openPulls)
	if err != nil {
		return err
	}
	_, _, err = s.gh.PullRequests.Create(ctx, e.At.Repo.Owner, e.At.Repo.Name, &github.NewPullRequest{
		Title: &e.Title, Body: &e.Body, Head: &e.Branch, Base: &e.Base,
	})
	if refusal, ok := refused(err, http.StatusUnprocessableEntity); ok && refusal.says("pull request already exists") {
		return nil
	}
	return err
}

// https://docs.github.com/en/rest/pulls/pulls#update-a-pull-request
func (f *Forge) closePull(ctx context.Context, e workflow.ClosePull) error {
	s, err := f.at(e.At.Installation, e.At.Repo, writePulls)
	if err != nil {
		return err
	}
	path := fmt.Sprintf("%s/pulls/%d", repoPath(e.At.Repo), e.At.Number)
	_, err = send(ctx, s.gh, http.MethodPatch, path, map[string]string{"state": "closed"}, nil)
	return err
}

// mergePull merges by the first way that the repository allows: merge, squash, rebase. It is fine with a pull request
// that was merged at that head already.
// https://docs.github.com/en/rest/pulls/pulls#merge-a-pull-request
func (f *Forge) mergePull(ctx context.Context, e workflow.MergePull) error {
	if e.Head == "" {
		return errors.New("no head is given, and without one any head would be merged")
	}
	s, err := f.at(e.At.Installation, e.At.Repo, mergePulls)
	if err != nil {
		return err
	}
	var refusal *APIError
	for _, method := range []string{"merge", "squash", "rebase"} {
		_, _, err = s.gh.PullRequests.Merge(ctx, e.At.Repo.Owner, e.At.Repo.Name, e.At.Number, e.Message, &github.PullRequestOptions{
			CommitTitle: e.Title, SHA: e.Head, MergeMethod: method,
		})
		var ok bool
		if refusal, ok = refused(err, http.StatusMethodNotAllowed); !ok {
			return err
		}
		if !refusal.says("not allowed") { // "Merge commits are not allowed on this repository."
			break
		}
	}
	p, readErr := getPull(ctx, s, e.At)
	switch {
	case readErr != nil:
		return readErr
	case p.GetMerged() && p.GetHead().GetSHA() == e.Head:
		return nil
	case p.GetMerged() || p.GetState() != "open" || p.GetHead().GetSHA() != e.Head:
		return fmt.Errorf("the pull request is %s at %s: %w", p.GetState(), p.GetHead().GetSHA(), workflow.ErrConflict)
	}
	return refusal
}

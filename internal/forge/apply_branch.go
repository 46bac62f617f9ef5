package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"unicode/utf8"

	"github.com/google/go-github/v60/github"

	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

// writeBranch builds the tree and the commit before it moves the branch, so a crash leaves objects that nothing points
// at, or the branch as it should be. A branch that holds just that already is left alone: a lost answer is found so.
//
// GitHub's update of a reference compares nothing, so the tip is compared just before it. That the branch is the bot's
// own, and that walks of one request don't overlap, covers the moment between.
// https://docs.github.com/en/rest/git/refs#update-a-reference
func (f *Forge) writeBranch(ctx context.Context, e workflow.WriteBranch) error {
	if !utf8.Valid(e.Content) {
		return errors.New("the content is not UTF-8")
	}
	s, err := f.at(e.At.Installation, e.At.Repo, writeFiles)
	if err != nil {
		return err
	}
	tree, err := treeWith(ctx, s, e)
	if err != nil {
		return err
	}
	tip, err := f.Tip(ctx, e.At, e.Branch)
	if errors.Is(err, workflow.ErrNotFound) {
		tip, err = "", nil
	}
	if err != nil {
		return err
	}
	if tip != "" {
		if done, err := holds(ctx, s, e.At.Repo, tip, e.From, tree); done || err != nil {
			return err
		}
	}
	if tip != e.Old {
		return fmt.Errorf("the branch is at %q, not at %q: %w", tip, e.Old, workflow.ErrConflict)
	}
	return moveBranch(ctx, s, e, tree)
}

// treeWith makes the tree of From with the one file in it, and returns its name.
// https://docs.github.com/en/rest/git/trees#create-a-tree
func treeWith(ctx context.Context, s *session, e workflow.WriteBranch) (string, error) {
	base, err := commitAt(ctx, s, e.At.Repo, e.From)
	if err != nil {
		return "", err
	}
	var made github.Tree
	_, err = send(ctx, s.gh, http.MethodPost, repoPath(e.At.Repo)+"/git/trees", map[string]any{
		"base_tree": base.GetTree().GetSHA(),
		"tree":      []map[string]string{{"path": e.Path, "mode": "100644", "type": "blob", "content": string(e.Content)}},
	}, &made)
	return made.GetSHA(), unwrapURL(err)
}

// commitAt reads a commit.
// https://docs.github.com/en/rest/git/commits#get-a-commit-object
func commitAt(ctx context.Context, s *session, repo identity.Repo, sha string) (*github.Commit, error) {
	if !isHash.MatchString(sha) {
		return nil, fmt.Errorf("%q is not a commit: %w", sha, workflow.ErrNotFound)
	}
	c, _, err := s.gh.Git.GetCommit(ctx, repo.Owner, repo.Name, sha)
	return c, unwrapURL(err)
}

// holds says whether a commit has just that parent and tree.
func holds(ctx context.Context, s *session, repo identity.Repo, commit, parent, tree string) (bool, error) {
	c, err := commitAt(ctx, s, repo, commit)
	if err != nil {
		return false, err
	}
	return c.GetTree().GetSHA() == tree && len(c.Parents) == 1 && c.Parents[0].GetSHA() == parent, nil
}

// moveBranch makes the commit, by the App's own bot as its author, and points the branch at it.
func moveBranch(ctx context.Context, s *session, e workflow.WriteBranch, tree string) error {
	var c github.Commit
	_, err := send(ctx, s.gh, http.MethodPost, repoPath(e.At.Repo)+"/git/commits",
		map[string]any{"message": e.Message, "tree": tree, "parents": []string{e.From}}, &c)
	if err != nil {
		return err
	}
	if e.Old == "" {
		_, err = send(ctx, s.gh, http.MethodPost, repoPath(e.At.Repo)+"/git/refs",
			map[string]string{"ref": "refs/heads/" + e.Branch, "sha": c.GetSHA()}, nil)
		return err
	}
	_, err = send(ctx, s.gh, http.MethodPatch, repoPath(e.At.Repo)+"/git/refs/heads/"+escapePath(e.Branch),
		map[string]any{"sha": c.GetSHA(), "force": true}, nil)
	return err
}

// deleteBranch is fine with a branch that is gone.
// https://docs.github.com/en/rest/git/refs#delete-a-reference
func (f *Forge) deleteBranch(ctx context.Context, e workflow.DeleteBranch) error {
	s, err := f.at(e.At.Installation, e.At.Repo, writeFiles)
	if err != nil {
		return err
	}
	_, err = send(ctx, s.gh, http.MethodDelete, repoPath(e.At.Repo)+"/git/refs/heads/"+escapePath(e.Branch), nil, nil)
	refusal, ok := refused(err, http.StatusUnprocessableEntity)
	if errors.Is(err, workflow.ErrNotFound) || ok && refusal.says("does not exist") {
		return nil
	}
	return err
}

package forge

import (
	"context"
	"fmt"
	"net/http"

	"github.com/google/go-github/v60/github"

	"github.com/keyreeve/keyreeve/internal/workflow"
)

// Apply implements workflow.Applier. Every write is tried once; whether one without an answer happened is to be read
// from GitHub. Effects that find themselves done already succeed, except comments and issues, of which a second
// one is a second one.
func (f *Forge) Apply(ctx context.Context, e workflow.Effect) error {
	var err error
	switch e := e.(type) {
	case workflow.CreateComment:
		err = f.createComment(ctx, e)
	case workflow.EditComment:
		err = f.editComment(ctx, e)
	case workflow.React:
		err = f.react(ctx, e)
	case workflow.OpenIssue:
		err = f.openIssue(ctx, e)
	case workflow.ReopenIssue:
		err = f.reopenIssue(ctx, e)
	case workflow.CloseIssue:
		err = f.closeIssue(ctx, e)
	case workflow.WriteBranch:
		err = f.writeBranch(ctx, e)
	case workflow.CommitFile:
		err = f.commitFile(ctx, e)
	case workflow.DeleteBranch:
		err = f.deleteBranch(ctx, e)
	case workflow.OpenPull:
		err = f.openPull(ctx, e)
	case workflow.ClosePull:
		err = f.closePull(ctx, e)
	case workflow.MergePull:
		err = f.mergePull(ctx, e)
	case workflow.SetCheck:
		err = f.setCheck(ctx, e)
	default:
		return fmt.Errorf("apply %T: this effect is not GitHub's to apply", e)
	}
	return fail(e.What(), err)
}

// https://docs.github.com/en/rest/issues/comments#create-an-issue-comment
func (f *Forge) createComment(ctx context.Context, e workflow.CreateComment) error {
	s, err := f.at(e.At.Installation, e.At.Repo, writeTalk)
	if err != nil {
		return err
	}
	_, _, err = s.gh.Issues.CreateComment(ctx, e.At.Repo.Owner, e.At.Repo.Name, e.At.Number, &github.IssueComment{Body: &e.Body})
	return err
}

// https://docs.github.com/en/rest/issues/comments#update-an-issue-comment
func (f *Forge) editComment(ctx context.Context, e workflow.EditComment) error {
	s, err := f.at(e.At.Installation, e.At.Repo, writeTalk)
	if err != nil {
		return err
	}
	_, _, err = s.gh.Issues.EditComment(ctx, e.At.Repo.Owner, e.At.Repo.Name, e.ID, &github.IssueComment{Body: &e.Body})
	return err
}

// react succeeds too when the reaction is there already: GitHub answers 200 then.
// https://docs.github.com/en/rest/reactions/reactions#create-reaction-for-an-issue-comment
func (f *Forge) react(ctx context.Context, e workflow.React) error {
	s, err := f.at(e.At.Installation, e.At.Repo, writeTalk)
	if err != nil {
		return err
	}
	_, err = send(ctx, s.gh, http.MethodPost, fmt.Sprintf("%s/issues/comments/%d/reactions", repoPath(e.At.Repo), e.Comment),
		map[string]string{"content": e.Content}, nil)
	return err
}

// https://docs.github.com/en/rest/issues/issues#update-an-issue
func (f *Forge) closeIssue(ctx context.Context, e workflow.CloseIssue) error {
	s, err := f.at(e.At.Installation, e.At.Repo, writeTalk)
	if err != nil {
		return err
	}
	change := &github.IssueRequest{State: github.String("closed")}
	if e.Reason != "" {
		change.StateReason = &e.Reason
	}
	_, _, err = s.gh.Issues.Edit(ctx, e.At.Repo.Owner, e.At.Repo.Name, e.At.Number, change)
	return err
}

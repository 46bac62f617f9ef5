package forge

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/go-github/v60/github"

	"github.com/keyreeve/keyreeve/internal/workflow"
)

// mostOwnIssues bounds the list of OwnIssues.
const mostOwnIssues = 1000

// OwnIssues implements workflow.Conversations. Whose an issue is, is told by the App through which it was made or, where GitHub
// names none, by its author: a login that ends in [bot] can't be a person's. With a label GitHub's own filter by creator is
// left out, since one that missed an App's issues would have them opened again. The lists tell no closer: Issue does.
// https://docs.github.com/en/rest/issues/issues#list-repository-issues
func (f *Forge) OwnIssues(ctx context.Context, at workflow.Place, label string) ([]workflow.Issue, error) {
	doing := "list keyreeve's own issues in " + at.Repo.String()
	s, err := f.at(at.Installation, at.Repo, readTalk)
	if err != nil {
		return nil, fail(doing, err)
	}
	slug, err := f.slug(ctx)
	if err != nil {
		return nil, fail(doing, err)
	}
	query := url.Values{"state": {"all"}, "sort": {"created"}, "direction": {"desc"}}
	login := slug + "[bot]"
	if label != "" {
		query.Set("labels", label)
	} else {
		query.Set("creator", login)
	}
	all, _, err := readList[issue](ctx, s.gh, repoPath(at.Repo)+"/issues", query)
	if err != nil {
		return nil, fail(doing, err)
	}
	var out []workflow.Issue
	for _, i := range all {
		if i.madeBy(f.cfg.AppID, login) && i.PullRequest == nil && len(out) < mostOwnIssues {
			out = append(out, i.fact())
		}
	}
	return out, nil
}

func (i issue) madeBy(app int64, login string) bool {
	if i.Via != nil {
		return i.Via.ID == app
	}
	return i.User.bot() && strings.EqualFold(i.User.Login, login)
}

// openIssue opens an issue. Like a comment, a second one is a second one: whether it is there is to be read first.
// https://docs.github.com/en/rest/issues/issues#create-an-issue
func (f *Forge) openIssue(ctx context.Context, e workflow.OpenIssue) error {
	s, err := f.at(e.At.Installation, e.At.Repo, writeTalk)
	if err != nil {
		return err
	}
	labels := e.Labels
	if labels == nil {
		labels = []string{}
	}
	_, _, err = s.gh.Issues.Create(ctx, e.At.Repo.Owner, e.At.Repo.Name, &github.IssueRequest{Title: &e.Title, Body: &e.Body, Labels: &labels})
	return err
}

// https://docs.github.com/en/rest/issues/issues#update-an-issue
func (f *Forge) reopenIssue(ctx context.Context, e workflow.ReopenIssue) error {
	s, err := f.at(e.At.Installation, e.At.Repo, writeTalk)
	if err != nil {
		return err
	}
	_, err = send(ctx, s.gh, http.MethodPatch, fmt.Sprintf("%s/issues/%d", repoPath(e.At.Repo), e.At.Number), map[string]string{"state": "open"}, nil)
	return err
}

package forge

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/go-github/v60/github"

	"github.com/keyreeve/keyreeve/internal/workflow"
)

// GitHub lists no more of a pull request than this.
// https://docs.github.com/en/rest/pulls/pulls#list-pull-requests-files
const (
	mostFiles   = 3000
	mostCommits = 250
)

// Pull implements workflow.Pulls. The pull request is read again after its files, commits and reviews: when its head
// or base moved in between, all is read again, so that what is returned belongs together.
// https://docs.github.com/en/rest/pulls/pulls#get-a-pull-request
func (f *Forge) Pull(ctx context.Context, at workflow.Place) (workflow.Pull, error) {
	doing := "read pull request " + at.String()
	s, err := f.at(at.Installation, at.Repo, readPulls)
	if err != nil {
		return workflow.Pull{}, fail(doing, err)
	}
	before, err := getPull(ctx, s, at)
	if err != nil {
		return workflow.Pull{}, fail(doing, err)
	}
	for range readings {
		out := pullOf(before)
		if err := fillPull(ctx, s, at, &out); err != nil {
			return workflow.Pull{}, fail(doing, err)
		}
		after, err := getPull(ctx, s, at)
		if err != nil {
			return workflow.Pull{}, fail(doing, err)
		}
		if samePull(before, after) {
			out.Truncated = after.GetChangedFiles() > len(out.Files) || after.GetCommits() > len(out.Commits) ||
				after.GetChangedFiles() > mostFiles || after.GetCommits() > mostCommits
			return out, nil
		}
		before = after
	}
	return workflow.Pull{}, fail(doing, errMoving)
}

func getPull(ctx context.Context, s *session, at workflow.Place) (*github.PullRequest, error) {
	p, _, err := s.gh.PullRequests.Get(ctx, at.Repo.Owner, at.Repo.Name, at.Number)
	return p, unwrapURL(err)
}

func samePull(a, b *github.PullRequest) bool {
	return a.GetHead().GetSHA() == b.GetHead().GetSHA() && a.GetBase().GetRef() == b.GetBase().GetRef() &&
		a.GetState() == b.GetState() && a.GetMerged() == b.GetMerged() &&
		a.GetChangedFiles() == b.GetChangedFiles() && a.GetCommits() == b.GetCommits()
}

func pullOf(p *github.PullRequest) workflow.Pull {
	out := workflow.Pull{
		Number: p.GetNumber(), Title: p.GetTitle(), Body: p.GetBody(), Author: person(p.User),
		Open: p.GetState() == "open", Merged: p.GetMerged(), Draft: p.GetDraft(), Locked: p.GetLocked(),
		Head: p.GetHead().GetSHA(), HeadRef: p.GetHead().GetRef(), BaseRef: p.GetBase().GetRef(),
		// The head's repository is null once a fork is deleted.
		Fork: p.GetHead().GetRepo().GetID() == 0 || p.GetHead().GetRepo().GetID() != p.GetBase().GetRepo().GetID(),
		URL:  p.GetHTMLURL(),
	}
	if p.GetMerged() {
		out.MergeSHA = p.GetMergeCommitSHA() // before that, it is a trial merge's
	}
	if p.Mergeable != nil && out.Open {
		out.Mergeable, out.Conflict = *p.Mergeable, !*p.Mergeable
	}
	return out
}

func fillPull(ctx context.Context, s *session, at workflow.Place, out *workflow.Pull) error {
	path := fmt.Sprintf("%s/pulls/%d", repoPath(at.Repo), at.Number)
	files, _, err := readList[github.CommitFile](ctx, s.gh, path+"/files", nil)
	if err != nil {
		return fmt.Errorf("list files: %w", unwrapURL(err))
	}
	for _, c := range files {
		out.Files = append(out.Files, workflow.ChangedFile{
			Path: c.GetFilename(), Previous: c.GetPreviousFilename(), Status: c.GetStatus(), SHA: c.GetSHA(),
		})
	}
	commits, _, err := readList[github.RepositoryCommit](ctx, s.gh, path+"/commits", nil)
	if err != nil {
		return fmt.Errorf("list commits: %w", unwrapURL(err))
	}
	for _, c := range commits {
		out.Commits = append(out.Commits, workflow.PullCommit{
			SHA: c.GetSHA(), Author: person(c.Author), Committer: person(c.Committer), Message: c.GetCommit().GetMessage(),
		})
	}
	reviews, _, err := readList[github.PullRequestReview](ctx, s.gh, path+"/reviews", nil)
	if err != nil {
		return fmt.Errorf("list reviews: %w", unwrapURL(err))
	}
	for _, r := range reviews {
		if r.GetState() == "PENDING" { // not submitted: only its author sees it
			continue
		}
		out.Reviews = append(out.Reviews, workflow.Review{
			ID: r.GetID(), By: person(r.User), Bot: r.GetUser().GetType() == "Bot", State: r.GetState(), Head: r.GetCommitID(),
			Body: r.GetBody(), At: r.GetSubmittedAt().Time, URL: r.GetHTMLURL(),
		})
	}
	return nil
}

// PullOf implements workflow.Pulls, the newest of this App's first; a branch without a pull request gives ErrNotFound.
// https://docs.github.com/en/rest/pulls/pulls#list-pull-requests
func (f *Forge) PullOf(ctx context.Context, at workflow.Place, branch string) (int, error) {
	doing := fmt.Sprintf("find the pull request from %s in %s", branch, at.Repo)
	s, err := f.at(at.Installation, at.Repo, readPulls)
	if err != nil {
		return 0, fail(doing, err)
	}
	all, _, err := readList[github.PullRequest](ctx, s.gh, repoPath(at.Repo)+"/pulls", url.Values{
		"head": {at.Repo.Owner + ":" + branch}, "state": {"all"}, "sort": {"created"}, "direction": {"desc"},
	})
	if err != nil {
		return 0, fail(doing, err)
	}
	slug, err := f.slug(ctx)
	if err != nil {
		return 0, fail(doing, err)
	}
	newest, own := 0, false
	for i := range all {
		// The filter goes by owner: a fork of the same owner passes it. One of this App's comes before one that a person
		// opened from its branch, with none of what was said.
		p := &all[i]
		ours := strings.EqualFold(p.GetUser().GetLogin(), slug+"[bot]")
		if p.GetHead().GetRef() == branch && !pullOf(p).Fork && (ours || !own) {
			if ours && !own {
				newest, own = 0, true
			}
			newest = max(newest, p.GetNumber())
		}
	}
	if newest == 0 {
		return 0, fail(doing, fmt.Errorf("there is none: %w", workflow.ErrNotFound))
	}
	return newest, nil
}

// Checks implements workflow.Pulls. Check runs of other Apps are left out, whatever their name.
// https://docs.github.com/en/rest/checks/runs#list-check-runs-for-a-git-reference
func (f *Forge) Checks(ctx context.Context, at workflow.Place, head string) ([]workflow.Check, error) {
	doing := fmt.Sprintf("read the checks of %s at %s", at.Repo, head)
	s, err := f.at(at.Installation, at.Repo, readCheck)
	if err != nil {
		return nil, fail(doing, err)
	}
	if !isHash.MatchString(head) {
		return nil, fail(doing, fmt.Errorf("%q is not a commit: %w", head, workflow.ErrNotFound))
	}
	query := url.Values{"filter": {"latest"}, "app_id": {strconv.FormatInt(f.cfg.AppID, 10)}, "per_page": {strconv.Itoa(perPage)}}
	all, _, err := pages(func(page int) ([]*github.CheckRun, *github.Response, error) {
		query.Set("page", strconv.Itoa(page))
		req, err := s.gh.NewRequest(http.MethodGet, fmt.Sprintf("%s/commits/%s/check-runs?%s", repoPath(at.Repo), head, query.Encode()), nil)
		if err != nil {
			return nil, nil, err
		}
		var some github.ListCheckRunsResults
		resp, err := s.gh.Do(ctx, req, &some)
		return some.CheckRuns, resp, err
	})
	if err != nil {
		return nil, fail(doing, err)
	}
	out := make([]workflow.Check, 0, len(all))
	for _, c := range all {
		if c.GetApp().GetID() != f.cfg.AppID || c.GetHeadSHA() != head {
			continue
		}
		out = append(out, workflow.Check{
			ID: c.GetID(), Name: c.GetName(), Head: c.GetHeadSHA(), ExternalID: c.GetExternalID(),
			Status: c.GetStatus(), Conclusion: c.GetConclusion(),
		})
	}
	return out, nil
}

// mostCompared is how many files GitHub lists of a comparison.
// https://docs.github.com/en/rest/commits/commits#compare-two-commits
const mostCompared = 300

// Changed implements workflow.Pulls.
func (f *Forge) Changed(ctx context.Context, at workflow.Place, base, head string) (files []workflow.ChangedFile, truncated bool, err error) {
	doing := fmt.Sprintf("compare %s with %s in %s", base, head, at.Repo)
	if !isHash.MatchString(base) || !isHash.MatchString(head) {
		return nil, false, fail(doing, fmt.Errorf("these are no commits: %w", workflow.ErrNotFound))
	}
	s, err := f.at(at.Installation, at.Repo, readFiles)
	if err != nil {
		return nil, false, fail(doing, err)
	}
	var c github.CommitsComparison
	if _, err := send(ctx, s.gh, http.MethodGet, fmt.Sprintf("%s/compare/%s...%s", repoPath(at.Repo), base, head), nil, &c); err != nil {
		return nil, false, fail(doing, err)
	}
	if c.GetMergeBaseCommit().GetSHA() != base {
		return nil, false, fail(doing, fmt.Errorf("the one does not come from the other: %w", workflow.ErrNotFound))
	}
	for _, file := range c.Files {
		files = append(files, workflow.ChangedFile{Path: file.GetFilename(), Previous: file.GetPreviousFilename(), Status: file.GetStatus(), SHA: file.GetSHA()})
	}
	return files, len(files) >= mostCompared, nil
}

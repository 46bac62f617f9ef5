package pages

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/keyreeve/keyreeve/internal/hub"
	"github.com/keyreeve/keyreeve/internal/hub/githost"
)

// entry is one thing in a conversation: a comment (the opening text included),
// a review, a commit or an event such as "closed".
type entry struct {
	Kind   string // comment, review, commit, event
	At     time.Time
	Anchor string
	Author hub.User
	Opens  bool // the opening text

	Comment *hub.Comment
	Review  *hub.Review
	Commit  *githost.Commit
	Event   string // merged, closed
	Detail  string
}

// conversationData is the page of an issue or a pull request.
type conversationData struct {
	Issue     *hub.Issue
	State     string
	Pull      *hub.Pull // nil for an issue
	Part      string    // of a pull request: "", conversation, commits, checks or files
	Entries   []entry
	Commits   []githost.Commit
	Checks    []hub.CheckRun
	Files     []fileDiff
	Added     int
	Deleted   int
	Reviewers []reviewer
	People    []string // who took part
}

// reviewer is a person with their last word.
type reviewer struct{ Login, State string }

func (s *server) issue(r *request) (*page, error) {
	if r.repo.Pull(r.number()) != nil {
		return &page{Redirect: r.path("pull", itoa(r.number()))}, nil
	}
	issue := r.repo.Issue(r.number())
	if issue == nil {
		return nil, errNotFound
	}
	d := &conversationData{Issue: issue, State: issueState(issue), Entries: entriesOf(issue)}
	if issue.ClosedAt != nil {
		d.Entries = append(d.Entries, entry{Kind: "event", At: *issue.ClosedAt, Event: "closed", Detail: issue.StateReason})
	}
	d.finish()
	return &page{Template: "conversation", Title: fmt.Sprintf("%s · Issue #%d · %s", issue.Title, issue.Number, r.repo.FullName), Tab: "issues", Live: true, Data: d}, nil
}

func (s *server) pull(r *request) (*page, error) {
	pull := r.repo.Pull(r.number())
	if pull == nil {
		if r.repo.Issue(r.number()) != nil {
			return &page{Redirect: r.path("issues", itoa(r.number()))}, nil
		}
		return nil, errNotFound
	}
	part := r.PathValue("part")
	if !slices.Contains([]string{"", "commits", "checks", "files"}, part) {
		return nil, errNotFound
	}
	d := &conversationData{Issue: &pull.Issue, Pull: pull, Part: part, State: pullState(pull), Entries: entriesOf(&pull.Issue)}
	if err := d.readGit(r.git); err != nil {
		return nil, err
	}
	d.Checks = latestChecks(r.repo.CheckRuns, pull.HeadSHA)
	d.addReviews()
	for i := range d.Commits {
		c := &d.Commits[i]
		d.Entries = append(d.Entries, entry{Kind: "commit", At: c.Committer.When, Commit: c, Author: hub.User{Login: c.Author.Name}})
	}
	d.addEnd()
	d.finish()
	return &page{Template: "conversation", Title: fmt.Sprintf("%s · Pull request #%d · %s", pull.Title, pull.Number, r.repo.FullName), Tab: "pulls", Live: true, Data: d}, nil
}

// entriesOf is the opening text and the comments.
func entriesOf(i *hub.Issue) []entry {
	entries := []entry{{
		Kind: "comment", At: i.CreatedAt, Anchor: fmt.Sprintf("issue-%d", i.ID), Author: i.Author, Opens: true,
		Comment: &hub.Comment{Body: i.Body, Author: i.Author, CreatedAt: i.CreatedAt, EditedAt: i.EditedAt},
	}}
	for n := range i.Comments {
		c := &i.Comments[n]
		entries = append(entries, entry{Kind: "comment", At: c.CreatedAt, Anchor: fmt.Sprintf("issuecomment-%d", c.ID), Author: c.Author, Comment: c})
	}
	return entries
}

// addReviews adds the reviews, and keeps each reviewer's last word.
func (d *conversationData) addReviews() {
	last := map[string]int{}
	for i := range d.Pull.Reviews {
		v := &d.Pull.Reviews[i]
		d.Entries = append(d.Entries, entry{
			Kind: "review", At: v.SubmittedAt, Anchor: fmt.Sprintf("pullrequestreview-%d", v.ID), Author: v.Author, Review: v,
		})
		at, seen := last[v.Author.Login]
		if !seen {
			at = len(d.Reviewers)
			last[v.Author.Login] = at
			d.Reviewers = append(d.Reviewers, reviewer{Login: v.Author.Login})
		}
		if v.State != "COMMENTED" || d.Reviewers[at].State == "" {
			d.Reviewers[at].State = v.State // a later remark leaves a verdict standing
		}
	}
	for _, login := range d.Pull.Reviewers {
		if _, seen := last[login]; !seen {
			d.Reviewers = append(d.Reviewers, reviewer{Login: login})
		}
	}
	for _, team := range d.Pull.ReviewTeams {
		d.Reviewers = append(d.Reviewers, reviewer{Login: team})
	}
}

// addEnd adds what ended the pull request.
func (d *conversationData) addEnd() {
	switch p := d.Pull; {
	case p.Merged && p.MergedAt != nil:
		d.Entries = append(d.Entries, entry{Kind: "event", At: *p.MergedAt, Event: "merged", Author: hub.User{Login: p.MergedBy}, Detail: p.MergeCommit})
	case p.ClosedAt != nil:
		d.Entries = append(d.Entries, entry{Kind: "event", At: *p.ClosedAt, Event: "closed"})
	}
}

// finish orders the entries in time. What happened in the same second keeps the
// order: opening, commits, comments, reviews, end.
func (d *conversationData) finish() {
	rank := func(e entry) int {
		if e.Opens {
			return 0
		}
		return 1 + slices.Index([]string{"commit", "comment", "review", "event"}, e.Kind)
	}
	slices.SortStableFunc(d.Entries, func(a, b entry) int {
		if a.Opens != b.Opens { // a branch is older than its pull request
			return cmp.Compare(rank(a), rank(b))
		}
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(rank(a), rank(b)))
	})
	for _, e := range d.Entries {
		if e.Kind != "commit" && e.Author.Login != "" && !slices.Contains(d.People, e.Author.Login) {
			d.People = append(d.People, e.Author.Login)
		}
	}
}

// readGit reads the commits and the difference. Without a git repository, or
// when the head is gone from it, the page does without.
func (d *conversationData) readGit(git *githost.Repo) error {
	if git == nil || d.Pull.HeadSHA == "" {
		return nil
	}
	base := d.Pull.BaseSHA
	if d.Pull.MergeCommit != "" {
		// Once merged, the branch's own commits are what was not there before.
		if c, err := git.ReadCommit(d.Pull.MergeCommit); err == nil && len(c.Parents) > 0 {
			base = c.Parents[0]
		}
	}
	fork, err := git.MergeBase(base, d.Pull.HeadSHA)
	if err != nil {
		return nil //nolint:nilerr // nothing in common any more: no commits and files to show
	}
	if d.Commits, err = git.Log(d.Pull.HeadSHA, fork, "", 250); err != nil {
		return err
	}
	slices.Reverse(d.Commits)
	changes, err := git.Diff(fork, d.Pull.HeadSHA)
	if err != nil {
		return err
	}
	d.Files, d.Added, d.Deleted = diffOf(changes)
	return nil
}

// latestChecks is the last run of each check on a commit.
func latestChecks(runs []hub.CheckRun, sha string) []hub.CheckRun {
	var latest []hub.CheckRun
	for _, run := range runs {
		if run.HeadSHA != sha {
			continue
		}
		latest = slices.DeleteFunc(latest, func(other hub.CheckRun) bool { return other.App == run.App && other.Name == run.Name })
		latest = append(latest, run)
	}
	return latest
}

// Shows tells whether a part of a pull request is on this page: the first page
// has all of them.
func (d *conversationData) Shows(part string) bool {
	return d.Pull != nil && part != "conversation" && (d.Part == "" || d.Part == part) || part == "conversation" && d.Part == ""
}

// Verdict sums the checks up: success, failure, wait, or "" without any.
func (d *conversationData) Verdict() string {
	verdict := ""
	for _, run := range d.Checks {
		switch {
		case run.Status != "completed":
			return "wait"
		case slices.Contains([]string{"success", "neutral", "skipped"}, run.Conclusion):
			verdict = cmp.Or(verdict, "success")
		default:
			verdict = "failure"
		}
	}
	return verdict
}

// runData is the page of one check run.
type runData struct {
	Run  *hub.CheckRun
	Pull *hub.Pull // whose head it judges, nil when there is none
}

func (s *server) run(r *request) (*page, error) {
	for i := range r.repo.CheckRuns {
		run := &r.repo.CheckRuns[i]
		if fmt.Sprint(run.ID) != r.PathValue("run") {
			continue
		}
		d := runData{Run: run}
		for n := range r.repo.Pulls {
			if r.repo.Pulls[n].HeadSHA == run.HeadSHA {
				d.Pull = &r.repo.Pulls[n]
			}
		}
		return &page{Template: "run", Title: run.Name + " · " + r.repo.FullName, Tab: "pulls", Live: true, Data: d}, nil
	}
	return nil, errNotFound
}

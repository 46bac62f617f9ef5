package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/internal/workflow"
)

// errMoving says that a conversation or pull request changed at each of several readings.
var errMoving = fmt.Errorf("it changed while it was read: %w", workflow.ErrConflict)

// readings is how often something that moves under the reader is read.
const readings = 3

// viaApp is what an issue or comment says of the App through which it was made.
type viaApp struct {
	ID int64 `json:"id"`
}

type issue struct {
	Number      int       `json:"number"`
	Title       string    `json:"title"`
	Body        string    `json:"body"`
	User        *account  `json:"user"`
	Via         *viaApp   `json:"performed_via_github_app"`
	State       string    `json:"state"`
	Locked      bool      `json:"locked"`
	Labels      []label   `json:"labels"`
	CreatedAt   time.Time `json:"created_at"`
	HTMLURL     string    `json:"html_url"`
	PullRequest *struct{} `json:"pull_request"`
	ClosedBy    *account  `json:"closed_by"`
}

// fact is what a list or a single answer says of an issue, without the times and authors of its edits.
func (i issue) fact() workflow.Issue {
	out := workflow.Issue{
		Number: i.Number, Title: i.Title, Body: i.Body, Author: i.User.person(), Bot: i.User.bot() || i.Via != nil,
		Open: i.State == "open", IsPull: i.PullRequest != nil, Locked: i.Locked, CreatedAt: i.CreatedAt, URL: i.HTMLURL,
	}
	if !out.Open && i.ClosedBy != nil {
		out.ClosedBy = i.ClosedBy.person()
	}
	for _, l := range i.Labels {
		out.Labels = append(out.Labels, l.Name)
	}
	return out
}

type label struct {
	Name string `json:"name"`
}

type comment struct {
	ID        int64     `json:"id"`
	User      *account  `json:"user"`
	Via       *viaApp   `json:"performed_via_github_app"`
	Body      string    `json:"body"`
	CreatedAt time.Time `json:"created_at"`
	HTMLURL   string    `json:"html_url"`
	Reactions *struct {
		Total int `json:"total_count"`
	} `json:"reactions"`
}

// Issue implements workflow.Conversations. The body is read before the time of its last edit, so an edit in between
// makes the body look edited, never the other way round.
// https://docs.github.com/en/rest/issues/issues#get-an-issue
func (f *Forge) Issue(ctx context.Context, at workflow.Place) (workflow.Issue, error) {
	doing := "read " + at.String()
	s, err := f.at(at.Installation, at.Repo, readTalk)
	if err != nil {
		return workflow.Issue{}, fail(doing, err)
	}
	var i issue
	if _, err := send(ctx, s.gh, http.MethodGet, fmt.Sprintf("%s/issues/%d", repoPath(at.Repo), at.Number), nil, &i); err != nil {
		return workflow.Issue{}, fail(doing, err)
	}
	e, err := f.edits(ctx, s, at, false)
	if err != nil {
		return workflow.Issue{}, fail(doing+": when its body was edited", err)
	}
	out := i.fact()
	out.LastEditedAt, out.Editors = e.body, e.editors
	return out, nil
}

// Comments implements workflow.Conversations. REST gives the bodies and numeric ids, GraphQL the edits. Where they name
// different comments, one came or went in between, or a page shifted: both are read again.
// https://docs.github.com/en/rest/issues/comments#list-issue-comments
func (f *Forge) Comments(ctx context.Context, at workflow.Place) ([]workflow.Comment, error) {
	doing := "read the comments of " + at.String()
	s, err := f.at(at.Installation, at.Repo, readTalk)
	if err != nil {
		return nil, fail(doing, err)
	}
	for range readings {
		raw, _, err := readList[comment](ctx, s.gh, fmt.Sprintf("%s/issues/%d/comments", repoPath(at.Repo), at.Number), nil)
		if err != nil {
			return nil, fail(doing, err)
		}
		e, err := f.edits(ctx, s, at, true)
		if err != nil {
			return nil, fail(doing+": when they were edited", err)
		}
		if sameComments(raw, e) {
			out, err := f.comments(ctx, s, at, raw, e)
			return out, fail(doing, err)
		}
	}
	return nil, fail(doing, errMoving)
}

func sameComments(raw []comment, e edits) bool {
	seen := map[int64]bool{}
	for _, c := range raw {
		if _, ok := e.comments[c.ID]; !ok {
			return false
		}
		seen[c.ID] = true
	}
	return len(seen) == len(e.comments) && len(seen) == len(raw)
}

func (f *Forge) comments(ctx context.Context, s *session, at workflow.Place, raw []comment, e edits) ([]workflow.Comment, error) {
	out := make([]workflow.Comment, 0, len(raw))
	for _, c := range raw {
		one := workflow.Comment{
			ID: c.ID, By: c.User.person(), Bot: c.User.bot() || c.Via != nil, Ours: c.Via != nil && c.Via.ID == f.cfg.AppID && c.User.bot(),
			Body: c.Body, CreatedAt: c.CreatedAt, LastEditedAt: e.comments[c.ID].at, Minimized: e.comments[c.ID].minimized,
			URL: c.HTMLURL,
		}
		if command(c.Body) && (c.Reactions == nil || c.Reactions.Total > 0) {
			ours, err := f.reactions(ctx, s, at, c.ID)
			if errors.Is(err, workflow.ErrNotFound) {
				err = errMoving // deleted meanwhile
			}
			if err != nil {
				return nil, err
			}
			one.Reactions = ours
		}
		out = append(out, one)
	}
	slices.SortStableFunc(out, func(a, b workflow.Comment) int {
		if c := a.CreatedAt.Compare(b.CreatedAt); c != 0 {
			return c
		}
		return int(min(max(a.ID-b.ID, -1), 1))
	})
	return out, nil
}

// command says whether a line begins with a slash. Only such comments are reacted to, so only their reactions are read.
func command(body string) bool {
	for line := range strings.FieldsFuncSeq(body, func(c rune) bool { return c == '\n' || c == '\r' }) {
		if strings.HasPrefix(strings.TrimLeft(line, " "), "/") {
			return true
		}
	}
	return false
}

// reactions reads this App's own reactions to a comment, sorted.
// https://docs.github.com/en/rest/reactions/reactions#list-reactions-for-an-issue-comment
func (f *Forge) reactions(ctx context.Context, s *session, at workflow.Place, id int64) ([]string, error) {
	slug, err := f.slug(ctx)
	if err != nil {
		return nil, err
	}
	all, _, err := readList[struct {
		User    *account `json:"user"`
		Content string   `json:"content"`
	}](ctx, s.gh, fmt.Sprintf("%s/issues/comments/%d/reactions", repoPath(at.Repo), id), nil)
	if err != nil {
		return nil, fmt.Errorf("reactions to comment %d: %w", id, unwrapURL(err))
	}
	var ours []string
	for _, r := range all {
		if r.User.bot() && strings.EqualFold(r.User.Login, slug+"[bot]") {
			ours = append(ours, r.Content)
		}
	}
	slices.Sort(ours)
	return ours, nil
}

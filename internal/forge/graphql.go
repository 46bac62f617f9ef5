package forge

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

// editsQuery is the one GraphQL document: REST does not say whether a body was edited, or a comment minimized.
// https://docs.github.com/en/graphql/reference/interfaces#comment
const editsQuery = `query KeyreeveEdits($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    issueOrPullRequest(number: $number) {
      __typename
      ... on Issue { lastEditedAt locked userContentEdits(first: 100) { pageInfo { hasNextPage } nodes { editor { login ... on User { databaseId } ... on Bot { databaseId } } } } comments(first: 100, after: $after) { pageInfo { hasNextPage endCursor } nodes { databaseId lastEditedAt isMinimized editor { login } } } }
      ... on PullRequest { lastEditedAt locked userContentEdits(first: 100) { pageInfo { hasNextPage } nodes { editor { login ... on User { databaseId } ... on Bot { databaseId } } } } comments(first: 100, after: $after) { pageInfo { hasNextPage endCursor } nodes { databaseId lastEditedAt isMinimized editor { login } } } }
    }
  }
}`

// edits is what GraphQL says of a conversation.
type edits struct {
	body     time.Time // zero when it was never edited
	editors  []identity.Person
	comments map[int64]edit
}

type edit struct {
	at        time.Time
	minimized bool
}

// talkPage is one page of the answer.
type talkPage struct {
	LastEditedAt     *time.Time
	UserContentEdits *struct {
		PageInfo struct{ HasNextPage bool }
		Nodes    []struct {
			Editor *struct {
				Login      string
				DatabaseID int64
			}
		}
	}
	Comments struct {
		PageInfo struct {
			HasNextPage bool
			EndCursor   string
		}
		Nodes []struct {
			DatabaseID   int64
			LastEditedAt *time.Time
			IsMinimized  bool
		}
	}
}

// edits reads when the bodies of a conversation were last edited, and which comments are minimized. Unless
// all is set, comments after the first hundred are left out.
func (f *Forge) edits(ctx context.Context, s *session, at workflow.Place, all bool) (edits, error) {
	out := edits{comments: map[int64]edit{}}
	var after *string
	for range maxPages {
		page, err := f.editsPage(ctx, s, at, after)
		if err != nil {
			return edits{}, err
		}
		out.body, out.editors = when(page.LastEditedAt), page.editors()
		for _, n := range page.Comments.Nodes {
			out.comments[n.DatabaseID] = edit{at: when(n.LastEditedAt), minimized: n.IsMinimized}
		}
		if !all || !page.Comments.PageInfo.HasNextPage {
			return out, nil
		}
		after = &page.Comments.PageInfo.EndCursor
	}
	return edits{}, errEndless
}

// editors lists who wrote the body. One who is gone, and any beyond the first
// hundred edits, is somebody who can't be told: a person without an id.
func (p *talkPage) editors() []identity.Person {
	if p.UserContentEdits == nil {
		if p.LastEditedAt == nil {
			return nil
		}
		return []identity.Person{{}}
	}
	var out []identity.Person
	for _, n := range p.UserContentEdits.Nodes {
		var who identity.Person
		if n.Editor != nil {
			who = identity.Person{ID: n.Editor.DatabaseID, Login: n.Editor.Login}
		}
		if !slices.Contains(out, who) {
			out = append(out, who)
		}
	}
	if p.UserContentEdits.PageInfo.HasNextPage {
		out = append(out, identity.Person{})
	}
	return out
}

func (f *Forge) editsPage(ctx context.Context, s *session, at workflow.Place, after *string) (*talkPage, error) {
	ask := map[string]any{
		"query": editsQuery, "operationName": "KeyreeveEdits",
		"variables": map[string]any{"owner": at.Repo.Owner, "name": at.Repo.Name, "number": at.Number, "after": after},
	}
	var said struct {
		Data struct {
			Repository *struct {
				IssueOrPullRequest *talkPage
			}
		}
		Errors []struct{ Type, Message string }
	}
	resp, err := send(ctx, s.gh, http.MethodPost, f.graphql, ask, &said)
	if err != nil {
		return nil, err
	}
	if len(said.Errors) > 0 {
		return nil, f.graphqlError(s, resp, said.Errors[0].Type, said.Errors[0].Message)
	}
	if said.Data.Repository == nil || said.Data.Repository.IssueOrPullRequest == nil {
		return nil, f.graphqlError(s, resp, "NOT_FOUND", "there is no such issue or pull request")
	}
	return said.Data.Repository.IssueOrPullRequest, nil
}

// graphqlError makes of an error in a 200 what the same refusal is by REST.
// https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
func (f *Forge) graphqlError(s *session, resp *http.Response, kind, message string) error {
	if kind == "RATE_LIMITED" || strings.Contains(strings.ToLower(message), "rate limit") {
		return f.gates.get(s.scope.installation).limited(resp, f.cfg.Now())
	}
	e := &APIError{Status: resp.StatusCode, Route: "POST /graphql", Message: redact(kind + " " + message), RequestID: requestID(resp)}
	switch kind {
	case "NOT_FOUND":
		e.Status, e.kind = http.StatusNotFound, workflow.ErrNotFound
	case "FORBIDDEN":
		e.Status = http.StatusForbidden
	}
	return e
}

func when(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

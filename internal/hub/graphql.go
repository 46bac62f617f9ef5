package hub

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The one query that is understood, by the name of its operation: when issues and comments were last edited, and by
// whom, which REST does not tell.
const editsOperation = "KeyreeveEdits"

var operation = regexp.MustCompile(`^\s*query\s+([A-Za-z_][A-Za-z0-9_]*)`)

type graphQLBody struct {
	Query     string `json:"query"`
	Variables struct {
		Owner  string  `json:"owner"`
		Name   string  `json:"name"`
		Number int     `json:"number"`
		After  *string `json:"after"`
	} `json:"variables"`
}

// graphQLError is an answer of GraphQL's kind: 200, with errors.
func graphQLError(kind, message string, data any, path ...any) (answer, error) {
	one := map[string]any{"message": message, "locations": []any{map[string]any{"line": 1, "column": 1}}}
	if kind != "" {
		one["type"] = kind
	}
	if len(path) > 0 {
		one["path"] = path
	}
	body := map[string]any{"errors": []any{one}}
	if data != nil {
		body["data"] = data
	}
	return ok(body)
}

// postGraphQL answers KeyreeveEdits with its variables, and everything else with errors.
func postGraphQL(c *call) (answer, error) {
	if c.who.acct == nil {
		return answer{}, failure(http.StatusUnauthorized, "This endpoint requires you to be authenticated.")
	}
	var in graphQLBody
	if err := c.in(&in); err != nil {
		return answer{}, err
	}
	m := operation.FindStringSubmatch(in.Query)
	if m == nil || m[1] != editsOperation {
		return graphQLError("", "the hub answers only the operation "+editsOperation, nil)
	}
	v := in.Variables
	r := c.Hub.repo(v.Owner, v.Name)
	if r == nil || !c.sees(r) {
		return graphQLError("NOT_FOUND", fmt.Sprintf("Could not resolve to a Repository with the name '%s/%s'.", v.Owner, v.Name),
			map[string]any{"repository": nil}, "repository")
	}
	i := r.issues[v.Number]
	if i == nil {
		return graphQLError("NOT_FOUND", fmt.Sprintf("Could not resolve to an issue or pull request with the number of %d.", v.Number),
			map[string]any{"repository": map[string]any{"issueOrPullRequest": nil}}, "repository", "issueOrPullRequest")
	}
	if c.who.inst != nil && !c.mayReadBy(i) {
		return graphQLError("FORBIDDEN", "Resource not accessible by integration",
			map[string]any{"repository": map[string]any{"issueOrPullRequest": nil}}, "repository", "issueOrPullRequest")
	}
	after := ""
	if v.After != nil {
		after = *v.After
	}
	found, err := c.editsJSON(i, after)
	if err != nil {
		return graphQLError("INVALID_CURSOR_ARGUMENTS", err.Error(), nil)
	}
	return ok(map[string]any{"data": map[string]any{"repository": map[string]any{"issueOrPullRequest": found}}})
}

// mayReadBy is the permission of REST: issues for issues, pull_requests (or issues) for pull requests.
func (c *call) mayReadBy(i *issue) bool {
	return c.who.has("issues", false) || i.pull != nil && c.who.has("pull_requests", false)
}

const cursorPrefix = "cursor:v2:"

// editsJSON is one page of at most 100 comments after the cursor.
func (c *call) editsJSON(i *issue, after string) (any, error) {
	kind := "Issue"
	if i.pull != nil {
		kind = "PullRequest"
	}
	from := 0
	if after != "" {
		plain, err := base64.StdEncoding.DecodeString(after)
		text, isCursor := strings.CutPrefix(string(plain), cursorPrefix)
		id, err2 := strconv.ParseInt(text, 10, 64)
		if err != nil || err2 != nil || !isCursor {
			return nil, fmt.Errorf("`%s` does not appear to be a valid cursor.", after) //nolint:staticcheck,revive // GitHub's words
		}
		for from < len(i.comments) && i.comments[from].id <= id {
			from++
		}
	}
	page := i.comments[from:min(from+100, len(i.comments))]
	var end any
	if len(page) > 0 {
		end = base64.StdEncoding.EncodeToString([]byte(cursorPrefix + itoa(page[len(page)-1].id)))
	}
	return map[string]any{
		"__typename": kind, "lastEditedAt": stamp(i.edited), "locked": i.locked, "userContentEdits": bodyEdits(i),
		"comments": map[string]any{
			"pageInfo": map[string]any{"hasNextPage": from+len(page) < len(i.comments), "endCursor": end},
			"nodes": list(page, func(cm *comment) any {
				var editor any
				if cm.editor != nil {
					editor = map[string]any{"login": strings.TrimSuffix(cm.editor.login, "[bot]")}
				}
				return map[string]any{
					"databaseId": cm.id, "lastEditedAt": stamp(cm.edited), "isMinimized": cm.minimized, "editor": editor,
				}
			}),
		},
	}, nil
}

// bodyEdits is the first hundred versions of a body, newest first; a body that
// was never edited has none, and the first version counts once there is a second.
func bodyEdits(i *issue) map[string]any {
	versions := []*account{}
	if len(i.editors) > 0 {
		versions = append(versions, i.editors...)
		slices.Reverse(versions)
		versions = append(versions, i.author)
	}
	page := versions[:min(100, len(versions))]
	return map[string]any{
		"pageInfo": map[string]any{"hasNextPage": len(page) < len(versions)},
		"nodes": list(page, func(a *account) any {
			return map[string]any{"editor": map[string]any{"login": strings.TrimSuffix(a.login, "[bot]"), "databaseId": a.id}}
		}),
	}
}

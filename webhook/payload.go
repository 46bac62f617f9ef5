package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/google/go-github/v60/github"

	"github.com/keyreeve/keyreeve/internal/identity"
)

// PayloadError says that a payload is not what GitHub's documentation promises. It never quotes the payload, and never
// heals: trying again gives the same.
type PayloadError struct {
	Event   string
	Path    string // where in the payload, "issue.number"; "" where unknown
	Problem string
}

// Error returns "read issues payload: issue.number: missing".
func (e *PayloadError) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("read %s payload: %s", e.Event, e.Problem)
	}
	return fmt.Sprintf("read %s payload: %s: %s", e.Event, e.Path, e.Problem)
}

// payloadError keeps of a JSON error the place only: its words can quote a value.
func payloadError(event string, err error) *PayloadError {
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return &PayloadError{Event: event, Problem: fmt.Sprintf("not JSON at byte %d", e.Offset)}
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return &PayloadError{Event: event, Path: e.Field, Problem: fmt.Sprintf("not a %s", e.Type)}
	}
	return &PayloadError{Event: event, Problem: "a value that can't be read"}
}

// envelope is what payloads of all watched events have in common. Routing depends on each of its fields, so one of
// another type is an error, whatever go-github's types make of the rest.
type envelope struct {
	Action       string `json:"action"`
	Installation struct {
		ID      int64   `json:"id"`
		Account account `json:"account"` // in installation events only
	} `json:"installation"`
	Repository repository `json:"repository"`
	Sender     account    `json:"sender"`
	// The repositories of installation and installation_repositories events.
	Repositories        []repository `json:"repositories"`
	RepositoriesAdded   []repository `json:"repositories_added"`
	RepositoriesRemoved []repository `json:"repositories_removed"`
}

type account struct {
	ID    int64  `json:"id"`
	Login string `json:"login"`
	Type  string `json:"type"`
}

type repository struct {
	ID       int64   `json:"id"`
	Name     string  `json:"name"`
	FullName string  `json:"full_name"`
	Owner    account `json:"owner"` // absent in lists
}

// repo returns the repository's identity; ok is false if a part is missing or could mean something in a path.
func (r repository) repo() (identity.Repo, bool) {
	out := identity.Repo{ID: r.ID, Owner: r.Owner.Login, Name: r.Name}
	return out, r.ID > 0 && isPathElement(out.Owner) && isPathElement(out.Name)
}

func isPathElement(s string) bool {
	return s != "." && s != ".." && shaped(s, 100, func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.'
	})
}

// belongsTo reports whether the repository's owner is a, as far as the payload tells. Ids decide where both are known,
// since a login can be given up and taken by somebody else.
func (r repository) belongsTo(a account) bool {
	if r.Owner.ID != 0 && a.ID != 0 {
		return r.Owner.ID == a.ID
	}
	owner := r.Owner.Login
	if owner == "" {
		owner, _, _ = strings.Cut(r.FullName, "/")
	}
	return owner == "" || a.Login == "" || strings.EqualFold(owner, a.Login)
}

func readEnvelope(event string, body []byte) (envelope, error) {
	var e envelope
	if err := json.Unmarshal(body, &e); err != nil {
		return envelope{}, payloadError(event, err)
	}
	return e, nil
}

// readEvent reads body into go-github's type for the event, as github.ParseWebHook does, but goes on where a value has
// another type than go-github expects: GitHub adds to its payloads (a repository's custom property with several values
// does not fit go-github v60), and a field that nobody here reads is no reason to lose an event. misfit is nil where all
// fits. An error means that a part was not read at all.
func readEvent(event string, body []byte) (v any, misfit *PayloadError, err error) {
	v = github.EventForType(event)
	if err := json.Unmarshal(body, v); err != nil {
		if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return v, payloadError(event, err), nil // encoding/json skips such a value and reads the rest
		}
		return nil, nil, payloadError(event, err)
	}
	return v, nil, nil
}

// commented is what go-github v60 does not read of an issue_comment payload, and what a misfit must not decide.
type commented struct {
	Comment struct {
		User account `json:"user"`
		Via  struct {
			ID int64 `json:"id"`
		} `json:"performed_via_github_app"`
	} `json:"comment"`
	Issue struct {
		Pull *json.RawMessage `json:"pull_request"` // nil where it is absent or null
	} `json:"issue"`
}

func readCommented(event string, body []byte) (commented, error) {
	var c commented
	if err := json.Unmarshal(body, &c); err != nil {
		return commented{}, payloadError(event, err)
	}
	return c, nil
}

// isOwn reports whether the App did this to its own comment. A comment that a person made through the App is that
// person's, and a person's edit of the App's comment is to be looked at.
func (c commented) isOwn(app int64, sender account) bool {
	by := c.Comment.User
	return app != 0 && c.Comment.Via.ID == app && by.Type == "Bot" && by.ID != 0 && by.ID == sender.ID
}

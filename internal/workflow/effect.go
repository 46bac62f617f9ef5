package workflow

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/keyreeve/keyreeve/checks"
	"github.com/keyreeve/keyreeve/internal/identity"
)

// Effect is one change to the world outside, as data: a plan is a list of
// them, and a dry run prints it. Applying one twice leaves the same state as
// applying it once, or fails harmlessly.
type Effect interface {
	// What says in one line what the effect does: "comment on acme/identities#12".
	What() string
}

// CreateComment posts a new comment. Its body begins with a marker, by which it is found again.
type CreateComment struct {
	At    Place  `json:"at"`
	About string `json:"about,omitempty"` // "reply to comment/12"; "" for the one comment that is kept up to date
	Body  string `json:"body"`
}

// EditComment replaces the body of a comment of this App.
type EditComment struct {
	At   Place  `json:"at"`
	ID   int64  `json:"id"`
	Body string `json:"body"`
}

// React adds a reaction ("+1", "confused", "eyes") to a comment.
type React struct {
	At      Place  `json:"at"`
	Comment int64  `json:"comment"`
	Content string `json:"content"`
}

// WriteBranch makes a branch of the bot's own hold exactly one commit on top
// of From, which writes one file. What else was on the branch is gone from it.
type WriteBranch struct {
	At      Place  `json:"at"`
	Branch  string `json:"branch"`
	Old     string `json:"old,omitempty"` // the branch's tip now, "" where there is no branch
	From    string `json:"from"`
	Path    string `json:"path"`
	Content []byte `json:"content"`
	Message string `json:"message"`
}

// CommitFile writes one file onto a branch, if the file there is still the one that was observed.
type CommitFile struct {
	At      Place  `json:"at"`
	Branch  string `json:"branch"`
	Path    string `json:"path"`
	Old     string `json:"old,omitempty"` // the blob that is there, "" where there is none
	Content []byte `json:"content"`
	Message string `json:"message"`
}

// OpenPull opens a pull request from a branch of the same repository.
type OpenPull struct {
	At     Place  `json:"at"`
	Branch string `json:"branch"`
	Base   string `json:"base"`
	Title  string `json:"title"`
	Body   string `json:"body"`
}

// SetCheck creates a check run (ID 0) or updates one.
type SetCheck struct {
	At          Place               `json:"at"`
	ID          int64               `json:"id,omitempty"`
	Head        string              `json:"head"`
	Name        string              `json:"name"`
	ExternalID  string              `json:"externalId"`
	Status      string              `json:"status"`               // queued, in_progress, completed
	Conclusion  string              `json:"conclusion,omitempty"` // success, failure, action_required, neutral; only when completed
	DetailsURL  string              `json:"detailsUrl,omitempty"`
	Title       string              `json:"title"`
	Summary     string              `json:"summary"` // at most 65,535 characters
	Text        string              `json:"text,omitempty"`
	Annotations []checks.Annotation `json:"annotations,omitempty"` // sent 50 a call
	Actions     []checks.Action     `json:"actions,omitempty"`     // at most 3
}

// MergePull merges a pull request if its head is still Head.
type MergePull struct {
	At      Place  `json:"at"`
	Head    string `json:"head"`
	Title   string `json:"title"`
	Message string `json:"message"`
}

// ClosePull closes a pull request without merging it.
type ClosePull struct {
	At Place `json:"at"`
}

// DeleteBranch deletes a branch of the bot's own.
type DeleteBranch struct {
	At     Place  `json:"at"`
	Branch string `json:"branch"`
}

// OpenIssue opens an issue. Its body begins with a marker by which it is found again.
type OpenIssue struct {
	At     Place    `json:"at"` // the repository
	Title  string   `json:"title"`
	Body   string   `json:"body"`
	Labels []string `json:"labels,omitempty"`
}

// ReopenIssue opens a closed issue again.
type ReopenIssue struct {
	At Place `json:"at"`
}

// CloseIssue closes an issue, as "completed" or "not_planned".
type CloseIssue struct {
	At     Place  `json:"at"`
	Reason string `json:"reason"`
}

// SetAccess brings an access to a level; None removes it. Providers apply it.
type SetAccess struct {
	Installation int64               `json:"installation"`
	Access       identity.Access     `json:"access"`
	Level        identity.Permission `json:"level"`
	// Revoke says that the change takes access away (down to Level), so the provider's revoke verb applies.
	Revoke bool `json:"revoke,omitempty"`
}

func (p Place) String() string {
	if p.Number == 0 {
		return p.Repo.String()
	}
	return fmt.Sprintf("%s#%d", p.Repo, p.Number)
}

// What implements Effect, as do the methods after it.
func (e CreateComment) What() string {
	if e.About != "" {
		return e.About + " on " + e.At.String()
	}
	return "comment on " + e.At.String()
}
func (e EditComment) What() string { return "edit the comment on " + e.At.String() }
func (e React) What() string       { return "react " + e.Content + " to a comment on " + e.At.String() }

func (e WriteBranch) What() string {
	return "write " + e.Path + " to branch " + e.Branch + " in " + e.At.String()
}

func (e CommitFile) What() string {
	return "commit " + e.Path + " to " + e.Branch + " in " + e.At.String()
}

func (e OpenPull) What() string {
	return "open a pull request from " + e.Branch + " in " + e.At.String()
}

func (e SetCheck) What() string {
	return "set check " + e.Name + " on " + short(e.Head) + " in " + e.At.String()
}
func (e MergePull) What() string    { return "merge " + e.At.String() + " at " + short(e.Head) }
func (e ClosePull) What() string    { return "close pull request " + e.At.String() }
func (e DeleteBranch) What() string { return "delete branch " + e.Branch + " in " + e.At.String() }
func (e CloseIssue) What() string   { return "close issue " + e.At.String() }
func (e OpenIssue) What() string    { return fmt.Sprintf("open an issue in %s: %s", e.At.Repo, e.Title) }
func (e ReopenIssue) What() string  { return "reopen issue " + e.At.String() }
func (e SetAccess) What() string {
	if e.Revoke {
		return "revoke " + e.Access.String() + " to " + e.Level.String()
	}
	return "grant " + e.Access.String() + " " + e.Level.String()
}

func short(sha string) string { return sha[:min(len(sha), 7)] }

// EncodeEffect writes an effect for the log of intents: {"type": "MergePull", "effect": {…}}.
func EncodeEffect(e Effect) (json.RawMessage, error) {
	b, err := json.Marshal(struct {
		Type   string `json:"type"`
		Effect Effect `json:"effect"`
	}{strings.TrimPrefix(fmt.Sprintf("%T", e), "workflow."), e})
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", e.What(), err)
	}
	return b, nil
}

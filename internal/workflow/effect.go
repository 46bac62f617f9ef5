package workflow

import (
	"fmt"

	"github.com/keyreeve/keyreeve/internal/identity"
)

// Effect is one change to the world outside, as data: a plan is a list of
// them, and a dry run prints it. Applying one twice leaves the same state as
// applying it once, or fails harmlessly.
type Effect interface {
	// What says in one line what the effect does: "comment on acme/identities#12".
	What() string
}

// CreateComment posts a new comment.
type CreateComment struct {
	At   Place  `json:"at"`
	Body string `json:"body"`
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

// CreateBranch creates a branch at a commit.
type CreateBranch struct {
	At     Place  `json:"at"`
	Branch string `json:"branch"`
	From   string `json:"from"`
}

// PutFile writes one file on a branch as one commit. Old is the blob that it
// replaces, "" for a new file; GitHub refuses when that is not what is there.
type PutFile struct {
	At      Place  `json:"at"`
	Branch  string `json:"branch"`
	Path    string `json:"path"`
	Old     string `json:"old,omitempty"`
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
	At          Place        `json:"at"`
	ID          int64        `json:"id,omitempty"`
	Head        string       `json:"head"`
	Name        string       `json:"name"`
	ExternalID  string       `json:"externalId"`
	Status      string       `json:"status"`               // queued, in_progress, completed
	Conclusion  string       `json:"conclusion,omitempty"` // success, failure, action_required, neutral; only when completed
	DetailsURL  string       `json:"detailsUrl,omitempty"`
	Title       string       `json:"title"`
	Summary     string       `json:"summary"` // at most 65,535 characters
	Text        string       `json:"text,omitempty"`
	Annotations []Annotation `json:"annotations,omitempty"` // sent 50 a call
}

// Annotation is a message at a line of a file.
type Annotation struct {
	Path    string `json:"path"`
	Line    int    `json:"line"`
	Column  int    `json:"column,omitempty"`
	Level   string `json:"level"` // notice, warning, failure
	Message string `json:"message"`
	Title   string `json:"title,omitempty"`
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

// ReopenPull opens a closed pull request again.
type ReopenPull struct {
	At Place `json:"at"`
}

// DeleteBranch deletes a branch of the bot's own.
type DeleteBranch struct {
	At     Place  `json:"at"`
	Branch string `json:"branch"`
}

// AddLabels adds labels to an issue or pull request; missing ones are created by GitHub.
type AddLabels struct {
	At     Place    `json:"at"`
	Labels []string `json:"labels"`
}

// RemoveLabel takes one label off; a label that is not there is no error.
type RemoveLabel struct {
	At    Place  `json:"at"`
	Label string `json:"label"`
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
func (e CreateComment) What() string { return "comment on " + e.At.String() }
func (e EditComment) What() string   { return "edit the comment on " + e.At.String() }
func (e React) What() string         { return "react " + e.Content + " to a comment on " + e.At.String() }
func (e CreateBranch) What() string  { return "create branch " + e.Branch + " in " + e.At.String() }
func (e PutFile) What() string { return "write " + e.Path + " on " + e.Branch + " in " + e.At.String() }

func (e OpenPull) What() string {
	return "open a pull request from " + e.Branch + " in " + e.At.String()
}

func (e SetCheck) What() string {
	return "set check " + e.Name + " on " + short(e.Head) + " in " + e.At.String()
}
func (e MergePull) What() string    { return "merge " + e.At.String() + " at " + short(e.Head) }
func (e ClosePull) What() string    { return "close pull request " + e.At.String() }
func (e ReopenPull) What() string   { return "reopen pull request " + e.At.String() }
func (e DeleteBranch) What() string { return "delete branch " + e.Branch + " in " + e.At.String() }
func (e AddLabels) What() string    { return fmt.Sprintf("label %s with %v", e.At, e.Labels) }
func (e RemoveLabel) What() string  { return "take label " + e.Label + " off " + e.At.String() }
func (e CloseIssue) What() string   { return "close issue " + e.At.String() }
func (e SetAccess) What() string {
	if e.Revoke {
		return "revoke " + e.Access.String() + " to " + e.Level.String()
	}
	return "grant " + e.Access.String() + " " + e.Level.String()
}

func short(sha string) string { return sha[:min(len(sha), 7)] }

package workflow

import (
	"time"

	"github.com/keyreeve/keyreeve/internal/identity"
)

// Place is an issue or pull request, seen through an installation.
type Place struct {
	Installation int64         `json:"installation"`
	Repo         identity.Repo `json:"repo"`
	Number       int           `json:"number,omitempty"`
}

// Issue is an issue as GitHub shows it now.
type Issue struct {
	Number       int
	Title        string
	Body         string
	Author       identity.Person
	Bot          bool // the author is an App or an account of type Bot
	Open         bool
	IsPull       bool
	Locked       bool
	Labels       []string
	CreatedAt    time.Time
	LastEditedAt time.Time         // of the body; zero when it was never edited
	Editors      []identity.Person // who ever wrote the body, the author included; one with ID 0 can't be told
	URL          string
	ClosedBy     identity.Person // who closed it last; zero while it is open
}

// OwnersError is one error that GitHub finds in a CODEOWNERS file.
// https://docs.github.com/en/rest/repos/repos#list-codeowners-errors
type OwnersError struct {
	Path    string
	Line    int    // from 1
	Column  int    // from 1
	Kind    string // "Unknown owner", "Invalid pattern" …
	Source  string
	Message string
}

// Rerun is the action of a Press of GitHub's own button, by which somebody asks for a check to run again. GitHub leaves the
// check run as it is then, and counts its suite as not done until the App sets the run once more.
// https://docs.github.com/en/rest/checks/runs#rerequest-a-check-run
const Rerun = "rerun"

// Press is one press of a button of a check run. GitHub keeps no record of it, so the signed delivery that told of it is
// the only one there is: it is stored when that is worked, under a digest of its body, so that the same body under
// another delivery's id is no second press.
type Press struct {
	ID      string          `json:"id"`      // the first 32 hex digits of the body's SHA-256
	Subject Subject         `json:"subject"` // the pull request
	By      identity.Person `json:"by"`
	Bot     bool            `json:"bot,omitempty"`
	Action  string          `json:"action"` // the button's identifier: "approve", "deny", "explain"
	Head    string          `json:"head"`   // the check run's commit
	At      time.Time       `json:"at"`     // when the delivery was received
}

// Comment is one comment of a conversation.
type Comment struct {
	ID           int64
	By           identity.Person
	Bot          bool // by an App or an account of type Bot
	Ours         bool // made through this App
	Body         string
	CreatedAt    time.Time
	LastEditedAt time.Time // zero when it was never edited
	Minimized    bool
	Reactions    []string // this App's own reactions: "+1", "confused"
	URL          string
}

// Branch is a branch and its tip.
type Branch struct {
	Name string
	SHA  string
}

// File is a file's content at a commit. SHA is its blob's.
type File struct {
	Path string
	SHA  string
	Data []byte
}

// Pull is a pull request with all that a decision needs of it.
type Pull struct {
	Number   int
	Title    string
	Body     string
	Author   identity.Person
	Open     bool
	Merged   bool
	MergeSHA string // the commit on the base branch, once merged
	Draft    bool
	Head     string // commit
	HeadRef  string // branch
	Fork     bool   // the head is in another repository
	BaseRef  string
	Locked   bool
	URL      string
	Files    []ChangedFile
	Commits  []PullCommit
	Reviews  []Review
	// Truncated is set when GitHub lists less than there is: over 3,000 files or 250 commits.
	Truncated bool
	// Conflict is set when GitHub says that the pull request can't be merged as
	// it stands, Mergeable when it says it can; neither is set while it does not know yet.
	Conflict, Mergeable bool
}

// ChangedFile is one file that a pull request changes.
type ChangedFile struct {
	Path     string
	Previous string // the path before a rename, else ""
	Status   string // added, modified, removed, renamed, …
	SHA      string // blob at head
}

// PullCommit is one commit of a pull request. A person whose e-mail maps to no
// account has ID 0.
type PullCommit struct {
	SHA       string
	Author    identity.Person
	Committer identity.Person
	Message   string // trailers included: co-authors are read from it
}

// Review is one submitted review.
type Review struct {
	ID    int64
	By    identity.Person
	Bot   bool
	State string // APPROVED, CHANGES_REQUESTED, COMMENTED, DISMISSED
	Head  string // the commit it was given for
	Body  string
	At    time.Time
	URL   string
}

// Check is a check run of this App on a commit.
type Check struct {
	ID         int64
	Name       string
	Head       string
	ExternalID string // the digest of what it says, set by the bot
	Status     string
	Conclusion string
}

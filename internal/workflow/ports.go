package workflow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/lifecycle"
)

// ErrNotFound is returned (wrapped) for what does not exist or can't be seen:
// a known "no".
var ErrNotFound = errors.New("not found")

// ErrConflict is returned (wrapped) when the world moved between observing and
// applying: observe again.
var ErrConflict = errors.New("changed meanwhile")

// LimitedError says that a provider asks to wait. It concerns one
// installation; the work is to be taken up again at Until and not counted as failed.
type LimitedError struct {
	Installation int64
	Until        time.Time
}

// Error implements error.
func (e *LimitedError) Error() string {
	return fmt.Sprintf("installation %d is limited until %s", e.Installation, e.Until.UTC().Format(time.RFC3339))
}

// Conversations reads issues and pull requests as conversations. Its methods may be called concurrently;
// a conversation that does not exist gives ErrNotFound.
type Conversations interface {
	// Issue reads an issue, or a pull request as an issue.
	Issue(ctx context.Context, at Place) (Issue, error)
	// Comments reads all comments, oldest first.
	Comments(ctx context.Context, at Place) ([]Comment, error)
	// OwnIssues lists the issues of a repository that this App opened, closed ones included, with a label ("" for any),
	// newest first, at most 1,000. Number in the place is not looked at.
	OwnIssues(ctx context.Context, at Place, label string) ([]Issue, error)
}

// Repositories reads branches and files. Number in a Place is not looked at.
type Repositories interface {
	// Default reads the default branch and its tip; an empty repository gives ErrNotFound.
	Default(ctx context.Context, at Place) (Branch, error)
	// Tip reads the commit that a branch points at.
	Tip(ctx context.Context, at Place, branch string) (string, error)
	// File reads a file at a commit or branch. A directory, symlink or submodule gives ErrNotFound.
	File(ctx context.Context, at Place, ref, path string) (File, error)
	// Tree reads the id of a commit's tree: two commits with the same one hold the same files.
	Tree(ctx context.Context, at Place, commit string) (string, error)
}

// Codeowners reads what GitHub itself finds wrong with a CODEOWNERS file.
type Codeowners interface {
	// CodeownersErrors lists GitHub's own errors in the CODEOWNERS of a commit or branch; a repository without one gives none.
	CodeownersErrors(ctx context.Context, at Place, ref string) ([]OwnersError, error)
}

// Pulls reads pull requests and checks.
type Pulls interface {
	// Pull reads a pull request with its files, commits and reviews.
	Pull(ctx context.Context, at Place) (Pull, error)
	// PullOf finds the newest pull request from a branch of the same repository, open or not: its number.
	PullOf(ctx context.Context, at Place, branch string) (int, error)
	// Checks reads this App's latest check runs on a commit.
	Checks(ctx context.Context, at Place, head string) ([]Check, error)
	// Changed lists the files that differ between two commits, base being an ancestor of head; truncated is set where
	// GitHub lists fewer than there are (over 300).
	Changed(ctx context.Context, at Place, base, head string) (files []ChangedFile, truncated bool, err error)
}

// People reads who people are, and who stands behind an owner.
type People interface {
	// User reads an account by its login.
	User(ctx context.Context, installation int64, login string) (identity.Person, error)
	// Team reads the members of a team, those of its child teams included.
	Team(ctx context.Context, installation int64, org, slug string) ([]identity.Person, error)
	// RepositoryPermission reads the most that a user or team may do on a repository, however it is held.
	RepositoryPermission(ctx context.Context, installation int64, repo identity.Repo, who identity.Principal) (identity.Permission, error)
}

// Log is the head of the log, as it is published.
type Log interface {
	// Head signs the log's head as it is now.
	Head(ctx context.Context) (Head, error)
}

// Head is a signed head of the log.
type Head struct {
	Size   int64  // entries
	Signed []byte // a checkpoint as a signed note: https://c2sp.org/tlog-checkpoint
	Key    string // the verifier key
}

// Applier applies every effect but SetAccess at GitHub.
type Applier interface {
	Apply(ctx context.Context, e Effect) error
}

// Provider is one kind of target: the four verbs, read-back included.
type Provider interface {
	// Describe says in one line which read-back proves a write.
	Describe() string
	// Observe reads what is held now, where possible by another endpoint than the writes use. An error means unknown.
	Observe(ctx context.Context, installation int64, a identity.Access) (lifecycle.Observed, error)
	// Grant brings the access up to a level.
	Grant(ctx context.Context, installation int64, a identity.Access, level identity.Permission) error
	// Revoke takes the access down to a level, which None removes.
	Revoke(ctx context.Context, installation int64, a identity.Access, level identity.Permission) error
}

// Store keeps what is under way. Its methods may be called concurrently; each
// is one transaction.
type Store interface {
	// Load reads all that is stored about a request's subject; a subject not
	// seen before gives a State with a nil Request. For a PullSubject it is the
	// request whose registry pull request that is, if there is one.
	Load(ctx context.Context, s Subject) (State, error)
	// Access reads an access with all leases on it that are not Revoked.
	Access(ctx context.Context, s Subject) (AccessState, error)
	// Open lists the subjects of an installation's requests that have not
	// ended, and its accesses with leases that are not revoked.
	Open(ctx context.Context, installation int64) ([]Subject, error)
	// Commit writes all of c, or nothing.
	Commit(ctx context.Context, c Commit) error
}

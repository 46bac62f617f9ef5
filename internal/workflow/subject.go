package workflow

import (
	"fmt"

	"github.com/keyreeve/keyreeve/internal/identity"
)

// SubjectKind is a kind of thing that is walked.
type SubjectKind string

// The kinds of subject.
const (
	// IssueSubject is an issue that may be an access request; Repo and Number are set.
	IssueSubject SubjectKind = "issue"
	// PullSubject is a pull request on a registry; Repo and Number are set.
	PullSubject SubjectKind = "pull"
	// AccessSubject is one access with all the leases on it; Access is set.
	AccessSubject SubjectKind = "access"
	// InstallationSubject stands for all that is open in an installation: the
	// registry's default branch moved, a team changed. Repo and Number are empty.
	InstallationSubject SubjectKind = "installation"
	// LedgerSubject is the publication of the log's head in an organization; Repo is its registry.
	LedgerSubject SubjectKind = "ledger"
	// MergeGroupSubject is what a registry's merge queue is about to merge; Repo, Number (of the pull request that the
	// group was made for), Base and Head are set.
	MergeGroupSubject SubjectKind = "merge-group"
)

// Subject is what a walk looks at. It is a name, not a fact: what is true of
// it is read again each time.
type Subject struct {
	Installation int64            `json:"installation"`
	Kind         SubjectKind      `json:"kind"`
	Repo         identity.Repo    `json:"repo,omitzero"`
	Number       int              `json:"number,omitempty"`
	Access       *identity.Access `json:"access,omitempty"`
	Base         string           `json:"base,omitempty"` // the commit that a merge group stands on
	Head         string           `json:"head,omitempty"` // a merge group's own commit
}

// Key returns the subject's unique name, which starts with its installation:
// "7/issue/1296269#12". A repository counts by its id, so a rename keeps the key.
func (s Subject) Key() string {
	switch s.Kind {
	case AccessSubject:
		return fmt.Sprintf("%d/access/%s", s.Installation, s.Access)
	case InstallationSubject:
		return fmt.Sprintf("%d/installation", s.Installation)
	case LedgerSubject:
		return fmt.Sprintf("%d/ledger", s.Installation)
	case MergeGroupSubject:
		return fmt.Sprintf("%d/%s/%d@%s", s.Installation, s.Kind, s.Repo.ID, s.Head)
	default:
		return fmt.Sprintf("%d/%s/%d#%d", s.Installation, s.Kind, s.Repo.ID, s.Number)
	}
}

// String returns the subject as people write it: "acme/identities#12".
func (s Subject) String() string {
	switch s.Kind {
	case AccessSubject:
		return s.Access.String()
	case InstallationSubject:
		return fmt.Sprintf("installation %d", s.Installation)
	case LedgerSubject:
		return fmt.Sprintf("the log's head in installation %d", s.Installation)
	case MergeGroupSubject:
		return fmt.Sprintf("%s#%d in the merge queue at %s", s.Repo, s.Number, short(s.Head))
	default:
		return fmt.Sprintf("%s#%d", s.Repo, s.Number)
	}
}

// Place returns where the subject's conversation is.
func (s Subject) Place() Place {
	return Place{Installation: s.Installation, Repo: s.Repo, Number: s.Number}
}

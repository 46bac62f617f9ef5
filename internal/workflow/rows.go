package workflow

import (
	"encoding/json"
	"time"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/internal/audit"
	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/lifecycle"
)

// RequestState is where a request stands.
type RequestState string

// The states of a request.
const (
	Invalid   RequestState = "invalid"   // the form or record has errors
	Refused   RequestState = "refused"   // nobody who exists could approve it
	Waiting   RequestState = "waiting"   // waits for approval
	Denied    RequestState = "denied"    // a denial stands
	Approved  RequestState = "approved"  // approved; being merged
	Merged    RequestState = "merged"    // merged; its access is being granted
	Live      RequestState = "active"    // the access is read back
	Reviewing RequestState = "reviewing" // ended likewise; the review of its override is not closed yet
	Ended     RequestState = "ended"     // the access is revoked, and read back; of a change to the registry: it is merged
	Cancelled RequestState = "cancelled" // closed before it was merged
	Expired   RequestState = "expired"   // nobody answered for as long as the policy waits; closed by the bot
)

// Request is the row of one access request, or of one change that somebody
// proposes to the registry by a pull request of their own: then its subject is that pull request, and it has no grant.
type Request struct {
	Subject   Subject            `json:"subject"`
	ID        string             `json:"id"` // the grant's id: "acme-identities-12"
	State     RequestState       `json:"state"`
	Requester identity.Person    `json:"requester"`
	Title     string             `json:"title"`
	Grant     *identity.Grant    `json:"grant,omitempty"`    // as last understood; frozen once merged
	Identity  *identity.Identity `json:"identity,omitempty"` // the record it is for, likewise
	Digest    string             `json:"digest,omitempty"`
	Registry  identity.Repo      `json:"registry"`
	Branch    string             `json:"branch,omitempty"`
	Pull      int                `json:"pull,omitempty"`     // the registry pull request's number, once known
	Decision  string             `json:"decision,omitempty"` // id of the newest stored decision
	Shown     string             `json:"shown,omitempty"`    // what the pull request was last seen to ask for: a content, or "other"
	// Said is when a comment or issue was last intended to be made, by its place and marker, until it must be seen.
	Said map[string]time.Time `json:"said,omitempty"`
	// Since is since when the request waits for what it asks now; zero while it does not wait.
	Since    time.Time `json:"since,omitzero"`
	Reminded int       `json:"reminded,omitempty"` // how often people were reminded since then
	// Closed is set once an expired request was seen closed: who opens it again begins anew.
	Closed    bool            `json:"closed,omitempty"`
	Changes   []Change        `json:"changes,omitempty"`   // what the last edit or push that voided votes changed
	Review    *OverrideReview `json:"review,omitempty"`    // of an override; nil where there was none
	Attempts  int             `json:"attempts,omitempty"`  // failed merges in a row
	LastError string          `json:"lastError,omitempty"` // of the merge, once it failed for longer; safe to show
	CreatedAt time.Time       `json:"createdAt"`
	UpdatedAt time.Time       `json:"updatedAt"`
}

// Change is one thing that an edit or a push changed.
type Change struct {
	What string `json:"what"` // "duration", "head", a path
	From string `json:"from"`
	To   string `json:"to"`
}

// OverrideReview is the issue in which a second person looks at an override afterwards.
type OverrideReview struct {
	Number int             `json:"number"`      // in the registry
	By     identity.Person `json:"by,omitzero"` // who closed it, once somebody did who may
	// Reopened counts how often it was opened again for having been closed by somebody who may not.
	Reopened int `json:"reopened,omitempty"`
}

// LeaseOrder is what somebody who may ordered of a lease, stored once for ever. The walk of the issue takes it, the walk
// of the access carries it out.
type LeaseOrder struct {
	lifecycle.Order
	Installation int64  `json:"installation"`
	Lease        string `json:"lease"`
}

// BoundVote binds a vote to the content that was asked for when the bot first saw it.
// The first binding of a vote's id stands for ever.
type BoundVote struct {
	Vote   string    `json:"vote"`   // approvals.Vote's ID: "comment/7"
	Digest string    `json:"digest"` // the content: the request's digest, and for whom
	SeenAt time.Time `json:"seenAt"`
	// What the vote said, so that a denial or withdrawal still stands that somebody else deletes, edits away, or sheds with
	// the conversation that it was in.
	By     identity.Person `json:"by,omitzero"`
	Verb   approvals.Verb  `json:"verb,omitempty"`
	Reason string          `json:"reason,omitempty"`
	Head   string          `json:"head,omitempty"`
	At     time.Time       `json:"at,omitzero"`
	Unfit  bool            `json:"unfit,omitempty"` // it was edited, hidden or a bot's when it was first seen
}

// StoredDecision is a decision with the facts that it was made from.
type StoredDecision struct {
	ID         string             `json:"id"` // digest of subject, facts and decision
	Subject    Subject            `json:"subject"`
	At         time.Time          `json:"at"`
	Policy     string             `json:"policy"`     // blob of keyreeve.yaml
	Codeowners string             `json:"codeowners"` // blob of the registry's CODEOWNERS
	Facts      approvals.Facts    `json:"facts"`
	Decision   approvals.Decision `json:"decision"`
}

// IntentState says what became of an intended effect.
type IntentState string

// The states of an intent. A crash leaves Intended: whether the effect reached
// its target is then read from the target.
const (
	Intended IntentState = "intended"
	Applied  IntentState = "applied"
	Failed   IntentState = "failed"
)

// Intent is one effect that was committed before it was applied.
type Intent struct {
	ID      string          `json:"id"` // unique; "<subject key> <walk>.<round>.<place in the plan>"
	Subject Subject         `json:"subject"`
	What    string          `json:"what"`
	Effect  json.RawMessage `json:"effect"` // {"type": "MergePull", …}
	State   IntentState     `json:"state"`
	At      time.Time       `json:"at"`
	DoneAt  time.Time       `json:"doneAt,omitzero"`
	Error   string          `json:"error,omitempty"` // safe to show
}

// State is all that is stored about a request's subject.
type State struct {
	Request  *Request
	Of       *Subject        // where the subject is the review of another request's override: that request's subject
	Decision *StoredDecision // the one that Request.Decision names
	Votes    []BoundVote
	Orders   []LeaseOrder      // of its leases, oldest first
	Presses  []Press           // of the buttons on its pull request's checks, oldest first
	Leases   []lifecycle.Lease // of this request, revoked ones included
	Open     []Intent          // Intended, oldest first
}

// AccessState is all that is stored about an access.
type AccessState struct {
	// Prior is what was held before the first live lease; nil while no lease is live and nothing was captured.
	Prior  *identity.Permission
	Leases []lifecycle.Lease // not Revoked, oldest first
	Orders []LeaseOrder      // of these leases, oldest first
	Open   []Intent
}

// Commit is one transaction's worth of changes, as data. Everything is an
// upsert by its id; Wake counts a new generation for each subject and puts it
// into the queue in the same transaction.
type Commit struct {
	Request  *Request
	Votes    []BoundVote // for Request's subject; ids already bound are left as they are
	Decision *StoredDecision
	Leases   []lifecycle.Lease
	Orders   []LeaseOrder // ids already stored are left as they are
	Prior    *PriorChange
	Intents  []Intent
	Entries  []audit.Entry // Seq is set by the store
	Wake     []Subject
	WakeKeys []string // like Wake, for subjects that are stored already
}

// PriorChange sets or, with Level nil, clears what was held before the leases on an access.
type PriorChange struct {
	Subject Subject
	Level   *identity.Permission
}

// Routed is what a delivery comes to once it is read.
type Routed struct {
	Rule     string    // why it is ignored, "" where it is not
	Subjects []Subject // to be woken
	Presses  []Press   // that it tells of, and nothing else does; At is when the delivery was received
}

// Delivery is one webhook delivery as the door accepted it.
type Delivery struct {
	App          int64     `json:"app"`
	ID           string    `json:"id"` // X-GitHub-Delivery
	Event        string    `json:"event"`
	Body         []byte    `json:"body"`
	ReceivedAt   time.Time `json:"receivedAt"`
	Installation int64     `json:"installation"` // 0 where the payload names none
}

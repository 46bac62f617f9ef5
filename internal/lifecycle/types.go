// Package lifecycle holds the life of a lease as a pure machine: which states there are, which steps lead from one to
// the next, what all live leases on one access together ask for, and what is to be done about the difference to what is
// observed. Only a read-back enters Active or Revoked.
package lifecycle

import (
	"time"

	"github.com/keyreeve/keyreeve/internal/identity"
)

// State is a state of a lease.
type State string

// The states. A request's own states before approval are not a lease's.
const (
	Approved State = "approved" // approved, nothing done yet
	Granting State = "granting" // the grant is committed as intent; it may or may not have reached the provider
	Active   State = "active"   // read back: the access exists
	Revoking State = "revoking" // at its end; the revoke is committed as intent
	Revoked  State = "revoked"  // read back: the access is gone, or held by others' leases or from before alone
	Stuck    State = "stuck"    // tried too often, from Granting or Revoking; still tried, slowly, for ever
)

// Lease is one approved, time-bound access.
type Lease struct {
	ID           string              `json:"id"` // the grant record's id
	Installation int64               `json:"installation"`
	Subject      string              `json:"subject"`  // the request's subject key, which is told of every change
	Decision     string              `json:"decision"` // id of the stored decision that approved it
	Access       identity.Access     `json:"access"`
	HolderID     int64               `json:"holderId,omitempty"` // the account id of a user who holds it: a login can change hands
	Permission   identity.Permission `json:"permission"`
	Duration     time.Duration       `json:"duration"`
	State        State               `json:"state"`
	StuckFrom    State               `json:"stuckFrom,omitempty"`
	Attempts     int                 `json:"attempts"`            // failed attempts in the present state
	VerifiedAt   time.Time           `json:"verifiedAt,omitzero"` // when the access was read back; the clock starts here
	EndsAt       time.Time           `json:"endsAt,omitzero"`     // VerifiedAt + Duration, moved by Orders alone, never by a clock going back
	RevokedAt    time.Time           `json:"revokedAt,omitzero"`  // when its end was read back
	Granted      *Evidence           `json:"granted,omitempty"`
	Ended        *Evidence           `json:"ended,omitempty"`
	LastError    string              `json:"lastError,omitempty"` // safe to show
	Orders       []Order             `json:"orders,omitempty"`    // that were obeyed, in the order in which they came
}

// Evidence is what a read-back saw.
type Evidence struct {
	At       time.Time `json:"at"`
	Endpoint string    `json:"endpoint"`          // "GET /repos/acme/payments/collaborators/deploy-bot/permission"
	Answer   string    `json:"answer"`            // "role_name: write"
	Request  string    `json:"request,omitempty"` // GitHub's X-GitHub-Request-Id
}

// Observed is what a provider says of one access now.
type Observed struct {
	Known    bool                `json:"known"`   // false: the read failed; nothing follows from the rest
	Level    identity.Permission `json:"level"`   // what is held directly (not through a team, the organization's base role …)
	Pending  bool                `json:"pending"` // an invitation is out: not access
	Evidence Evidence            `json:"evidence"`
}

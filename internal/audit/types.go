// Package audit holds the log's entries: one per step, in a canonical form that hashes to the same bytes everywhere.
// It is pure; package store keeps the entries and their tree, in the same transaction as the state they speak of.
package audit

import (
	"encoding/json"
	"time"

	"github.com/keyreeve/keyreeve/internal/identity"
)

// Step says what an entry records.
type Step string

// The steps.
const (
	Received   Step = "received"   // a delivery was accepted at the door
	Decided    Step = "decided"    // a decision was made
	Intended   Step = "intended"   // an effect is about to be applied
	Applied    Step = "applied"    // an effect was applied
	Failed     Step = "failed"     // an effect failed; it is tried again
	Verified   Step = "verified"   // the result was read back and is as it should be
	Changed    Step = "changed"    // a request or lease entered a state
	IsStuck    Step = "stuck"      // a lease was tried too often
	Revoked    Step = "revoked"    // an access was read back as gone: its lease has ended
	Expired    Step = "expired"    // a request that nobody answered was closed
	Swept      Step = "swept"      // a schedule looked for what is to be looked at
	Configured Step = "configured" // the policy or CODEOWNERS that a request is decided by is another one than before
	Archived   Step = "archived"   // the first entries were moved to a file; their hashes stay (Data is ArchivedData)
)

// Entry is one line of the log. Data never holds a secret: it is made of
// typed records only, none of which has a field for one.
type Entry struct {
	Seq          int64            `json:"seq"` // from 0, without gaps; set by the store
	At           time.Time        `json:"at"`  // UTC
	Step         Step             `json:"step"`
	Installation int64            `json:"installation"`
	Subject      string           `json:"subject"`         // "request:…" or "access:…"
	Actor        *identity.Person `json:"actor,omitempty"` // who caused it, where a person did
	What         string           `json:"what"`            // "grant github/acme/payments/user:deploy-bot write"
	Ref          string           `json:"ref,omitempty"`   // the id of the decision, effect or lease spoken of
	Data         json.RawMessage  `json:"data,omitempty"`  // details as canonical JSON
	Controls     []string         `json:"controls,omitempty"`
}

package approvals

import (
	"github.com/keyreeve/keyreeve/internal/identity"
)

// Facts is all that a decision rests on, read beforehand, so that Decide can
// neither fail nor differ when it is replayed. It is stored as JSON.
type Facts struct {
	// Digest is the canonical digest of the request as it stands now.
	Digest string `json:"digest"`
	// Head is the pull request's head commit, "" before there is one.
	Head string `json:"head,omitempty"`
	// Needs lists whose approval is needed: one per changed path, resource and rule.
	Needs []Need `json:"needs"`
	// People says who stands behind each owner ("@login", "@org/team", an e-mail address).
	People map[string]Members `json:"people"`
	// Excluded lists who may not approve, and why.
	Excluded []Exclusion `json:"excluded"`
	// Votes in the order in which they were given.
	Votes []Vote `json:"votes"`
	// SameTree lists commits that hold the very same files as Head: a review of one of them is a review of Head.
	SameTree []string `json:"sameTree,omitempty"`
	// BreakGlass says who may override the needs in an emergency; nil where the policy lets nobody.
	BreakGlass *BreakGlass `json:"breakGlass,omitempty"`
	// Locked is true where the conversation is locked: no comment counts then.
	Locked bool `json:"locked,omitempty"`
	// Unknown names facts that could not be read ("commits of acme/identities#4");
	// while there is one, nothing is approved.
	Unknown []string `json:"unknown,omitempty"`
	// Stopped names facts that rule an approval out whatever the votes say
	// (a grantee who could write the registry, a CODEOWNERS over 3 MB …).
	Stopped []Reason `json:"stopped,omitempty"`
}

// NeedKind says what a Need stands for.
type NeedKind string

// The kinds of need.
const (
	Path       NeedKind = "path"     // a changed path of the registry
	Resource   NeedKind = "resource" // a resource that access is given to
	PolicyRule NeedKind = "rule"     // a rule of the policy
)

// Need is one approval that is needed: by Count different people who stand
// behind any of Owners.
type Need struct {
	Kind    NeedKind `json:"kind"`
	Subject string   `json:"subject"` // the path, "acme/payments", or the rule's name
	Owners  []string `json:"owners"`
	Count   int      `json:"count"` // 0 means 1
	// Source says where the owners come from: "acme/identities:.github/CODEOWNERS:12 *".
	Source string `json:"source,omitempty"`
	// Blocked is set where no approval can meet the need: NoCodeowners, NoOwner, OwnersInvalid …
	Blocked *Reason `json:"blocked,omitempty"`
}

// BreakGlass is the policy's group that may let a request pass without the approvals that it needs. An override takes the
// place of approvals alone: a denial that stands, a need that is blocked and a fact that is unknown hold against it.
type BreakGlass struct {
	From []string `json:"from"` // owners, as in a Need
	// Blocked is set where no override can count for this request, OverrideTooLong for one.
	Blocked *Reason `json:"blocked,omitempty"`
}

// Members is who stands behind an owner. Where Known is false the list says
// nothing: the look-up failed, which is neither a yes nor a no.
type Members struct {
	Known  bool              `json:"known"`
	People []identity.Person `json:"people"`
}

// Exclusion is a person who may not approve.
type Exclusion struct {
	Person identity.Person `json:"person"`
	Why    Code            `json:"why"` // Requester, Author, Committer, Coauthor, Beneficiary …
}

// Verb is what a vote says.
type Verb string

// The verbs that a vote can have. Withdraw takes back the person's own vote,
// whichever it is; Override is break-glass.
const (
	Approve  Verb = "approve"
	Deny     Verb = "deny"
	Withdraw Verb = "withdraw"
	Override Verb = "override"
)

// Vote is one command in a comment, one review, or one press of a button.
type Vote struct {
	ID   string          `json:"id"` // "comment/123", "review/9" or "press/<digest>"
	By   identity.Person `json:"by"`
	Bot  bool            `json:"bot,omitempty"` // by an App, or an account of type Bot
	Verb Verb            `json:"verb"`
	// Reason is the text after the command, as the person wrote it.
	Reason string `json:"reason,omitempty"`
	// Digest is the digest of the request when the bot first saw this vote; a
	// vote for another digest than Facts.Digest is void.
	Digest string `json:"digest"`
	// Head is the commit that a review was given for, or whose check run has the button
	// ("" for a comment, which is bound by Digest alone).
	Head string `json:"head,omitempty"`
	// Edited is set when the comment was edited after it was written, by anybody.
	Edited bool `json:"edited,omitempty"`
	// Late is set when GitHub cannot show that the content was last edited before the vote.
	Late bool `json:"late,omitempty"`
	// Hidden is set for a minimized comment or a dismissed review.
	Hidden bool   `json:"hidden,omitempty"`
	URL    string `json:"url,omitempty"`
}

// Code names a reason; the words for it live in package templates.
type Code string

// The reasons. Those about a vote say why it does not count.
const (
	// About a vote:

	NotOwner          Code = "not-owner"          // stands behind no owner that is needed
	Requester         Code = "requester"          // asked for it
	Author            Code = "author"             // wrote a commit or opened the pull request
	Committer         Code = "committer"          // committed it
	Coauthor          Code = "coauthor"           // is named as co-author
	Beneficiary       Code = "beneficiary"        // would hold the access
	Prompter          Code = "prompter"           // prompted the agent that asks
	Editor            Code = "editor"             // edited what the request says
	BotVote           Code = "bot"                // is not a person
	EditedVote        Code = "edited"             // the comment was edited
	HiddenVote        Code = "hidden"             // minimized or dismissed
	OtherDigest       Code = "other-digest"       // was for another content
	OtherHead         Code = "other-head"         // was for another commit
	LateVote          Code = "late"               // the content may have been edited after the vote was written
	Superseded        Code = "superseded"         // the person voted again later
	LockedVote        Code = "locked"             // the conversation is locked
	Nobody            Code = "nobody"             // no account (id 0)
	UnknownVerb       Code = "unknown-verb"       // neither approves, denies nor withdraws
	MembershipUnknown Code = "membership-unknown" // whether they stand behind an owner could not be read
	NotBreakGlass     Code = "not-break-glass"    // an override by somebody whom the policy does not let
	OverrideTooLong   Code = "override-too-long"  // what is asked for is longer than an override may give

	// About a need or the request:

	NoCodeowners   Code = "no-codeowners" // the repository has no CODEOWNERS
	NoOwner        Code = "no-owner"      // no line with owners matches the path
	OwnersTooLarge Code = "owners-too-large"
	OwnersInvalid  Code = "owners-invalid"  // a line that could match the path is in error
	OwnersNobody   Code = "owners-nobody"   // the owners resolve to no eligible person
	FactsUnknown   Code = "facts-unknown"   // facts could not be read yet
	SelfEscalation Code = "self-escalation" // the grantee could write the registry
	UnknownAuthor  Code = "unknown-author"  // a commit's e-mail maps to no account
	TooMany        Code = "too-many"        // more files or commits than GitHub lists
	DeniedBy       Code = "denied-by"       // somebody who may has denied
	ContentDiffers Code = "content-differs" // the pull request does not say what the issue asks
	GivenUp        Code = "given-up"        // the request is cancelled or expired
)

// Reason is one typed reason: data here, words in package templates.
type Reason struct {
	Code    Code            `json:"code"`
	Person  identity.Person `json:"person,omitzero"`
	Subject string          `json:"subject,omitempty"` // a path, repository, owner, commit …
	Detail  string          `json:"detail,omitempty"`  // e.g. a parse error's text
}

// Verdict is the outcome of a decision.
type Verdict string

// The verdicts. Refused: nobody who exists could approve it. Denied: an
// eligible person's denial stands. Unknown facts make it Pending, never more.
const (
	Pending  Verdict = "pending"
	Approved Verdict = "approved"
	Denied   Verdict = "denied"
	Refused  Verdict = "refused"
)

// Decision is what Decide found, and why.
type Decision struct {
	Verdict Verdict      `json:"verdict"`
	Digest  string       `json:"digest"`
	Head    string       `json:"head,omitempty"`
	Needs   []NeedResult `json:"needs"`
	Votes   []VoteResult `json:"votes"`
	Reasons []Reason     `json:"reasons,omitempty"` // why it is not approved, most important first
	// Override is set where the verdict is Approved by break-glass, with needs that are not met.
	Override *Overridden `json:"override,omitempty"`
}

// Overridden is the override that a decision rests on.
type Overridden struct {
	By     identity.Person `json:"by"`
	Vote   string          `json:"vote"`
	Reason string          `json:"reason"`
}

// NeedResult is one need, who met it, and who could.
type NeedResult struct {
	Need     Need              `json:"need"`
	Met      bool              `json:"met"`
	By       []identity.Person `json:"by,omitempty"`
	Eligible []identity.Person `json:"eligible"` // who may still meet it, by login; those in By included
}

// VoteResult is one vote, and whether it counts.
type VoteResult struct {
	Vote   Vote    `json:"vote"`
	Counts bool    `json:"counts"`
	Why    *Reason `json:"why,omitempty"` // set when it does not count
}

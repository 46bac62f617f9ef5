package identity

import "time"

// Kind is the kind of a non-human identity.
type Kind string

// The kinds of identity.
const (
	ServiceAccount Kind = "service-account"
	APIKey         Kind = "api-key"
	DeployKey      Kind = "deploy-key"
	AIAgent        Kind = "ai-agent"
	GitHubApp      Kind = "github-app"
	MachineUser    Kind = "machine-user"
)

// Status says whether an identity is in use.
type Status string

// The states of an identity.
const (
	Active         Status = "active"
	Decommissioned Status = "decommissioned"
)

// Identity is the record of one non-human identity:
// identities/<app>/<name>.yaml, its Name being "<app>/<name>".
type Identity struct {
	Version      int           `yaml:"version" json:"version"`
	Name         string        `yaml:"name" json:"name"`
	Kind         Kind          `yaml:"kind" json:"kind"`
	Owner        string        `yaml:"owner" json:"owner"` // "@login" or "@org/team"
	Purpose      string        `yaml:"purpose" json:"purpose"`
	UseCase      string        `yaml:"useCase" json:"useCase"`
	Environment  string        `yaml:"environment" json:"environment"`
	Expires      Date          `yaml:"expires" json:"expires"`
	Rotation     Duration      `yaml:"rotation,omitempty" json:"rotation,omitempty"`
	Status       Status        `yaml:"status" json:"status"`
	Risk         Risk          `yaml:"risk,omitempty" json:"risk,omitempty"` // "" where its owner rates it not
	Account      *Account      `yaml:"account,omitempty" json:"account,omitempty"`
	Credentials  []Credential  `yaml:"credentials,omitempty" json:"credentials,omitempty"`
	Entitlements []Entitlement `yaml:"entitlements,omitempty" json:"entitlements,omitempty"`
}

// Account is where an identity acts from at GitHub: exactly one of a user
// (a machine user's login) or a team ("org/slug").
type Account struct {
	User string `yaml:"user,omitempty" json:"user,omitempty"`
	Team string `yaml:"team,omitempty" json:"team,omitempty"`
}

// Principal returns the account as the holder of an access; ok is false when
// it names none.
func (a *Account) Principal() (p Principal, ok bool) {
	switch {
	case a == nil:
		return Principal{}, false
	case a.User != "":
		return Principal{Kind: User, Name: a.User}, true
	case a.Team != "":
		return Principal{Kind: Team, Name: a.Team}, true
	}
	return Principal{}, false
}

// Credential is one credential of an identity. It never holds a value: only
// names, places, public ids and keyed fingerprints.
type Credential struct {
	Kind        string   `yaml:"kind" json:"kind"` // token, deploy-key, cloud-key, ssh-key, other
	Secrets     []Secret `yaml:"secrets,omitempty" json:"secrets,omitempty"`
	PublicID    string   `yaml:"publicId,omitempty" json:"publicId,omitempty"`
	Fingerprint string   `yaml:"fingerprint,omitempty" json:"fingerprint,omitempty"`
}

// Secret is the name of a stored secret, and where it is stored:
// "acme/payments", "acme/payments:production" (an environment) or "acme" (an organization).
type Secret struct {
	Name string `yaml:"name" json:"name"`
	In   string `yaml:"in" json:"in"`
}

// Entitlement is one standing entitlement.
type Entitlement struct {
	Provider    string     `yaml:"provider" json:"provider"`
	Resource    string     `yaml:"resource" json:"resource"`
	Permission  Permission `yaml:"permission" json:"permission"`
	Environment string     `yaml:"environment" json:"environment"`
}

// UseCase is a ceiling, use-cases/<name>.yaml: the most that an identity of
// this use may hold.
type UseCase struct {
	Version     int      `yaml:"version" json:"version"`
	Name        string   `yaml:"name" json:"name"`
	Owner       string   `yaml:"owner" json:"owner"`
	Purpose     string   `yaml:"purpose" json:"purpose"`
	Kinds       []Kind   `yaml:"kinds" json:"kinds"`
	Ceiling     []Bound  `yaml:"ceiling" json:"ceiling"`
	MaxDuration Duration `yaml:"maxDuration,omitempty" json:"maxDuration,omitempty"`
}

// Bound is one line of a ceiling. Resource may hold globs within a path
// segment ("acme/pay*"); environments are listed one by one.
type Bound struct {
	Provider     string     `yaml:"provider" json:"provider"`
	Resource     string     `yaml:"resource" json:"resource"`
	Permission   Permission `yaml:"permission" json:"permission"`
	Environments []string   `yaml:"environments" json:"environments"`
}

// Grant is a time-bound entitlement for an identity,
// grants/<identity>/<id>.yaml.
type Grant struct {
	Version     int        `yaml:"version" json:"version"`
	ID          string     `yaml:"id" json:"id"`
	Identity    string     `yaml:"identity" json:"identity"`
	Provider    string     `yaml:"provider" json:"provider"`
	Resource    string     `yaml:"resource" json:"resource"`
	Permission  Permission `yaml:"permission" json:"permission"`
	Environment string     `yaml:"environment" json:"environment"`
	Duration    Duration   `yaml:"duration" json:"duration"`
	Reason      string     `yaml:"reason" json:"reason"`
	Requester   Person     `yaml:"requester" json:"requester"`
	PromptedBy  string     `yaml:"promptedBy,omitempty" json:"promptedBy,omitempty"` // the login of who prompted an agent
	Origin      string     `yaml:"origin,omitempty" json:"origin,omitempty"`         // "acme/identities#12", the issue it came from
}

// Policy is keyreeve.yaml, always read from the registry's default branch.
type Policy struct {
	Version      int      `yaml:"version" json:"version"`
	Environments []string `yaml:"environments" json:"environments"`
	Grants       Limits   `yaml:"grants" json:"grants"`
	Rules        []Rule   `yaml:"rules,omitempty" json:"rules,omitempty"`
	// Risks rate what matches them; the highest rating counts.
	Risks []Rating `yaml:"risks,omitempty" json:"risks,omitempty"`
	// Requests says how long a request waits for an answer.
	Requests Patience `yaml:"requests,omitempty" json:"requests,omitzero"`
	// BreakGlass says who may override missing approvals; nil: nobody may.
	BreakGlass *BreakGlass `yaml:"breakGlass,omitempty" json:"breakGlass,omitempty"`
	// Extensions says how far a lease may be extended without a fresh approval.
	Extensions Extensions `yaml:"extensions,omitempty" json:"extensions,omitzero"`
	// Checkpoints says where the log's head is published; nil: nowhere.
	Checkpoints *Checkpoints `yaml:"checkpoints,omitempty" json:"checkpoints,omitempty"`
	// Revokers may end any access early, besides those whose it is ("@login", "@org/team").
	Revokers []string `yaml:"revokers,omitempty" json:"revokers,omitempty"`
}

// Checkpoints is where the log's head is published: exactly one of an issue ("acme/identities#12") and a repository.
type Checkpoints struct {
	Issue      string `yaml:"issue,omitempty" json:"issue,omitempty"`
	Repository string `yaml:"repository,omitempty" json:"repository,omitempty"`
}

// Patience is how long a request waits for an answer. Zero stands for never.
type Patience struct {
	// RemindAfter is how long after it began to wait people are reminded for the first time, and then at twice the distance each time.
	RemindAfter Duration `yaml:"remindAfter,omitempty" json:"remindAfter,omitempty"`
	// ExpireAfter is how long after it began to wait it is closed.
	ExpireAfter Duration `yaml:"expireAfter,omitempty" json:"expireAfter,omitempty"`
}

// BreakGlass is who may override missing approvals, and for how long the access that they so give may be asked for.
type BreakGlass struct {
	From        []string `yaml:"from" json:"from"` // "@login", "@org/team"
	MaxDuration Duration `yaml:"maxDuration" json:"maxDuration"`
}

// Extensions bounds what a lease may be extended by.
type Extensions struct {
	Max Duration `yaml:"max" json:"max"` // of one lease, in all; zero: each extension takes a fresh approval
}

// Limits bound the duration of grants.
type Limits struct {
	MinDuration Duration `yaml:"minDuration" json:"minDuration"`
	MaxDuration Duration `yaml:"maxDuration" json:"maxDuration"`
}

// Rule adds to what a matching grant needs. Empty conditions match all.
type Rule struct {
	Name        string   `yaml:"name" json:"name"`
	When        When     `yaml:"when" json:"when"`
	MaxDuration Duration `yaml:"maxDuration,omitempty" json:"maxDuration,omitempty"`
	Require     []Quorum `yaml:"require,omitempty" json:"require,omitempty"`
}

// When lists the conditions of a Rule: a grant matches when each non-empty
// list holds its value. Permission matches from the named role upwards.
type When struct {
	Environments []string   `yaml:"environments,omitempty" json:"environments,omitempty"`
	Kinds        []Kind     `yaml:"kinds,omitempty" json:"kinds,omitempty"`
	Permission   Permission `yaml:"permission,omitempty" json:"permission,omitempty"`
	// Risk matches from the named rating upwards. What nobody rated matches too: not to be rated is not to be of little risk.
	Risk Risk `yaml:"risk,omitempty" json:"risk,omitempty"`
}

// Quorum asks for Count different people out of From ("@login", "@org/team").
type Quorum struct {
	From  []string `yaml:"from" json:"from"`
	Count int      `yaml:"count" json:"count"`
}

// Date is a calendar day, "2027-03-31", in UTC; the day itself still counts.
type Date struct{ time.Time }

// Duration is a length of time, written "30m", "8h" or "90d".
type Duration time.Duration

// Problem is one error in a record, a form or a registry, for people: it
// says where, what, and what to do.
type Problem struct {
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`   // from 1; 0 where unknown
	Column int    `json:"column,omitempty"` // from 1, in runes; 0 where unknown
	Field  string `json:"field,omitempty"`  // "duration", or a form's heading
	What   string `json:"what"`             // "\"3 weeks\" is not a duration"
	Hint   string `json:"hint,omitempty"`   // "write it as 30m, 8h or 5d"
}

package hub

import "time"

// World is a deep copy of the whole state at one moment: nothing in it is shared with the hub. Its order is stable
// (numbers and ids ascending, names in byte order), so two copies can be compared as JSON.
type World struct {
	URL           string         `json:"url"` // the base of html_url, without a slash at its end
	At            time.Time      `json:"at"`
	Orgs          []Org          `json:"orgs"`
	Users         []User         `json:"users"` // people and the bots of Apps
	Apps          []AppState     `json:"apps"`
	Installations []Installation `json:"installations"`
	Repos         []Repo         `json:"repos"`
	Deliveries    []Delivery     `json:"deliveries"` // in the order in which they were queued
}

// Repo finds a repository by its full name ("acme/identities"), or nil.
func (w World) Repo(full string) *Repo {
	for i := range w.Repos {
		if w.Repos[i].FullName == full {
			return &w.Repos[i]
		}
	}
	return nil
}

// Issue finds an issue or, since both share numbers, nothing when the number is a pull request's.
func (r *Repo) Issue(number int) *Issue {
	for i := range r.Issues {
		if r.Issues[i].Number == number {
			return &r.Issues[i]
		}
	}
	return nil
}

// Pull finds a pull request by its number, or nil.
func (r *Repo) Pull(number int) *Pull {
	for i := range r.Pulls {
		if r.Pulls[i].Number == number {
			return &r.Pulls[i]
		}
	}
	return nil
}

// CheckOn finds the newest check run of a name on a commit, which is the one that counts; the zero CheckRun when there is none.
func (r *Repo) CheckOn(sha, name string) (newest CheckRun) {
	for _, run := range r.CheckRuns {
		if run.HeadSHA == sha && run.Name == name {
			newest = run
		}
	}
	return newest
}

// User is a person or bot. Type is "User" or "Bot".
type User struct {
	ID    int64  `json:"id"`
	Login string `json:"login"`
	Name  string `json:"name,omitempty"`
	Type  string `json:"type"`
}

// Org is an organization; BasePermission is what each member has on each repository: none, read, write or admin.
type Org struct {
	ID             int64    `json:"id"`
	Login          string   `json:"login"`
	BasePermission string   `json:"base_permission"`
	Members        []Member `json:"members"`
	Teams          []Team   `json:"teams"`
	Secrets        []Named  `json:"secrets"`
	Variables      []Named  `json:"variables"`
}

// Member is a member of an organization (role "member" or "admin") or of a team ("member" or "maintainer").
type Member struct {
	ID    int64  `json:"id"`
	Login string `json:"login"`
	Role  string `json:"role"`
}

// Team is a team with what it was granted.
type Team struct {
	ID      int64       `json:"id"`
	Slug    string      `json:"slug"`
	Name    string      `json:"name"`
	Members []Member    `json:"members"`
	Repos   []TeamGrant `json:"repos"`
}

// TeamGrant says that a team has a permission (read, triage, write, maintain or admin) on a repository.
type TeamGrant struct {
	Team       string `json:"team"` // the slug
	Repo       string `json:"repo"` // the full name
	Permission string `json:"permission"`
}

// AppState is a GitHub App. Its key and webhook secret are never in a snapshot.
type AppState struct {
	ID          int64             `json:"id"`
	Slug        string            `json:"slug"`
	WebhookURL  string            `json:"webhook_url"`
	Permissions map[string]string `json:"permissions"`
	Events      []string          `json:"events"`
}

// Installation is an App on an account; Repos is empty when it has all of them.
type Installation struct {
	ID        int64    `json:"id"`
	AppID     int64    `json:"app_id"`
	Account   string   `json:"account"`
	Selection string   `json:"repository_selection"` // all or selected
	Repos     []string `json:"repos"`
	Suspended bool     `json:"suspended"`
}

// Repo is a repository with all that hangs on it.
type Repo struct {
	ID            int64          `json:"id"`
	Owner         string         `json:"owner"`
	Name          string         `json:"name"`
	FullName      string         `json:"full_name"`
	Visibility    string         `json:"visibility"` // public, private or internal
	Archived      bool           `json:"archived"`
	DefaultBranch string         `json:"default_branch"`
	URL           string         `json:"url"` // of its page
	Refs          []Ref          `json:"refs"`
	Labels        []string       `json:"labels"`
	Issues        []Issue        `json:"issues"`
	Pulls         []Pull         `json:"pulls"`
	CheckRuns     []CheckRun     `json:"check_runs"`
	MergeGroups   []MergeGroup   `json:"merge_groups"`  // of the merge queue: those that are gone in the order of their end, then the queue
	Collaborators []Collaborator `json:"collaborators"` // direct grants only
	Teams         []TeamGrant    `json:"teams"`
	Invitations   []Invitation   `json:"invitations"`
	Keys          []DeployKey    `json:"keys"`
	Environments  []Environment  `json:"environments"`
	Secrets       []Named        `json:"secrets"`
	Variables     []Named        `json:"variables"`
}

// Ref is a git reference and the commit it points at.
type Ref struct {
	Name string `json:"name"` // refs/heads/main
	SHA  string `json:"sha"`
}

// Issue is an issue; also the conversation half of a pull request.
type Issue struct {
	ID          int64      `json:"id"`
	Number      int        `json:"number"`
	Title       string     `json:"title"`
	Body        string     `json:"body"`
	State       string     `json:"state"` // open or closed
	StateReason string     `json:"state_reason,omitempty"`
	Locked      bool       `json:"locked"`
	Author      User       `json:"author"`
	Labels      []string   `json:"labels"`
	Assignees   []string   `json:"assignees"`
	CreatedAt   time.Time  `json:"created_at"`
	UpdatedAt   time.Time  `json:"updated_at"`
	ClosedAt    *time.Time `json:"closed_at,omitempty"`
	EditedAt    *time.Time `json:"edited_at,omitempty"` // when the body was last edited
	Comments    []Comment  `json:"comments"`
	URL         string     `json:"url"`
}

// Comment is a comment on an issue or a pull request.
type Comment struct {
	ID          int64      `json:"id"`
	Author      User       `json:"author"`
	Association string     `json:"author_association"`
	ViaApp      string     `json:"via_app,omitempty"` // the App's slug
	Body        string     `json:"body"`
	Minimized   bool       `json:"minimized"`
	CreatedAt   time.Time  `json:"created_at"`
	UpdatedAt   time.Time  `json:"updated_at"`
	EditedAt    *time.Time `json:"edited_at,omitempty"`
	Editor      string     `json:"editor,omitempty"`
	Reactions   []Reaction `json:"reactions"`
	URL         string     `json:"url"`
}

// Reaction is one person's reaction: "+1", "eyes", …
type Reaction struct {
	ID      int64  `json:"id"`
	User    string `json:"user"`
	Content string `json:"content"`
}

// Pull is a pull request.
type Pull struct {
	Issue
	Draft       bool       `json:"draft"`
	Head        string     `json:"head"` // branch name
	HeadSHA     string     `json:"head_sha"`
	Base        string     `json:"base"`
	BaseSHA     string     `json:"base_sha"`
	Merged      bool       `json:"merged"`
	MergedAt    *time.Time `json:"merged_at,omitempty"`
	MergedBy    string     `json:"merged_by,omitempty"`
	MergeCommit string     `json:"merge_commit,omitempty"`
	Reviews     []Review   `json:"reviews"`
	Reviewers   []string   `json:"requested_reviewers"`
	ReviewTeams []string   `json:"requested_teams"`
}

// Review is a submitted review: State is APPROVED, CHANGES_REQUESTED, COMMENTED or DISMISSED.
type Review struct {
	ID          int64     `json:"id"`
	Author      User      `json:"author"`
	State       string    `json:"state"`
	Body        string    `json:"body"`
	CommitID    string    `json:"commit_id"`
	SubmittedAt time.Time `json:"submitted_at"`
	URL         string    `json:"url"`
}

// CheckRun is a check run; Conclusion is empty until Status is completed.
type CheckRun struct {
	ID          int64        `json:"id"`
	App         string       `json:"app"` // slug
	Name        string       `json:"name"`
	HeadSHA     string       `json:"head_sha"`
	Status      string       `json:"status"`
	Conclusion  string       `json:"conclusion,omitempty"`
	ExternalID  string       `json:"external_id,omitempty"`
	DetailsURL  string       `json:"details_url,omitempty"`
	Title       string       `json:"title"`
	Summary     string       `json:"summary"`
	Text        string       `json:"text"`
	Annotations []Annotation `json:"annotations"`
	Buttons     []Button     `json:"buttons"`
	StartedAt   time.Time    `json:"started_at"`
	CompletedAt *time.Time   `json:"completed_at,omitempty"`
}

// Button is a button that a check run shows; a press tells the App its identifier.
type Button struct {
	Label       string `json:"label"`
	Description string `json:"description"`
	Identifier  string `json:"identifier"`
}

// MergeGroup is a pull request in the merge queue. Reason says why the group is gone: merged, dequeued, invalidated; ""
// while it is queued.
type MergeGroup struct {
	Pull    int    `json:"pull"`
	Ref     string `json:"ref"`
	HeadSHA string `json:"head_sha"`
	BaseSHA string `json:"base_sha"`
	Reason  string `json:"reason,omitempty"`
}

// Annotation is a remark on lines of a file.
type Annotation struct {
	Path      string `json:"path"`
	StartLine int    `json:"start_line"`
	EndLine   int    `json:"end_line"`
	StartCol  int    `json:"start_column,omitempty"`
	EndCol    int    `json:"end_column,omitempty"`
	Level     string `json:"annotation_level"`
	Title     string `json:"title,omitempty"`
	Message   string `json:"message"`
	Raw       string `json:"raw_details,omitempty"`
}

// Collaborator is a direct grant to a person.
type Collaborator struct {
	ID         int64  `json:"id"`
	Login      string `json:"login"`
	Permission string `json:"permission"`
}

// Invitation is an open invitation to collaborate: no access until it is accepted.
type Invitation struct {
	ID         int64     `json:"id"`
	Invitee    string    `json:"invitee"`
	Inviter    string    `json:"inviter"`
	Permission string    `json:"permission"`
	CreatedAt  time.Time `json:"created_at"`
	Expired    bool      `json:"expired"`
}

// DeployKey is an SSH public key with access to one repository.
type DeployKey struct {
	ID        int64     `json:"id"`
	Title     string    `json:"title"`
	Key       string    `json:"key"`
	ReadOnly  bool      `json:"read_only"`
	AddedBy   string    `json:"added_by"`
	CreatedAt time.Time `json:"created_at"`
}

// Environment is a deployment environment with the names of its secrets and variables.
type Environment struct {
	ID        int64   `json:"id"`
	Name      string  `json:"name"`
	Secrets   []Named `json:"secrets"`
	Variables []Named `json:"variables"`
}

// Named is a secret or variable by name; a secret's value is never kept.
type Named struct {
	Store     string    `json:"store"` // actions, dependabot, codespaces or agents
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Delivery is one attempt to deliver a webhook. A redelivery is another Delivery with the same GUID.
type Delivery struct {
	ID           int64     `json:"id"`
	GUID         string    `json:"guid"`
	AppID        int64     `json:"app_id"`
	Installation int64     `json:"installation_id"`
	Event        string    `json:"event"`
	Action       string    `json:"action,omitempty"`
	Repo         string    `json:"repo,omitempty"`
	Redelivery   bool      `json:"redelivery"`
	QueuedAt     time.Time `json:"queued_at"`
	Attempted    bool      `json:"attempted"`
	StatusCode   int       `json:"status_code"` // 0 when nobody answered
	Status       string    `json:"status"`
}

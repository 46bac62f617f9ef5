package hub

import (
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/internal/hub/githost"
)

// account is anything with a login: a person, an organization or an App's bot.
type account struct {
	id      int64
	login   string
	name    string
	kind    string // User, Organization, Bot
	created time.Time
	app     *app   // of a bot
	org     *org   // of an organization
	email   string // "" for the noreply address
}

// org is what an organization has beyond its account.
type org struct {
	acct    *account
	base    level
	members map[int64]string // account id → member or admin
	teams   map[string]*team // by slug
	named   map[namedKey]*named
}

// team is a team of an organization; grants are by repository id.
type team struct {
	id      int64
	slug    string
	name    string
	org     *account
	created time.Time
	members map[int64]string // account id → member or maintainer
	pending map[int64]string // invited people who are not members of the organization yet
	grants  map[int64]level
}

// repo is a repository; issues holds pull requests too, since they share numbers.
type repo struct {
	id         int64
	owner      *account
	name       string
	visibility string // public, private, internal
	archived   bool
	created    time.Time
	pushed     time.Time
	git        *githost.Repo
	defBranch  string

	numbers int            // the last number given
	issues  map[int]*issue // by number
	order   []*issue       // by number, ascending
	open    int            // how many of them are open
	labels  map[string]*label
	comms   map[int64]*comment
	checks  []*checkRun // in order of creation
	queue   *mergeQueue // nil where the default branch has none
	suites  map[suiteKey]*checkSuite

	collabs map[int64]level
	invites map[int64]*invite
	keys    map[int64]*deployKey
	envs    map[string]*environment
	named   map[namedKey]*named
}

func (r *repo) full() string { return r.owner.login + "/" + r.name }

type label struct {
	id                int64
	name, color, desc string
}

// issue is an issue or, when pull is set, the conversation of a pull request.
type issue struct {
	id          int64
	number      int
	repo        *repo
	title, body string
	author      *account
	via         *app
	state       string
	reason      string // state_reason
	locked      bool
	labels      []*label
	assignees   []*account
	created     time.Time
	updated     time.Time
	closed      time.Time
	closedBy    *account
	edited      time.Time  // of the body
	editors     []*account // of the body, after its author; one an edit
	comments    []*comment
	reactions   []*reaction
	pull        *pull
}

type comment struct {
	id        int64
	issue     *issue
	author    *account
	via       *app
	body      string
	created   time.Time
	updated   time.Time
	edited    time.Time
	editor    *account
	minimized bool
	reactions []*reaction
}

type reaction struct {
	id      int64
	user    *account
	content string
	created time.Time
}

type pull struct {
	draft            bool
	head, base       string // branch names
	headSHA, baseSHA string
	merged           bool
	mergedAt         time.Time
	mergedBy         *account
	mergeSHA         string
	reviews          []*review
	reviewers        []*account
	reviewTeams      []*team
	probe            mergeProbe
}

type review struct {
	id        int64
	author    *account
	state     string
	body      string
	commit    string
	submitted time.Time
}

type checkRun struct {
	id          int64
	app         *app
	repo        *repo
	suite       *checkSuite
	name        string
	sha         string
	status      string
	conclusion  string
	externalID  string
	detailsURL  string
	title       *string
	summary     *string
	text        *string
	annotations []Annotation
	actions     []checkAction
	started     time.Time
	completed   time.Time
}

type checkAction struct {
	Label       string `json:"label"`
	Description string `json:"description"`
	Identifier  string `json:"identifier"`
}

type suiteKey struct {
	app int64
	sha string
}

type checkSuite struct {
	id      int64
	app     *app
	sha     string
	created time.Time
	updated time.Time
	asked   bool // somebody asked for its runs again, and its App has not done anything since
}

type invite struct {
	id      int64
	repo    *repo
	invitee *account
	inviter *account
	perm    level
	created time.Time
}

type deployKey struct {
	id       int64
	title    string
	key      string
	readOnly bool
	addedBy  *account
	created  time.Time
}

type environment struct {
	id        int64
	name      string
	created   time.Time
	updated   time.Time
	wait      int
	reviewers []envReviewer
	noSelf    bool
	branches  *branchPolicy
	named     map[namedKey]*named
}

type envReviewer struct {
	kind string // User or Team
	id   int64
}

type branchPolicy struct {
	Protected bool `json:"protected_branches"`
	Custom    bool `json:"custom_branch_policies"`
}

// namedKey finds a secret or variable: names are case-insensitive, and kept in upper case.
type namedKey struct {
	store    string // actions, dependabot, codespaces, agents
	variable bool
	name     string
}

// named is a secret or variable. A secret's value is dropped on arrival.
type named struct {
	key        namedKey
	value      string // of a variable
	visibility string // in an organization: all, private or selected
	selected   map[int64]bool
	created    time.Time
	updated    time.Time
}

// app is a GitHub App.
type app struct {
	id       int64
	slug     string
	name     string
	bot      *account
	public   any // *rsa.PublicKey
	hookID   int64
	hookURL  string
	secret   string
	perms    map[string]string
	events   []string
	created  time.Time
	outbox   *outbox
	clientID string
}

// installation is an App on an account.
type installation struct {
	id        int64
	app       *app
	acct      *account
	all       bool
	repos     map[int64]bool
	perms     map[string]string
	suspended time.Time
	created   time.Time
	updated   time.Time
}

// covers says whether the installation may see the repository.
func (i *installation) covers(r *repo) bool {
	return r.owner == i.acct && (i.all || i.repos[r.id])
}

// nextID gives ids that are unique over all kinds, so that an id taken for another is never found.
func (h *Hub) nextID() int64 {
	h.lastID++
	return h.lastID
}

func (h *Hub) account(login string) *account { return h.logins[strings.ToLower(login)] }

// org finds an organization, or nil when the login is a person's.
func (h *Hub) org(login string) *org {
	if a := h.account(login); a != nil {
		return a.org
	}
	return nil
}

func (h *Hub) repo(owner, name string) *repo {
	return h.repos[strings.ToLower(owner+"/"+name)]
}

func (h *Hub) repoByFull(full string) *repo { return h.repos[strings.ToLower(full)] }

// now is the world's clock in whole seconds, as GitHub shows times.
func (h *Hub) now() time.Time { return h.opts.Now().UTC().Truncate(time.Second) }

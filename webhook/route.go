package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/google/go-github/v60/github"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

// Input is what Route decides from.
type Input struct {
	App   int64  // this App's id
	Event string // the event's name, as in X-GitHub-Event
	Body  []byte // the payload
	// Registry reports whether a repository is a registry. GitHub's names are the same in any case of letters.
	// Where it is nil, none is.
	Registry func(owner, name string) bool
	// Account returns the id of the account that an installation belongs to, or 0 if that is not known. Most payloads
	// name their installation by id only, so that without it (nil) they can't be held against their repository's owner.
	Account func(installation int64) int64
}

// Routing is what a delivery asks for: exactly one of Subjects and Rule is set.
type Routing struct {
	Subjects []workflow.Subject // to be looked at again; without repetition
	// Presses are those of a button of this App's check run, or of GitHub's own that runs it again, one for each pull
	// request that has it; At is not set.
	Presses []workflow.Press
	Rule    Rule // why there is nothing to look at
	// Misfit, for the log, tells of a value that did not fit though it did not matter; nil where all fits.
	Misfit *PayloadError
}

// Route says which subjects an event asks to look at again. It is a pure function and may be called concurrently. Its
// error is always a *PayloadError.
//
// The events and their payloads: https://docs.github.com/en/webhooks/webhook-events-and-payloads
func Route(in Input) (Routing, error) {
	if !isWatched(in.Event) {
		return ignore(RuleNotWatched), nil
	}
	e, err := readEnvelope(in.Event, in.Body)
	if err != nil {
		return Routing{}, err
	}
	if e.Installation.ID <= 0 {
		return ignore(RuleNoInstallation), nil
	}
	if isForeign(in, e) {
		return ignore(RuleForeignRepository), nil
	}
	event, misfit, err := readEvent(in.Event, in.Body)
	if err != nil {
		return Routing{}, err
	}
	out, err := (&router{in: in, envelope: e}).route(event)
	if misfit != nil && (err != nil || out.Rule != "") {
		// Perhaps what does not fit is what the rule asks for: not knowing is no reason to ignore.
		return Routing{}, misfit
	}
	if err != nil {
		return Routing{}, err
	}
	out.Misfit = misfit
	return out, nil
}

// isWatched reports whether any walk reads something that the event tells of. Each of these has a type in go-github.
func isWatched(event string) bool {
	switch event {
	case "issues", "issue_comment",
		"pull_request", "pull_request_review", "pull_request_review_comment", "pull_request_review_thread",
		"check_run", "check_suite", "merge_group", "push",
		"team", "team_add", "membership", "member", "organization", "repository",
		"installation", "installation_repositories", "installation_target":
		return true
	}
	return false
}

// isForeign reports whether a repository of the payload belongs to another account than the installation's.
func isForeign(in Input, e envelope) bool {
	if in.Event == "repository" && e.Action == "transferred" {
		return false // the account that loses it is told too, with the new owner in the payload
	}
	if in.Account != nil {
		if id := in.Account(e.Installation.ID); id != 0 && !e.Repository.belongsTo(account{ID: id}) {
			return true
		}
	}
	for _, list := range [][]repository{{e.Repository}, e.Repositories, e.RepositoriesAdded, e.RepositoriesRemoved} {
		for _, r := range list {
			if !r.belongsTo(e.Installation.Account) {
				return true
			}
		}
	}
	return false
}

func ignore(r Rule) Routing { return Routing{Rule: r} }

// router routes one payload.
type router struct {
	in       Input
	envelope envelope
}

func (r *router) route(event any) (Routing, error) {
	switch e := event.(type) {
	case *github.IssuesEvent:
		return r.conversation(workflow.IssueSubject, "issue.number", e.GetIssue().GetNumber())
	case *github.IssueCommentEvent:
		return r.comment(e)
	case *github.PullRequestEvent:
		return r.pull(e.GetPullRequest())
	case *github.PullRequestReviewEvent:
		return r.pull(e.GetPullRequest())
	case *github.PullRequestReviewCommentEvent:
		return r.pull(e.GetPullRequest())
	case *github.PullRequestReviewThreadEvent:
		return r.pull(e.GetPullRequest())
	case *github.CheckRunEvent:
		return r.checkRun(e)
	case *github.CheckSuiteEvent:
		return r.checkSuite(e)
	case *github.MergeGroupEvent:
		return r.mergeGroup(e)
	case *github.PushEvent:
		return r.push(e)
	case *github.InstallationEvent:
		if e.GetAction() == "deleted" || e.GetAction() == "suspend" {
			return ignore(RuleInstallationGone), nil
		}
	}
	// Who is on a team, or which repositories there are, can matter to all that is open.
	return r.installation(), nil
}

func (r *router) comment(e *github.IssueCommentEvent) (Routing, error) {
	c, err := readCommented(r.in.Event, r.in.Body)
	if err != nil {
		return Routing{}, err
	}
	if c.isOwn(r.in.App, r.envelope.Sender) {
		return ignore(RuleOwnComment), nil
	}
	// A pull request's conversation comes as an issue with a pull_request in it.
	kind := workflow.IssueSubject
	if c.Issue.Pull != nil {
		if kind = workflow.PullSubject; !r.onRegistry() {
			return ignore(RuleNotRegistry), nil
		}
	}
	return r.conversation(kind, "issue.number", e.GetIssue().GetNumber())
}

func (r *router) pull(p *github.PullRequest) (Routing, error) {
	if !r.onRegistry() {
		return ignore(RuleNotRegistry), nil
	}
	return r.conversation(workflow.PullSubject, "pull_request.number", p.GetNumber())
}

// check routes a request about a check of this App. Whether its head is still the pull request's is for the walk to see.
func (r *router) check(asked bool, app int64, pulls []*github.PullRequest) (Routing, error) {
	switch {
	case !r.onRegistry():
		return ignore(RuleNotRegistry), nil
	case !asked:
		return ignore(RuleCheckReport), nil
	case app == 0 || app != r.in.App:
		return ignore(RuleForeignCheck), nil
	}
	var out Routing
	seen := map[int]bool{}
	for _, p := range pulls {
		// The list has all pull requests with this head, also those into another repository of a fork's network.
		if base := p.GetBase().GetRepo().GetID(); seen[p.GetNumber()] || base != 0 && base != r.envelope.Repository.ID {
			continue
		}
		seen[p.GetNumber()] = true
		one, err := r.conversation(workflow.PullSubject, "pull_requests.number", p.GetNumber())
		if err != nil {
			return Routing{}, err
		}
		out.Subjects = append(out.Subjects, one.Subjects...)
	}
	if len(out.Subjects) == 0 {
		return ignore(RuleNoPull), nil
	}
	return out, nil
}

const (
	rerequested     = "rerequested"
	requestedAction = "requested_action"
)

func (r *router) checkRun(e *github.CheckRunEvent) (Routing, error) {
	run := e.GetCheckRun()
	asked := e.GetAction() == rerequested || e.GetAction() == requestedAction
	out, err := r.check(asked, run.GetApp().GetID(), run.PullRequests)
	switch button := e.GetRequestedAction(); {
	case e.GetAction() == rerequested:
		out.Presses = r.presses(out.Subjects, workflow.Rerun, run.GetHeadSHA())
	case len(out.Subjects) > 0 && button != nil && !isButton(button.Identifier):
		return ignore(RuleUnknownButton), nil
	case button != nil:
		out.Presses = r.presses(out.Subjects, button.Identifier, run.GetHeadSHA())
	}
	return out, err
}

func (r *router) checkSuite(e *github.CheckSuiteEvent) (Routing, error) {
	suite := e.GetCheckSuite()
	asked := e.GetAction() == rerequested || e.GetAction() == "requested"
	out, err := r.check(asked, suite.GetApp().GetID(), suite.PullRequests)
	if e.GetAction() == rerequested {
		out.Presses = r.presses(out.Subjects, workflow.Rerun, suite.GetHeadSHA())
	}
	return out, err
}

// isButton says whether a check run of this App has such a button (checks.Approvals).
func isButton(identifier string) bool {
	return slices.Contains([]string{string(approvals.Approve), string(approvals.Deny), approvals.ExplainCommand}, identifier)
}

// presses makes of an event that tells of a pressed button what is kept of it. It is named by the body, so that the same
// signed body under another delivery's id is the same press.
func (r *router) presses(pulls []workflow.Subject, button, head string) (out []workflow.Press) {
	sum := sha256.Sum256(r.in.Body)
	for _, p := range pulls {
		out = append(out, workflow.Press{
			ID: fmt.Sprintf("%s-%d", hex.EncodeToString(sum[:16]), p.Number), Subject: p, Action: button, Head: head,
			By:  identity.Person{ID: r.envelope.Sender.ID, Login: r.envelope.Sender.Login},
			Bot: r.envelope.Sender.Type != "User",
		})
	}
	return out
}

// queued is the ref that a merge queue makes for a pull request.
// https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/configuring-pull-request-merges/managing-a-merge-queue
var queued = regexp.MustCompile(`^refs/heads/gh-readonly-queue/.+/pr-([0-9]{1,9})-[0-9a-f]+$`)

func (r *router) mergeGroup(e *github.MergeGroupEvent) (Routing, error) {
	g := e.GetMergeGroup()
	switch {
	case !r.onRegistry():
		return ignore(RuleNotRegistry), nil
	case e.GetAction() != "checks_requested":
		return ignore(RuleCheckReport), nil
	case g.GetHeadSHA() == "" || g.GetBaseSHA() == "":
		return Routing{}, r.missing("merge_group.head_sha")
	}
	m := queued.FindStringSubmatch(g.GetHeadRef())
	if m == nil {
		return Routing{}, r.missing("merge_group.head_ref")
	}
	number, err := strconv.Atoi(m[1])
	if err != nil {
		return Routing{}, r.missing("merge_group.head_ref")
	}
	out, err := r.conversation(workflow.MergeGroupSubject, "merge_group.head_ref", number)
	for i := range out.Subjects {
		out.Subjects[i].Base, out.Subjects[i].Head = g.GetBaseSHA(), g.GetHeadSHA()
	}
	return out, err
}

func (r *router) push(e *github.PushEvent) (Routing, error) {
	branch := e.GetRepo().GetDefaultBranch()
	switch {
	case r.onRegistry() && branch == "":
		return Routing{}, r.missing("repository.default_branch")
	case !r.onRegistry() || e.GetRef() != "refs/heads/"+branch:
		return ignore(RuleNotDefaultBranch), nil
	}
	return r.installation(), nil
}

// conversation names an issue or pull request of the payload's repository.
func (r *router) conversation(kind workflow.SubjectKind, path string, number int) (Routing, error) {
	repo, err := r.repo()
	if err != nil {
		return Routing{}, err
	}
	if number <= 0 {
		return Routing{}, r.missing(path)
	}
	return Routing{Subjects: []workflow.Subject{{
		Installation: r.envelope.Installation.ID, Kind: kind, Repo: repo, Number: number,
	}}}, nil
}

func (r *router) installation() Routing {
	return Routing{Subjects: []workflow.Subject{{
		Installation: r.envelope.Installation.ID, Kind: workflow.InstallationSubject,
	}}}
}

func (r *router) repo() (identity.Repo, error) {
	repo, ok := r.envelope.Repository.repo()
	if !ok {
		return identity.Repo{}, r.missing("repository")
	}
	return repo, nil
}

// onRegistry reports whether the payload's repository is a registry.
func (r *router) onRegistry() bool {
	repo := r.envelope.Repository
	return r.in.Registry != nil && r.in.Registry(repo.Owner.Login, repo.Name)
}

func (r *router) missing(path string) error {
	return &PayloadError{Event: r.in.Event, Path: path, Problem: "missing"}
}

package workflow

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/checks"
	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/templates"
)

// observeChange reads everything that a change of the registry rests on: whose approval the changed paths need, always by
// the default branch's CODEOWNERS, and what is wrong with the records as the head has them. The pull request is read after
// all that was said about it.
func (w *Walker) observeChange(ctx context.Context, f *issueFacts) (err error) {
	at := f.subject.Place()
	if f.pullComments, err = w.Conversations.Comments(ctx, at); err != nil {
		return err
	}
	pull, err := w.Pulls.Pull(ctx, at)
	if err != nil {
		return err
	}
	f.pull = &pull
	if f.base, err = w.Repositories.Default(ctx, f.registry); err != nil {
		return fmt.Errorf("the registry %s: %w", f.registry.Repo, err)
	}
	if f.owners, err = w.readOwners(ctx, f.registry, f.base.SHA); err != nil {
		return err
	}
	if err := w.observeChangePolicy(ctx, f); err != nil {
		return err
	}
	if err := w.observeTrees(ctx, f); err != nil {
		return err
	}
	if f.tree, err = w.Repositories.Tree(ctx, f.registry, f.pull.Head); err != nil {
		return err
	}
	f.excludeAuthors(*f.pull)
	for _, path := range changedPaths(f.pull.Files) {
		f.needs = append(f.needs, f.owners.Need(approvals.Path, path, path))
	}
	if f.people, err = w.standBehind(ctx, f, f.needs); err != nil {
		return err
	}
	if f.checks, err = w.Pulls.Checks(ctx, at, f.pull.Head); err != nil {
		return err
	}
	f.problems, err = w.changedRecords(ctx, f.registry, f.pull.Head, f.pull.Files)
	return err
}

// observeChangePolicy reads the policy for its patience alone. One that is missing or in error asks for none: what else it
// says has no say over a change of the registry, which its owners approve.
func (w *Walker) observeChangePolicy(ctx context.Context, f *issueFacts) error {
	file, err := w.Repositories.File(ctx, f.registry, f.base.SHA, identity.PolicyPath)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	f.policy = file
	if rules, problems := identity.ParsePolicy(file.Path, file.Data); len(problems) == 0 {
		f.rules = rules
	}
	return nil
}

// changedPaths lists what a pull request touches: of a rename both ends.
func changedPaths(files []ChangedFile) (paths []string) {
	for _, file := range files {
		paths = append(paths, file.Path)
		if file.Previous != "" && file.Previous != file.Path {
			paths = append(paths, file.Previous)
		}
	}
	return paths
}

// mostRecords bounds how many records of one change are read: each takes a call, and who may open a pull request is not to
// use up what the installation may ask of GitHub.
const mostRecords = 100

// changedRecords says what is wrong with changed files as a commit has them.
func (w *Walker) changedRecords(ctx context.Context, at Place, commit string, files []ChangedFile) (problems []identity.Problem, err error) {
	records := 0
	for _, file := range files {
		if kind, _ := identity.RecordAt(file.Path); kind != identity.NoRecord {
			records++
		}
	}
	if records > mostRecords {
		return []identity.Problem{{
			What: fmt.Sprintf("%d records are changed at once, and %d are read at most", records, mostRecords), Hint: "split the pull request",
		}}, nil
	}
	for _, file := range files {
		found, err := w.changedRecord(ctx, at, commit, file)
		if err != nil {
			return nil, err
		}
		problems = append(problems, found...)
	}
	return problems, nil
}

// changedRecord says what is wrong with one file. A grant is written by keyreeve alone: one that a person writes names no
// issue that anybody could have approved.
func (w *Walker) changedRecord(ctx context.Context, at Place, commit string, file ChangedFile) ([]identity.Problem, error) {
	kind, _ := identity.RecordAt(file.Path)
	owners := file.Path == identity.CodeownersPath
	if file.Status == "removed" || kind == identity.NoRecord && !owners {
		return nil, nil
	}
	if kind == identity.GrantRecord {
		return []identity.Problem{{
			File: file.Path, What: "grants are written by keyreeve alone", Hint: "open an access request with the issue form, and take this file out of the pull request",
		}}, nil
	}
	read, err := w.Repositories.File(ctx, at, commit, file.Path)
	switch {
	case errors.Is(err, ErrNotFound):
		return []identity.Problem{{File: file.Path, What: "it is no plain file", Hint: "a record is neither a symbolic link nor a folder"}}, nil
	case err != nil:
		return nil, err
	}
	if owners {
		return ownersProblems(file.Path, read.Data), nil
	}
	return recordProblems(kind, file.Path, read.Data), nil
}

func recordProblems(kind identity.RecordKind, path string, data []byte) (problems []identity.Problem) {
	switch kind {
	case identity.PolicyRecord:
		_, problems = identity.ParsePolicy(path, data)
	case identity.UseCaseRecord:
		_, problems = identity.ParseUseCase(path, data)
	case identity.IdentityRecord:
		_, problems = identity.ParseIdentity(path, data)
	case identity.GrantRecord, identity.NoRecord:
	}
	return problems
}

func ownersProblems(path string, data []byte) (problems []identity.Problem) {
	for _, e := range approvals.ParseCodeowners(data).Errors {
		problems = append(problems, identity.Problem{File: path, Line: e.Line, Column: e.Column, What: e.Message, Hint: e.Suggestion})
	}
	return problems
}

// changeContent is what votes on a change are bound to: all files as they would be, and what of them is changed. Two heads
// with the same one change the same.
func (f issueFacts) changeContent() string {
	h := sha256.New()
	for _, file := range f.pull.Files {
		fmt.Fprintf(h, "%q %q %q %q\n", file.Path, file.Previous, file.Status, file.SHA)
	}
	fmt.Fprintf(h, "tree %q\n", f.tree)
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// decideChange is pure, as decideIssue is. A change is merged by people, once its checks are green.
func decideChange(f issueFacts) issueOutcome {
	out := issueOutcome{request: f.askedChange(), orders: f.decideOrders()}
	content := out.request.Digest
	a := asked{content: content, digest: content, head: f.pull.Head}
	// GitHub tells no time of a push: a comment is bound to what the pull request shows only where it showed just that when
	// the bot last looked.
	a.shown = f.stored.Request != nil && f.stored.Request.Shown == content
	ballot := collect(f.stored.Votes, a, nil, f.pullComments, f.pull.Reviews, f.stored.Presses, f.now)
	out.bindings = ballot.fresh
	facts := approvals.Facts{
		Digest: content, Head: f.pull.Head, Needs: f.needs, People: f.people, Excluded: f.excluded, Votes: ballot.votes,
		Locked: f.pull.Locked, Stopped: append(slices.Clone(f.stopped), ownGrants(f.pull.Files)...), SameTree: f.sameTree,
	}
	d := approvals.Decide(facts)
	out.decision = f.store(facts, d)
	out.request.Decision, out.request.State = out.decision.ID, verdictStates[d.Verdict]
	out.request.Changes = f.changes(d)
	out.again = f.now.Add(openLook)
	if hasUnknown(f.people) {
		out.again = f.now.Add(time.Minute)
	}
	expired := f.expired(&out)
	switch {
	case f.pull.Merged:
		out.request.State, out.unmerged, out.again = Ended, d.Verdict != approvals.Approved, time.Time{}
	case expired:
		out.request.State, out.again = Expired, time.Time{}
	case !f.pull.Open, len(f.cancels()) > 0:
		out.request.State, out.again = Cancelled, time.Time{}
	}
	f.wait(&out)
	return out
}

// ownGrants keeps a grant that a person brings from being approved here: it takes the approval of the owners of what it is
// for, which only a request asks. Its commit may be that of a request's own pull request, whose checks these would be too.
func ownGrants(files []ChangedFile) (stopped []approvals.Reason) {
	for _, file := range files {
		if kind, _ := identity.RecordAt(file.Path); kind == identity.GrantRecord && file.Status != "removed" {
			stopped = append(stopped, approvals.Reason{Code: approvals.ContentDiffers, Subject: file.Path, Detail: "grants are written by keyreeve alone"})
		}
	}
	return stopped
}

// askedChange is the change as its pull request has it now.
func (f issueFacts) askedChange() Request {
	content := f.changeContent()
	r := Request{
		Subject: f.subject, ID: identity.GrantID(f.subject.Repo, f.subject.Number), Requester: f.pull.Author, Title: f.pull.Title,
		Registry: f.registry.Repo, Digest: content, Pull: f.pull.Number, Shown: content,
	}
	if old := f.stored.Request; old != nil {
		r.Said = old.Said
		if old.Digest != content {
			r.Changes = []Change{{What: "what the pull request holds", From: shortDigest(old.Digest), To: shortDigest(content)}}
		}
	}
	return r
}

func shortDigest(d string) string {
	d = strings.TrimPrefix(d, "sha256:")
	return d[:min(len(d), 12)]
}

// planChange is the difference between what a change's conversation and checks should show, and what they show.
func planChange(f issueFacts, out issueOutcome) []Effect {
	p := planner{facts: f, out: out}
	if f.pull.Open && out.request.State != Cancelled && out.request.State != Expired {
		path := ""
		if len(f.pull.Files) > 0 {
			path = f.pull.Files[0].Path
		}
		p.showChecks(checks.Records(path, f.problems), checks.Approvals(out.decision.Decision))
	}
	p.answer()
	p.remind()
	p.respond()
	switch out.request.State { //nolint:exhaustive // the other states leave nothing behind
	case Cancelled:
		p.obey()
	case Expired:
		p.expire()
	}
	return p.effects
}

// change is what the one comment on a change says.
func (p *planner) change() templates.Change {
	f, r := p.facts, p.out.request
	c := templates.Change{
		ID: r.ID, State: string(r.State), Digest: r.Digest, Decision: &p.out.decision.Decision, Problems: f.problems,
		Unapproved: p.out.unmerged, Files: len(f.pull.Files), Merged: f.pull.Merged,
	}
	c.Voided, c.Changes = p.voided()
	return c
}

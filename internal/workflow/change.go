package workflow

import (
	"context"
	"errors"
	"fmt"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/checks"
	"github.com/keyreeve/keyreeve/internal/audit"
	"github.com/keyreeve/keyreeve/internal/identity"
)

// observeChange reads whose approval the changed paths need, always by the default branch's CODEOWNERS, and what is
// wrong with the records as the head has them.
func (w *Walker) observeChange(ctx context.Context, f *issueFacts) (err error) {
	if f.base, err = w.Repositories.Default(ctx, f.registry); err != nil {
		return fmt.Errorf("the registry %s: %w", f.registry.Repo, err)
	}
	if f.owners, err = w.readOwners(ctx, f.registry, f.base.SHA); err != nil {
		return err
	}
	f.excludeAuthors(*f.pull)
	for _, path := range changedPaths(f.pull.Files) {
		f.needs = append(f.needs, f.owners.need(approvals.Path, path, path))
	}
	if f.people, err = w.standBehind(ctx, f.subject.Installation, f.needs); err != nil {
		return err
	}
	if f.checks, err = w.Pulls.Checks(ctx, f.subject.Place(), f.pull.Head); err != nil {
		return err
	}
	for _, file := range f.pull.Files {
		problems, err := w.changedRecord(ctx, f, file)
		if err != nil {
			return err
		}
		f.problems = append(f.problems, problems...)
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

// changedRecord says what is wrong with one file as the head has it. A grant is
// written by keyreeve alone: one that a person writes names no issue that anybody could have approved.
func (w *Walker) changedRecord(ctx context.Context, f *issueFacts, file ChangedFile) ([]identity.Problem, error) {
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
	read, err := w.Repositories.File(ctx, f.registry, f.pull.Head, file.Path)
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

// turnOfChange decides and plans. Only approving reviews count here: GitHub binds a review to its commit, and a comment to none.
func (w *Walker) turnOfChange(f issueFacts) turn {
	content := "commit:" + f.pull.Head
	facts := approvals.Facts{
		Digest: content, Head: f.pull.Head, Needs: f.needs, People: f.people, Excluded: f.excluded,
		Locked: f.pull.Locked, Stopped: f.stopped,
	}
	for _, r := range f.pull.Reviews {
		if v, ok := reviewVote(r); ok {
			v.Digest = content
			facts.Votes = append(facts.Votes, v)
		}
	}
	decision := f.store(facts, approvals.Decide(facts))
	path := ""
	if len(f.pull.Files) > 0 {
		path = f.pull.Files[0].Path
	}
	t := turn{open: f.stored.Open, again: f.now.Add(openLook)}
	p := planner{facts: f}
	for _, run := range []checks.Run{checks.Records(path, f.problems), checks.Approvals(decision.Decision)} {
		if id, same := p.shown(run); !same {
			t.plan = append(t.plan, setCheck(f.subject.Place(), id, f.pull.Head, run))
		}
	}
	if len(t.plan) > 0 {
		t.commit.Decision = decision
		t.commit.Entries = append(t.commit.Entries, w.entry(f.subject, audit.Decided, "decided "+string(decision.Decision.Verdict), decision.ID, nil))
	}
	return t
}

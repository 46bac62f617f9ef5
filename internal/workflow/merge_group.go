package workflow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/checks"
)

// lookAtMergeGroup looks at what a merge queue is about to merge into a registry. The queue made a new commit, to which no
// approval was ever given: so the pull request that it was made for is decided anew, as things stand now, and what the
// commit changes has to be just what that pull request changes.
// https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/configuring-pull-request-merges/managing-a-merge-queue
func (w *Walker) lookAtMergeGroup(ctx context.Context, s Subject) (turn, error) {
	registry, served := w.Registry(s.Repo.Owner)
	if !served || !strings.EqualFold(registry.Name, s.Repo.Name) {
		return turn{}, nil
	}
	at := Place{Installation: s.Installation, Repo: s.Repo}
	files, truncated, err := w.Pulls.Changed(ctx, at, s.Base, s.Head)
	if errors.Is(err, ErrNotFound) {
		return turn{}, nil // the queue has dropped it
	}
	if err != nil {
		return turn{}, err
	}
	f, decision, err := w.decideQueued(ctx, s)
	if err != nil {
		return turn{}, err
	}
	if truncated || f.pull == nil || !sameFiles(files, f.pull.Files) {
		decision = f.refuse(s, "in the merge queue it changes something else")
	}
	d := decision.Decision
	problems, err := w.changedRecords(ctx, at, s.Head, withoutGrant(f, files))
	if err != nil {
		return turn{}, err
	}
	if f.checks, err = w.Pulls.Checks(ctx, at, s.Head); err != nil {
		return turn{}, err
	}
	w.Trace(Point{Subject: s, Step: Observed})
	return w.turnOfGroup(s, f, decision, d, checks.Records(firstPath(files), problems)), nil
}

// decideQueued decides a queued pull request anew.
func (w *Walker) decideQueued(ctx context.Context, s Subject) (f issueFacts, d *StoredDecision, err error) {
	pull := Subject{Installation: s.Installation, Kind: PullSubject, Repo: s.Repo, Number: s.Number}
	stored, err := w.Store.Load(ctx, pull)
	if err != nil {
		return f, nil, err
	}
	at := Place{Installation: s.Installation, Repo: s.Repo}
	f = issueFacts{now: w.Now(), subject: pull, stored: stored, registry: at}
	if stored.Request == nil || stored.Request.Subject.Kind == PullSubject {
		if err := w.observeChange(ctx, &f); err != nil {
			return f, nil, err
		}
		return f, decideChange(f).decision, nil
	}
	f.subject = stored.Request.Subject
	if err := w.observeIssue(ctx, &f); err != nil {
		return f, nil, err
	}
	out := decideIssue(f)
	if out.decision == nil || !f.holds(*out.request.Grant) || out.request.State == Cancelled || out.request.State == Expired {
		out.decision = f.refuse(s, "its request does not ask for it now")
	}
	return f, out.decision, nil
}

// refuse is the decision on a group that is not to be merged whatever was said of its pull request.
func (f issueFacts) refuse(s Subject, why string) *StoredDecision {
	facts := approvals.Facts{Head: s.Head, Stopped: []approvals.Reason{{
		Code: approvals.ContentDiffers, Subject: fmt.Sprintf("%s#%d", s.Repo, s.Number), Detail: why,
	}}}
	return f.store(facts, approvals.Decide(facts))
}

// turnOfGroup sets both check runs on the group's commit. A queue waits for its checks, and others wait behind it: what is
// not approved now fails at once rather than pending. Only what is not known yet is waited for.
func (w *Walker) turnOfGroup(s Subject, f issueFacts, decision *StoredDecision, d approvals.Decision, records checks.Run) turn {
	approval := checks.Approvals(d)
	approval.Actions = nil
	t := turn{}
	unknown := slices.ContainsFunc(d.Reasons, func(r approvals.Reason) bool {
		return r.Code == approvals.FactsUnknown || r.Code == approvals.MembershipUnknown
	})
	switch {
	case d.Verdict == approvals.Pending && unknown:
		t.again = f.now.Add(time.Minute)
	case d.Verdict == approvals.Pending:
		approval.Status, approval.Conclusion = "completed", "failure"
	}
	for _, run := range []checks.Run{records, approval} {
		if id, same := shownOn(f.checks, s.Head, run, run.Digest()); !same {
			at := Place{Installation: s.Installation, Repo: s.Repo, Number: s.Number}
			t.plan = append(t.plan, setCheck(at, id, s.Head, run, run.Digest()))
		}
	}
	if len(t.plan) > 0 {
		t.commit.Decision = decision
		t.commit.Entries = append(t.commit.Entries, w.decided(s, *decision))
	}
	return t
}

// sameFiles says whether two lists change the same files to the same contents.
func sameFiles(a, b []ChangedFile) bool {
	names := func(list []ChangedFile) (out []string) {
		for _, f := range list {
			out = append(out, fmt.Sprintf("%q %q %q %q", f.Path, f.Previous, f.Status, f.SHA))
		}
		slices.Sort(out)
		return out
	}
	return len(a) > 0 && slices.Equal(names(a), names(b))
}

// withoutGrant leaves out the record that a request's own pull request brings, which no person wrote.
func withoutGrant(f issueFacts, files []ChangedFile) []ChangedFile {
	if f.subject.Kind != IssueSubject || f.grant == nil {
		return files
	}
	return slices.DeleteFunc(slices.Clone(files), func(file ChangedFile) bool { return file.Path == f.grant.Path() })
}

func firstPath(files []ChangedFile) string {
	if len(files) == 0 {
		return ""
	}
	return files[0].Path
}

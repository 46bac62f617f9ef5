package forge_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyreeve/keyreeve/checks"
	"github.com/keyreeve/keyreeve/internal/forge"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

func TestBranchesAndFilesOnTheHub(t *testing.T) {
	g := newGitHub(t)
	ctx := context.Background()
	at := g.place("acme/identities", 0)
	base := must(g.forge.Default(ctx, at))(t)
	if base.Name != "main" || len(base.SHA) != 40 {
		t.Errorf("default branch: %+v", base)
	}
	for _, ref := range []string{"main", base.SHA} {
		f := must(g.forge.File(ctx, at, ref, ".github/CODEOWNERS"))(t)
		if string(f.Data) != registry[".github/CODEOWNERS"] || f.Path != ".github/CODEOWNERS" || len(f.SHA) != 40 {
			t.Errorf("file at %s: %+v", ref, f)
		}
	}
	calls := g.Calls()
	must(g.forge.File(ctx, at, base.SHA, ".github/CODEOWNERS"))(t)
	for route, n := range g.Calls() {
		if n != calls[route] {
			t.Errorf("a file that is known by its hash was asked for again: %s", route)
		}
	}
	if f := must(g.forge.File(ctx, at, "main", "grants/.gitkeep"))(t); len(f.Data) != 0 {
		t.Errorf("an empty file: %+v", f)
	}
	for _, path := range []string{"nothing.yaml", "grants", "grants/", "/keyreeve.yaml", "keyreeve.yaml/x", "", "grants/../keyreeve.yaml", "KEYREEVE.yaml"} {
		if f, err := g.forge.File(ctx, at, "main", path); !errors.Is(err, workflow.ErrNotFound) {
			t.Errorf("file %q: %+v, %v", path, f, err)
		}
	}
	for _, branch := range []string{"nothing", "", "main/x", "ma"} {
		if sha, err := g.forge.Tip(ctx, at, branch); !errors.Is(err, workflow.ErrNotFound) {
			t.Errorf("branch %q: %q, %v", branch, sha, err)
		}
	}
	if b, err := g.forge.Default(ctx, g.place("acme/empty", 0)); !errors.Is(err, workflow.ErrNotFound) {
		t.Errorf("an empty repository: %+v, %v", b, err)
	}
	taken := at
	taken.Repo.ID = g.place("acme/payments", 0).Repo.ID
	if b, err := g.forge.Default(ctx, taken); err == nil {
		t.Errorf("a repository whose name another has taken: %+v", b)
	}
}

func TestASymlinkIsNotAFile(t *testing.T) {
	g := newGitHub(t)
	dir := t.TempDir()
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args[0], err, out)
		}
	}
	git("clone", "-q", strings.Replace(g.URL(), "http://", "http://x-access-token:"+g.Token("alice")+"@", 1)+"/acme/identities.git", ".")
	for _, err := range []error{
		os.Symlink("../keyreeve.yaml", filepath.Join(dir, "grants", "link.yaml")),
		os.Symlink("grants", filepath.Join(dir, "dir")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	git("add", ".")
	git("-c", "user.name=alice", "-c", "user.email=alice@example.com", "commit", "-q", "-m", "links")
	git("push", "-q", "origin", "HEAD:main")

	at := g.place("acme/identities", 0)
	for _, path := range []string{"grants/link.yaml", "dir/.gitkeep", "dir"} {
		if f, err := g.forge.File(context.Background(), at, "main", path); !errors.Is(err, workflow.ErrNotFound) {
			t.Errorf("%s was read through a symlink: %+v, %v", path, f, err)
		}
	}
	must(g.forge.File(context.Background(), at, "main", "grants/.gitkeep"))(t)
}

func TestCodeownersErrorsOnTheHub(t *testing.T) {
	g := newGitHub(t)
	ctx := context.Background()
	at := g.place("acme/identities", 0)
	if got := must(g.forge.CodeownersErrors(ctx, at, "main"))(t); len(got) != 0 {
		t.Errorf("errors of a good file: %+v", got)
	}
	must(g.As("alice").Push("acme/identities", "main", map[string]string{".github/CODEOWNERS": "* @acme/security\n[ab] @bob\n"}, "break it"))(t)
	got := must(g.forge.CodeownersErrors(ctx, at, "main"))(t)
	if len(got) != 1 || got[0].Line != 2 || got[0].Path != ".github/CODEOWNERS" || got[0].Kind == "" || got[0].Message == "" {
		t.Errorf("errors: %+v", got)
	}
	if got, err := g.forge.CodeownersErrors(ctx, g.place("acme/payments", 0), "main"); err != nil || len(got) != 0 {
		t.Errorf("a repository without the file: %v, %v", got, err)
	}
}

func TestTreesAndChangesOnTheHub(t *testing.T) {
	g := newGitHub(t)
	ctx := context.Background()
	at := g.place("acme/identities", 0)
	before := must(g.forge.Default(ctx, at))(t).SHA
	must(g.As("alice").Push("acme/identities", "main", map[string]string{"a.txt": "one"}, "one"))(t)
	one := must(g.forge.Default(ctx, at))(t).SHA
	must(g.As("alice").Push("acme/identities", "main", map[string]string{"a.txt": "two", "b.txt": "b"}, "two"))(t)
	two := must(g.forge.Default(ctx, at))(t).SHA
	must(g.As("alice").Push("acme/identities", "main", map[string]string{"a.txt": "one"}, "three"))(t)

	if a, b := must(g.forge.Tree(ctx, at, one))(t), must(g.forge.Tree(ctx, at, two))(t); a == b || a != must(g.forge.Tree(ctx, at, one))(t) {
		t.Errorf("the trees are %s and %s", a, b)
	}
	for _, bad := range []string{"main", "", strings.Repeat("0", 40)} {
		if _, err := g.forge.Tree(ctx, at, bad); !errors.Is(err, workflow.ErrNotFound) {
			t.Errorf("the tree of %q: %v", bad, err)
		}
	}
	files, truncated, err := g.forge.Changed(ctx, at, before, two)
	if err != nil || truncated || len(files) != 2 || files[0].Path != "a.txt" || files[0].Status != "added" || files[0].SHA == "" || files[1].Path != "b.txt" {
		t.Errorf("changed: %+v, %v, %v", files, truncated, err)
	}
	if _, _, err := g.forge.Changed(ctx, at, two, before); !errors.Is(err, workflow.ErrNotFound) {
		t.Errorf("the other way round: %v", err)
	}
}

func TestOwnIssuesOnTheHub(t *testing.T) {
	g := newGitHub(t)
	ctx := context.Background()
	at := g.place("acme/identities", 0)
	must(g.As("alice").OpenIssue("acme/identities", "not keyreeve's", "text"))(t)
	g.apply(workflow.OpenIssue{At: at, Title: "Review", Body: "<!-- m -->", Labels: []string{"keyreeve-review"}}, workflow.OpenIssue{At: at, Title: "Other", Body: "x"})
	list := must(g.forge.OwnIssues(ctx, at, "keyreeve-review"))(t)
	if len(list) != 1 || list[0].Title != "Review" || !list[0].Open || !list[0].Bot {
		t.Fatalf("own issues: %+v", list)
	}
	if all := must(g.forge.OwnIssues(ctx, at, ""))(t); len(all) != 2 || all[0].Title != "Other" {
		t.Errorf("own issues of any label: %+v", all)
	}
	place := g.place("acme/identities", list[0].Number)
	if err := g.As("alice").SetIssueState("acme/identities", list[0].Number, "closed"); err != nil {
		t.Fatal(err)
	}
	closed := must(g.forge.Issue(ctx, place))(t)
	if closed.Open || closed.ClosedBy.Login != "alice" || closed.ClosedBy.ID == 0 {
		t.Errorf("closed: %+v", closed)
	}
	g.apply(workflow.ReopenIssue{At: place})
	if again := must(g.forge.Issue(ctx, place))(t); !again.Open || again.ClosedBy.ID != 0 {
		t.Errorf("opened again: %+v", again)
	}
}

// request writes a record on a branch and opens the pull request.
func (g *github) request(branch, path, content string) (workflow.WriteBranch, workflow.Place) {
	g.t.Helper()
	ctx := context.Background()
	at := g.place("acme/identities", 0)
	base := must(g.forge.Default(ctx, at))(g.t)
	write := workflow.WriteBranch{At: at, Branch: branch, From: base.SHA, Path: path, Content: []byte(content), Message: "Add " + path}
	g.apply(write, workflow.OpenPull{At: at, Branch: branch, Base: "main", Title: "Add " + path, Body: "of a request"})
	return write, g.place("acme/identities", must(g.forge.PullOf(ctx, at, branch))(g.t))
}

func TestWriteBranchOnTheHub(t *testing.T) {
	g := newGitHub(t)
	ctx := context.Background()
	write, _ := g.request("request/12", "grants/payments/a.yaml", "level: read\n")
	at, tip := write.At, must(g.forge.Tip(ctx, write.At, "request/12"))(t)

	g.apply(write) // again, as after a lost answer
	if again := must(g.forge.Tip(ctx, at, "request/12"))(t); again != tip {
		t.Errorf("writing the same again moved the branch from %s to %s", tip, again)
	}

	changed := write
	changed.Content = []byte("level: write\n")
	if err := g.forge.Apply(ctx, changed); !errors.Is(err, workflow.ErrConflict) {
		t.Errorf("writing over a branch that should not be there: %v", err)
	}
	must(g.As("alice").Push("acme/identities", "request/12", map[string]string{"smuggled.yaml": "x"}, "ride along"))(t)
	changed.Old = tip
	if err := g.forge.Apply(ctx, changed); !errors.Is(err, workflow.ErrConflict) {
		t.Errorf("writing over a branch that moved: %v", err)
	}
	changed.Old = must(g.forge.Tip(ctx, at, "request/12"))(t)
	g.apply(changed)
	if f := must(g.forge.File(ctx, at, "request/12", "grants/payments/a.yaml"))(t); string(f.Data) != "level: write\n" {
		t.Errorf("the file holds %q", f.Data)
	}
	if _, err := g.forge.File(ctx, at, "request/12", "smuggled.yaml"); !errors.Is(err, workflow.ErrNotFound) {
		t.Errorf("what rode along is still there: %v", err)
	}

	g.apply(workflow.DeleteBranch{At: at, Branch: "request/12"}, workflow.DeleteBranch{At: at, Branch: "request/12"})
	if _, err := g.forge.Tip(ctx, at, "request/12"); !errors.Is(err, workflow.ErrNotFound) {
		t.Errorf("the branch is still there: %v", err)
	}
}

func TestPullOnTheHub(t *testing.T) {
	g := newGitHub(t)
	ctx := context.Background()
	write, at := g.request("request/12", "grants/payments/a.yaml", "level: read\n")
	must(g.As("carol").Review("acme/identities", at.Number, "APPROVE", "good"))(t)

	p := must(g.forge.Pull(ctx, at))(t)
	if p.Number != at.Number || p.Title != "Add grants/payments/a.yaml" || p.Body != "of a request" || !p.Open || p.Merged || p.Draft || p.Fork || p.Truncated || p.MergeSHA != "" {
		t.Errorf("pull request: %+v", p)
	}
	if p.Author.Login != "keyreeve[bot]" || p.HeadRef != "request/12" || p.BaseRef != "main" || !p.Mergeable || p.Conflict || p.Locked {
		t.Errorf("pull request: %+v", p)
	}
	if len(p.Files) != 1 || p.Files[0].Path != write.Path || p.Files[0].Status != "added" || len(p.Files[0].SHA) != 40 {
		t.Errorf("files: %+v", p.Files)
	}
	if len(p.Commits) != 1 || p.Commits[0].SHA != p.Head || p.Commits[0].Author.Login != "keyreeve[bot]" || p.Commits[0].Message != write.Message {
		t.Errorf("commits: %+v", p.Commits)
	}
	if len(p.Reviews) != 1 || p.Reviews[0].State != "APPROVED" || p.Reviews[0].Head != p.Head || p.Reviews[0].By != g.person("carol") || p.Reviews[0].Bot || p.Reviews[0].At.IsZero() {
		t.Errorf("reviews: %+v", p.Reviews)
	}
	if i := must(g.forge.Issue(ctx, at))(t); !i.IsPull || !i.Bot {
		t.Errorf("as an issue: %+v", i)
	}

	g.apply(workflow.OpenPull{At: write.At, Branch: "request/12", Base: "main", Title: "again", Body: "b"}) // is open already
	g.apply(workflow.ClosePull{At: at}, workflow.ClosePull{At: at})
	if p = must(g.forge.Pull(ctx, at))(t); p.Open || p.Merged {
		t.Errorf("after closing: %+v", p)
	}
	g.apply(workflow.OpenPull{At: write.At, Branch: "request/12", Base: "main", Title: "a second one", Body: "b"})
	if n := must(g.forge.PullOf(ctx, write.At, "request/12"))(t); n <= at.Number {
		t.Errorf("PullOf gives %d, want the newest", n)
	}
	if n, err := g.forge.PullOf(ctx, write.At, "request/1"); !errors.Is(err, workflow.ErrNotFound) {
		t.Errorf("a branch without a pull request: %d, %v", n, err)
	}
	at.Number = 4711
	if _, err := g.forge.Pull(ctx, at); !errors.Is(err, workflow.ErrNotFound) {
		t.Errorf("a pull request that is not there: %v", err)
	}
}

func TestMergeOnTheHub(t *testing.T) {
	g := newGitHub(t)
	ctx := context.Background()
	write, at := g.request("request/12", "grants/payments/a.yaml", "level: read\n")
	head := must(g.forge.Tip(ctx, write.At, "request/12"))(t)
	merge := workflow.MergePull{At: at, Head: head, Title: "Add a grant", Message: "approved by carol"}

	stale := merge
	stale.Head = write.From
	if err := g.forge.Apply(ctx, stale); !errors.Is(err, workflow.ErrConflict) {
		t.Errorf("merging another head: %v", err)
	}
	if err := g.forge.Apply(ctx, workflow.MergePull{At: at}); err == nil {
		t.Error("a merge without a head was sent")
	}
	g.apply(merge, merge) // the second as after a lost answer
	p := must(g.forge.Pull(ctx, at))(t)
	if !p.Merged || p.Open || p.MergeSHA != must(g.forge.Tip(ctx, write.At, "main"))(t) {
		t.Errorf("after the merge: %+v", p)
	}
	if f := must(g.forge.File(ctx, write.At, "main", write.Path))(t); string(f.Data) != "level: read\n" {
		t.Errorf("main holds %q", f.Data)
	}
	if n := g.writes("PUT", "/merge"); n != 1 {
		t.Errorf("%d merges were accepted", n)
	}
	if err := g.forge.Apply(ctx, stale); !errors.Is(err, workflow.ErrConflict) {
		t.Errorf("merging another head than the one merged: %v", err)
	}

	_, conflicting := g.request("request/13", "keyreeve.yaml", "version: 2\n")
	must(g.As("alice").Push("acme/identities", "main", map[string]string{"keyreeve.yaml": "version: 3\n"}, "other"))(t)
	p = must(g.forge.Pull(ctx, conflicting))(t)
	if !p.Conflict || p.Mergeable {
		t.Errorf("a pull request in conflict: %+v", p)
	}
	if err := g.forge.Apply(ctx, workflow.MergePull{At: conflicting, Head: p.Head, Title: "t", Message: "m"}); !errors.Is(err, workflow.ErrConflict) {
		t.Errorf("merging a conflict: %v", err)
	}
}

func TestChecksOnTheHub(t *testing.T) {
	g := newGitHub(t)
	ctx := context.Background()
	_, at := g.request("request/12", "grants/payments/a.yaml", "level: read\n")
	head := must(g.forge.Pull(ctx, at))(t).Head
	set := workflow.SetCheck{At: at, Head: head, Name: "keyreeve / approvals", ExternalID: "d1", Status: "in_progress", Title: "Waiting", Summary: "for carol"}
	g.apply(set)
	all := must(g.forge.Checks(ctx, at, head))(t)
	if len(all) != 1 || all[0].Name != set.Name || all[0].ExternalID != "d1" || all[0].Status != "in_progress" || all[0].Conclusion != "" || all[0].Head != head {
		t.Fatalf("checks: %+v", all)
	}
	first := all[0].ID
	set.ID, set.ExternalID, set.Status, set.Conclusion, set.Title = first, "d2", "completed", "success", "Approved"
	g.apply(set, set)
	if all = must(g.forge.Checks(ctx, at, head))(t); len(all) != 1 || all[0].ID != first || all[0].ExternalID != "d2" || all[0].Conclusion != "success" {
		t.Errorf("after the update: %+v", all)
	}

	records := workflow.SetCheck{At: at, Head: head, Name: "keyreeve / records", ExternalID: "r1", Status: "completed", Conclusion: "failure", Title: "120 problems", Summary: "many"}
	for i := range 120 {
		records.Annotations = append(records.Annotations, checks.Annotation{Path: "grants/payments/a.yaml", Line: i, Column: i % 3, Level: "failure", Message: "wrong"})
	}
	g.apply(records)
	run := g.latest(at.Repo.String(), "keyreeve / records")
	if len(run.Annotations) != 120 || run.ExternalID != "r1" || run.Conclusion != "failure" || run.Annotations[0].StartLine != 1 || run.Annotations[119].StartLine != 119 {
		t.Errorf("the run has %d annotations, %+v", len(run.Annotations), run)
	}

	// Annotations can't be taken off a run: a new one takes its place.
	records.ID, records.ExternalID, records.Conclusion, records.Annotations = run.ID, "r2", "success", nil
	g.apply(records)
	if run = g.latest(at.Repo.String(), "keyreeve / records"); len(run.Annotations) != 0 || run.ExternalID != "r2" || run.Conclusion != "success" {
		t.Errorf("after the mend: %+v", run)
	}
	if all = must(g.forge.Checks(ctx, at, head))(t); len(all) != 2 {
		t.Errorf("latest checks: %+v", all)
	}
	if got, err := g.forge.Checks(ctx, at, "main"); err == nil {
		t.Errorf("checks of a branch's name: %+v", got)
	}
}

func (g *github) latest(repo, name string) (run hubCheck) {
	for _, c := range g.Snapshot().Repo(repo).CheckRuns {
		if c.Name == name && c.ID > run.ID {
			run = c
		}
	}
	return run
}

func TestAnotherAppsChecksAreNotOurs(t *testing.T) {
	g := newGitHub(t)
	_, at := g.request("request/12", "grants/payments/a.yaml", "level: read\n")
	head := must(g.forge.Pull(context.Background(), at))(t).Head
	other := must(g.AddApp(hubApp{Slug: "impostor", Name: "keyreeve", Permissions: granted}))(t)
	installation := must(g.Install(other.ID, "acme"))(t)
	f := must(forge.New(forge.Config{AppID: other.ID, PrivateKey: other.PrivateKeyPEM, BaseURL: g.URL() + "/"}))(t)
	theirs := at
	theirs.Installation = installation
	set := workflow.SetCheck{At: theirs, Head: head, Name: "keyreeve / approvals", ExternalID: "x", Status: "completed", Conclusion: "success", Title: "t", Summary: "s"}
	if err := f.Apply(context.Background(), set); err != nil {
		t.Fatal(err)
	}
	if got := must(g.forge.Checks(context.Background(), at, head))(t); len(got) != 0 {
		t.Errorf("another App's check was taken for ours: %+v", got)
	}
	if got := must(f.Checks(context.Background(), theirs, head))(t); len(got) != 1 {
		t.Errorf("the other App sees %+v", got)
	}
}

func TestApplyLeavesAccessToProviders(t *testing.T) {
	g := newGitHub(t)
	if err := g.forge.Apply(context.Background(), workflow.SetAccess{Installation: g.installation}); err == nil || len(g.Writes()) != 0 {
		t.Errorf("SetAccess: %v, %d writes", err, len(g.Writes()))
	}
}

func TestCommitFileOnTheHub(t *testing.T) {
	g := newGitHub(t)
	ctx := context.Background()
	at := g.place("acme/payments", 0)
	write := workflow.CommitFile{At: at, Branch: "main", Path: "keyreeve.checkpoint", Content: []byte("one\n"), Message: "one"}
	g.apply(write)
	first := must(g.forge.File(ctx, at, must(g.forge.Default(ctx, at))(t).SHA, write.Path))(t)
	if string(first.Data) != "one\n" {
		t.Errorf("the file is %q", first.Data)
	}
	write.Content, write.Message = []byte("two\n"), "two"
	if err := g.forge.Apply(ctx, write); !errors.Is(err, workflow.ErrConflict) {
		t.Errorf("over a file that was not observed: %v", err)
	}
	write.Old = first.SHA
	g.apply(write)
	if got := must(g.forge.File(ctx, at, must(g.forge.Default(ctx, at))(t).SHA, write.Path))(t); string(got.Data) != "two\n" {
		t.Errorf("the file is %q", got.Data)
	}
	accounts := must(g.forge.Accounts(ctx))(t)
	if len(accounts) != 1 || accounts[g.installation] != "acme" {
		t.Errorf("the accounts are %v", accounts)
	}
}

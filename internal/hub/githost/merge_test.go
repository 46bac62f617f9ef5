package githost

import (
	"slices"
	"strings"
	"testing"
	"time"
)

var bot = Signature{Name: "keyreeve[bot]", Email: "bot@example.com", When: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)}

func TestMerge(t *testing.T) {
	_, r := newRepo(t)
	lines := strings.Repeat("line\n", 20)
	root := commit(t, r, "main", "root", map[string]string{"shared": "top\n" + lines + "end\n", "gone": "x"})
	for _, b := range []string{"topic", "clash"} {
		if err := r.SetRef("refs/heads/"+b, root, ""); err != nil {
			t.Fatal(err)
		}
	}
	commit(t, r, "topic", "t1", map[string]string{"shared": "top\n" + lines + "END\n", "new": "n"})
	head := commit(t, r, "topic", "t2", map[string]string{"new": "n2", "gone": "-"})
	base := commit(t, r, "main", "m1", map[string]string{"shared": "TOP\n" + lines + "end\n"})
	commit(t, r, "clash", "c1", map[string]string{"shared": "other\n" + lines + "end\n"})
	commit(t, r, "island", "i1", map[string]string{"z": "z"})

	want := map[string]string{"shared": "TOP\n" + lines + "END\n", "new": "n2"}
	for _, c := range []struct {
		method   string
		parents  []string
		messages []string
	}{
		{"merge", []string{base, head}, nil},
		{"squash", []string{base}, []string{"title", "m1", "root"}},
		{"rebase", nil, []string{"t2", "t1", "m1", "root"}},
	} {
		t.Run(c.method, func(t *testing.T) {
			sha, err := r.Merge("main", "topic", c.method, bot, "title")
			if err != nil {
				t.Fatal(err)
			}
			wantContent(t, r, sha, want)
			got, err := r.ReadCommit(sha)
			if err != nil {
				t.Fatal(err)
			}
			if c.parents != nil && !slices.Equal(got.Parents, c.parents) {
				t.Errorf("parents %q, want %q", got.Parents, c.parents)
			}
			if got.Committer.Name != bot.Name {
				t.Errorf("committer %+v", got.Committer)
			}
			if c.method == "rebase" && got.Author.Name != "Alice" {
				t.Errorf("a rebased commit lost its author: %+v", got.Author)
			}
			log, err := r.Log(sha, "", "", 0)
			if err != nil {
				t.Fatal(err)
			}
			var messages []string
			for _, l := range log {
				messages = append(messages, l.Message)
			}
			if c.messages != nil && !slices.Equal(messages, c.messages) {
				t.Errorf("history %q, want %q", messages, c.messages)
			}
			if now, err := r.Resolve("main"); err != nil || now != base {
				t.Errorf("main moved to %s, %v", now, err)
			}
		})
	}
	for _, method := range []string{"merge", "squash", "rebase"} {
		_, err := r.Merge("main", "clash", method, bot, "m")
		wantErr(t, method+" of a conflict", err, ErrConflict)
		_, err = r.Merge("main", "island", method, bot, "m")
		wantErr(t, method+" of another history", err, ErrConflict)
		if sha, err := r.Merge("main", root, method, bot, "m"); err != nil || sha != base {
			t.Errorf("%s of what is there: %s, %v", method, sha, err)
		}
	}
	_, err := r.Merge("main", "topic", "octopus", bot, "m")
	wantErr(t, "unknown method", err, ErrInvalid)
	_, err = r.Merge("main", "none", "merge", bot, "m")
	wantErr(t, "unknown head", err, ErrNotFound)

	if got, err := r.MergeBase("main", "topic"); err != nil || got != root {
		t.Errorf("merge base %s, %v", got, err)
	}
	_, err = r.MergeBase("main", "island")
	wantErr(t, "merge base of another history", err, ErrNotFound)
	for pair, want := range map[[2]string]bool{{root, "main"}: true, {"main", root}: false, {"topic", "main"}: false, {"main", "main"}: true} {
		if got, err := r.IsAncestor(pair[0], pair[1]); err != nil || got != want {
			t.Errorf("%v: %v, %v", pair, got, err)
		}
	}
}

func TestRebaseLeavesOutWhatIsThere(t *testing.T) {
	_, r := newRepo(t)
	root := commit(t, r, "main", "root", map[string]string{"a": "1"})
	if err := r.SetRef("refs/heads/topic", root, ""); err != nil {
		t.Fatal(err)
	}
	commit(t, r, "topic", "same", map[string]string{"a": "2"})
	commit(t, r, "topic", "own", map[string]string{"b": "1"})
	base := commit(t, r, "main", "same, earlier", map[string]string{"a": "2"})
	sha, err := r.Merge("main", "topic", "rebase", bot, "")
	if err != nil {
		t.Fatal(err)
	}
	log, err := r.Log(sha, base, "", 0)
	if err != nil || len(log) != 1 || log[0].Message != "own" || !slices.Equal(log[0].Parents, []string{base}) {
		t.Errorf("%+v, %v", log, err)
	}
}

func TestDiff(t *testing.T) {
	_, r := newRepo(t)
	long := strings.Repeat("some line of text\n", 30)
	one := commit(t, r, "main", "1", map[string]string{"edit": "a\nb\nc\n", "drop": "x\n", "old name": long, "bin": "\x00\x01", "type": "target", "tail": "no newline"})
	link, err := r.WriteBlob([]byte("target"))
	if err != nil {
		t.Fatal(err)
	}
	commit(t, r, "main", "2", map[string]string{
		"edit": "a\nB\nc\ndiff --git a/x b/x\n", "drop": "-", "old name": "-", "new \"name\"": long + "more\n", "bin": "\x00\x02", "add": "n\n", "tail": "newline\n",
	})
	tree, err := r.WriteTree(must(t, r, "main"), []Entry{{Path: "type", Mode: "120000", Type: "blob", SHA: link}})
	if err != nil {
		t.Fatal(err)
	}
	two, err := r.WriteCommit(Commit{Tree: tree, Parents: []string{must(t, r, "main")}, Author: alice, Message: "2"})
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Diff(one, two)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		if !validSHA(got[i].SHA) {
			t.Errorf("%s: blob %q", got[i].Path, got[i].SHA)
		}
		got[i].SHA = ""
	}
	want := []Change{
		{Path: "add", Status: "added", Patch: "@@ -0,0 +1 @@\n+n", Additions: 1},
		{Path: "bin", Status: "modified"},
		{Path: "drop", Status: "removed", Patch: "@@ -1 +0,0 @@\n-x", Deletions: 1},
		{Path: "edit", Status: "modified", Patch: "@@ -1,3 +1,4 @@\n a\n-b\n+B\n c\n+diff --git a/x b/x", Additions: 2, Deletions: 1},
		{Path: "new \"name\"", Previous: "old name", Status: "renamed", Patch: "@@ -28,3 +28,4 @@ some line of text\n some line of text\n some line of text\n some line of text\n+more", Additions: 1},
		{Path: "tail", Status: "modified", Patch: "@@ -1 +1 @@\n-no newline\n\\ No newline at end of file\n+newline", Additions: 1, Deletions: 1},
		{Path: "type", Status: "modified"}, // the same bytes, as a link
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
	first, err := r.Diff("", one)
	if err != nil || len(first) != 6 || first[0].Status != "added" {
		t.Errorf("first commit: %+v, %v", first, err)
	}
	if none, err := r.Diff(one, one); err != nil || len(none) != 0 {
		t.Errorf("nothing: %+v, %v", none, err)
	}
	_, err = r.Diff(one, "none")
	wantErr(t, "unknown", err, ErrNotFound)
}

func must(t *testing.T, r *Repo, rev string) string {
	t.Helper()
	sha, err := r.Resolve(rev)
	if err != nil {
		t.Fatal(err)
	}
	return sha
}

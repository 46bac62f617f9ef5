package githost

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"
)

var alice = Signature{Name: "Alice", Email: "alice@example.com", When: time.Date(2026, 3, 1, 9, 0, 0, 0, time.FixedZone("", 3600))}

// files turns text into the argument of CommitFiles; "-" deletes.
func files(kv map[string]string) map[string]*[]byte {
	out := map[string]*[]byte{}
	for path, text := range kv {
		if text == "-" {
			out[path] = nil
			continue
		}
		data := []byte(text)
		out[path] = &data
	}
	return out
}

func newRepo(t *testing.T) (*Host, *Repo) {
	t.Helper()
	h, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	r, err := h.Create("acme", "identities", "main")
	if err != nil {
		t.Fatal(err)
	}
	return h, r
}

func commit(t *testing.T, r *Repo, branch, message string, kv map[string]string) string {
	t.Helper()
	sha, err := r.CommitFiles(branch, files(kv), alice, message)
	if err != nil {
		t.Fatal(err)
	}
	return sha
}

// content reads the whole tree at rev as path → text.
func content(t *testing.T, r *Repo, rev string) map[string]string {
	t.Helper()
	sha, err := r.Resolve(rev)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := r.ReadTree(sha, true)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, e := range entries {
		if e.Type != "blob" {
			continue
		}
		data, err := r.ReadBlob(e.SHA)
		if err != nil {
			t.Fatal(err)
		}
		if int64(len(data)) != e.Size {
			t.Errorf("%s: size %d, has %d bytes", e.Path, e.Size, len(data))
		}
		out[e.Path] = string(data)
	}
	return out
}

func wantContent(t *testing.T, r *Repo, rev string, want map[string]string) {
	t.Helper()
	if got := content(t, r, rev); !maps.Equal(got, want) {
		t.Errorf("%s holds %q, want %q", rev, got, want)
	}
}

func wantErr(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestCreateFindRename(t *testing.T) {
	h, r := newRepo(t)
	_, err := h.Create("Acme", "IDENTITIES", "main")
	wantErr(t, "the same name in another case", err, ErrExists)
	for _, bad := range [][2]string{{"..", "x"}, {"acme", ".."}, {"acme", "a/b"}, {"-x", "y"}, {"acme", "x.git"}, {"", "x"}, {".tmp", "x"}, {"acme", "a b"}} {
		_, err := h.Create(bad[0], bad[1], "main")
		wantErr(t, bad[0]+"/"+bad[1], err, ErrInvalid)
	}
	_, err = h.Create("acme", "other", "--evil")
	wantErr(t, "branch --evil", err, ErrInvalid)

	commit(t, r, "main", "first", map[string]string{"a": "1"})
	if _, err := h.Create("acme", "taken", "main"); err != nil {
		t.Fatal(err)
	}
	wantErr(t, "onto a taken name", h.Rename("acme", "identities", "acme", "Taken"), ErrExists)
	wantErr(t, "of nothing", h.Rename("acme", "none", "acme", "x"), ErrNotFound)
	if err := h.Rename("Acme", "Identities", "new-home", "people"); err != nil {
		t.Fatal(err)
	}
	if _, ok := h.Repo("acme", "identities"); ok {
		t.Error("the old name still works")
	}
	moved, ok := h.Repo("NEW-home", "People")
	if !ok || moved != r {
		t.Fatal("the repository is not under its new name")
	}
	wantContent(t, r, "main", map[string]string{"a": "1"})

	// Another Host on the same folder finds everything again.
	again, err := Open(h.dir)
	if err != nil {
		t.Fatal(err)
	}
	found, ok := again.Repo("new-home", "people")
	if !ok {
		t.Fatal("not found after reopening")
	}
	wantContent(t, found, "main", map[string]string{"a": "1"})
}

func TestCommitFiles(t *testing.T) {
	_, r := newRepo(t)
	if _, err := r.Resolve("main"); !errors.Is(err, ErrNotFound) {
		t.Errorf("unborn branch: %v", err)
	}
	odd := "docs/\"quoted\" \\ näme.md"
	first := commit(t, r, "main", "first\n\nbody", map[string]string{"a.txt": "1\n", odd: "x", "dir/deep/f": ""})
	wantContent(t, r, "main", map[string]string{"a.txt": "1\n", odd: "x", "dir/deep/f": ""})
	second := commit(t, r, "main", "second", map[string]string{"a.txt": "2\n", odd: "-", "dir": "now a file", "dir/deep/f": "-"})
	wantContent(t, r, "main", map[string]string{"a.txt": "2\n", "dir": "now a file"})

	c, err := r.ReadCommit(second)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(c.Parents, []string{first}) || c.Message != "second" || c.Author.Name != "Alice" ||
		!c.Author.When.Equal(alice.When) || c.Committer != c.Author {
		t.Errorf("second commit: %+v", c)
	}
	if c, err = r.ReadCommit(first); err != nil || len(c.Parents) != 0 || c.Message != "first\n\nbody" {
		t.Errorf("first commit: %+v, %v", c, err)
	}

	_, err = r.CommitFiles("main", files(map[string]string{"nope": "-"}), alice, "m")
	wantErr(t, "deleting what is not there", err, ErrNotFound)
	for _, path := range []string{"../x", "/x", "a//b", ".git/config", "x/.GIT/hooks", "", "a\nb", "a/./b"} {
		_, err = r.CommitFiles("main", files(map[string]string{path: "x"}), alice, "m")
		wantErr(t, path, err, ErrInvalid)
	}
	_, err = r.CommitFiles("a..b", nil, alice, "m")
	wantErr(t, "branch a..b", err, ErrInvalid)
}

func TestCommitFilesKeepsExecutable(t *testing.T) {
	_, r := newRepo(t)
	blob, err := r.WriteBlob([]byte("#!/bin/sh\n"))
	if err != nil {
		t.Fatal(err)
	}
	tree, err := r.WriteTree("", []Entry{{Path: "bin/run", Mode: "100755", Type: "blob", SHA: blob}})
	if err != nil {
		t.Fatal(err)
	}
	sha, err := r.WriteCommit(Commit{Tree: tree, Author: alice, Message: "m"})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.SetRef("refs/heads/main", sha, ""); err != nil {
		t.Fatal(err)
	}
	commit(t, r, "main", "edit", map[string]string{"bin/run": "#!/bin/sh\necho\n"})
	e, data, err := r.File("main", "bin/run")
	if err != nil || e.Mode != "100755" || string(data) != "#!/bin/sh\necho\n" {
		t.Errorf("%+v %q %v", e, data, err)
	}
}

func TestFile(t *testing.T) {
	_, r := newRepo(t)
	sha := commit(t, r, "main", "m", map[string]string{"a/b.txt": "text", "top": "t"})
	link, err := r.WriteBlob([]byte("a/b.txt"))
	if err != nil {
		t.Fatal(err)
	}
	tree, err := r.WriteTree(sha, []Entry{
		{Path: "link", Mode: "120000", Type: "blob", SHA: link},
		{Path: "sub", Mode: "160000", Type: "commit", SHA: sha},
	})
	if err != nil {
		t.Fatal(err)
	}
	withLink, err := r.WriteCommit(Commit{Tree: tree, Parents: []string{sha}, Author: alice, Message: "m"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		rev, path  string
		mode, kind string
		data       string
		none       bool
	}{
		{rev: "main", path: "a/b.txt", mode: "100644", kind: "blob", data: "text"},
		{rev: "refs/heads/main", path: "/top", mode: "100644", kind: "blob", data: "t"},
		{rev: sha[:8], path: "top", mode: "100644", kind: "blob", data: "t"},
		{rev: sha, path: "a", mode: "040000", kind: "tree"},
		{rev: "HEAD", path: "", mode: "040000", kind: "tree"},
		{rev: withLink, path: "link", mode: "120000", kind: "blob", data: "a/b.txt"},
		{rev: withLink, path: "sub", mode: "160000", kind: "commit"},
		{rev: "main", path: "link", none: true},
		{rev: "main", path: "top/x", none: true},
		{rev: "main", path: "../top", none: true},
		{rev: "none", path: "top", none: true},
		{rev: "--help", path: "top", none: true},
		{rev: "main:a", path: "b.txt", none: true},
	} {
		e, data, err := r.File(c.rev, c.path)
		if c.none {
			wantErr(t, c.rev+":"+c.path, err, ErrNotFound)
			continue
		}
		if err != nil || e.Mode != c.mode || e.Type != c.kind || string(data) != c.data || !validSHA(e.SHA) {
			t.Errorf("%s:%s: %+v %q %v", c.rev, c.path, e, data, err)
		}
	}
}

package githost

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestWriteTree(t *testing.T) {
	_, r := newRepo(t)
	blob := func(text string) string {
		sha, err := r.WriteBlob([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return sha
	}
	file := func(path, text string) Entry { return Entry{Path: path, Mode: "100644", Type: "blob", SHA: blob(text)} }
	base, err := r.WriteTree("", []Entry{file("a", "1"), file("d/x", "2"), file("d/y", "3"), file("e/f/g", "4")})
	if err != nil {
		t.Fatal(err)
	}
	folder, err := r.WriteTree("", []Entry{file("new", "5")})
	if err != nil {
		t.Fatal(err)
	}
	absent := strings.Repeat("12", 20)
	for _, c := range []struct {
		name    string
		base    string
		entries []Entry
		want    map[string]string
		err     error
	}{
		{name: "same", base: base, want: map[string]string{"a": "1", "d/x": "2", "d/y": "3", "e/f/g": "4"}},
		{name: "empty", base: "", want: map[string]string{}},
		{name: "edit, add, remove", base: base, entries: []Entry{file("a", "9"), file("d/n/m", "8"), {Path: "d/x"}, {Path: "e"}}, want: map[string]string{"a": "9", "d/n/m": "8", "d/y": "3"}},
		{name: "file for a folder", base: base, entries: []Entry{file("d", "f")}, want: map[string]string{"a": "1", "d": "f", "e/f/g": "4"}},
		{name: "folder for a file", base: base, entries: []Entry{file("a/b", "f")}, want: map[string]string{"a/b": "f", "d/x": "2", "d/y": "3", "e/f/g": "4"}},
		{name: "whole folder", base: base, entries: []Entry{{Path: "d", Mode: "040000", Type: "tree", SHA: folder}}, want: map[string]string{"a": "1", "d/new": "5", "e/f/g": "4"}},
		{name: "absent blob", base: base, entries: []Entry{{Path: "z", Mode: "100644", SHA: absent}}, err: ErrNotFound},
		{name: "absent base", base: absent, err: ErrNotFound},
		{name: "tree as a file", base: base, entries: []Entry{{Path: "z", Mode: "100644", SHA: folder}}, err: ErrInvalid},
		{name: "bad mode", base: base, entries: []Entry{{Path: "z", Mode: "100600", SHA: blob("1")}}, err: ErrInvalid},
		{name: "bad path", base: base, entries: []Entry{file("../z", "1")}, err: ErrInvalid},
		{name: "git folder", base: base, entries: []Entry{file(".git/hooks/x", "1")}, err: ErrInvalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			sha, err := r.WriteTree(c.base, c.entries)
			if c.err != nil {
				wantErr(t, c.name, err, c.err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			head, err := r.WriteCommit(Commit{Tree: sha, Author: alice, Message: "m"})
			if err != nil {
				t.Fatal(err)
			}
			wantContent(t, r, head, c.want)
		})
	}
	flat, err := r.ReadTree(base, false)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range flat {
		got = append(got, e.Mode+" "+e.Type+" "+e.Path)
	}
	if want := []string{"100644 blob a", "040000 tree d", "040000 tree e"}; !slices.Equal(got, want) {
		t.Errorf("flat: %q", got)
	}
	_, err = r.ReadTree(blob("1"), false)
	wantErr(t, "a blob as a tree", err, ErrNotFound)
	_, err = r.ReadBlob(base)
	wantErr(t, "a tree as a blob", err, ErrNotFound)
}

func TestCommitObject(t *testing.T) {
	_, r := newRepo(t)
	parent := commit(t, r, "main", "m", map[string]string{"a": "1"})
	tree, err := r.WriteTree("", nil)
	if err != nil {
		t.Fatal(err)
	}
	bob := Signature{Name: "Bob", Email: "bob@example.com", When: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	want := Commit{Tree: tree, Parents: []string{parent}, Author: alice, Committer: bob, Message: "subject\n\nBody with ünicode\n"}
	sha, err := r.WriteCommit(want)
	if err != nil {
		t.Fatal(err)
	}
	want.SHA = sha
	got, err := r.ReadCommit(sha)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Author.When.Equal(want.Author.When) || got.Author.When.Format(time.RFC3339) != want.Author.When.Format(time.RFC3339) {
		t.Errorf("author's time: %v, want %v", got.Author.When, want.Author.When)
	}
	got.Author.When, got.Committer.When = want.Author.When, want.Committer.When
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	// A name cannot forge another field.
	sha, err = r.WriteCommit(Commit{Tree: tree, Author: Signature{Name: "E <e@x>\nparent " + parent, Email: "<>", When: bob.When}, Message: "m"})
	if err != nil {
		t.Fatal(err)
	}
	if got, err = r.ReadCommit(sha); err != nil || len(got.Parents) != 0 || got.Author.Email != "" {
		t.Errorf("forged: %+v, %v", got, err)
	}
	for _, bad := range []struct {
		c    Commit
		want error
	}{
		{Commit{Tree: parent}, ErrNotFound},
		{Commit{Tree: tree, Parents: []string{tree}}, ErrNotFound},
		{Commit{Tree: "HEAD"}, ErrInvalid},
		{Commit{Tree: tree, Parents: []string{"-p"}}, ErrInvalid},
	} {
		_, err := r.WriteCommit(bad.c)
		wantErr(t, "bad commit", err, bad.want)
	}
	_, err = r.ReadCommit(tree)
	wantErr(t, "a tree as a commit", err, ErrNotFound)
	_, err = r.ReadCommit("main")
	wantErr(t, "a branch as a commit", err, ErrNotFound)
}

func TestLog(t *testing.T) {
	_, r := newRepo(t)
	one := commit(t, r, "main", "1", map[string]string{"a": "1", "b/x": "1"})
	two := commit(t, r, "main", "2", map[string]string{"a": "2"})
	three := commit(t, r, "main", "3", map[string]string{"b/x": "3"})
	for _, c := range []struct {
		from, not, path string
		limit           int
		want            []string
	}{
		{from: "main", want: []string{three, two, one}},
		{from: "main", limit: 2, want: []string{three, two}},
		{from: "main", not: one, want: []string{three, two}},
		{from: two, path: "b", want: []string{one}},
		{from: "main", path: "b/x", want: []string{three, one}},
		{from: "main", path: "none"},
		{from: "main", path: "../x"},
		{from: one, not: "main"},
	} {
		commits, err := r.Log(c.from, c.not, c.path, c.limit)
		var got []string
		for _, x := range commits {
			got = append(got, x.SHA)
		}
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%+v: %q, %v", c, got, err)
		}
	}
	_, err := r.Log("none", "", "", 0)
	wantErr(t, "unknown revision", err, ErrNotFound)
}

func FuzzParseBatch(f *testing.F) {
	f.Add([]byte("x missing\n"))
	f.Add([]byte(strings.Repeat("a", 40) + " blob 3\nabc\n"))
	f.Add([]byte(strings.Repeat("a", 40) + " blob 99999999999999\nabc\n"))
	f.Fuzz(func(t *testing.T, out []byte) {
		got, err := parseBatch(out, 1, true)
		if err == nil && (len(got) != 1 || got[0].size != int64(len(got[0].data))) {
			t.Errorf("%q: %+v", out, got)
		}
	})
}

func FuzzParseObjects(f *testing.F) {
	f.Add([]byte("tree " + strings.Repeat("a", 40) + "\nauthor A <a@x> 1 +0100\n\nm"))
	f.Add([]byte("100644 a\x00" + strings.Repeat("x", 20)))
	f.Add([]byte(":100644 100644 a b M\x00p\x001\t1\tp\x00\x00diff --git a/p b/p\n@@ -1 +1 @@\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := parseCommit("x", data); err == nil && !validSHA(c.Tree) {
			t.Errorf("commit without a tree from %q", data)
		}
		if entries, err := parseRawTree(data); err == nil {
			for _, e := range entries {
				if !validSHA(e.SHA) {
					t.Errorf("entry %+v from %q", e, data)
				}
			}
		}
		if changes, err := parseDiff(string(data)); err == nil {
			for _, c := range changes {
				if c.Status == "" || c.Status == typeChanged {
					t.Errorf("change %+v from %q", c, data)
				}
			}
		}
	})
}

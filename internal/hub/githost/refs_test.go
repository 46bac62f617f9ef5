package githost

import (
	"slices"
	"testing"
)

func TestRefs(t *testing.T) {
	_, r := newRepo(t)
	one := commit(t, r, "main", "1", map[string]string{"a": "1"})
	two := commit(t, r, "main", "2", map[string]string{"a": "2"})
	blob, err := r.WriteBlob([]byte("1"))
	if err != nil {
		t.Fatal(err)
	}
	absent := "1234567890123456789012345678901234567890"
	for _, c := range []struct {
		name, ref, sha, old string
		want                error
	}{
		{"create", "refs/heads/topic", one, "", nil},
		{"create again", "refs/heads/topic", two, "", ErrExists},
		{"move with the right value", "refs/heads/topic", two, one, nil},
		{"move with a stale value", "refs/heads/topic", two, one, ErrStale},
		{"move what is not there", "refs/heads/none", two, one, ErrStale},
		{"force", "refs/heads/topic", one, "*", nil},
		{"force what is not there", "refs/heads/forced", one, "*", nil},
		{"pull head", "refs/pull/1/head", one, "*", nil},
		{"unknown object", "refs/heads/x", absent, "", ErrNotFound},
		{"branch on a blob", "refs/heads/x", blob, "", ErrInvalid},
		{"tag on a blob", "refs/tags/b", blob, "", nil},
		{"file beside a folder", "refs/heads/topic/sub", one, "", ErrExists},
		{"short name", "topic", one, "", ErrInvalid},
		{"option", "--stdin", one, "", ErrInvalid},
		{"two dots", "refs/heads/a..b", one, "", ErrInvalid},
		{"blank", "refs/heads/a b", one, "", ErrInvalid},
		{"bad id", "refs/heads/a", "main", "", ErrInvalid},
	} {
		got := r.SetRef(c.ref, c.sha, c.old)
		if c.want == nil && got != nil {
			t.Errorf("%s: %v", c.name, got)
		} else if c.want != nil {
			wantErr(t, c.name, got, c.want)
		}
	}
	if err := r.DeleteRef("refs/heads/forced"); err != nil {
		t.Error(err)
	}
	wantErr(t, "delete twice", r.DeleteRef("refs/heads/forced"), ErrNotFound)

	got, err := r.Refs("")
	want := []Ref{
		{"refs/heads/main", two, "commit"},
		{"refs/heads/topic", one, "commit"},
		{"refs/pull/1/head", one, "commit"},
		{"refs/tags/b", blob, "blob"},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	if got, err = r.Refs("refs/heads/to"); err != nil || !slices.Equal(got, want[1:2]) {
		t.Errorf("by prefix: %v, %v", got, err)
	}
}

func TestResolve(t *testing.T) {
	_, r := newRepo(t)
	one := commit(t, r, "main", "1", map[string]string{"a": "1"})
	two := commit(t, r, "both", "2", map[string]string{"a": "2"})
	for ref, sha := range map[string]string{"refs/tags/both": one, "refs/tags/v1": one, "refs/heads/feature/x": two} {
		if err := r.SetRef(ref, sha, ""); err != nil {
			t.Fatal(err)
		}
	}
	for rev, want := range map[string]string{
		"main": one, "both": two, "tags/both": one, "heads/both": two, "refs/tags/both": one, "v1": one, "feature/x": two,
		"HEAD": one, one: one, one[:7]: one, "refs/heads/main": one,
		"": "", "none": "", one[:6]: "", "-x": "", "main~1": "", "main^{tree}": "", "main:a": "", "a\nb": "", ":/1": "", "@{-1}": "",
	} {
		got, err := r.Resolve(rev)
		if got != want {
			t.Errorf("%q: %q, want %q", rev, got, want)
		}
		if want == "" {
			wantErr(t, rev, err, ErrNotFound)
		}
	}
}

func TestNames(t *testing.T) {
	for version, want := range map[string]bool{
		"git version 2.38.0": true, "git version 2.39.5 (Apple Git-154)": true, "git version 3.0.1": true,
		"git version 2.37.9": false, "git version 1.99.0": false, "hg 6": false, "git version 2.50.0.windows.1": true,
	} {
		if got := recentGit(version); got != want {
			t.Errorf("%q: %v", version, got)
		}
	}
	for ref, want := range map[string]bool{
		"refs/heads/main": true, "refs/heads/a/b.c": true, "refs/heads/ä": true,
		"refs/heads": false, "heads/main": false, "refs/heads/": false, "refs/heads/.a": false, "refs/heads/a.lock": false,
		"refs/heads/a@{1}": false, "refs/heads/a\\b": false, "refs/heads/-a": false, "refs//heads": false, "refs/heads/a.": false,
		"refs/heads/a*": false, "refs/heads/\x7f": false, "refs/heads/\xff": false,
	} {
		if got := validRef(ref); got != want {
			t.Errorf("%q: %v", ref, got)
		}
	}
}

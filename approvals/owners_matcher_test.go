package approvals

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// wildLine draws lines of a CODEOWNERS over few letters, so that patterns meet paths and one another; some are in error.
func wildLine() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		pattern := rapid.StringMatching(`/?((a|b|ab|a\*|\*b|a\*b|a\?|\?|\*a\*|\\a|a\\\*|\*\\b|ä\*|\*ä|\*|\*\*|\*\*a|(a|b|ä|\*|\?){1,4})/){0,4}(a|b|ab|a\*|\*\.b|\?b|\*|\*\*|ä)?`).Draw(t, "pattern")
		return rapid.SampledFrom([]string{"", "", "", "", "!", "[x]", "/", "#"}).Draw(t, "spoiled") + pattern +
			rapid.SampledFrom([]string{" @a", " @b", " @a @b", "", " nobody", " # none"}).Draw(t, "owners")
	})
}

func wildPath() *rapid.Generator[string] {
	return rapid.StringMatching(`/?((a|b|ab|aa|aab|c|ä|äb|a\*|x)/){0,5}(a|b|ab|aab|c\.b|\.b|ä|bä)?`)
}

// agree holds the compiled form to the linear one.
func agree(t interface {
	Fatalf(format string, args ...any)
}, data []byte, path string,
) {
	c := ParseCodeowners(data)
	want, wantOK := linear(c, path)
	if got, ok := c.Match(path); got.Line != want.Line || ok != wantOK {
		t.Fatalf("%q: compiled, line %d decides %q, %v; one by one, line %d, %v", data, got.Line, path, ok, want.Line, wantOK)
	}
	if got, want := c.ErrorTouches(path), linearTouches(data, path); len(got) != len(want) || len(got) > 0 && !reflect.DeepEqual(got, want) {
		t.Fatalf("%q: compiled, %q is touched by\n%v; one by one, by\n%v", data, path, got, want)
	}
}

func TestCompiledIsLinear(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		file := strings.Join(rapid.SliceOfN(wildLine(), 0, 60).Draw(t, "lines"), "\n")
		for _, path := range rapid.SliceOfN(wildPath(), 1, 10).Draw(t, "paths") {
			agree(t, []byte(file), path)
		}
	})
}

// TestCompiledWildcards has many segments with wildcards side by side, so that they are looked up by their literal parts.
func TestCompiledWildcards(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		segment := rapid.StringMatching(`(a|b|ä|\*|\?|\\a|\\\*){1,6}`)
		var file strings.Builder
		for _, s := range rapid.SliceOfN(segment, 1, 60).Draw(t, "segments") {
			file.WriteString("/x/" + s + " @a\n")
		}
		for _, name := range rapid.SliceOfN(rapid.StringMatching(`(a|b|ä|\*){1,6}`), 1, 10).Draw(t, "names") {
			agree(t, []byte(file.String()), "x/"+name)
		}
	})
}

func FuzzMatch(f *testing.F) {
	for _, seed := range []struct{ file, path string }{
		{"* @a\n*.js @b\n/docs/ @c\ndocs/* @d", "docs/x.js"},
		{"**/a/**/b/**/a @a\na*/**/*b @b", "a/b/a/b/a"},
		{"**/ @a\n*/ @b\n**/** @c\n/** @d", "a/b"},
		{"a?/\\a*\\*/ä* @a\n?? @b", "aä/a*/ä"},
		{"!x @a\n[a]b @a\n* nobody", "b/x"},
		{"a//b @a\n/ @b", "a//b"},
		{"* @a", ""},
	} {
		f.Add([]byte(seed.file), seed.path)
	}
	f.Fuzz(func(t *testing.T, data []byte, path string) { agree(t, data, path) })
}

// TestMatchConcurrently is for the race detector: the index is made once, by whoever asks first.
func TestMatchConcurrently(t *testing.T) {
	c := ParseCodeowners([]byte("* @a\n**/b/**/c @b\n* nobody\n/x/*.js @c\n"))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 200 {
				path := fmt.Sprintf("x/%d.js", i)
				if r, ok := c.Match(path); !ok || r.Line != 4 {
					t.Errorf("%s: line %d", path, r.Line)
				}
				if errs := c.ErrorTouches("a/b/c"); len(errs) != 1 || errs[0].Line != 3 {
					t.Errorf("touched by %v", errs)
				}
			}
		})
	}
	all.Wait()
}

func TestZeroCodeowners(t *testing.T) {
	var c Codeowners
	if r, ok := c.Match("a"); ok || r.Line != 0 || len(c.ErrorTouches("a")) != 0 {
		t.Errorf("matched by line %d", r.Line)
	}
}

// TestManyErrors: a path that very many lines in error touch costs no more than the lines that are returned.
func TestManyErrors(t *testing.T) {
	c := ParseCodeowners([]byte(strings.Repeat("* nobody\n", 1000) + "/later @a\n" + strings.Repeat("/later nobody\n", 5)))
	if got := c.ErrorTouches("a"); len(got) != touchesLimit || got[0].Line != 1 || got[touchesLimit-1].Line != touchesLimit {
		t.Errorf("%d lines, from %d to %d", len(got), got[0].Line, got[len(got)-1].Line)
	}
	if got := c.ErrorTouches("later"); len(got) != 5 || got[0].Line != 1002 {
		t.Errorf("%v", got)
	}
}

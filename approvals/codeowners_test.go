package approvals

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestLines(t *testing.T) {
	c := ParseCodeowners([]byte(strings.Join([]string{
		"# a comment",
		"",
		"*       @Acme/Security @alice # all of it",
		"   /docs/\t@bob\r",
		"/docs/internal/",
		"*.md docs@Example.com @alice @ALICE",
		"  # an indented comment",
		"/none # nobody",
	}, "\n")))
	if len(c.Errors) > 0 {
		t.Fatalf("errors: %v", c.Errors)
	}
	for _, want := range []struct {
		path   string
		line   int
		owners []string
	}{
		{"main.go", 3, []string{"@acme/security", "@alice"}},
		{"docs/a", 4, []string{"@bob"}},
		{"docs/internal/a", 5, nil},
		{"docs/internal/a.md", 6, []string{"docs@example.com", "@alice"}},
		{"none", 8, nil},
		{"/main.go", 3, []string{"@acme/security", "@alice"}},
		{ResourcePath, 3, []string{"@acme/security", "@alice"}},
	} {
		r, ok := c.Match(want.path)
		if !ok || r.Line != want.line || !slices.Equal(r.Owners, want.owners) {
			t.Errorf("%s: line %d, owners %v, %v; want line %d, owners %v", want.path, r.Line, r.Owners, ok, want.line, want.owners)
		}
	}
}

func TestOwnersAsWritten(t *testing.T) {
	c := ParseCodeowners([]byte("* @Acme/Security @alice @ALICE Docs@Example.com # all\n/x # nobody\n"))
	if got, want := c.Rules[0].OwnersAsWritten(), []string{"@Acme/Security", "@alice", "Docs@Example.com"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := c.Rules[1].OwnersAsWritten(); len(got) != 0 || len(c.Rules[1].Owners) != 0 {
		t.Errorf("%q", got)
	}
}

func TestNoRuleMatches(t *testing.T) {
	if r, ok := ParseCodeowners([]byte("/docs/ @a\n")).Match("main.go"); ok {
		t.Errorf("matched by line %d", r.Line)
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		line       string
		want       string // column, kind and suggestion
		touches    string // paths
		leavesOut  string
		suggestion string
	}{
		{"* user", `3 Invalid owner`, "a a/b", "", "did you mean @user?"},
		{"*.js @a bad/owner @b", `9 Invalid owner`, "a.js", "a.go", ""},
		{"/x @", `4 Invalid owner`, "x x/y", "y", ""},
		{"/x @org/", `4 Invalid owner`, "x", "y", ""},
		{"/x @org/team/more", `4 Invalid owner`, "x", "y", ""},
		{"/x @-a", `4 Invalid owner`, "x", "y", ""},
		{"/x a@b", `4 Invalid owner`, "x", "y", ""},
		{"/x @a,@b", `4 Invalid owner`, "x", "y", ""},
		{"/x @a#b", `4 Invalid owner`, "x", "y", ""},
		{"/x @älice", `4 Invalid owner`, "x", "y", ""},
		{"/ä @a ö", `7 Invalid owner`, "ä", "y", ""},
		{"/ @a", `1 Invalid pattern`, "a a/b", "", "did you mean * instead?"},
		{"!*.md @a", `1 Invalid pattern`, "a.md x/a.md", "a.go", "give the path a line of its own, without owners"},
		{`\#x @a`, `1 Invalid pattern`, "#x a/#x", "y", "use ? for the #"},
		{"c#/ @a", `2 Invalid pattern`, "c#/x c/x", "d/x", "put a space before a comment, or use ? for the #"},
		{"/f[ab].js @a", `3 Invalid pattern`, "fa.js fb.js", "ga.js", "use * or ?, or several lines"},
		{"[Section] @a", `1 Invalid pattern`, "x", "", "use * or ?, or several lines"},
		{"/a*** @a", `3 Invalid pattern`, "ab", "b", "did you mean /a**?"},
		{"/a//b @a", `4 Invalid pattern`, "a/b a/b/c", "b", "write the path from the root of the repository"},
		{"./a @a", `1 Invalid pattern`, "a", "b", "write the path from the root of the repository"},
		{"/a/../b @a", `4 Invalid pattern`, "a/b b", "c", "write the path from the root of the repository"},
		{`a\`, `2 Invalid pattern`, "a ab", "b", "use / between directories"},
		{"a\x00b @a", `2 Invalid pattern`, "axb", "c", "delete it"},
		{"a\xffb @a", `1 Invalid pattern`, "axb", "c", ""},
		{"\ufeff* @a", `1 Invalid pattern`, "a a/b", "", "delete it"},
	} {
		t.Run(c.line, func(t *testing.T) {
			parsed := ParseCodeowners([]byte("# one\n" + c.line + "\n\n/later @b\n"))
			if len(parsed.Errors) != 1 || len(parsed.Rules) != 1 || parsed.Rules[0].Line != 4 {
				t.Fatalf("errors %v, rules %v: want this line skipped and no other", parsed.Errors, parsed.Rules)
			}
			e := parsed.Errors[0]
			if got := fmt.Sprintf("%d %s", e.Column, e.Kind); e.Line != 2 || got != c.want || e.Message == "" || e.Suggestion != c.suggestion {
				t.Errorf("line %d: %s (%q), want line 2: %s (%q)", e.Line, got, e.Suggestion, c.want, c.suggestion)
			}
			for p := range strings.FieldsSeq(c.touches) {
				if len(parsed.ErrorTouches(p)) != 1 {
					t.Errorf("does not touch %q", p)
				}
			}
			for p := range strings.FieldsSeq(c.leavesOut) {
				if len(parsed.ErrorTouches(p)) != 0 {
					t.Errorf("touches %q", p)
				}
			}
			if len(parsed.ErrorTouches("later")) != 0 {
				t.Error("touches a path that a later valid line decides")
			}
		})
	}
}

func TestTooLarge(t *testing.T) {
	line := []byte("* @a\n")
	data := append(slices.Clone(line), make([]byte, CodeownersLimit+1-len(line))...)
	c := ParseCodeowners(data)
	if _, ok := c.Match("a"); ok || !c.TooLarge {
		t.Errorf("3 MB: too large %v, matched %v", c.TooLarge, ok)
	}
	c = ParseCodeowners(data[:CodeownersLimit])
	if _, ok := c.Match("a"); !ok || c.TooLarge {
		t.Errorf("a byte less: too large %v, matched %v", c.TooLarge, ok)
	}
}

// The oracle is hmarr/codeowners, on patterns where it and GitHub agree.
func FuzzParseCodeowners(f *testing.F) {
	for _, s := range []string{
		"* @a", "/ @a", "a//b @a\n", "\\# @a", "!x @a", "[a] b", "docs/** x@example.com", "a\\ b @a/b # c", "/a***/b\r\n*", "**/ @a\n?*?\\?", "\ufeff* @a",
	} {
		f.Add([]byte(s), "a/b")
	}
	f.Fuzz(func(t *testing.T, data []byte, path string) {
		c := ParseCodeowners(data)
		last := 0
		for _, r := range c.Rules {
			if r.Line <= last {
				t.Fatalf("line %d after %d", r.Line, last)
			}
			last = r.Line
			for _, o := range r.Owners {
				if checkOwner(o) != nil {
					t.Fatalf("owner %q", o)
				}
			}
			if written := r.OwnersAsWritten(); !slices.EqualFunc(written, r.Owners, strings.EqualFold) {
				t.Fatalf("owners %q, written %q", r.Owners, written)
			}
		}
		for _, e := range c.Errors {
			if e.Column < 1 || e.Kind == "" || e.Message == "" {
				t.Fatalf("%+v", e)
			}
		}
		if r, ok := c.Match(path); ok && !slices.ContainsFunc(c.Rules, func(q Rule) bool { return q.Line == r.Line }) {
			t.Fatalf("matched by line %d, which is not a rule", r.Line)
		}
		c.ErrorTouches(path)
	})
}

package approvals

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	oracle "github.com/hmarr/codeowners"
	"pgregory.net/rapid"
)

func TestPatterns(t *testing.T) {
	for _, c := range []struct{ pattern, yes, no string }{
		// From GitHub's own example file.
		{"*", "a a/b a/b/c .github/x", ""},
		{"*.js", "a.js b/a.js a/b/c.js", "a.jsx a.JS js"},
		{"*.go", "main.go cmd/x/main.go", "main.gox"},
		{"/build/logs/", "build/logs/a build/logs/a/b", "build/logs a/build/logs/x"},
		{"docs/*", "docs/getting-started.md", "docs/build-app/troubleshooting.md docs a/docs/x"},
		{"apps/", "apps/a apps/a/b x/apps/a", "apps x/apps myapps/a"},
		{"/docs/", "docs/a docs/a/b", "docs x/docs/a"},
		{"/scripts/", "scripts/a", "x/scripts/a"},
		{"**/logs", "logs logs/a build/logs build/logs/a deeply/nested/logs/a", "logsx build/xlogs"},
		{"/apps/github", "apps/github apps/github/a", "apps/githubs x/apps/github apps"},
		// Around them.
		{"/*", "a .b", "a/b"},
		{"/docs/*", "docs/a", "docs/a/b"},
		{"**/docs/*", "docs/a x/docs/a x/y/docs/a", "x/docs/a/b"},
		{"docs/**", "docs/a docs/a/b", "docs x/docs/a"},
		{"docs/**/*.md", "docs/a.md docs/x/a.md docs/x/y/a.md", "docs/a.mdx a.md"},
		{"a/**/b", "a/b a/x/b a/x/y/b a/x/b/c", "ab a/xb b"},
		{"**", "a a/b", ""},
		{"/**", "a a/b", ""},
		{"**/", "a/b a/b/c", "a"},
		{"docs/**/", "docs/a/b docs/a/b/c", "docs/a docs"},
		{"*/", "a/b", "a"},
		{"docs/*/", "docs/a/b docs/a/b/c", "docs/a"},
		{"docs/*/x", "docs/a/x docs/a/x/y", "docs/x docs/a/b/x"},
		{"docs/*.md", "docs/a.md", "docs/x/a.md a.md"},
		{"foo", "foo foo/a x/foo x/foo/a", "foo.txt xfoo FOO Foo/a"},
		{"foo/bar", "foo/bar foo/bar/a", "x/foo/bar foo/barx"},
		{"/foo/bar", "foo/bar", "x/foo/bar"},
		{"a?c", "abc aäc x/abc", "ac abbc a/c"},
		{"a*c", "ac abc axxxc", "a/c acx"},
		{"*a*b*", "ab xaxbx", "ba"},
		{"**.js", "a.js x/a.js", "js"},
		{`a\*b`, "a*b x/a*b", "axb"},
		{"straße/", "straße/x", "strasse/x"},
		{"@scope/x", "@scope/x", "scope/x"},
	} {
		checkPatternRow(t, c.pattern, strings.Fields(c.yes), strings.Fields(c.no))
	}
	checkPatternRow(t, `with\ space/`, []string{"with space/a", "a/with space/b"}, []string{"with/a", "space/a"})
}

func checkPatternRow(t *testing.T, pattern string, yes, no []string) {
	t.Helper()
	c := ParseCodeowners([]byte(pattern + " @a"))
	if len(c.Errors) > 0 || len(c.Rules) != 1 {
		t.Errorf("%q: %v", pattern, c.Errors)
		return
	}
	for _, path := range slices.Concat(yes, no) {
		if _, ok := c.Match(path); ok != slices.Contains(yes, path) {
			t.Errorf("%q matches %q: %v", pattern, path, ok)
		}
	}
}

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
		{`\#x @a`, `1 Invalid pattern`, "#x a/#x", "x", "use ? for the #"},
		{"c#/ @a", `2 Invalid pattern`, "c#/x c/x", "d/x", "put a space before a comment, or use ? for the #"},
		{"/f[ab].js @a", `3 Invalid pattern`, "fa.js fb.js", "ga.js", "use * or ?, or several lines"},
		{"[Section] @a", `1 Invalid pattern`, "x", "", "use * or ?, or several lines"},
		{"/a*** @a", `3 Invalid pattern`, "ab", "b", "did you mean /a**?"},
		{"/a//b @a", `4 Invalid pattern`, "a/b a/b/c", "b", "write the path from the root of the repository"},
		{"./a @a", `1 Invalid pattern`, "a", "b", "write the path from the root of the repository"},
		{"/a/../b @a", `4 Invalid pattern`, "a/b", "c", "write the path from the root of the repository"},
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
func TestPatternsAgainstOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`/?((a|b|ab|a\*|\*b|a\?|\*|\*\*)/){0,3}(a|b|ab|a\*|\*\.b|\*)?`).Draw(t, "pattern")
		path := rapid.StringMatching(`((a|b|ab|aa|c)/){0,4}(a|b|ab|aab|c\.b)`).Draw(t, "path")
		if pattern == "" || pattern == "/" || strings.HasSuffix(pattern, "**/") || strings.Contains(pattern, "**/**") {
			return // see TestDifferencesFromOracle
		}
		want := oracleMatches(t, pattern, path)
		if _, got := ParseCodeowners([]byte(pattern + " @a")).Match(path); got != want {
			t.Fatalf("%q matches %q: %v, the oracle says %v", pattern, path, got, want)
		}
	})
}

func oracleMatches(t interface{ Fatal(...any) }, pattern, path string) bool {
	rules, err := oracle.ParseFile(strings.NewReader(pattern + " @a\n"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := rules.Match(path)
	if err != nil {
		t.Fatal(err)
	}
	return r != nil
}

func TestDifferencesFromOracle(t *testing.T) {
	t.Run("a bad line skips itself, not the file", func(t *testing.T) {
		file := "* user\n/a @alice\n"
		if _, err := oracle.ParseFile(strings.NewReader(file)); err == nil {
			t.Error("the oracle reads it now")
		}
		if r, ok := ParseCodeowners([]byte(file)).Match("a"); !ok || r.Line != 2 {
			t.Error("the good line is lost")
		}
	})
	t.Run("a slash alone does not panic", func(t *testing.T) {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the oracle does not panic any more")
				}
			}()
			oracleMatches(t, "/", "a")
		}()
		if c := ParseCodeowners([]byte("/ @a")); len(c.Errors) != 1 {
			t.Error("not an error")
		}
	})
	t.Run("two stars and a slash mean what is in a directory", func(t *testing.T) {
		if oracleMatches(t, "**/", "a/b") {
			t.Error("the oracle agrees now")
		}
		if _, ok := ParseCodeowners([]byte("**/ @a")).Match("a/b"); !ok {
			t.Error("a/b is in a directory")
		}
	})
	t.Run("two stars twice may both be nothing", func(t *testing.T) {
		if oracleMatches(t, "**/**/a", "a") {
			t.Error("the oracle agrees now")
		}
		if _, ok := ParseCodeowners([]byte("**/**/a @a")).Match("a"); !ok {
			t.Error("a is not matched")
		}
	})
	t.Run("letters of all languages", func(t *testing.T) {
		if _, err := oracle.ParseFile(strings.NewReader("straße @a")); err == nil {
			t.Error("the oracle reads it now")
		}
		if _, ok := ParseCodeowners([]byte("straße @a")).Match("straße"); !ok {
			t.Error("not matched")
		}
	})
	t.Run("a number sign in a pattern is not silently a comment", func(t *testing.T) {
		if !oracleMatches(t, "c#x", "c") {
			t.Error("the oracle reads it otherwise now")
		}
		if c := ParseCodeowners([]byte("c#x @a")); len(c.ErrorTouches("c")) != 1 || len(c.ErrorTouches("c#x")) != 1 {
			t.Error("both readings are to be touched")
		}
	})
}

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

func BenchmarkCodeowners(b *testing.B) {
	var file strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&file, "/services/s%d/**/config-*.yaml @acme/team-%d\n", i, i%100)
	}
	data := []byte(file.String())
	b.Run("parse", func(b *testing.B) {
		for b.Loop() {
			ParseCodeowners(data)
		}
	})
	c := ParseCodeowners(data)
	b.Run("match", func(b *testing.B) {
		for b.Loop() {
			c.Match("services/s1/a/b/config-x.yaml")
		}
	})
}

package approvals

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	oracle "github.com/hmarr/codeowners"
	"pgregory.net/rapid"
)

// fileCase is a whole file of testdata/codeowners_cases.json, and who owns which paths by it.
type fileCase struct {
	Name string   `json:"name"`
	File []string `json:"file"` // lines
	// Want has the answer for each path: "3 @a @b" for line 3 and its owners, "3" for nobody by line 3, "none" for no line.
	Want   map[string]string `json:"want"`
	Errors []string          `json:"errors"` // "2:4 Invalid owner"
	// Oracle has the answers of hmarr/codeowners for all the paths, where it differs from GitHub; OracleFails, what it says
	// instead of reading the file, or "panic".
	Oracle      map[string]string `json:"oracle"`
	OracleFails string            `json:"oracleFails"`
}

func (c fileCase) text() string { return strings.Join(c.File, "\n") }

func fileCases(t *testing.T) []fileCase {
	t.Helper()
	data, err := os.ReadFile("testdata/codeowners_cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []fileCase
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

func answer(line int, owners []string) string {
	return strings.Join(append([]string{fmt.Sprint(line)}, owners...), " ")
}

// TestFiles holds the parser and matcher to the cases, which are GitHub's documentation and what it says in its errors.
func TestFiles(t *testing.T) {
	for _, c := range fileCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			parsed := ParseCodeowners([]byte(c.text()))
			for path, want := range c.Want {
				got := "none"
				if r, ok := parsed.Match(path); ok {
					got = answer(r.Line, r.Owners)
				}
				if got != want {
					t.Errorf("%q: %s, want %s", path, got, want)
				}
			}
			var errs []string
			for _, e := range parsed.Errors {
				errs = append(errs, fmt.Sprintf("%d:%d %s", e.Line, e.Column, e.Kind))
				if e.Source == "" || e.Message == "" {
					t.Errorf("%+v: says too little", e)
				}
			}
			if !slices.Equal(errs, c.Errors) {
				t.Errorf("errors %q, want %q", errs, c.Errors)
			}
		})
	}
}

// TestOracle compares with hmarr/codeowners: it agrees on each case, but those that say how it differs. A change of either
// side fails here.
func TestOracle(t *testing.T) {
	agree, differ := 0, 0
	for _, c := range fileCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			rules, failure := readByOracle(c)
			switch {
			case c.OracleFails != "":
				differ++
				if !strings.Contains(failure, c.OracleFails) {
					t.Errorf("hmarr/codeowners says %q; it said %q", failure, c.OracleFails)
				}
				return
			case failure != "":
				t.Fatalf("hmarr/codeowners fails: %s", failure)
			}
			want := c.Want
			if c.Oracle != nil {
				differ++
				want = c.Oracle
			} else {
				agree++
			}
			for path, want := range want {
				if got := matchByOracle(t, rules, path); got != want {
					t.Errorf("%q: hmarr/codeowners says %s, want %s", path, got, want)
				}
			}
		})
	}
	if agree < 57 || differ < 14 {
		t.Errorf("compared on %d cases, and %d differences", agree, differ)
	}
}

// readByOracle parses a file and asks for each of the case's paths once, for a panic may come as late as that.
func readByOracle(c fileCase) (rules oracle.Ruleset, failure string) {
	defer func() {
		if r := recover(); r != nil {
			failure = fmt.Sprint("panic: ", r)
		}
	}()
	rules, err := oracle.ParseFile(strings.NewReader(c.text()))
	if err != nil {
		return nil, err.Error()
	}
	for path := range c.Want {
		if _, err := rules.Match(path); err != nil {
			return nil, err.Error()
		}
	}
	return rules, ""
}

func matchByOracle(t *testing.T, rules oracle.Ruleset, path string) string {
	t.Helper()
	r, err := rules.Match(path)
	if err != nil {
		t.Fatal(err)
	}
	if r == nil {
		return "none"
	}
	var owners []string
	for _, o := range r.Owners {
		owners = append(owners, strings.ToLower(o.String()))
	}
	return answer(r.LineNumber, owners)
}

// TestOracleOnFiles has the differences that take more than a few lines to show.
func TestOracleOnFiles(t *testing.T) {
	t.Run("a line of 64 KiB ends the file silently", func(t *testing.T) {
		text := "* @a\n/x @b" + strings.Repeat(" ", 65<<10) + "\n/y @c\n"
		c := ParseCodeowners([]byte(text))
		if r, ok := c.Match("y"); !ok || r.Line != 3 || len(c.Rules) != 3 {
			t.Errorf("the lines after it are lost: %d rules", len(c.Rules))
		}
		rules, err := oracle.ParseFile(strings.NewReader(text))
		if err != nil || len(rules) != 1 {
			t.Errorf("hmarr/codeowners has %d rules now, %v", len(rules), err)
		}
	})
	t.Run("a file of 3 MB is not loaded", func(t *testing.T) {
		text := "* @a\n" + strings.Repeat("# comment\n", CodeownersLimit/10+1)
		if c := ParseCodeowners([]byte(text)); !c.TooLarge || len(c.Rules) != 0 {
			t.Errorf("%d rules", len(c.Rules))
		}
		if c := ParseCodeowners([]byte(text[:CodeownersLimit])); c.TooLarge || len(c.Rules) != 1 {
			t.Errorf("at the limit: %d rules, too large: %v", len(c.Rules), c.TooLarge)
		}
		rules, err := oracle.ParseFile(strings.NewReader(text))
		if err != nil || len(rules) != 1 {
			t.Errorf("hmarr/codeowners has %d rules now, %v", len(rules), err)
		}
	})
	t.Run(".github comes before the root", func(t *testing.T) {
		dir := t.TempDir()
		t.Chdir(dir)
		t.Setenv("GIT_CEILING_DIRECTORIES", filepath.Dir(dir))
		for i, place := range CodeownersPlaces {
			if err := os.MkdirAll(filepath.Dir(place), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(place, fmt.Appendf(nil, "* @place-%d\n", i), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if want := []string{".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"}; !slices.Equal(CodeownersPlaces, want) {
			t.Errorf("%v", CodeownersPlaces)
		}
		rules, err := oracle.LoadFileFromStandardLocation()
		if err != nil || len(rules) != 1 || rules[0].Owners[0].Value != "place-1" {
			t.Errorf("hmarr/codeowners takes %v now, %v", rules, err)
		}
	})
}

// TestOracleOnGenerated compares patterns that rapid makes up, but for the forms of which the cases say that they differ.
func TestOracleOnGenerated(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`/?((a|b|ab|a\*|\*b|a\?|\*|\*\*)/){0,3}(a|b|ab|a\*|\*\.b|\*)?`).Draw(t, "pattern")
		path := rapid.StringMatching(`((a|b|ab|aa|c)/){0,4}(a|b|ab|aab|c\.b)`).Draw(t, "path")
		if pattern == "" || pattern == "/" || strings.HasSuffix(pattern, "**/") || strings.Contains(pattern, "**/**") {
			return
		}
		c := fileCase{File: []string{pattern + " @a"}, Want: map[string]string{path: ""}}
		rules, failure := readByOracle(c)
		if failure != "" {
			t.Fatal(failure)
		}
		r, err := rules.Match(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, got := ParseCodeowners([]byte(c.text())).Match(path); got != (r != nil) {
			t.Fatalf("%q matches %q: %v, and not so for hmarr/codeowners", pattern, path, got)
		}
	})
}

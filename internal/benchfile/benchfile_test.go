package benchfile

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "benchmarks.md")
	steps := []struct{ section, body, want string }{
		{"owners", "one\n", "\n<!-- owners -->\none\n<!-- /owners -->\n"},
		{"proof", "two", "\n<!-- owners -->\none\n<!-- /owners -->\n\n<!-- proof -->\ntwo\n<!-- /proof -->\n"},
		{"owners", "\nthree\n\nfour", "\n<!-- owners -->\nthree\n\nfour\n<!-- /owners -->\n\n<!-- proof -->\ntwo\n<!-- /proof -->\n"},
		{"owner", "x", "\n<!-- owners -->\nthree\n\nfour\n<!-- /owners -->\n\n<!-- proof -->\ntwo\n<!-- /proof -->\n\n<!-- owner -->\nx\n<!-- /owner -->\n"},
	}
	for _, s := range steps {
		if err := Write(path, s.section, s.body); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(b); got != head+s.want {
			t.Fatalf("after %s:\n%s", s.section, got)
		}
	}
	names, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if hidden, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); err != nil || len(names) != 1 || len(hidden) != 0 {
		t.Errorf("left behind: %v %v, %v", names, hidden, err)
	}
}

func TestWriteKeepsTheRest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	const before, after = "# Mine\n\ntext", "more text\n"
	if err := os.WriteFile(path, []byte(before+"\n<!-- a -->\nold\n<!-- /a -->\n"+after), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Write(path, "a", "new"); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if want := before + "\n<!-- a -->\nnew\n<!-- /a -->\n" + after; err != nil || string(b) != want {
		t.Errorf("%v\n%s", err, b)
	}
}

func TestWriteRefuses(t *testing.T) {
	for name, c := range map[string]struct{ page, section, body, want string }{
		"a name with a space":       {"", "a b", "x", "is not a name"},
		"no name":                   {"", "", "x", "is not a name"},
		"a marker in the body":      {"", "a", "<!-- b -->", "holds a marker"},
		"never closed":              {"<!-- a -->\n", "a", "x", "1 lines"},
		"never opened":              {"<!-- /a -->\n", "a", "x", "0 lines"},
		"twice":                     {"<!-- a -->\n<!-- /a -->\n<!-- a -->\n<!-- /a -->\n", "a", "x", "2 lines"},
		"closed before it is begun": {"<!-- /a -->\n<!-- a -->\n", "a", "x", "stands before"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "page.md")
			if err := os.WriteFile(path, []byte(c.page), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := Write(path, c.section, c.body); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q in it", err, c.want)
			}
			if b, err := os.ReadFile(path); err != nil || string(b) != c.page {
				t.Errorf("%v: the page was changed:\n%s", err, b)
			}
		})
	}
	if err := Write(filepath.Join(t.TempDir(), "none", "page.md"), "a", "x"); err == nil {
		t.Error("a folder that is missing is no error")
	}
}

func TestMachine(t *testing.T) {
	if m := Machine(); !regexp.MustCompile(`^[^,\n]+, \d+ cores, \w+/\w+, (go1|devel)[^\n]*$`).MatchString(m) {
		t.Errorf("%q", m)
	}
	if got := modelName(strings.NewReader("processor\t: 0\nmodel name\t: AMD  EPYC \nmodel name\t: other\n")); got != "AMD EPYC" {
		t.Errorf("%q", got)
	}
	if got := modelName(strings.NewReader("model\t: 1\nmodel name :\n")); got != "unknown CPU" {
		t.Errorf("%q", got)
	}
}

package audit

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestControlsPage holds docs/controls.md to the catalogue.
func TestControlsPage(t *testing.T) {
	const page = "../../docs/controls.md"
	if *update {
		if err := os.WriteFile(page, []byte(ControlsMarkdown()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil || string(got) != ControlsMarkdown() {
		t.Errorf("docs/controls.md is not written from the catalogue (%v): run this test with -update", err)
	}
}

// TestCatalogue: every control that was promised is there, once, and each says what it does not cover.
func TestCatalogue(t *testing.T) {
	want := []string{"ID.AM", "PR.AA-01", "PR.AA-02", "PR.AA-03", "PR.AA-05", "PR.PS-04", "DE.CM", "RS.MI"}
	for _, n := range []string{"1", "2", "3", "4", "5", "6", "7"} {
		want = append(want, "tenet-"+n)
	}
	for _, n := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10"} {
		want = append(want, "NHI"+n+":2025")
	}
	var got []string
	for _, c := range Catalogue() {
		catalogue, short := c.names()
		got = append(got, short)
		if found, ok := FindControl(short); !ok || found.ID != c.ID || catalogue == "" {
			t.Errorf("%s is not found by its own id", short)
		}
		if found, ok := FindControl(c.ID); !ok || found.ID != c.ID {
			t.Errorf("%s is not found", c.ID)
		}
		if len(c.Not) < 20 || c.Title == "" {
			t.Errorf("%s does not say what it is, or what it does not cover", c.ID)
		}
		if (c.Coverage == NotCovered) != (len(c.Shows) == 0) || c.Coverage == NotCovered && len(c.Steps) > 0 {
			t.Errorf("%s is %s, and shows %v", c.ID, c.Coverage, c.Shows)
		}
		for _, s := range c.Shows {
			if !strings.HasSuffix(s, ".") {
				t.Errorf("%s: %q is no sentence", c.ID, s)
			}
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("controls\n%v, want\n%v", got, want)
	}
	if c, ok := FindControl("PR.AA-99"); ok {
		t.Errorf("found %+v", c)
	}
}

// TestCatalogueNamesWhatExists: each test, story and command that the catalogue names is there.
func TestCatalogueNamesWhatExists(t *testing.T) {
	tests, commands := sources(t, "../..", "_test.go"), sources(t, "../../cmd/keyreeve", ".go")
	code := regexp.MustCompile("(stor(?:y|ies) )?`([^`]+)`(?: to `([^`]+)`)?")
	seen := 0
	for _, c := range Catalogue() {
		for _, text := range append(c.Shows, c.Not) {
			for _, m := range code.FindAllStringSubmatch(text, -1) {
				story, name := m[1] != "", m[2]
				var there bool
				switch test, _, _ := strings.Cut(name, "/"); {
				case story && m[3] != "" || story && strings.HasPrefix(name, "threat-"):
					found, err := filepath.Glob("../../cmd/keyreeve/testdata/" + name + "-*.txtar")
					there = err == nil && len(found) == 1
				case story:
					_, err := os.Stat("../../cmd/keyreeve/testdata/" + name + ".txtar")
					there = err == nil
				case strings.HasPrefix(name, "Test"):
					there = strings.Contains(tests, "func "+test+"(t *testing.T)")
				case strings.HasPrefix(name, "keyreeve ") && !strings.Contains(name, " / "):
					words := strings.Fields(name)
					last := words[len(words)-1]
					for i, w := range words {
						if strings.HasPrefix(w, "-") {
							last = words[i-1]
							break
						}
					}
					there = regexp.MustCompile(`Use:\s+"` + last + `[ "]`).MatchString(commands)
				case strings.HasPrefix(name, "KEYREEVE_"):
					there = strings.Contains(commands, `env:"`+strings.TrimPrefix(name, "KEYREEVE_"))
				default:
					continue // a step, a package, a check run
				}
				if seen++; !there {
					t.Errorf("%s names %q, which is not there", c.ID, name)
				}
			}
		}
	}
	if seen < 30 {
		t.Errorf("only %d names were looked for", seen)
	}
}

// sources is the text of all files below a folder whose names end so.
func sources(t *testing.T, root, ending string) string {
	t.Helper()
	var b strings.Builder
	files := os.DirFS(root)
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ending) {
			return err
		}
		raw, err := fs.ReadFile(files, path)
		b.Write(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

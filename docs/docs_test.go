// Package docs holds what people read about keyreeve; its tests hold the pages to the code.
package docs

import (
	"bytes"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"

	"github.com/keyreeve/keyreeve/internal/demo"
	"github.com/keyreeve/keyreeve/webhook"
)

// The headings of the two tables of dependencies.md.
const (
	inProgram = "In the program"
	inTests   = "In tests alone"
)

// row is one module's line of dependencies.md.
type row struct {
	path, version, table string
}

// TestDependencies holds dependencies.md to go.mod: the same direct modules and versions, none twice, each argued.
func TestDependencies(t *testing.T) {
	want := required(t)
	got := map[string]string{}
	last := row{}
	for _, r := range dependencies(t) {
		if _, twice := got[r.path]; twice {
			t.Errorf("%s stands there twice", r.path)
		}
		if r.table == last.table && r.path < last.path {
			t.Errorf("%s stands after %s: keep the tables sorted", r.path, last.path)
		}
		got[r.path] = r.version
		last = r
	}
	for _, path := range slices.Sorted(maps.Keys(want)) {
		switch version, ok := got[path]; {
		case !ok:
			t.Errorf("go.mod requires %s %s, and dependencies.md doesn't say why", path, want[path])
		case version != want[path]:
			t.Errorf("%s is %s in go.mod, and %s in dependencies.md", path, want[path], version)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[path]; !ok {
			t.Errorf("dependencies.md has %s, which go.mod doesn't require", path)
		}
	}
}

// TestDependenciesOfTests asks the go command which modules the program is made of: what is for tests alone must not be
// among them, and what is not must be.
func TestDependenciesOfTests(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", "./cmd/keyreeve")
	cmd.Dir = ".."
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	linked := strings.Fields(string(out))
	for _, r := range dependencies(t) {
		if is := slices.Contains(linked, r.path); is != (r.table == inProgram) {
			t.Errorf("%s stands under %q; is it part of ./cmd/keyreeve: %t", r.path, r.table, is)
		}
	}
}

// required returns the versions of go.mod's direct requirements.
func required(t *testing.T) map[string]string {
	t.Helper()
	data, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	file, err := modfile.Parse("go.mod", data, nil)
	if err != nil {
		t.Fatal(err)
	}
	direct := map[string]string{}
	for _, r := range file.Require {
		if !r.Indirect {
			direct[r.Mod.Path] = r.Mod.Version
		}
	}
	if len(direct) == 0 {
		t.Fatal("go.mod requires nothing: that can't be")
	}
	return direct
}

// dependencies reads the rows of both tables, and fails for one that leaves a column empty.
func dependencies(t *testing.T) []row {
	t.Helper()
	page, err := os.ReadFile("dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows []row
	table := ""
	for line := range strings.Lines(string(page)) {
		if heading, ok := strings.CutPrefix(line, "## "); ok {
			table = strings.TrimSpace(heading)
			if table != inProgram && table != inTests {
				t.Fatalf("dependencies.md has a heading %q; known are %q and %q", table, inProgram, inTests)
			}
		}
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		columns := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range columns {
			columns[i] = strings.TrimSpace(columns[i])
		}
		if len(columns) != 5 || slices.Contains(columns, "") {
			t.Errorf("want five columns, none empty: %s", line)
			continue
		}
		rows = append(rows, row{strings.Trim(columns[0], "`"), columns[1], table})
	}
	return rows
}

// eventPermissions are those that no call needs: GitHub sends the events to Apps that have them.
// https://docs.github.com/en/webhooks/webhook-events-and-payloads#merge_group
var eventPermissions = map[string]string{"merge_queues": "read"}

// TestPermissions holds permissions.md to the calls of internal/forge and to the events, permission by permission and level
// by level, and to the App that the demo registers, which has just what the page names.
func TestPermissions(t *testing.T) {
	page := map[string]string{}
	for _, cells := range table(t, "permissions.md", "## Permissions", 3) {
		page[cells[0]] = cells[1]
	}
	needed := forgePermissions(t)
	maps.Copy(needed, eventPermissions)
	if !maps.Equal(page, needed) {
		t.Errorf("permissions.md says %v, and the calls of internal/forge and the events need %v", page, needed)
	}
	app := demo.AppPermissions()
	for _, name := range slices.Sorted(maps.Keys(page)) {
		if app[name] != page[name] {
			t.Errorf("permissions.md has %s: %s, and the demo's App has %q", name, page[name], app[name])
		}
		delete(app, name)
	}
	if len(app) > 0 {
		t.Errorf("the demo's App has permissions that permissions.md doesn't name: %v", app)
	}
}

// TestEvents holds permissions.md to the App that the demo registers; each of its events must lead somewhere.
func TestEvents(t *testing.T) {
	var page []string
	for _, cells := range table(t, "permissions.md", "## Events", 2) {
		page = append(page, cells[0])
	}
	if app := demo.AppEvents(); !slices.Equal(page, app) {
		t.Errorf("permissions.md has the events\n%v, and the demo's App\n%v", page, app)
	}
	for _, event := range page {
		r, err := webhook.Route(webhook.Input{App: 1, Event: event, Body: []byte("{}")})
		if err != nil || r.Rule == webhook.RuleNotWatched {
			t.Errorf("%s: subscribed to, but ignored: %q, %v", event, r.Rule, err)
		}
	}
}

var levels = map[string]int{"": 0, "read": 1, "write": 2}

// forgePermissions reads the constants from which internal/forge narrows its tokens: of each permission the highest level.
func forgePermissions(t *testing.T) map[string]string {
	t.Helper()
	source, err := os.ReadFile("../internal/forge/session.go")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^\t\w+ +permissions = "([^"]+)"$`).FindAllStringSubmatch(string(source), -1)
	if len(found) == 0 {
		t.Fatal("internal/forge/session.go has no sets of permissions any more")
	}
	most := map[string]string{}
	for _, set := range found {
		for one := range strings.FieldsSeq(set[1]) {
			name, level, _ := strings.Cut(one, ":")
			if levels[level] > levels[most[name]] {
				most[name] = level
			}
		}
	}
	return most
}

// table reads the table below a heading: its cells without the marks of code.
func table(t *testing.T, file, heading string, columns int) [][]string {
	t.Helper()
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(page), "\n"+heading+"\n")
	if !ok {
		t.Fatalf("%s has no %q", file, heading)
	}
	rest, _, _ = strings.Cut(rest, "\n## ")
	var rows [][]string
	for line := range strings.Lines(rest) {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if len(cells) != columns || slices.Contains(cells, "") {
			t.Errorf("%s: want %d columns, none empty: %s", file, columns, line)
			continue
		}
		cells[0] = strings.Trim(cells[0], "`")
		rows = append(rows, cells)
	}
	if len(rows) == 0 {
		t.Fatalf("%s: there is no table below %q", file, heading)
	}
	return rows
}

// pages are those that speak of the code by name.
var pages = []string{"../README.md", "../ARCHITECTURE.md", "../CONTRIBUTING.md", "../SECURITY.md", "permissions.md", "policy.md"}

var (
	testName = regexp.MustCompile("`((?:Test|Fuzz)[A-Z0-9]\\w*)(…?)`")
	testFunc = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	link     = regexp.MustCompile(`\]\(([^)#]+)[^)]*\)|src="([^"]+)"`)
)

// TestPagesNameTestsThatExist lets no page rest a claim on a test that is gone. A name that ends in … is the beginning of one.
func TestPagesNameTestsThatExist(t *testing.T) {
	var have []string
	tree := os.DirFS("..")
	err := fs.WalkDir(tree, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := fs.ReadFile(tree, path)
		for _, m := range testFunc.FindAllSubmatch(source, -1) {
			have = append(have, string(m[1]))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		for _, m := range testName.FindAllStringSubmatch(read(t, page), -1) {
			name, begins := m[1], m[2] != ""
			if !slices.ContainsFunc(have, func(h string) bool { return h == name || begins && strings.HasPrefix(h, name) }) {
				t.Errorf("%s names %s, which doesn't exist", page, name)
			}
		}
	}
}

// TestLinks follows the links of the pages to files of this repository.
func TestLinks(t *testing.T) {
	for _, page := range pages {
		for _, m := range link.FindAllStringSubmatch(read(t, page), -1) {
			to := m[1] + m[2]
			if strings.Contains(to, "://") || strings.HasPrefix(to, "mailto:") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), to)); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

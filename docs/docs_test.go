// Package docs holds what people read about keyreeve; its tests hold the pages to the code.
package docs

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
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

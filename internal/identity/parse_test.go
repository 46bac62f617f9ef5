package identity_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyreeve/keyreeve/internal/identity"
)

var update = flag.Bool("update", false, "write golden files")

// golden compares got with a file in testdata, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (run with -update to accept)\ngot:\n%s\nwant:\n%s", path, got, want)
	}
}

// problemsOf reads data as the record that belongs at path.
func problemsOf(t *testing.T, path string, data []byte) []identity.Problem {
	t.Helper()
	kind, _ := identity.RecordAt(path)
	switch {
	case kind == identity.IdentityRecord || strings.HasPrefix(path, "identities/"):
		_, p := identity.ParseIdentity(path, data)
		return p
	case kind == identity.UseCaseRecord || strings.HasPrefix(path, "use-cases/"):
		_, p := identity.ParseUseCase(path, data)
		return p
	case kind == identity.GrantRecord || strings.HasPrefix(path, "grants/"):
		_, p := identity.ParseGrant(path, data)
		return p
	}
	_, p := identity.ParsePolicy(path, data)
	return p
}

// TestBadRecords reads every file of testdata/bad, whose first line names the path that it is read as, and compares the
// problems with the golden file: each line is file, line, column and sentence.
func TestBadRecords(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) < 10 {
		t.Fatalf("found %d files, %v", len(files), err)
	}
	var got strings.Builder
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(string(data), "\n")
		path, ok := strings.CutPrefix(first, "# ")
		if !ok {
			t.Fatalf("%s does not begin with its path", file)
		}
		problems := problemsOf(t, path, data)
		if len(problems) == 0 {
			t.Errorf("%s: no problem", file)
		}
		for _, p := range problems {
			if p.Line == 0 || p.Column == 0 {
				t.Errorf("%s: %q has no place", file, p)
			}
		}
		got.WriteString("== " + filepath.Base(file) + "\n" + identity.Report(problems))
	}
	golden(t, "bad.golden", got.String())
}

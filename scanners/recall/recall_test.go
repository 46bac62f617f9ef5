package recall_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/keyreeve/keyreeve/scanners"
)

var (
	update = flag.Bool("update", false, "write the table in docs/scanning.md anew")
	keep   = flag.String("keep", "", "a new folder: the repository is left there, with what is in it beside it, DIR.json")
)

// least is of how many places each class has to be found in.
const least = 32

const page = "../../docs/scanning.md"

// hidden makes what the places hide, another for each seed.
func hidden(seed uint64) []planted {
	random := rand.New(rand.NewPCG(seed, 34)) //nolint:gosec // the same each time
	text := func(alphabet string, n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = alphabet[random.IntN(len(alphabet))]
		}
		return string(b)
	}
	const upper, digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "234567"
	var all []planted
	for i, p := range places() {
		value := text(upper+strings.ToLower(upper)+digits, 40)
		if p.where == scanners.InBlob { // file systems and refs don't take these
			value = value[:10] + "/" + value[11:20] + "+" + value[21:39] + "="
		}
		all = append(all, planted{
			name: fmt.Sprintf("%s_%s_KEY_%d", text(upper, 6), text(upper, 5), i), id: "AKIA" + text(upper+digits, 16), value: value,
		})
	}
	return all
}

func compile(t *testing.T, hidden []planted) *scanners.Matcher {
	t.Helper()
	pepper, err := scanners.NewPepper([]byte(scanners.GeneratePepper()))
	if err != nil {
		t.Fatal(err)
	}
	peppers := scanners.Peppers{pepper}
	var keys []scanners.Key
	for i, p := range hidden {
		fingerprint, err := peppers.Fingerprint([]byte(p.value))
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, scanners.Key{Label: places()[i].name, Name: p.name, ID: p.id, Fingerprint: fingerprint})
	}
	m, err := scanners.Compile(keys, peppers)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// seen is in which classes the key of a place was found, and how it was written.
type seen struct {
	classes   map[scanners.Class]bool
	encodings []string
}

func scan(t *testing.T, dir string, m *scanners.Matcher) []scanners.Finding {
	t.Helper()
	found, err := scanners.ScanRepository(t.Context(), dir, m, scanners.Options{Name: "recall"})
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Gaps) > 0 {
		t.Errorf("not looked at: %v", found.Gaps)
	}
	return found.Findings
}

// TestRecall counts, with loose objects and with packed ones.
func TestRecall(t *testing.T) {
	all, dir := places(), t.TempDir()
	if len(all) != 34 {
		t.Fatalf("%d places", len(all))
	}
	keys := hidden(1)
	if *keep != "" {
		dir = *keep
		describe(t, dir, keys)
	}
	r := build(t, dir, keys)
	m := compile(t, keys)
	loose := count(t, all, scan(t, dir, m))
	r.git("repack", "-q", "-a", "-d", "-k", "-f")
	if packs, err := filepath.Glob(filepath.Join(dir, ".git/objects/pack/*.pack")); err != nil || len(packs) == 0 {
		t.Fatal("there is no pack")
	}
	r.git("prune-packed", "-q")
	packed := count(t, all, scan(t, dir, m))
	if a, b := table(all, loose), table(all, packed); a != b {
		t.Errorf("of loose objects\n%s\nof packed ones\n%s", a, b)
	}
	for _, class := range []scanners.Class{scanners.ByName, scanners.ByID, scanners.ByValue} {
		if n := total(packed, class); n < least {
			t.Errorf("%s: %d of %d, want at least %d", class, n, len(all), least)
		}
	}
	onPage(t, table(all, packed))
}

// TestNoFalseHit looks for other keys in the same repository.
func TestNoFalseHit(t *testing.T) {
	dir := t.TempDir()
	build(t, dir, hidden(1))
	if found := scan(t, dir, compile(t, hidden(2))); len(found) > 0 {
		t.Errorf("found what is not there: %+v", found)
	}
}

// count goes through the findings. One that is not where its key was put is an error.
func count(t *testing.T, all []place, findings []scanners.Finding) map[string]*seen {
	t.Helper()
	out, where := map[string]*seen{}, map[string]scanners.Where{}
	for _, p := range all {
		out[p.name] = &seen{classes: map[scanners.Class]bool{}}
		where[p.name] = p.where
	}
	for i := range findings {
		f := &findings[i]
		if f.Where != where[f.Credential] {
			t.Errorf("%s is in a %s, and was found in a %s: %+v", f.Credential, where[f.Credential], f.Where, f)
		}
		s := out[f.Credential]
		s.classes[f.Class] = true
		if e := string(f.Encoding); e != "" && !slices.Contains(s.encodings, e) {
			s.encodings = append(s.encodings, e)
		}
	}
	return out
}

func total(found map[string]*seen, class scanners.Class) int {
	n := 0
	for _, s := range found {
		if s.classes[class] {
			n++
		}
	}
	return n
}

// table writes Markdown.
func table(all []place, found map[string]*seen) string {
	var b strings.Builder
	b.WriteString("| place | name | id | value | reported as |\n|---|---|---|---|---|\n")
	mark := func(s *seen, c scanners.Class) string {
		if s.classes[c] {
			return "found"
		}
		return "**missed**"
	}
	for _, p := range all {
		s := found[p.name]
		slices.Sort(s.encodings)
		as := string(p.where)
		if len(s.encodings) > 0 {
			as += ", " + strings.Join(s.encodings, ", ")
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", p.name, mark(s, scanners.ByName), mark(s, scanners.ByID), mark(s, scanners.ByValue), as)
	}
	fmt.Fprintf(&b, "| **of %d** | **%d** | **%d** | **%d** | |\n", len(all),
		total(found, scanners.ByName), total(found, scanners.ByID), total(found, scanners.ByValue))
	return b.String()
}

// onPage holds the page's table to what was counted.
func onPage(t *testing.T, table string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- recall: written by go test ./scanners/recall -update -->\n\n", "\n<!-- end of recall -->"
	before, rest, ok := strings.Cut(string(text), begin)
	old, after, closed := strings.Cut(rest, end)
	switch {
	case !ok || !closed:
		t.Fatalf("%s has no place for the table", page)
	case *update:
		if err := os.WriteFile(page, []byte(before+begin+table+end+after), 0o600); err != nil {
			t.Fatal(err)
		}
	case old != table:
		t.Errorf("%s has another table: run with -update. Counted was\n%s", page, table)
	}
}

// describe writes what is hidden where, for other scanners.
func describe(t *testing.T, dir string, keys []planted) {
	t.Helper()
	var all []map[string]string
	for i, p := range places() {
		all = append(all, map[string]string{"place": p.name, "name": keys[i].name, "id": keys[i].id, "value": keys[i].value})
	}
	b, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+".json", b, 0o600); err != nil {
		t.Fatal(err)
	}
}

package scanners

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const pepperText = "a pepper of the tests, 0123456789abcdef"

func peppers(t testing.TB, lines ...string) Peppers {
	t.Helper()
	if len(lines) == 0 {
		lines = []string{pepperText}
	}
	p, err := ReadPeppers(strings.NewReader(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func fingerprint(t testing.TB, value string) string {
	t.Helper()
	f, err := peppers(t).Fingerprint([]byte(value))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func compile(t testing.TB, keys ...Key) *Matcher {
	t.Helper()
	for i := range keys {
		if keys[i].Label == "" {
			keys[i].Label = fmt.Sprint("key ", i)
		}
	}
	m, err := Compile(keys, peppers(t))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// found writes matches as "class:text of the match", with the encoding behind it.
func found(t testing.TB, m *Matcher, text string) []string {
	t.Helper()
	matches, gaps := m.ScanBytes(context.Background(), []byte(text))
	if len(gaps) > 0 {
		t.Errorf("gaps: %v", gaps)
	}
	var got []string
	for _, f := range matches {
		s := string(f.Class) + ":" + text[f.Start:f.End]
		if f.Encoding != "" {
			s += " (" + string(f.Encoding) + ")"
		}
		got = append(got, s)
	}
	return got
}

func TestPlain(t *testing.T) {
	const (
		value = "s3cr3t-Zq8vN2wLx7Rb4Tk9Yd"
		short = "hunter2!x"
		words = "correct horse; \"battery\" $taple"
		id    = "AKIA" + "QWERTYUIOPASDFGH"
	)
	m := compile(t,
		Key{Name: "PAYMENTS_API_KEY"}, Key{ID: id}, Key{Fingerprint: fingerprint(t, value)}, Key{Fingerprint: fingerprint(t, short)},
		Key{Fingerprint: fingerprint(t, words)}, Key{Name: "PAT_X"}, Key{ID: "123457"})
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"nothing", "an ordinary line, PAYMENTS and API_KEY", nil},
		{"a name", "PAYMENTS_API_KEY", []string{"name:PAYMENTS_API_KEY"}},
		{"a name in a workflow", "x: ${{ secrets.PAYMENTS_API_KEY }}", []string{"name:PAYMENTS_API_KEY"}},
		{"part of a name", "XPAYMENTS_API_KEY PAYMENTS_API_KEY2 PAYMENTS_API_KEY_ _PAYMENTS_API_KEY", nil},
		{"a name and a dash", "a-PAYMENTS_API_KEY-b", []string{"name:PAYMENTS_API_KEY"}},
		{"another case", "payments_api_key", nil},
		{"a short name", "a PAT_X=1 XPAT_X PAT_XY", []string{"name:PAT_X"}},
		{"an id", "id=" + id + ";", []string{"id:" + id}},
		{"an id after an underscore", "KEY_" + id + "_", []string{"id:" + id}},
		{"part of an id", "X" + id + " " + id + "7", nil},
		{"a short id", "keys/123457, 1234578", []string{"id:123457"}},
		{"a value", value, []string{"value:" + value}},
		{"a glued value", "prefix" + value + "suffix=" + value, []string{"value:" + value, "value:" + value}},
		{"a value that is cut off", value[:len(value)-1] + " " + value[1:], nil},
		{"a short value", "a" + short + "b", []string{"value:" + short}},
		{"a value of several words", "p='" + words + "'", []string{"value:" + words}},
		{"the value's window alone", value[7:], nil},
		{"at both ends", value + "\n" + short, []string{"value:" + value, "value:" + short}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := found(t, m, c.text); !slices.Equal(got, c.want) {
				t.Errorf("found %q, want %q", got, c.want)
			}
		})
	}
}

// Keys that share what is looked for are each found.
func TestSharedPatterns(t *testing.T) {
	f := fingerprint(t, "one value of two keys")
	m := compile(t, Key{Label: "a", Name: "NPM_TOKEN", Fingerprint: f}, Key{Label: "b", Name: "NPM_TOKEN", Fingerprint: f})
	got, _ := m.ScanBytes(t.Context(), []byte("NPM_TOKEN: one value of two keys"))
	want := []Match{
		{Key: 0, Class: ByName, Start: 0, End: 9},
		{Key: 1, Class: ByName, Start: 0, End: 9},
		{Key: 0, Class: ByValue, Start: 11, End: 32},
		{Key: 1, Class: ByValue, Start: 11, End: 32},
	}
	if !slices.Equal(got, want) {
		t.Errorf("ScanBytes = %+v, want %+v", got, want)
	}
}

// manyKeys makes n keys of all classes.
func manyKeys(t testing.TB, n int) []Key {
	t.Helper()
	p := peppers(t)
	r := rand.New(rand.NewPCG(1, 2))
	keys := make([]Key, n)
	for i := range keys {
		k := Key{Label: fmt.Sprint("key-", i)}
		switch i % 3 {
		case 0:
			k.Name = fmt.Sprintf("SERVICE_%d_API_KEY", i)
		case 1:
			k.ID = fmt.Sprintf("AKIA%016X", r.Uint64())
		default:
			f, err := p.Fingerprint([]byte(fmt.Sprintf("ghp_%016x%016x", r.Uint64(), r.Uint64())))
			if err != nil {
				t.Fatal(err)
			}
			k.Fingerprint = f
		}
		keys[i] = k
	}
	return keys
}

// sourceText is text as repositories have it: the sources of Go's own library.
func sourceText(tb testing.TB, size int) []byte {
	tb.Helper()
	root, err := exec.CommandContext(tb.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		tb.Skip("there is no go command: ", err)
	}
	var all []byte
	err = filepath.WalkDir(filepath.Join(strings.TrimSpace(string(root)), "src"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		if len(all) >= size {
			return fs.SkipAll
		}
		text, err := os.ReadFile(path) //nolint:gosec // Go's own sources
		all = append(all, text...)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	if len(all) < size {
		tb.Skipf("Go's sources are not at hand: %d bytes", len(all))
	}
	return all[:size]
}

func BenchmarkFragment(b *testing.B) {
	text := sourceText(b, 32<<20)
	for _, n := range []int{10, 1_000, 10_000, 100_000} {
		m, err := Compile(manyKeys(b, n), peppers(b))
		if err != nil {
			b.Fatal(err)
		}
		// By files of 16 KiB, as they come.
		b.Run(fmt.Sprint(n, " keys"), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				for file := range slices.Chunk(text, 16<<10) {
					if got := m.Fragment(nil, file); len(got) > 0 {
						b.Fatal(got)
					}
				}
			}
		})
		b.Run(fmt.Sprint(n, " keys, plain"), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			s := m.begin(b.Context(), len(text))
			for b.Loop() {
				for file := range slices.Chunk(text, 16<<10) {
					if got := s.plain(nil, file); len(got) > 0 {
						b.Fatal(got)
					}
				}
			}
		})
	}
}

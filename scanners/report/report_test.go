package report_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/keyreeve/keyreeve/scanners"
	"github.com/keyreeve/keyreeve/scanners/report"
)

var update = flag.Bool("update", false, "write the golden files anew")

const (
	first  = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d"
	second = "99aabbccddeeff00112233445566778899aabbcc"
)

// results has a finding of each place, and what a repository could choose to trick a terminal with.
func results() []report.Repository {
	return []report.Repository{
		{Name: "payments", Gaps: []scanners.Gap{
			{Subject: "pack-1.pack", What: "the object " + second + " is corrupt", Count: 1},
			{Subject: "payments", What: "a shallow clone: older commits are missing", Count: 2},
		}, Findings: []scanners.Finding{
			{
				Credential: "payments/deploy-bot token", Class: scanners.ByName, Repository: "payments", Where: scanners.InBlob,
				Path: ".github/workflows/deploy.yml", Line: 12, Column: 27, Commit: first, Object: second, AtHead: true,
				Branches: []string{"HEAD", "refs/heads/main", "refs/heads/v1"}, Author: "Ann <ann@example.com>", Date: "2026-01-02T03:04:05Z",
				Permalink: "https://github.com/acme/payments/blob/" + first + "/.github/workflows/deploy.yml#L12",
			},
			{
				Credential: "payments/deploy-bot token", Class: scanners.ByValue, Repository: "payments", Where: scanners.InBlob,
				Path: "config/\x1b[2Jlive:1.env", Line: 3, Column: 5, Commit: first, Last: second, Object: second, Encoding: "gzip+base64",
				Author: "B\u202eob", Date: "2025-01-02T03:04:05Z", Paths: []string{"old.env"},
			},
			{Credential: "payments/deploy-bot token", Class: scanners.ByID, Repository: "payments", Where: scanners.InCommitMessage, Commit: first, Object: first, Line: 1, Column: 1},
			{Credential: "aws", Class: scanners.ByID, Repository: "payments", Where: scanners.InNote, Commit: first, Object: second},
			{Credential: "aws", Class: scanners.ByID, Repository: "payments", Where: scanners.InTagMessage, Object: second},
			{Credential: "aws", Class: scanners.ByID, Repository: "payments", Where: scanners.InPath, Path: "keys/AKIA é.txt", Commit: first, Object: second, AtHead: true, Branches: []string{"a", "b", "c", "d", "e"}},
			{Credential: "aws", Class: scanners.ByID, Repository: "payments", Where: scanners.InRef, Path: "refs/heads/AKIA"},
			{Credential: "aws", Class: scanners.ByValue, Repository: "payments", Where: scanners.InBlob, Object: second, Unreachable: true, Line: 1, Column: 1},
		}},
		{Name: "clean"},
		{Name: "plain\nfolder", Findings: []scanners.Finding{
			{Credential: "aws", Class: scanners.ByValue, Repository: "plain\nfolder", Where: scanners.InBlob, Path: "a b.txt", Line: 1, Column: 1, AtHead: true},
		}},
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs: run with -update and read the difference. Now it is\n%s", file, got)
	}
}

type writer func(io.Writer, []report.Repository) error

func table(w io.Writer, all []report.Repository) error  { return report.Table(w, all, false) }
func colour(w io.Writer, all []report.Repository) error { return report.Table(w, all, true) }

func forms() map[string]writer {
	return map[string]writer{"table.txt": table, "colour.txt": colour, "findings.jsonl": report.JSONL, "findings.sarif": report.SARIF, "gaps.txt": report.Gaps}
}

func write(t testing.TB, f writer, all []report.Repository) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := f(&b, all); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGolden(t *testing.T) {
	for name, f := range forms() {
		golden(t, name, write(t, f, results()))
	}
}

// TestOrder: what is written doesn't depend on the order of what was found, and the caller's slices are left alone.
func TestOrder(t *testing.T) {
	for name, f := range forms() {
		want := write(t, f, results())
		all := results()
		slices.Reverse(all)
		for _, r := range all {
			slices.Reverse(r.Findings)
			slices.Reverse(r.Gaps)
		}
		before := all[2].Findings[0]
		if got := write(t, f, all); !bytes.Equal(got, want) {
			t.Errorf("%s: another order gives\n%s", name, got)
		}
		if all[2].Findings[0].Where != before.Where || all[0].Name != "plain\nfolder" {
			t.Errorf("%s changed what it was given", name)
		}
	}
}

// TestNothing: no finding is no line; SARIF has its run all the same.
func TestNothing(t *testing.T) {
	all := []report.Repository{{Name: "clean"}}
	for name, f := range forms() {
		if got := write(t, f, all); len(got) > 0 != (name == "findings.sarif") {
			t.Errorf("%s of nothing:\n%s", name, got)
		}
	}
	if report.Found(all) || report.Incomplete(all) || !report.Found(results()) || !report.Incomplete(results()) {
		t.Error("Found or Incomplete is wrong")
	}
}

// TestJSONLKeys: each line begins with the promised keys, whatever else follows.
func TestJSONLKeys(t *testing.T) {
	const promised = "credential class repository where path line column commit object encoding at_head"
	for text := range bytes.Lines(write(t, report.JSONL, results())) {
		dec := json.NewDecoder(bytes.NewReader(text))
		var keys []string
		for depth, key := 0, true; ; {
			tok, err := dec.Token()
			if err != nil {
				break
			}
			if d, is := tok.(json.Delim); is {
				if d == '{' || d == '[' {
					depth++
				} else {
					depth--
				}
				key = true
				continue
			}
			if depth == 1 {
				if key {
					keys = append(keys, tok.(string))
				}
				key = !key
			}
		}
		if got := strings.Join(keys, " "); !strings.HasPrefix(got+" ", promised+" ") {
			t.Errorf("keys %s, want first %s", got, promised)
		}
	}
}

func schema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	f, err := os.Open("testdata/sarif/sarif-schema-2.1.0.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	doc, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("sarif.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("sarif.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func valid(t rapid.TB, s *jsonschema.Schema, log []byte) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(log))
	if err != nil {
		t.Fatalf("%v in\n%s", err, log)
	}
	if err := s.Validate(doc); err != nil {
		t.Fatalf("%v in\n%s", err, log)
	}
}

func TestSARIFSchema(t *testing.T) {
	s := schema(t)
	valid(t, s, write(t, report.SARIF, results()))
	valid(t, s, write(t, report.SARIF, nil))
	if err := s.Validate(map[string]any{"version": "2.1.0"}); err == nil {
		t.Error("the schema takes a log without runs")
	}
}

// TestHostile: whatever is found where, the forms are valid, and no character of them is one that a terminal acts on.
func TestHostile(t *testing.T) {
	s := schema(t)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "\x1b]0;x\x07", "\u202e", "\xff\xfe", "a\r\nb", "\u009b31m", "%2e%2e/x", "..\\x", "\U000f0000"}))
		var all []report.Repository
		for range rapid.IntRange(0, 2).Draw(t, "repositories") {
			name := text.Draw(t, "name")
			all = append(all, report.Repository{Name: name, Gaps: []scanners.Gap{{Subject: text.Draw(t, "subject"), What: text.Draw(t, "what"), Count: 1}}, Findings: []scanners.Finding{{
				Credential: text.Draw(t, "credential"), Class: scanners.ByID, Repository: name, Path: text.Draw(t, "path"), Author: text.Draw(t, "author"),
				Where:  rapid.SampledFrom([]scanners.Where{scanners.InBlob, scanners.InPath, scanners.InRef, scanners.InNote, scanners.InTagMessage, scanners.InCommitMessage}).Draw(t, "where"),
				Commit: text.Draw(t, "commit"), Object: text.Draw(t, "object"), Date: text.Draw(t, "date"), Branches: []string{text.Draw(t, "branch")},
				AtHead: rapid.Bool().Draw(t, "head"), Encoding: scanners.Encoding(text.Draw(t, "encoding")), Line: rapid.IntRange(0, 3).Draw(t, "line"),
			}}})
		}
		for name, f := range forms() {
			var b bytes.Buffer
			if err := f(&b, all); err != nil {
				t.Fatal(err)
			}
			if name == "findings.sarif" {
				valid(t, s, b.Bytes())
			}
			if name == "colour.txt" {
				continue
			}
			if !utf8.Valid(b.Bytes()) {
				t.Fatalf("%s is not UTF-8:\n%q", name, &b)
			}
			for _, r := range b.String() {
				if r != '\n' && (r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x202e) {
					t.Fatalf("%s holds %U:\n%q", name, r, &b)
				}
			}
		}
	})
}

// TestTableIsBounded: of very many places the table lists some and counts the rest, and long names don't push it apart.
func TestTableIsBounded(t *testing.T) {
	r := report.Repository{Name: "r"}
	for i := range 103 {
		r.Findings = append(r.Findings, scanners.Finding{
			Credential: "a", Class: scanners.ByName, Where: scanners.InBlob, Path: "p", Line: i + 1, AtHead: true, Branches: []string{strings.Repeat("é", 40)},
		})
	}
	got := string(write(t, table, []report.Repository{r}))
	if !strings.HasPrefix(got, "a: 103 places, 103 still at a head\n") || !strings.Contains(got, "\n  and 3 more places, which the other formats list\n") ||
		strings.Contains(got, ":101") || !strings.Contains(got, "at "+strings.Repeat("é", 31)+"…\n") {
		t.Errorf("the table is\n%s", got)
	}
}

func TestVisible(t *testing.T) {
	for in, want := range map[string]string{
		"é ok\\n": "é ok\\n", "\x1b[2J": `\x1b[2J`, "a\nb\\": `a\x0ab\\`, "\u202e": `\u202e`, "\xff": `\xff`, "\u009b": `\u009b`,
	} {
		if got := report.Visible(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

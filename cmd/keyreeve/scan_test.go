package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/scanners"
)

// TestScanSARIF holds what the command writes to SARIF's own schema, with findings, without, and with gaps.
func TestScanSARIF(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	keys := write("keys.yaml", "keys: [{label: a, name: PAYMENTS_API_KEY}]")
	found, clean := write("a b%.txt", "x PAYMENTS_API_KEY"), write("clean.txt", "nothing")
	f, err := os.Open("../../scanners/report/testdata/sarif/sarif-schema-2.1.0.json")
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
	schema := c.MustCompile("sarif.json")
	for _, tt := range []struct {
		paths []string
		code  int
		has   []string
	}{
		{[]string{clean}, exitOK, []string{`"results": []`, `"executionSuccessful": true`}},
		{[]string{found, clean}, exitFailed, []string{`"uri": "a%20b%25.txt"`, `"startLine": 1`, `"ruleId": "retired-name"`}},
		{[]string{found, filepath.Join(dir, "nowhere")}, exitIncomplete, []string{`"executionSuccessful": false`, `"ruleId": "retired-name"`}},
	} {
		var out bytes.Buffer
		args := append([]string{"scan", "--keys", keys, "--format", "sarif"}, tt.paths...)
		if got := exitCode(run(t.Context(), args, nil, &out, io.Discard), io.Discard); got != tt.code {
			t.Errorf("%v: exit %d, want %d", tt.paths, got, tt.code)
		}
		for _, has := range tt.has {
			if !strings.Contains(out.String(), has) {
				t.Errorf("%v: no %s in\n%s", tt.paths, has, &out)
			}
		}
		log, err := jsonschema.UnmarshalJSON(&out)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(log); err != nil {
			t.Errorf("%v: %v", tt.paths, err)
		}
	}
}

// TestScanUnreadable: what can't be opened, or is no file, is a gap.
func TestScanUnreadable(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("PAYMENTS_API_KEY/nowhere", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	keys := filepath.Join(t.TempDir(), "keys.yaml")
	if err := os.WriteFile(keys, []byte("keys: [{label: a, name: PAYMENTS_API_KEY}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	code := exitCode(run(t.Context(), []string{"scan", "--keys", keys, dir}, nil, &out, &errs), &errs)
	if code != exitFailed || !strings.Contains(out.String(), "link:1:1") {
		t.Errorf("a link's text: exit %d\n%s%s", code, &out, &errs)
	}
	// A link that is named on the command line is followed.
	to := filepath.Join(t.TempDir(), "to")
	if err := os.Symlink(dir, to); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	if code := exitCode(run(t.Context(), []string{"scan", "--keys", keys, to}, nil, &out, &errs), &errs); code != exitFailed || !strings.Contains(out.String(), "link:1:1") {
		t.Errorf("a named link: exit %d\n%s%s", code, &out, &errs)
	}
	// What an interrupt kept it from is told.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if code := exitCode(run(ctx, []string{"scan", "--keys", keys, dir}, nil, &out, &errs), &errs); code != exitIncomplete || !strings.Contains(errs.String(), "interrupted") {
		t.Errorf("interrupted: exit %d\n%s", code, &errs)
	}
	for file, want := range map[string]string{filepath.Join(dir, "none"): "no such file", os.DevNull: "it is no regular file"} {
		if _, why := readFile(file); !strings.Contains(why, want) {
			t.Errorf("%s: %q, want %q", file, why, want)
		}
	}
}

func TestParseStaged(t *testing.T) {
	const a = ":000000 100644 0000 aaaa A\x00a b\x00"
	for in, want := range map[string]int{
		"": 0, a: 1, a + a: 2, ":000000 160000 0000 bbbb A\x00sub\x00": 0,
		"x": -1, a + "x": -1, ":1 2 3 4\x00p\x00": -1, ":000000 100644 0000 aaaa A\x00\x00": -1,
	} {
		files, err := parseStaged([]byte(in))
		if got := len(files); (err != nil) != (want < 0) || err == nil && got != want {
			t.Errorf("%q: %d files, %v; want %d", in, got, err, want)
		}
	}
}

func TestKeysOf(t *testing.T) {
	secret := func(name, in string) identity.Secret { return identity.Secret{Name: name, In: in} }
	got := keysOf(identity.Identity{Name: "a/b", Credentials: []identity.Credential{
		{Kind: "token", Secrets: []identity.Secret{secret("TWO", "x/y"), secret("ONE", "x/y"), secret("TWO", "x/z")}, PublicID: "id"},
		{Kind: "ssh-key", Fingerprint: "f"},
		{Kind: "token", Fingerprint: "g"},
	}})
	want := []scanners.Key{
		{Label: "a/b token", Name: "ONE"},
		{Label: "a/b token", Name: "TWO"},
		{Label: "a/b token", ID: "id"},
		{Label: "a/b ssh-key", Fingerprint: "f"},
		{Label: "a/b token 2", Fingerprint: "g"},
	}
	if len(got) != len(want) {
		t.Fatalf("%v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%v, want %v", got[i], want[i])
		}
	}
}

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyreeve/keyreeve/approvals"
)

func TestOwnersPaths(t *testing.T) {
	root, docs, none := checkout{"/r", "."}, checkout{"/r", "docs/a"}, checkout{within: "."}
	for _, c := range []struct {
		at            checkout
		written, want string // want begins with "!" for an error
	}{
		{root, "a/b", "a/b"},
		{root, "./a//b/.", "a/b"},
		{root, "/a/b", "a/b"},
		{root, "//a", "a"},
		{root, "/r/a/b", "a/b"},
		{root, "/rest/a", "rest/a"},
		{root, "a/../b", "b"},
		{root, "/../a", "a"},
		{root, "..", "!outside"},
		{root, "../a", "!outside"},
		{root, "..a", "..a"},
		{root, "a/", "!folder"},
		{root, ".", "!folder"},
		{root, "/", "!folder"},
		{root, "/r", "!folder"},
		{root, "", "!empty"},
		{root, "a\x00b", "!NUL"},
		{docs, "x", "docs/a/x"},
		{docs, "./x", "docs/a/x"},
		{docs, "../x", "docs/x"},
		{docs, "../../x", "x"},
		{docs, "../../../x", "!outside"},
		{docs, "/x", "x"},
		{docs, "/r/docs/x", "docs/x"},
		{docs, "..", "docs"},
		{none, "a/b", "a/b"},
		{none, "/r/a", "r/a"},
		{none, "../a", "!outside"},
	} {
		got, err := c.at.path(c.written)
		want, fails := strings.CutPrefix(c.want, "!")
		if fails != (err != nil) || fails && !strings.Contains(err.Error(), want) || !fails && got != want {
			t.Errorf("%q in %q: %q, %v; want %q", c.written, c.at.within, got, err, c.want)
		}
	}
}

func TestShowError(t *testing.T) {
	long := strings.Repeat("x", 300)
	for _, c := range []struct{ line, want string }{
		{"* user", "F:1:3: Invalid owner: \"user\" is not an owner: write @user, @org/team or an e-mail address: did you mean @user?\n  * user\n    ^\n"},
		{"\t/ä\tö", "F:1:5: Invalid owner: \"ö\" is not an owner: write @user, @org/team or an e-mail address\n   /ä ö\n      ^\n"},
		{"a\x1b[2Jb", "F:1:2: Invalid pattern: the pattern holds an invisible character: delete it\n  a [2Jb\n   ^\n"},
		{"/" + long + "[a]" + long, "F:1:302: Invalid pattern: [ ] for a range of characters does not work in CODEOWNERS: use * or ?, or several lines\n" +
			"  " + long[:60] + "[a]" + long[:57] + "\n  " + strings.Repeat(" ", 60) + "^\n"},
	} {
		parsed := approvals.ParseCodeowners([]byte(c.line))
		if len(parsed.Errors) != 1 {
			t.Fatalf("%q: %v", c.line, parsed.Errors)
		}
		if got := showError("F", parsed.Errors[0]); got != c.want {
			t.Errorf("%q:\n%s\nwant\n%s", c.line, got, c.want)
		}
	}
}

// TestOwnersOfMany reads more paths than any command line has, and answers in their order.
func TestOwnersOfMany(t *testing.T) {
	file := filepath.Join(t.TempDir(), "CODEOWNERS")
	if err := os.WriteFile(file, []byte("* @all\n*.go @go\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const many = 50_000
	var in, out, errs bytes.Buffer
	for i := range many {
		fmt.Fprintf(&in, "dir\n%d/x.go\x00", i)
	}
	q := ownersQuery{file: file, json: true, null: true}
	if err := q.run(nil, &in, &out, &errs); err != nil || errs.Len() > 0 {
		t.Fatal(err, errs.String())
	}
	answers := json.NewDecoder(&out)
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for i := range many {
		var a ownersAnswer
		if err := answers.Decode(&a); err != nil {
			t.Fatal(err)
		}
		path, err := findCheckout(wd).path(fmt.Sprintf("dir\n%d/x.go", i))
		if err != nil || a.Path != path || a.Line != 2 {
			t.Fatalf("answer %d: %+v, want %s by line 2, %v", i, a, path, err)
		}
	}
	if answers.More() {
		t.Error("more answers than paths")
	}
}

// TestOwnersRefuses has what a script would need megabytes or odd bytes for.
func TestOwnersRefuses(t *testing.T) {
	dir := t.TempDir()
	small, large := filepath.Join(dir, "small"), filepath.Join(dir, "large")
	for file, text := range map[string]string{small: "* @all\n", large: "* @all\n" + strings.Repeat("#\n", approvals.CodeownersLimit/2)} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		q     ownersQuery
		args  []string
		stdin string
		code  int
		want  string
	}{
		"3 MB":                    {ownersQuery{file: large}, []string{"a"}, "", exitFailed, "GitHub does not load it"},
		"a folder for a file":     {ownersQuery{file: dir}, []string{"a"}, "", exitUsage, "is a directory"},
		"a NUL without -z":        {ownersQuery{file: small}, nil, "a\x00b\n", exitUsage, "standard input, path 1: "},
		"a folder in the input":   {ownersQuery{file: small}, nil, "a\n\nb/", exitUsage, "standard input, path 3: "},
		"a folder, and no output": {ownersQuery{file: small}, []string{"a", "b/"}, "", exitUsage, "is a folder"},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			err := c.q.run(c.args, strings.NewReader(c.stdin), &out, &errs)
			e, ok := errors.AsType[*exitError](err)
			if !ok || e.code != c.code || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want exit code %d with %q", err, c.code, c.want)
			}
			if c.args != nil && out.Len() > 0 {
				t.Errorf("printed %q", out.String())
			}
		})
	}
}

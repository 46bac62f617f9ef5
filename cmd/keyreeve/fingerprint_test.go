package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyreeve/keyreeve/scanners"
)

// fingerprintOf runs the command with a value on standard input.
func fingerprintOf(t *testing.T, environ []string, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errOut bytes.Buffer
	root := newRoot(environ)
	root.SetArgs(append([]string{"fingerprint"}, args...))
	root.SetIn(strings.NewReader(stdin))
	root.SetOut(&out)
	root.SetErr(&errOut)
	code = exitCode(root.ExecuteContext(t.Context()), &errOut)
	return out.String(), errOut.String(), code
}

func TestFingerprintCommand(t *testing.T) {
	const value = "s3cr3t-Zq8vN2wLx7Rb4Tk9Yd"
	path := filepath.Join(t.TempDir(), "pepper")
	environ := []string{"KEYREEVE_PEPPER_FILE=" + path}

	if out, errs, code := fingerprintOf(t, environ, "", "--new-pepper", path); code != exitOK || out != "" || !strings.Contains(errs, "keep a copy") {
		t.Fatalf("--new-pepper: %d, %q, %q", code, out, errs)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the pepper file: %v, %v", info.Mode(), err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, errs, code := fingerprintOf(t, environ, "", "--new-pepper", path); code != exitUsage || !strings.Contains(errs, "is there already") {
		t.Errorf("a second --new-pepper: %d, %q", code, errs)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("the pepper file was changed")
	}

	peppers, _, err := scanners.OpenPeppers(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := peppers.Fingerprint([]byte(value))
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range []string{value, value + "\n", value + "\r\n"} {
		if out, errs, code := fingerprintOf(t, environ, in); code != exitOK || out != want+"\n" || errs != "" {
			t.Errorf("of %q: %d, %q, %q, want %q", in, code, out, errs, want)
		}
	}
	if out, _, _ := fingerprintOf(t, environ, value+"\n\n"); out == want+"\n" {
		t.Error("more than one line end is taken off")
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if out, errs, code := fingerprintOf(t, environ, value); code != exitOK || out != want+"\n" || !strings.Contains(errs, "warning: every user") {
		t.Errorf("with a file that all can read: %d, %q, %q", code, out, errs)
	}
}

func TestFingerprintCommandRefuses(t *testing.T) {
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "good"), filepath.Join(dir, "bad")
	for path, text := range map[string]string{good: scanners.GeneratePepper(), bad: "hunter2hunter2"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name, pepper, stdin string
		args                []string
		code                int
		want                string
	}{
		{"an argument", good, "", []string{"hunter2hunter2"}, exitUsage, "every user of this machine can see those"},
		{"no pepper", "", "a value long enough", nil, exitUsage, "keyreeve fingerprint --new-pepper FILE"},
		{"a pepper file that is not there", filepath.Join(dir, "none"), "a value long enough", nil, exitUsage, "no such file"},
		{"a pepper that is too short", bad, "a value long enough", nil, exitUsage, "line 1: a pepper has at least 32 bytes"},
		{"a short value", good, "hunter2\n", nil, exitFailed, "the value has 7 bytes"},
		{"a value that is no secret", good, strings.Repeat("x", 50<<10), nil, exitFailed, "at most 49152"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, errs, code := fingerprintOf(t, []string{"KEYREEVE_PEPPER_FILE=" + c.pepper}, c.stdin, c.args...)
			if code != c.code || out != "" || !strings.Contains(errs, c.want) {
				t.Errorf("%d, %q, %q, want %d, %q", code, out, errs, c.code, c.want)
			}
			if strings.Contains(errs, "hunter2") {
				t.Error("the message shows what should stay hidden")
			}
		})
	}
}

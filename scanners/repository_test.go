package scanners_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyreeve/keyreeve/scanners"
)

// repository is a git repository of a test.
type repository struct {
	t   testing.TB
	dir string
	now int
}

func newRepository(t testing.TB) *repository {
	t.Helper()
	r := &repository{t: t, dir: t.TempDir(), now: 1_700_000_000}
	r.git("init", "-q", "-b", "main")
	return r
}

func (r *repository) git(args ...string) string {
	r.t.Helper()
	out, err := r.command(args...).CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %v: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (r *repository) command(args ...string) *exec.Cmd {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = r.dir
	at := fmt.Sprintf("%d +0000", r.now)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_AUTHOR_NAME=Ann", "GIT_AUTHOR_EMAIL=ann@x",
		"GIT_COMMITTER_NAME=C", "GIT_COMMITTER_EMAIL=c@x", "GIT_AUTHOR_DATE="+at, "GIT_COMMITTER_DATE="+at)
	return cmd
}

// commit writes files ("" removes one) and commits them, an hour after the last commit.
func (r *repository) commit(message string, files map[string]string) string {
	r.t.Helper()
	r.now += 3600
	for name, text := range files {
		path := filepath.Join(r.dir, name)
		if text == "" {
			r.git("rm", "-q", "--", name)
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			r.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			r.t.Fatal(err)
		}
		r.git("add", "-f", "--", name)
	}
	r.git("commit", "-q", "--allow-empty", "-m", message)
	return r.git("rev-parse", "HEAD")
}

func (r *repository) scan(o scanners.Options, keys ...scanners.Key) scanners.Report {
	r.t.Helper()
	m, err := scanners.Compile(keys, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	report, err := scanners.ScanRepository(r.t.Context(), r.dir, m, o)
	if err != nil {
		r.t.Fatal(err)
	}
	return report
}

func named(name string) scanners.Key { return scanners.Key{Label: strings.ToLower(name), Name: name} }

// line writes a finding for a comparison.
func line(f scanners.Finding, commits map[string]string) string {
	name := func(c string) string {
		if n, ok := commits[c]; ok {
			return n
		}
		return c[:min(len(c), 7)]
	}
	s := fmt.Sprintf("%s %s %s %d:%d since %s", f.Credential, f.Where, f.Path, f.Line, f.Column, name(f.Commit))
	if f.AtHead {
		s += " at " + strings.Join(f.Branches, ",")
	}
	if f.Last != "" {
		s += " until " + name(f.Last)
	}
	if f.Unreachable {
		s += " unreachable"
	}
	return s
}

// TestAttribution: where a key was found, since when, and whether it still is there.
func TestAttribution(t *testing.T) {
	r := newRepository(t)
	commits := map[string]string{}
	commit := func(name string, files map[string]string) {
		commits[r.commit(name, files)] = name
	}
	commit("one", map[string]string{"a/app.env": "X=1\nKEY_AT_HEAD=x\n", "old.txt": "uses KEY_GONE here\n"})
	commit("two", map[string]string{"a/app.env": "X=1\nY=2\nKEY_AT_HEAD=x\n", "b.txt": "nothing\n"})
	commit("three: KEY_IN_MESSAGE\n\nand KEY_IN_MESSAGE again", map[string]string{"old.txt": ""})
	r.git("checkout", "-q", "-b", "side", "HEAD~1")
	commit("side", map[string]string{"deep/down/KEY_IN_PATH.txt": "x\n"})
	r.git("checkout", "-q", "main")
	r.git("tag", "-a", "v1", "-m", "release with KEY_IN_TAG")
	r.git("branch", "KEY_IN_REF")
	r.git("notes", "add", "-m", "a note of KEY_IN_NOTE")
	r.git("checkout", "-q", "--orphan", "lost")
	commit("lost", map[string]string{"lost.txt": "KEY_LOST\n"})
	r.git("checkout", "-q", "-f", "main")
	r.git("branch", "-q", "-D", "lost")

	keys := []scanners.Key{
		named("KEY_AT_HEAD"), named("KEY_GONE"), named("KEY_IN_MESSAGE"), named("KEY_IN_PATH"), named("KEY_IN_TAG"), named("KEY_IN_REF"),
		named("KEY_IN_NOTE"), named("KEY_LOST"), named("KEY_NOWHERE"),
	}
	want := `key_at_head blob a/app.env 3:1 since one at HEAD,refs/heads/KEY_IN_REF,refs/heads/main,refs/heads/side
key_gone blob old.txt 1:6 since one at refs/heads/side
key_in_message commit-message  1:8 since three: KEY_IN_MESSAGE

and KEY_IN_MESSAGE again
key_in_message commit-message  3:5 since three: KEY_IN_MESSAGE

and KEY_IN_MESSAGE again
key_in_path path deep/down/KEY_IN_PATH.txt 0:0 since side at refs/heads/side
key_in_ref ref refs/heads/KEY_IN_REF 0:12 since three: KEY_IN_MESSAGE

and KEY_IN_MESSAGE again
key_in_tag tag-message  1:14 since three: KEY_IN_MESSAGE

and KEY_IN_MESSAGE again
key_lost blob lost.txt 1:1 since lost until lost unreachable`
	for _, pack := range []string{"loose", "packed"} {
		if pack == "packed" {
			r.git("repack", "-adfqk")
		}
		var got []string
		report := r.scan(scanners.Options{}, keys...)
		for _, f := range report.Findings {
			if f.Where == scanners.InNote {
				if f.Credential != "key_in_note" || f.Line != 1 || f.Column != 11 || f.AtHead {
					t.Errorf("%s: the note is %+v", pack, f)
				}
				continue
			}
			got = append(got, line(f, commits))
		}
		if all := strings.Join(got, "\n"); all != want {
			t.Errorf("%s: got\n%s\nwant\n%s", pack, all, want)
		}
		if len(report.Gaps) > 0 || report.Stats.Objects == 0 || len(report.Findings) != len(got)+1 {
			t.Errorf("%s: gaps %v, %d findings, %+v", pack, report.Gaps, len(report.Findings), report.Stats)
		}
		if report.Findings[0].Author != "Ann <ann@x>" || !strings.HasPrefix(report.Findings[0].Date, "2023-11-1") {
			t.Errorf("the author is %q at %q", report.Findings[0].Author, report.Findings[0].Date)
		}
	}
}

// TestGoneAndBack: a key that was taken out and put in again is there since it first came; one that was taken out for good has a last commit.
func TestGoneAndBack(t *testing.T) {
	r := newRepository(t)
	commits := map[string]string{}
	for i, files := range []map[string]string{
		{"a": "KEY_ONE\nKEY_TWO\n"}, {"a": "clean\n"}, {"a": "\n\nKEY_ONE\n", "moved/b": "KEY_TWO\n"}, {"moved/b": ""}, {"c": "x\n"},
	} {
		name := fmt.Sprint("c", i)
		commits[r.commit(name, files)] = name
	}
	var got []string
	for _, f := range r.scan(scanners.Options{BaseURL: "https://github.com/acme/x"}, named("KEY_ONE"), named("KEY_TWO")).Findings {
		got = append(got, line(f, commits))
		if f.Path == "a" && f.Credential == "key_one" && f.Permalink != "https://github.com/acme/x/blob/"+r.git("rev-parse", "HEAD")+"/a#L3" {
			t.Errorf("the permalink is %s", f.Permalink)
		}
	}
	want := "key_one blob a 3:1 since c0 at HEAD,refs/heads/main\nkey_two blob a 2:1 since c0 until c0\nkey_two blob moved/b 1:1 since c2 until c2"
	if all := strings.Join(got, "\n"); all != want {
		t.Errorf("got\n%s\nwant\n%s", all, want)
	}
}

func TestNothingIsNotClean(t *testing.T) {
	r := newRepository(t)
	if report := r.scan(scanners.Options{}, named("KEY_ONE")); len(report.Gaps) != 1 || !strings.Contains(report.Gaps[0].What, "nothing was scanned") {
		t.Errorf("an empty repository: %+v", report)
	}
}

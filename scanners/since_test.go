package scanners_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/keyreeve/keyreeve/scanners"
)

// TestSince: a scan of what came since another one finds all that is new, reads nothing else, and says which commit brought it.
func TestSince(t *testing.T) {
	r := newRepository(t)
	keys := []scanners.Key{
		named("KEY_OLD"), named("KEY_NEW"), named("KEY_IN_MESSAGE"), named("KEY_IN_TAG"), named("KEY_IN_PATH"), named("KEY_SIDE"),
	}
	commits := map[string]string{}
	commit := func(name string, files map[string]string) { commits[r.commit(name, files)] = name }
	for i := range 20 {
		commit(fmt.Sprint("old", i), map[string]string{"a/b/old": fmt.Sprint("KEY_OLD\n", i), fmt.Sprint("f", i): "KEY_OLD\n"})
	}
	r.git("tag", "-a", "v1", "-m", "one", "HEAD~1")
	first := r.scan(scanners.Options{}, keys...)
	if len(first.Findings) == 0 || len(first.Tips) != 2 {
		t.Fatalf("%d findings, tips %v", len(first.Findings), first.Tips)
	}

	none := r.scan(scanners.Options{Since: first.Tips}, keys...)
	if len(none.Findings) > 0 || none.Stats.Objects > 0 || len(none.Gaps) > 0 {
		t.Errorf("nothing is new: %+v", none)
	}

	commit("new: KEY_IN_MESSAGE", map[string]string{"a/b/new": "x\nKEY_NEW\n", "a/KEY_IN_PATH": "x\n"})
	r.git("tag", "-a", "v2", "-m", "KEY_IN_TAG")
	r.git("checkout", "-q", "-b", "side", "HEAD~15")
	commit("side", map[string]string{"a/s": "KEY_SIDE\n"})
	second := r.scan(scanners.Options{Since: append(first.Tips, strings.Repeat("0", 40))}, keys...)
	var got []string
	for _, f := range second.Findings {
		got = append(got, line(f, commits))
	}
	want := `key_in_message commit-message  1:6 since new: KEY_IN_MESSAGE
key_in_path path a/KEY_IN_PATH 0:0 since new: KEY_IN_MESSAGE at refs/heads/main
key_in_tag tag-message  1:1 since new: KEY_IN_MESSAGE
key_new blob a/b/new 2:1 since new: KEY_IN_MESSAGE at refs/heads/main
key_side blob a/s 1:1 since side at HEAD,refs/heads/side`
	if all := strings.Join(got, "\n"); all != want || len(second.Gaps) > 0 {
		t.Errorf("gaps %v, got\n%s\nwant\n%s", second.Gaps, all, want)
	}
	// Two commits, a tag, and what they changed: 5 trees and 3 files.
	if second.Stats.Objects > 11 {
		t.Errorf("%d objects were read", second.Stats.Objects)
	}
}

// TestSinceOnASideOfTheHistory: a branch that leaves the history long before the tips of the earlier scan costs no more than
// its own commits, once the earlier tips are read.
func TestSinceOnASideOfTheHistory(t *testing.T) {
	r := newRepository(t)
	var in strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&in, "commit refs/heads/main\nmark :%d\ncommitter A <a@x> %d +0000\ndata 1\nx\nM 100644 inline f%d\ndata 1\nx\n", i+1, 1_600_000_000+i, i%7)
	}
	in.WriteString("commit refs/heads/side\ncommitter A <a@x> 1700000000 +0000\ndata 1\nx\nfrom :100\n" +
		"M 100644 inline g\ndata 8\nKEY_SIDE\n")
	cmd := r.command("fast-import", "--quiet")
	cmd.Stdin = strings.NewReader(in.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	report := r.scan(scanners.Options{Since: []string{r.git("rev-parse", "main")}}, named("KEY_SIDE"))
	if len(report.Findings) != 1 || report.Findings[0].Path != "g" || report.Stats.Objects > 3 {
		t.Errorf("%+v", report)
	}
}

// TestSinceLongAgo: where thousands of commits are new, all is scanned, and attributed as by a scan of the whole.
func TestSinceLongAgo(t *testing.T) {
	r := newRepository(t)
	var in strings.Builder
	for i := range 2500 {
		fmt.Fprintf(&in, "commit refs/heads/main\ncommitter A <a@x> %d +0000\ndata 1\nx\nM 100644 inline f%d\ndata 8\nKEY_SIDE\n",
			1_600_000_000+i, i)
		if i%50 == 49 { // all files are removed, with the one that this commit brings
			in.WriteString("M 040000 4b825dc642cb6eb9a060e54bf8d69288fbee4904 \n")
		}
	}
	cmd := r.command("fast-import", "--quiet")
	cmd.Stdin = strings.NewReader(in.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	key := named("KEY_SIDE")
	whole := r.scan(scanners.Options{}, key)
	since := r.scan(scanners.Options{Since: []string{r.git("rev-list", "--max-parents=0", "main")}}, key)
	if len(whole.Findings) != 2450 || fmt.Sprint(whole.Findings) != fmt.Sprint(since.Findings) {
		t.Errorf("%d findings, and %d since the first commit", len(whole.Findings), len(since.Findings))
	}
}

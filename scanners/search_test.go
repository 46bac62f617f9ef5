package scanners

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/keyreeve/keyreeve/scanners/gitobj"
)

// plainGit runs git with no configuration but its own.
func plainGit(t interface {
	Fatalf(format string, args ...any)
}, dir, stdin string, args ...string,
) []byte {
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(stdin)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git %v: %v", args, err)
	}
	return out
}

// eachObject calls visit with every object as git has it.
func eachObject(t *testing.T, dir string, visit func(name, kind string, data []byte)) {
	t.Helper()
	cmd := exec.Command("git", "cat-file", "--batch-all-objects", "--batch", "--unordered", "--buffer")
	cmd.Dir = dir
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for r := bufio.NewReader(out); ; {
		head, err := r.ReadString('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		var name, kind string
		var size int
		if _, err := fmt.Sscan(head, &name, &kind, &size); err != nil {
			t.Fatalf("%q: %v", head, err)
		}
		data := make([]byte, size+1)
		if _, err := io.ReadFull(r, data); err != nil {
			t.Fatal(err)
		}
		visit(name, kind, data[:size])
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
}

// sameAsFull compares which keys the search found in which objects with a scan of every object as a whole, and returns how
// many objects hold one.
func sameAsFull(t *testing.T, dir string, m *Matcher) int {
	t.Helper()
	repo, err := gitobj.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer repo.Close()
	s := &search{
		repo: repo, m: m, o: Options{Workers: 2},
		hits: map[gitobj.ID][]hit{}, names: map[gitobj.ID][]namedHit{}, missed: map[Gap]int{},
	}
	if _, err := s.objects(t.Context()); err != nil {
		t.Fatal(err)
	}
	holding := 0
	eachObject(t, dir, func(name, kind string, data []byte) {
		id, err := repo.ParseID(name)
		if err != nil {
			t.Fatal(err)
		}
		var want, got []string
		add := func(list *[]string, key int, encoding Encoding) {
			if one := fmt.Sprint(key, " ", encoding); !slices.Contains(*list, one) {
				*list = append(*list, one)
			}
		}
		if kind == "tree" {
			for e, err := range repo.Entries(data) {
				if err != nil {
					t.Fatal(err)
				}
				matches, _ := m.ScanBytes(t.Context(), []byte(e.Name))
				for _, f := range matches {
					add(&want, f.Key, f.Encoding)
				}
			}
			for _, h := range s.names[id] {
				add(&got, h.key, h.encoding)
			}
		} else {
			matches, _ := m.ScanBytes(t.Context(), data)
			for _, f := range matches {
				add(&want, f.Key, f.Encoding)
			}
			for _, h := range s.hits[id] {
				add(&got, h.key, h.encoding)
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Fatalf("%s %s: found %q, and a scan of the whole finds %q", kind, name, got, want)
		}
		if len(want) > 0 {
			holding++
		}
	})
	return holding
}

// mixedKeys returns keys of all classes, and how each may be written.
func mixedKeys(t *testing.T) (*Matcher, []string) {
	t.Helper()
	pepper, err := NewPepper([]byte(strings.Repeat("a pepper of a test. ", 4)))
	if err != nil {
		t.Fatal(err)
	}
	peppers := Peppers{pepper}
	long, short := "ghx_Zk3mPq81TtUuVv0aBcDeFgHiJkLm", "p4ss.w0rd-9z"
	keys := []Key{{Label: "n", Name: "PAYMENTS_API_KEY"}, {Label: "i", ID: "AKIAZZ77QXYA3KLMNOPQ"}}
	for _, v := range []string{long, short} {
		f, err := peppers.Fingerprint([]byte(v))
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, Key{Label: v[:3], Fingerprint: f})
	}
	m, err := Compile(keys, peppers)
	if err != nil {
		t.Fatal(err)
	}
	words := []string{"PAYMENTS_API_KEY", "AKIAZZ77QXYA3KLMNOPQ", long, short}
	for _, w := range words[:4] {
		var escaped strings.Builder
		for _, c := range []byte(w) {
			fmt.Fprintf(&escaped, `\u%04x`, c)
		}
		words = append(words, base64.StdEncoding.EncodeToString([]byte("x="+w+"\n")), fmt.Sprintf("%x", w), escaped.String())
	}
	return m, words
}

// TestSearchIsAFullScan: in repositories of all kinds what is found delta by delta is what a scan of each whole object finds.
// Texts are cut, moved and joined within keys, so that many stand at the edges of what a delta copies.
func TestSearchIsAFullScan(t *testing.T) {
	m, words := mixedKeys(t)
	holding := 0
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		plainGit(rt, dir, "", "init", "-q", "--bare", ".")
		plainGit(rt, dir, imports(rt, words), "fast-import", "--quiet")
		switch rapid.IntRange(0, 3).Draw(rt, "packing") {
		case 0:
			plainGit(rt, dir, "", "repack", "-adfq", "--depth=50", "--window=50")
		case 1:
			plainGit(rt, dir, "", "repack", "-adfq", "--depth=4000", "--window=100")
		case 2:
			plainGit(rt, dir, "", "-c", "repack.useDeltaBaseOffset=false", "repack", "-adfq", "--window=3")
		}
		holding += sameAsFull(t, dir, m)
	})
	if holding < 50 {
		t.Errorf("only %d objects held a key: the test shows little", holding)
	}
}

// imports writes a random history for git fast-import.
func imports(rt *rapid.T, words []string) string {
	var in bytes.Buffer
	files := make([]string, 3)
	number := rapid.IntRange(0, 1<<20)
	for i := range files {
		for range 40 {
			files[i] += fmt.Sprintf("line of %x and %x\n", number.Draw(rt, "a"), number.Draw(rt, "b"))
		}
	}
	for c := range rapid.IntRange(2, 12).Draw(rt, "commits") {
		i := rapid.IntRange(0, len(files)-1).Draw(rt, "file")
		for range rapid.IntRange(1, 3).Draw(rt, "edits") {
			text := files[i]
			at := rapid.IntRange(0, len(text)).Draw(rt, "at")
			switch rapid.IntRange(0, 4).Draw(rt, "edit") {
			case 0: // the start of a word, and a later edit may bring its rest
				word := rapid.SampledFrom(words).Draw(rt, "word")
				text = text[:at] + word[:rapid.IntRange(1, len(word)).Draw(rt, "part")] + text[at:]
			case 1:
				text = text[:at] + rapid.SampledFrom([]string{"", "\n", " ", "=", "A"}).Draw(rt, "glue") +
					rapid.SampledFrom(words).Draw(rt, "word") + text[at:]
			case 2: // cut out, so that two copies meet
				text = text[:at] + text[min(len(text), at+rapid.IntRange(1, 60).Draw(rt, "cut")):]
			case 3: // moved
				to := min(len(text), at+rapid.IntRange(1, 300).Draw(rt, "moved"))
				text = text[to:] + text[at:to] + text[:at]
			case 4: // split a word that is there, or join it again
				word := rapid.SampledFrom(words).Draw(rt, "word")
				half := len(word) / 2
				if strings.Contains(text, word) {
					text = strings.Replace(text, word, word[:half]+"\n\n"+word[half:], 1)
				} else {
					text = strings.Replace(text, word[:half]+"\n\n"+word[half:], word, 1)
				}
			}
			files[i] = text
		}
		name := fmt.Sprintf("d/f%d", i)
		if rapid.IntRange(0, 9).Draw(rt, "rename") == 0 {
			name = "d/" + strings.ReplaceAll(rapid.SampledFrom(words[:4]).Draw(rt, "name"), "/", "_")
		}
		fmt.Fprintf(&in, "commit refs/heads/main\ncommitter A <a@example.org> %d +0000\ndata 8\nan edit\n\n", 1_600_000_000+c*600)
		fmt.Fprintf(&in, "M 100644 inline %s\ndata %d\n%s\n", name, len(files[i]), files[i])
	}
	return in.String()
}

// TestSearchOfRealRepositories compares with a full scan of the repository that this file is in, and of those that
// KEYREEVE_TEST_REPOSITORIES lists. The keys are words that occur there.
func TestSearchOfRealRepositories(t *testing.T) {
	if testing.Short() {
		t.Skip("reads whole repositories")
	}
	dirs := []string{".."}
	dirs = append(dirs, strings.Fields(os.Getenv("KEYREEVE_TEST_REPOSITORIES"))...)
	m, err := Compile([]Key{
		{Label: "a", Name: "KEYREEVE_PEPPER_FILE"},
		{Label: "b", Name: "ErrNotRepository"},
		{Label: "c", Name: "GITHUB_TOKEN"},
		{Label: "d", ID: "AKIAIOSFODNN7EXAMPLE"},
		{Label: "e", Name: "AWS_SECRET_ACCESS_KEY"},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		if _, err := gitobj.Open(dir); errors.Is(err, gitobj.ErrNotRepository) {
			t.Logf("%s is no repository: built from an archive", dir)
			continue
		}
		t.Logf("%s: %d objects hold a key", dir, sameAsFull(t, dir, m))
	}
}

package gitobj_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/keyreeve/keyreeve/scanners/gitobj"
)

// git runs git in a folder, by a fixed clock.
func git(t testing.TB, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@x", "GIT_COMMITTER_NAME=C",
		"GIT_COMMITTER_EMAIL=c@x", "GIT_AUTHOR_DATE=1700000000 +0100", "GIT_COMMITTER_DATE=1700000000 +0100")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func write(t testing.TB, dir, name string, data []byte) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// history makes a repository whose files are edited again and again, so that packing makes long chains of deltas.
func history(t testing.TB, seed uint64, commits int, format ...string) string {
	t.Helper()
	dir := t.TempDir()
	git(t, dir, append([]string{"init", "-q", "-b", "main"}, format...)...)
	random := rand.New(rand.NewPCG(seed, 1))
	files := map[string][]byte{}
	for c := range commits {
		for range 1 + random.IntN(3) {
			name := fmt.Sprintf("d%d/f%d", random.IntN(3), random.IntN(4))
			text := files[name]
			for range 1 + random.IntN(4) {
				at := random.IntN(len(text) + 1)
				piece := []byte(fmt.Sprintf("line %d of %d %x\n", random.IntN(1000), c, random.Uint64()))
				switch random.IntN(4) {
				case 0: // cut out
					to := min(len(text), at+random.IntN(200))
					text = slices.Concat(text[:at], text[to:])
				case 1: // move
					to := min(len(text), at+random.IntN(400))
					text = slices.Concat(text[to:], text[at:to], text[:at])
				default:
					text = slices.Concat(text[:at], piece, text[at:])
				}
			}
			files[name] = text
			write(t, dir, name, text)
		}
		git(t, dir, "add", "-A")
		git(t, dir, "commit", "-q", "--allow-empty", "-m", fmt.Sprintf("commit %d", c))
	}
	return dir
}

// catFile reads all objects as git has them, as "type data" by name.
func catFile(t testing.TB, dir string) map[string]string {
	t.Helper()
	cmd := exec.Command("git", "cat-file", "--batch-all-objects", "--batch", "--unordered", "--buffer")
	cmd.Dir = dir
	raw, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for r := bufio.NewReader(bytes.NewReader(raw)); ; {
		head, err := r.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return out
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
		out[name] = kind + " " + string(data[:size])
	}
}

type seen struct {
	sync.Mutex
	objects map[string]string
	fresh   map[string][]gitobj.Region
	base    map[string]string
}

const widen = 24

// walk visits a repository and keeps everything.
func walk(t testing.TB, dir string) (*gitobj.Repo, *seen, []gitobj.Gap) {
	t.Helper()
	r, err := gitobj.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	s := &seen{objects: map[string]string{}, fresh: map[string][]gitobj.Region{}, base: map[string]string{}}
	var gaps []gitobj.Gap
	var mu sync.Mutex
	_, err = r.Walk(t.Context(), gitobj.WalkOptions{Widen: widen, Workers: 3, Problem: func(g gitobj.Gap) {
		mu.Lock()
		defer mu.Unlock()
		gaps = append(gaps, g)
	}}, func(_ int, o *gitobj.Object) error {
		s.Lock()
		defer s.Unlock()
		name := r.Name(o.ID)
		s.objects[name] = o.Type.String() + " " + string(o.Data)
		if !o.All {
			s.fresh[name], s.base[name] = slices.Clone(o.Fresh), r.Name(o.Base)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return r, s, append(gaps, r.Gaps...)
}

// same compares what was walked with what git has.
func same(t *testing.T, dir string) *seen {
	t.Helper()
	want := catFile(t, dir)
	r, got, gaps := walk(t, dir)
	if len(gaps) > 0 {
		t.Errorf("gaps: %+v", gaps)
	}
	if len(got.objects) != len(want) || len(want) == 0 {
		t.Errorf("%d objects, and git has %d", len(got.objects), len(want))
	}
	for name, o := range want {
		if got.objects[name] != o {
			t.Errorf("%s differs", name)
		}
		id, err := r.ParseID(name)
		if err != nil {
			t.Fatal(err)
		}
		if kind, data, err := r.Object(id); err != nil || kind.String()+" "+string(data) != o {
			t.Errorf("read by itself, %s is a %s, %v", name, kind, err)
		}
	}
	return got
}

func TestWalkIsWhatGitHas(t *testing.T) {
	for name, pack := range map[string][]string{
		"loose":            nil,
		"packed":           {"repack", "-adfq"},
		"long chains":      {"repack", "-adfq", "--depth=200", "--window=50"},
		"no deltas":        {"repack", "-adfq", "--depth=0"},
		"deltas by name":   {"-c", "repack.useDeltaBaseOffset=false", "repack", "-adfq"},
		"several packs":    {"repack", "-q"},
		"multi-pack index": {"-c", "pack.packSizeLimit=1m", "repack", "-adfq", "--write-midx"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := history(t, 7, 25)
			if pack != nil {
				git(t, dir, pack...)
			}
			if name == "several packs" {
				write(t, dir, "more", []byte("more"))
				git(t, dir, "add", "-A")
				git(t, dir, "commit", "-q", "-m", "more")
				git(t, dir, "repack", "-q")
			}
			same(t, dir)
		})
	}
}

func TestSHA256(t *testing.T) {
	dir := history(t, 3, 10, "--object-format=sha256")
	git(t, dir, "repack", "-adfq")
	same(t, dir)
}

func TestAlternatesAndWorktrees(t *testing.T) {
	dir := history(t, 5, 8)
	git(t, dir, "repack", "-adfq")
	other := filepath.Join(t.TempDir(), "borrower")
	git(t, t.TempDir(), "clone", "-q", "--shared", dir, other)
	write(t, other, "own", []byte("own"))
	git(t, other, "add", "-A")
	git(t, other, "commit", "-q", "-m", "own")
	same(t, other)

	// A ring of alternates is followed once.
	write(t, dir, ".git/objects/info/alternates", []byte(filepath.Join(other, ".git", "objects")+"\n"))
	same(t, other)

	tree := filepath.Join(t.TempDir(), "tree")
	git(t, dir, "worktree", "add", "-q", tree)
	same(t, tree)
	bare := filepath.Join(t.TempDir(), "bare.git")
	git(t, t.TempDir(), "clone", "-q", "--bare", other, bare)
	same(t, bare)
}

// TestFreshHoldsAllThatIsNew: whatever is in an object and not in its base lies within a fresh part as a whole, if it is no
// longer than the parts are widened by.
func TestFreshHoldsAllThatIsNew(t *testing.T) {
	checked := 0
	for seed := range uint64(3) {
		dir := history(t, seed, 30)
		git(t, dir, "repack", "-adfq", "--depth=100", "--window=50")
		_, got, _ := walk(t, dir)
		for name, fresh := range got.fresh {
			_, data, _ := strings.Cut(got.objects[name], " ")
			_, base, _ := strings.Cut(got.objects[got.base[name]], " ")
			for i := 0; i+widen <= len(data); i++ {
				if strings.Contains(base, data[i:i+widen]) {
					continue
				}
				checked++
				if !slices.ContainsFunc(fresh, func(r gitobj.Region) bool { return r.Start <= i && i+widen <= r.End }) {
					t.Fatalf("%s: %q at %d is new, and in none of %v", name, data[i:i+widen], i, fresh)
				}
			}
		}
	}
	if checked < 1000 {
		t.Errorf("only %d places were new: the test shows little", checked)
	}
}

func TestRefs(t *testing.T) {
	dir := history(t, 1, 3)
	git(t, dir, "tag", "-a", "v1", "-m", "one")
	git(t, dir, "branch", "side")
	git(t, dir, "pack-refs", "--all")
	write(t, dir, "d0/f0", []byte("stashed once"))
	git(t, dir, "add", "-A")
	git(t, dir, "stash", "-q")
	write(t, dir, "d0/f0", []byte("stashed twice"))
	git(t, dir, "add", "-A")
	git(t, dir, "stash", "-q")
	r, err := gitobj.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	refs, gaps, err := r.Refs()
	if err != nil || len(gaps) > 0 {
		t.Fatalf("gaps %v, %v", gaps, err)
	}
	var names []string
	for _, ref := range refs {
		names = append(names, ref.Name)
		if ref.Name == "refs/heads/side" && r.Name(ref.ID) != git(t, dir, "rev-parse", "side") {
			t.Errorf("side is %s", r.Name(ref.ID))
		}
	}
	want := "HEAD ORIG_HEAD refs/heads/main refs/heads/side refs/stash refs/stash@{1} refs/tags/v1"
	if got := strings.Join(names, " "); got != want && got != strings.Replace(want, "ORIG_HEAD ", "", 1) {
		t.Errorf("refs %s", got)
	}
}

func TestNoRepository(t *testing.T) {
	if _, err := gitobj.Open(t.TempDir()); !errors.Is(err, gitobj.ErrNotRepository) {
		t.Errorf("an empty folder: %v", err)
	}
	if _, err := gitobj.Open(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
}

func TestWalkIsCalledOff(t *testing.T) {
	dir := history(t, 2, 5)
	r, err := gitobj.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Walk(ctx, gitobj.WalkOptions{}, func(int, *gitobj.Object) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("called off: %v", err)
	}
	enough := errors.New("enough")
	if _, err := r.Walk(t.Context(), gitobj.WalkOptions{}, func(int, *gitobj.Object) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("stopped: %v", err)
	}
}

// TestCorrupt: whatever bytes are wrong, the rest is read, what is not is named, and nothing hangs or panics.
func TestCorrupt(t *testing.T) {
	dir := history(t, 11, 20)
	git(t, dir, "repack", "-adfq", "--depth=50", "--window=50")
	packs, err := filepath.Glob(filepath.Join(dir, ".git/objects/pack/*.pack"))
	if err != nil || len(packs) != 1 {
		t.Fatalf("packs %v, %v", packs, err)
	}
	for _, name := range []string{packs[0], strings.TrimSuffix(packs[0], ".pack") + ".idx"} {
		whole, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		random := rand.New(rand.NewPCG(5, 6))
		silent := 0
		for range 60 {
			bad := slices.Clone(whole)
			for range 1 + random.IntN(8) {
				bad[random.IntN(len(bad))] ^= byte(1 + random.IntN(255))
			}
			if random.IntN(4) == 0 {
				bad = bad[:random.IntN(len(bad))]
			}
			if err := os.Chmod(name, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, _, gaps := walk(t, dir); len(gaps) == 0 {
				silent++ // a checksum, or a name in the index, of which nothing rests on the byte
			}
		}
		if silent > 40 {
			t.Errorf("%s: of 60 corruptions %d were not seen", filepath.Ext(name), silent)
		}
		if err := os.WriteFile(name, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, bad := range []string{"", "x", "blob 5\x00", "blob -1\x00"} {
		write(t, dir, ".git/objects/aa/"+strings.Repeat("b", 38), []byte(bad))
		if _, _, gaps := walk(t, dir); len(gaps) != 1 || !strings.HasPrefix(gaps[0].Subject, "aabb") {
			t.Errorf("a loose object %q: %v", bad, gaps)
		}
	}
}

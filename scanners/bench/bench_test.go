package bench_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/keyreeve/keyreeve/internal/benchfile"
	"github.com/keyreeve/keyreeve/scanners"
)

var (
	writeBenchmarks = flag.Bool("write-benchmarks", false, "write the numbers into docs/benchmarks.md")
	corpus          = flag.String("corpus", "", "the repository to scan; one is made where this is empty")
	corpusName      = flag.String("corpus-name", "", "what the page calls it")
	rounds          = flag.Int("rounds", 5, "how often each is measured")
)

var keyCounts = []int{10, 1_000, 10_000, 100_000}

// The program runs itself for each measurement, so that each starts with no memory of the one before.
const (
	scanEnv = "KEYREEVE_BENCH_SCAN"
	keysEnv = "KEYREEVE_BENCH_KEYS"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(scanEnv); dir != "" {
		if err := scanOnce(dir, os.Getenv(keysEnv)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	flag.Parse()
	os.Exit(m.Run())
}

// outcome is what one scan says on its standard output.
type outcome struct {
	Seconds  float64        `json:"seconds"` // of ScanRepository alone
	Compile  float64        `json:"compile"`
	Objects  int            `json:"objects"`
	Bytes    int64          `json:"bytes"`
	Scanned  int64          `json:"scanned"`
	Findings int            `json:"findings"`
	Gaps     []scanners.Gap `json:"gaps"`
}

func scanOnce(dir, keys string) error {
	n, err := strconv.Atoi(keys)
	if err != nil {
		return err
	}
	all, peppers, err := someKeys(n)
	if err != nil {
		return err
	}
	start := time.Now()
	m, err := scanners.Compile(all, peppers)
	if err != nil {
		return err
	}
	compiled := time.Since(start)
	start = time.Now()
	report, err := scanners.ScanRepository(context.Background(), dir, m, scanners.Options{})
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(outcome{
		Seconds: time.Since(start).Seconds(), Compile: compiled.Seconds(), Objects: report.Stats.Objects, Bytes: report.Stats.Bytes,
		Scanned: report.Stats.Scanned, Findings: len(report.Findings), Gaps: report.Gaps,
	})
}

// someKeys makes keys of the three classes, a third of each.
func someKeys(n int) ([]scanners.Key, scanners.Peppers, error) {
	random := rand.New(rand.NewPCG(1, 2))
	pepper, err := scanners.NewPepper(bytes.Repeat([]byte("0123456789abcdef"), 4))
	if err != nil {
		return nil, nil, err
	}
	peppers := scanners.Peppers{pepper}
	keys := make([]scanners.Key, n)
	for i := range keys {
		keys[i].Label = fmt.Sprintf("key-%d", i)
		switch i % 3 {
		case 0:
			keys[i].Name = fmt.Sprintf("SERVICE_%d_API_KEY_%d", random.IntN(1000), i)
		case 1:
			keys[i].ID = fmt.Sprintf("AKIA%016X", random.Uint64())
		default:
			if keys[i].Fingerprint, err = peppers.Fingerprint(fmt.Appendf(nil, "%016x%016x", random.Uint64(), random.Uint64())); err != nil {
				return nil, nil, err
			}
		}
	}
	return keys, peppers, nil
}

// lap is one measurement.
type lap struct {
	seconds float64
	cpu     float64 // seconds, of all processors
	peak    int64   // bytes resident
	outcome
}

func run(t *testing.T, env []string, dir, name string, args ...string) (lap, []byte) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stderr = dir, append(os.Environ(), env...), &stderr
	if env != nil {
		cmd.Stdout = &stdout
	}
	start := time.Now()
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v: %s", name, err, stderr.String())
	}
	took, state := time.Since(start).Seconds(), cmd.ProcessState
	return lap{seconds: took, cpu: (state.UserTime() + state.SystemTime()).Seconds(), peak: peak(state)}, stdout.Bytes()
}

func catFile(t *testing.T, dir string) lap {
	t.Helper()
	l, _ := run(t, nil, dir, "git", "cat-file", "--batch-all-objects", "--batch", "--unordered", "--buffer")
	return l
}

func scan(t *testing.T, dir string, keys int) lap {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	l, out := run(t, []string{scanEnv + "=" + dir, keysEnv + "=" + strconv.Itoa(keys)}, "", self)
	if err := json.Unmarshal(out, &l.outcome); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	l.seconds = l.Seconds
	return l
}

// TestAgainstCatFile measures git and the scanner in turn, and fails where a scan of a whole history with 10,000 keys takes
// more than half of git's time, or where the number of keys matters. That takes a minute and a quiet machine, so it is for
// `make bench-scan`; the tests scan a short history once, and look only whether all of it was scanned.
func TestAgainstCatFile(t *testing.T) {
	measure := *writeBenchmarks || *corpus != ""
	commits, times := 12_000, *rounds
	if !measure {
		commits, times = 60, 1
	}
	dir, name := *corpus, cmp.Or(*corpusName, *corpus)
	if dir == "" {
		dir, name = t.TempDir(), "a repository that this benchmark makes: 12,000 commits, each of which edits 3 of 400 files"
		generate(t, dir, commits)
	}
	catFile(t, dir) // brings the files into memory
	var git []lap
	ours := make([][]lap, len(keyCounts))
	for range times {
		git = append(git, catFile(t, dir))
		for i, n := range keyCounts {
			ours[i] = append(ours[i], scan(t, dir, n))
		}
	}
	if !measure {
		for i, n := range keyCounts {
			if l := ours[i][0]; l.Objects < 3*commits || l.Bytes == 0 || len(l.Gaps) > 0 {
				t.Errorf("%d keys: %+v", n, l.outcome)
			}
		}
		return
	}
	cat := median(git)
	var table strings.Builder
	table.WriteString("| | seconds | × cat-file | processor seconds | peak memory | keys made ready |\n|---|---:|---:|---:|---:|---:|\n")
	fmt.Fprintf(&table, "| `git cat-file` | %.2f | 1 | %.2f | %d MB | |\n", cat.seconds, cat.cpu, cat.peak>>20)
	ratios := map[int]float64{}
	for i, n := range keyCounts {
		l := median(ours[i])
		ratios[n] = l.seconds / cat.seconds
		fmt.Fprintf(&table, "| keyreeve, %d keys | %.2f | %.2f | %.2f | %d MB | %.2f |\n", n, l.seconds, ratios[n], l.cpu, l.peak>>20, l.Compile)
	}
	l := median(ours[0])
	for _, g := range l.Gaps[:min(len(l.Gaps), 10)] {
		t.Logf("gap: %+v", g)
	}
	body := fmt.Sprintf("## Searching a whole history\n\n%s: %d objects of %d MB, of which %d MB are new against an object looked at before.\n"+
		"Both read all objects; keyreeve with its decoders and its search for where a hit came from. The keys are names, ids and\n"+
		"fingerprints, a third of each. Medians of %d runs, in turn.\n\n%s\n%s, %s: `make bench-scan`, against\n"+
		"`git cat-file --batch-all-objects --batch --unordered --buffer >/dev/null`",
		name, l.Objects, l.Bytes>>20, l.Scanned>>20, times, table.String(), benchfile.Machine(), time.Now().Format(time.DateOnly))
	t.Log(body)
	if ratios[10_000] > 0.5 {
		t.Errorf("10,000 keys take %.2f × cat-file: more than 0.5", ratios[10_000])
	}
	if flat := ratios[10_000] / ratios[10]; flat > 1.15 {
		t.Errorf("10,000 keys take %.2f times as long as 10", flat)
	}
	if *writeBenchmarks {
		if err := benchfile.Write("../../docs/benchmarks.md", "scan", body); err != nil {
			t.Fatal(err)
		}
	}
}

func median(laps []lap) lap {
	sorted := slices.SortedFunc(slices.Values(laps), func(a, b lap) int { return cmp.Compare(a.seconds, b.seconds) })
	return sorted[len(sorted)/2]
}

// generate makes a repository with so many commits, always the same one.
func generate(t *testing.T, dir string, commits int) {
	t.Helper()
	random := rand.New(rand.NewPCG(3, 4))
	files := make([][]string, 400)
	word := func() string { return fmt.Sprintf("%c%x", 'a'+random.IntN(26), random.Uint32N(1<<16)) }
	text := func() string { return strings.Join([]string{word(), "=", word(), "(" + word() + ")", word()}, " ") }
	for i := range files {
		for range 200 {
			files[i] = append(files[i], text())
		}
	}
	command := func(args ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), "git", args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull)
		return cmd
	}
	done := func(err error) {
		if err != nil {
			t.Fatalf("make a repository: %v", err)
		}
	}
	done(command("init", "-q", "--bare", ".").Run())
	imports := command("fast-import", "--quiet")
	// Through a pipe: what this process takes in memory would be counted as that of the ones that it starts.
	pipe, err := imports.StdinPipe()
	done(err)
	done(imports.Start())
	in := bufio.NewWriter(pipe)
	for c := range commits {
		fmt.Fprintf(in, "commit refs/heads/main\ncommitter A <a@example.org> %d +0000\ndata 8\nan edit\n\n", 1_600_000_000+c*600)
		for range 3 {
			i := random.IntN(len(files))
			for range 1 + random.IntN(4) {
				files[i][random.IntN(len(files[i]))] = text()
			}
			body := strings.Join(files[i], "\n")
			fmt.Fprintf(in, "M 100644 inline d%d/e%d/f%d.go\ndata %d\n%s\n", i%7, i%31, i, len(body), body)
		}
	}
	done(in.Flush())
	done(pipe.Close())
	done(imports.Wait())
	done(command("repack", "-adfq").Run())
}

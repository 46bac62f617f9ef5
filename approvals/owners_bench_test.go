package approvals

import (
	"bytes"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	oracle "github.com/hmarr/codeowners"

	"github.com/keyreeve/keyreeve/internal/benchfile"
)

var writeBenchmarks = flag.Bool("write-benchmarks", false, "measure against others, and write the numbers into docs/benchmarks.md")

// The size of the benchmark.
const (
	benchRules = 100_000
	benchPaths = 1000
)

// monorepo writes a CODEOWNERS as a large repository has it, and paths that are owned by lines all over it. Half of the
// lines name a directory; the others a file, an ending in a directory, and names and endings at any depth. 100,000 lines
// have to be short for 3 MB.
func monorepo(rules, paths int) (data []byte, ask []string) {
	var file bytes.Buffer
	file.WriteString("* @o/all\n")
	for i := 1; i < rules; i++ {
		dir := fmt.Sprintf("/a%d/s%d", i%40, i)
		var pattern string
		switch i % 10 {
		case 0, 1, 2, 3, 4:
			pattern = dir + "/"
		case 5, 6:
			pattern = dir + "/go.mod"
		case 7:
			pattern = dir + "/**/*.yaml"
		case 8:
			pattern = fmt.Sprintf("s%d.proto", i)
		default:
			pattern = fmt.Sprintf("*.g%d.go", i)
		}
		fmt.Fprintf(&file, "%s @o/t%d\n", pattern, i%997)
	}
	for p := range paths {
		i := 1 + p*(rules-1)/paths
		dir := fmt.Sprintf("a%d/s%d", i%40, i)
		ask = append(ask, []string{
			dir + "/internal/store/query.go", dir + "/go.mod", dir + "/deploy/production/config.yaml",
			fmt.Sprintf("api/v1/s%d.proto", i), fmt.Sprintf("pkg/client/x.g%d.go", i),
		}[p%5])
	}
	return file.Bytes(), ask
}

// BenchmarkOwners has the two steps apart: reading a file, its first question included, and a question after it.
func BenchmarkOwners(b *testing.B) {
	data, paths := monorepo(benchRules, benchPaths)
	b.Run("parse", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			if c := ParseCodeowners(data); len(c.Rules) != benchRules {
				b.Fatal(len(c.Rules), c.Errors)
			}
		}
	})
	b.Run("parse-and-compile", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			c := ParseCodeowners(data)
			if _, ok := c.Match("a"); !ok {
				b.Fatal("no rule")
			}
		}
	})
	c := ParseCodeowners(data)
	c.Match("a") // compiles it
	b.Run("match", func(b *testing.B) {
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			if _, ok := c.Match(paths[i]); !ok {
				b.Fatal(paths[i])
			}
			i = (i + 1) % len(paths)
		}
	})
}

// lap is what one of the two took.
type lap struct {
	parse, match time.Duration
	lines        []int // that decided, path by path
}

// BenchmarkOwnersAgainstOracle asks both for 1,000 paths of 100,000 rules, in one run and on one input, and fails where
// the answers differ or ours is not 50 times as fast. Our match includes that the first question compiles the file.
// With -write-benchmarks it writes the numbers into docs/benchmarks.md.
func BenchmarkOwnersAgainstOracle(b *testing.B) {
	data, paths := monorepo(benchRules, benchPaths)
	var ours, theirs lap
	for b.Loop() {
		ours, theirs = lapOurs(data, paths), lapTheirs(b, data, paths)
	}
	if !slices.Equal(ours.lines, theirs.lines) {
		b.Fatal("the answers differ")
	}
	c := ParseCodeowners(data)
	c.Match("a")
	start := time.Now()
	for _, path := range paths {
		c.Match(path)
	}
	compiled := time.Since(start)
	times := float64(theirs.match) / float64(ours.match)
	b.ReportMetric(ours.match.Seconds()*1e3, "ms-match")
	b.ReportMetric(theirs.match.Seconds()*1e3, "ms-match-hmarr")
	b.ReportMetric(times, "times")
	if times < 50 {
		b.Errorf("%.1f times as fast", times)
	}
	if *writeBenchmarks {
		if err := benchfile.Write("../docs/benchmarks.md", "owners", ownersSection(len(data), ours, theirs, compiled)); err != nil {
			b.Fatal(err)
		}
	}
}

func lapOurs(data []byte, paths []string) lap {
	var l lap
	start := time.Now()
	c := ParseCodeowners(data)
	l.parse = time.Since(start)
	start = time.Now()
	for _, path := range paths {
		r, _ := c.Match(path)
		l.lines = append(l.lines, r.Line)
	}
	l.match = time.Since(start)
	return l
}

func lapTheirs(b *testing.B, data []byte, paths []string) lap {
	b.Helper()
	var l lap
	start := time.Now()
	rules, err := oracle.ParseFile(bytes.NewReader(data))
	if err != nil {
		b.Fatal(err)
	}
	l.parse = time.Since(start)
	start = time.Now()
	for _, path := range paths {
		r, err := rules.Match(path)
		if err != nil || r == nil {
			b.Fatal(path, err)
		}
		l.lines = append(l.lines, r.LineNumber)
	}
	l.match = time.Since(start)
	return l
}

func ownersSection(size int, ours, theirs lap, compiled time.Duration) string {
	var t strings.Builder
	fmt.Fprintf(&t, "## CODEOWNERS: %d rules, %d paths\n\n", benchRules, benchPaths)
	fmt.Fprintf(&t, "One file of %.1f MB, of which half the rules name a directory, the others a file, an ending in a directory, and names and\n"+
		"endings at any depth; paths that lines all over the file decide. Both give the same line for each path.\n\n", float64(size)/1e6)
	fmt.Fprintf(&t, "| | keyreeve | hmarr/codeowners v1.2.1 | times |\n|---|---:|---:|---:|\n")
	row := func(name string, a, b time.Duration) {
		fmt.Fprintf(&t, "| %s | %.1f ms | %.1f ms | %.0f |\n", name, a.Seconds()*1e3, b.Seconds()*1e3, float64(b)/float64(a))
	}
	row("parse", ours.parse, theirs.parse)
	row("match all paths, the first of which compiles the file", ours.match, theirs.match)
	row("match all paths again", compiled, theirs.match)
	row("all together", ours.parse+ours.match, theirs.parse+theirs.match)
	fmt.Fprintf(&t, "\n%s, %s: `go test ./approvals -run '^$' -bench BenchmarkOwnersAgainstOracle -benchtime 1x`\n",
		benchfile.Machine(), time.Now().UTC().Format(time.DateOnly))
	return t.String()
}

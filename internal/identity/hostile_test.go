package identity_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/keyreeve/keyreeve/internal/identity"
)

// bounds of what one hostile text may cost, however it is made.
const (
	mostTime   = 100 * time.Millisecond
	mostMemory = 64 << 20
)

// assertCheap runs f until one run is well below the bounds, since other work on the machine may slow one of them, and compares the best time and all
// allocations of one run with the bounds.
func assertCheap(t *testing.T, f func()) {
	t.Helper()
	if raceEnabled {
		f() // the race detector's own cost is not to be bounded here
		return
	}
	best, memory := time.Hour, uint64(0)
	for range 20 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		f()
		best = min(best, time.Since(start))
		runtime.ReadMemStats(&after)
		memory = after.TotalAlloc - before.TotalAlloc
		if best < mostTime/2 {
			break
		}
	}
	t.Logf("%s, %d MB", best, memory>>20)
	if best > mostTime {
		t.Errorf("took %s, the most is %s", best, mostTime)
	}
	if memory > mostMemory {
		t.Errorf("allocated %d MB, the most is %d", memory>>20, mostMemory>>20)
	}
}

// hostileYAML are texts of the largest size that were made to be slow or large to read.
func hostileYAML() map[string]string {
	const size = identity.LargestRecord
	fill := func(s string) string { return strings.Repeat(s, size/len(s)) }
	bomb := "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
	for i := range 9 {
		n, p := string(rune('1'+i)), string(rune('0'+i))
		bomb += "a" + n + ": &a" + n + " [" + strings.Repeat("*a"+p+",", 10) + "]\n"
	}
	steps := ""
	for i := range 700 {
		steps += strings.Repeat(" ", i) + "a:\n"
	}
	return map[string]string{
		"alias bomb":            bomb,
		"flow sequences":        fill("["),
		"flow mappings":         fill("{a: "),
		"closed sequences":      strings.Repeat("[", size/2) + strings.Repeat("]", size/2),
		"block sequences":       fill("- "),
		"explicit keys":         fill("? "),
		"stairs":                steps,
		"one long word":         "a: " + fill("x")[4:],
		"one long quote":        `a: "` + fill(`\x41`)[8:] + `"`,
		"comments":              fill("#\n"),
		"comment and value":     fill("#\na: b\n"),
		"many keys":             fill("a: b\n"),
		"empty items":           "a:\n" + fill("-\n")[4:],
		"many in a flow":        "a: [" + fill("1,")[6:] + "]",
		"mappings in a flow":    "a: [" + fill("{},")[6:] + "]",
		"anchors":               fill("- &a b\n"),
		"tags":                  fill("- !!str b\n"),
		"documents":             fill("---\n"),
		"documents of a line":   fill("--- a\n"),
		"directives":            fill("%YAML 1.1\n"),
		"unknown directives":    fill("%A b\n"),
		"colons":                fill(": "),
		"quotes":                fill(`"" `),
		"literal":               "a: |\n" + fill(" x\n")[8:],
		"folded":                "a: >\n" + fill(" x\n\n")[8:],
		"spaces":                fill(" "),
		"newlines":              fill("\n"),
		"many environments":     "version: 1\nenvironments:\n" + strings.Repeat("  - production\n", 9000),
		"different ones":        "version: 1\nenvironments:\n" + distinct("  - e", 15000),
		"different keys":        distinct("k", 15000),
		"rules with no content": "version: 1\nenvironments: [a]\ngrants: {}\nrules:\n" + strings.Repeat("  - {}\n", 9000),
		"rules of lists":        "version: 1\nrules:\n" + strings.Repeat("  - {when: {kinds: [a, b, c, d]}}\n", 1500),
		"single keys":           "{" + fill("a,")[4:] + "}",
		"keys of braces":        fill("{[a]: b},"),
	}
}

func distinct(prefix string, n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(prefix)
		for v := i + 1; v > 0; v /= 26 {
			b.WriteByte(byte('a' + v%26))
		}
		if prefix == "k" {
			b.WriteString(": 1")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestHostileRecordsAreRefusedCheaply(t *testing.T) {
	identity.ParsePolicy(identity.PolicyPath, nil) // compiles the schemas
	for name, text := range hostileYAML() {
		t.Run(name, func(t *testing.T) {
			if len(text) > identity.LargestRecord {
				text = text[:identity.LargestRecord]
			}
			var problems []identity.Problem
			assertCheap(t, func() { _, problems = identity.ParsePolicy(identity.PolicyPath, []byte(text)) })
			if len(problems) == 0 || len(problems) > 51 {
				t.Errorf("%d problems", len(problems))
			}
		})
	}
}

func TestTooLargeRecordIsRefusedUnread(t *testing.T) {
	_, problems := identity.ParsePolicy(identity.PolicyPath, make([]byte, identity.LargestRecord+1))
	if len(problems) != 1 || !strings.Contains(problems[0].What, "larger than 256 KiB") {
		t.Errorf("problems: %v", problems)
	}
}

func TestHostileBodiesAreReadCheaply(t *testing.T) {
	const size = identity.LargestBody
	head := identity.Form{Identity: "a/b"}.Body()
	fill := func(s string) string { return strings.Repeat(s, (size-len(head)-50)/len(s)) }
	for name, text := range map[string]string{
		"quotes":         fill(">"),
		"quotes spaced":  fill("> "),
		"lists":          fill("- "),
		"ordered lists":  fill("1. "),
		"stairs":         fill("- a\n  "),
		"brackets":       fill("["),
		"links":          fill("[a]("),
		"definitions":    fill("[a]: b\n"),
		"open comments":  fill("<!--"),
		"comments":       fill("<!-- -->"),
		"lone comments":  fill("<!-- -->\n\n"),
		"inline":         fill("a<!-- -->"),
		"tags":           fill("<a "),
		"backticks":      fill("`a``b"),
		"backtick runs":  backticks(size - 2000),
		"fences":         fill("```\n"),
		"headings":       fill("### Reason\n"),
		"unknown":        fill("# a\n"),
		"underlines":     fill("a\n=\n"),
		"emphasis":       fill("*a_ "),
		"entities":       fill("&amp;"),
		"blank lines":    fill("\n"),
		"html":           fill("<div>\n"),
		"processing":     fill("<?"),
		"declarations":   fill("<!A "),
		"cdata":          fill("<![CDATA["),
		"indented":       fill("    a\n"),
		"quoted fences":  fill("> ```\n"),
		"mixed nesting":  fill("> - "),
		"spaces":         fill(" "),
		"tabs":           fill("\t"),
		"carriage":       fill("\r"),
		"multiple bytes": strings.Repeat("é", size/2),
	} {
		t.Run(name, func(t *testing.T) {
			body := head + "\n\n" + text
			assertCheap(t, func() { identity.ParseForm(body) })
		})
	}
}

// backticks returns runs of different lengths, of which none closes another.
func backticks(size int) string {
	var b strings.Builder
	for n := 1; b.Len() < size; n++ {
		b.WriteString(strings.Repeat("`", n) + "a")
	}
	return b.String()[:size]
}

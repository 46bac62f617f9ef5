package report

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/keyreeve/keyreeve/scanners"
)

// The colours, as ECMA-48 calls them.
const (
	bold  = "\x1b[1m"
	red   = "\x1b[31m"
	faint = "\x1b[2m"
	plain = "\x1b[0m"
)

// mostRows bounds what the table lists of one credential: nobody reads more, and the other forms have all.
const mostRows = 100

// Table writes findings for people: grouped by credential, aligned, and for each what to do next. colour is for
// terminals. Of one credential it lists 100 places, and counts the rest. Where nothing was found it writes nothing. The error is w's.
func Table(w io.Writer, all []Repository, colour bool) error {
	out := bufio.NewWriter(w)
	paint := func(code, s string) string {
		if !colour {
			return s
		}
		return code + s + plain
	}
	several := len(all) > 1
	for i, g := range group(all) {
		if i > 0 {
			_, _ = out.WriteString("\n")
		}
		head := paint(bold, Visible(g.credential)) + ": " + count(len(g.findings), "place")
		if n := atHead(g.findings); n > 0 {
			head += ", " + paint(red, fmt.Sprintf("%d still at a head", n))
		}
		_, _ = fmt.Fprintln(out, head)
		rows := make([][]string, min(len(g.findings), mostRows))
		for k := range rows {
			rows[k] = row(&g.findings[k], several)
		}
		for _, line := range align(rows) {
			_, _ = fmt.Fprintln(out, "  "+line)
		}
		if more := len(g.findings) - len(rows); more > 0 {
			_, _ = fmt.Fprintf(out, "  and %s, which the other formats list\n", count(more, "more place"))
		}
		for _, advice := range advise(g.findings) {
			_, _ = fmt.Fprintln(out, paint(faint, "  → "+advice))
		}
	}
	return out.Flush()
}

// credential is all findings of one.
type credential struct {
	credential string
	findings   []scanners.Finding
}

func group(all []Repository) []credential {
	var out []credential
	at := map[string]int{}
	for _, r := range sorted(all) {
		for i := range r.Findings {
			name := r.Findings[i].Credential
			if _, known := at[name]; !known {
				at[name] = len(out)
				out = append(out, credential{credential: name})
			}
			c := &out[at[name]]
			c.findings = append(c.findings, r.Findings[i])
		}
	}
	slices.SortFunc(out, func(a, b credential) int { return strings.Compare(a.credential, b.credential) })
	return out
}

func row(f *scanners.Finding, several bool) []string {
	cells := []string{string(f.Class)}
	if several {
		cells = append(cells, Visible(f.Repository))
	}
	cells = append(cells, placeOf(f)+encoded(f), state(f))
	since := short(f.Commit)
	if len(f.Date) >= len("2006-01-02") {
		since += " " + Visible(f.Date[:len("2006-01-02")])
	}
	if name, _, _ := strings.Cut(f.Author, " <"); name != "" {
		since += " " + elide(Visible(name))
	}
	if f.Last != "" {
		since += " until " + short(f.Last)
	}
	if len(f.Paths) > 0 {
		since += fmt.Sprintf(" (and %s)", count(len(f.Paths), "other path"))
	}
	return append(cells, strings.TrimSpace(since))
}

func atHead(findings []scanners.Finding) int {
	n := 0
	for i := range findings {
		if findings[i].AtHead {
			n++
		}
	}
	return n
}

// advise says each piece of advice once, the most pressing first.
func advise(findings []scanners.Finding) []string {
	var out []string
	for _, class := range []scanners.Class{scanners.ByValue, scanners.ByID, scanners.ByName} {
		for _, head := range []bool{true, false} {
			if slices.ContainsFunc(findings, func(f scanners.Finding) bool { return f.Class == class && f.AtHead == head }) {
				if advice := next(class, head); !slices.Contains(out, advice) {
					out = append(out, advice)
				}
			}
		}
	}
	return out
}

// align writes rows of cells in columns.
func align(rows [][]string) []string {
	var widths []int
	for _, r := range rows {
		for i, cell := range r {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	out := make([]string, len(rows))
	for n, r := range rows {
		var b strings.Builder
		for i, cell := range r {
			b.WriteString(cell)
			b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
		}
		out[n] = strings.TrimRight(b.String(), " ")
	}
	return out
}

// Gaps writes what was not looked at, one a line: "REPOSITORY: SUBJECT: what". The error is w's.
func Gaps(w io.Writer, all []Repository) error {
	out := bufio.NewWriter(w)
	for _, r := range sorted(all) {
		for _, g := range r.Gaps {
			text := gapText(g)
			if g.Subject != r.Name {
				text = Visible(r.Name) + ": " + text
			}
			_, _ = fmt.Fprintln(out, "not scanned: "+text)
		}
	}
	return out.Flush()
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

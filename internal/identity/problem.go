package identity

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of what a problem quotes. A long run without a space may be a credential that was pasted into the wrong place, so
// it is never quoted.
const (
	quotedRunes = 60
	quotedRun   = 40
)

// String returns the problem as one line, with the place first so that editors can jump to it:
//
//	identities/payments/deploy-bot.yaml:8:13: "3 weeks" is not a duration: write it as 30m, 8h or 5d
//
// Without a file it begins with the field: `Duration (line 17): "3 weeks" is not a duration: …`.
func (p Problem) String() string {
	var b strings.Builder
	switch {
	case p.File != "":
		b.WriteString(p.File)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d", p.Line)
			if p.Column > 0 {
				fmt.Fprintf(&b, ":%d", p.Column)
			}
		}
		b.WriteString(": ")
	case p.Field != "":
		b.WriteString(p.Field)
		if p.Line > 0 {
			fmt.Fprintf(&b, " (line %d)", p.Line)
		}
		b.WriteString(": ")
	case p.Line > 0:
		fmt.Fprintf(&b, "line %d: ", p.Line)
	}
	b.WriteString(p.What)
	if p.Hint != "" {
		b.WriteString(": ")
		b.WriteString(p.Hint)
	}
	return b.String()
}

// Report returns the problems one a line, sorted by place, each line ended by a newline; "" for none.
func Report(problems []Problem) string {
	var b strings.Builder
	for _, p := range sorted(problems) {
		b.WriteString(p.String())
		b.WriteByte('\n')
	}
	return b.String()
}

// sorted returns the problems by place, without repetitions.
func sorted(problems []Problem) []Problem {
	out := slices.Clone(problems)
	slices.SortStableFunc(out, func(a, b Problem) int {
		return cmp.Or(
			strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			strings.Compare(a.Field, b.Field), strings.Compare(a.What, b.What), strings.Compare(a.Hint, b.Hint),
		)
	})
	return slices.Compact(out)
}

// quoted returns s in quotes for a problem's text, cut at quotedRunes; what may be a credential is only measured.
func quoted(s string) string {
	run := 0
	for _, r := range s {
		if unicode.IsSpace(r) {
			run = 0
			continue
		}
		if run++; run > quotedRun {
			return fmt.Sprintf("the value (%d characters, not shown)", utf8.RuneCountInString(s))
		}
	}
	if utf8.RuneCountInString(s) > quotedRunes {
		s = string([]rune(s)[:quotedRunes]) + "…"
	}
	return fmt.Sprintf("%q", s)
}

// list joins words as people do: "a", "a or b", "a, b or c".
func list(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " " + last + " " + words[len(words)-1]
}

// nearest returns the word that s was probably meant to be, or "".
func nearest(s string, words []string) string {
	best, found := 3, "" // at most two edits, and fewer than the word has letters
	if len(s) > 64 {
		return ""
	}
	for _, w := range words {
		if d := edits(strings.ToLower(s), strings.ToLower(w)); d < best && d < len(w) && d < len(s) {
			best, found = d, w
		}
	}
	return found
}

// edits returns the Levenshtein distance of a and b in bytes.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

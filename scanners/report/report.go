// Package report writes what a search for known keys found: as a table for people, as JSON lines, and as SARIF 2.1.0.
// Each form is the same bytes for the same findings, whatever order they come in, and nothing in it that a repository
// can choose (paths, authors, names of refs) reaches a terminal as a control character.
package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/keyreeve/keyreeve/scanners"
)

// Repository is the result for one repository, folder or file.
type Repository struct {
	Name     string // as it was given
	Findings []scanners.Finding
	Gaps     []scanners.Gap // what was not looked at; a repository that could not be scanned at all has one that says so
}

// Found reports whether anything was found, and Incomplete whether anything was not looked at.
func Found(all []Repository) bool {
	return slices.ContainsFunc(all, func(r Repository) bool { return len(r.Findings) > 0 })
}

// Incomplete reports whether anything was not looked at.
func Incomplete(all []Repository) bool {
	return slices.ContainsFunc(all, func(r Repository) bool { return len(r.Gaps) > 0 })
}

// Sort puts findings in the order of every form: by repository and credential, what is still at a head before what is not,
// values before ids before names.
func Sort(findings []scanners.Finding) {
	slices.SortFunc(findings, func(a, b scanners.Finding) int {
		return cmp.Or(
			cmp.Compare(a.Repository, b.Repository), cmp.Compare(a.Credential, b.Credential),
			-compareBool(a.AtHead, b.AtHead), cmp.Compare(rank(a.Class), rank(b.Class)),
			cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Where, b.Where), cmp.Compare(a.Commit, b.Commit), cmp.Compare(a.Object, b.Object), cmp.Compare(a.Encoding, b.Encoding),
		)
	})
}

// SortGaps puts gaps in the order of every form.
func SortGaps(gaps []scanners.Gap) {
	slices.SortFunc(gaps, func(a, b scanners.Gap) int {
		return cmp.Or(cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.What, b.What), cmp.Compare(a.Count, b.Count))
	})
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// rank says how much a finding of this class matters: a value opens the door, an id and a name only say which.
func rank(c scanners.Class) int {
	return slices.Index([]scanners.Class{scanners.ByValue, scanners.ByID, scanners.ByName}, c)
}

// sorted copies the repositories with everything in order. Findings know their repository, so that they may be mixed.
func sorted(all []Repository) []Repository {
	out := slices.Clone(all)
	for i := range out {
		out[i].Findings = slices.Clone(out[i].Findings)
		out[i].Gaps = slices.Clone(out[i].Gaps)
		Sort(out[i].Findings)
		SortGaps(out[i].Gaps)
	}
	slices.SortStableFunc(out, func(a, b Repository) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// Visible is text without what a terminal acts on, or what changes how other text is read: control characters, marks
// of direction, separators of lines, and bytes that are no UTF-8 are written as \xNN and \uNNNN, and so is the backslash
// where it would be taken for one of these.
func Visible(s string) string {
	if clean(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\\':
			b.WriteString(`\\`)
		case hidden(r) && r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		case hidden(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
		i += size
	}
	return b.String()
}

func clean(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, hidden)
}

// hidden are characters that are not seen as what they are: controls, formats (directions, joiners, byte order marks),
// separators of lines and paragraphs, private ones.
func hidden(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co)
}

// marshal writes JSON of which no character is hidden: encoding/json leaves some of them as they are.
func marshal(v any) ([]byte, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	text := strings.TrimSuffix(b.String(), "\n")
	if !strings.ContainsFunc(text, hidden) {
		return []byte(text), nil
	}
	out := make([]byte, 0, len(text))
	for _, r := range text {
		switch {
		case !hidden(r):
			out = utf8.AppendRune(out, r)
		case r <= 0xffff:
			out = fmt.Appendf(out, `\u%04x`, r)
		default:
			r -= 0x10000
			out = fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		}
	}
	return out, nil
}

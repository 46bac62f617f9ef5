package report

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/keyreeve/keyreeve/scanners"
)

// next says what to do about a finding of a class that is still at a branch's head, or in the history alone.
func next(c scanners.Class, atHead bool) string {
	switch {
	case c == scanners.ByValue && atHead:
		return "Whoever reads the repository has the key: see at its issuer that it is revoked, then remove it in a new commit."
	case c == scanners.ByValue:
		return "The history still gives the key to whoever clones it: see at its issuer that it is revoked. Rewriting the history takes it from no clone."
	case c == scanners.ByID && atHead:
		return "Something may still use this key: find out what, move it to another credential, then remove the id."
	case c == scanners.ByName && atHead:
		return "Something still asks for this secret by its name, and finds none or a stale one: remove the reference."
	}
	return "Only past commits have it: see that nothing that is still deployed was built from them."
}

// message says in a sentence or two what was found, and what to do.
func message(f *scanners.Finding) string {
	return fmt.Sprintf("The %s of the retired credential %s is in %s%s; %s. %s",
		f.Class, Visible(f.Credential), placeOf(f), encoded(f), state(f), next(f.Class, f.AtHead))
}

// placeOf writes where a finding is, as editors read it where it is in a file.
func placeOf(f *scanners.Finding) string {
	switch f.Where {
	case scanners.InPath:
		return "the file name " + Visible(f.Path)
	case scanners.InRef:
		return "the name of the ref " + Visible(f.Path)
	case scanners.InBlob:
		return Position(f)
	case scanners.InNote:
		return "a note" + on(f)
	case scanners.InTagMessage:
		return "the message of the tag " + short(f.Object)
	case scanners.InCommitMessage:
		return "the message" + on(f)
	}
	return string(f.Where)
}

func on(f *scanners.Finding) string {
	if f.Commit != "" {
		return " of commit " + short(f.Commit)
	}
	return " " + short(f.Object)
}

// Position writes "path:line:column", or what there is of it.
func Position(f *scanners.Finding) string {
	s := Visible(f.Path)
	if s == "" {
		s = "object " + short(f.Object)
	}
	if f.Line > 0 {
		s += fmt.Sprintf(":%d", f.Line)
		if f.Column > 0 {
			s += fmt.Sprintf(":%d", f.Column)
		}
	}
	return s
}

func encoded(f *scanners.Finding) string {
	if f.Encoding == "" {
		return ""
	}
	return " (in " + Visible(strings.ReplaceAll(string(f.Encoding), "+", " of ")) + ")"
}

// state says whether it can still be reached, and from where.
func state(f *scanners.Finding) string {
	const few = 3
	heads := f.Branches
	if len(heads) > 1 { // HEAD is one of the others
		heads = slices.DeleteFunc(slices.Clone(heads), func(b string) bool { return b == "HEAD" })
	}
	switch {
	case f.AtHead && len(heads) > few:
		return fmt.Sprintf("at %s and %d more", branches(heads[:few]), len(heads)-few)
	case f.AtHead && len(heads) > 0:
		return "at " + branches(heads)
	case f.AtHead:
		return "present"
	case f.Unreachable:
		return "unreachable"
	case f.Where == scanners.InRef:
		return "a ref"
	}
	return "in history"
}

func branches(names []string) string {
	shown := make([]string, len(names))
	for i, n := range names {
		shown[i] = elide(Visible(strings.TrimPrefix(n, "refs/heads/")))
	}
	return strings.Join(shown, ", ")
}

// elide shortens what would push the columns of a table apart.
func elide(s string) string {
	const most = 32
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}

func short(id string) string {
	const digits = 10
	return Visible(id[:min(len(id), digits)])
}

// gapText says what was not looked at.
func gapText(g scanners.Gap) string {
	s := Visible(g.What)
	if g.Subject != "" {
		s = Visible(g.Subject) + ": " + s
	}
	if g.Count > 1 {
		s += fmt.Sprintf(" (%d times)", g.Count)
	}
	return s
}

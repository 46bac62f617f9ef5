package approvals

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// broken is a line in error, and what it could have been meant to match.
type broken struct {
	err   SyntaxError
	globs []glob
}

// parseLine reads one line. For an empty line or a comment the rule has no pattern, and the other result is nil.
func parseLine(line string) (Rule, *broken) {
	var room [8]word // keeps the words of most lines off the heap
	words := splitWords(room[:0], line)
	if len(words) == 0 {
		return Rule{}, nil
	}
	pattern := words[0]
	fail := func(w word, f *flaw, globs []glob) (Rule, *broken) {
		column := utf8.RuneCountInString(line[:w.at+f.at]) + 1
		return Rule{}, &broken{SyntaxError{
			Column: column, Kind: f.kind, Source: strings.ToValidUTF8(line, "\uFFFD"),
			Message: f.message, Suggestion: f.suggestion,
		}, globs}
	}
	open := len(words) > 1 && !strings.Contains(words[1].text, "@")
	if f := checkPattern(pattern.text); f != nil {
		return fail(pattern, f, generous(pattern.text, open))
	}
	rule := Rule{Pattern: pattern.text}
	if len(words) > 1 {
		rule.Owners = make([]string, 0, len(words)-1)
		rule.written = line[words[1].at:]
	}
	for _, w := range words[1:] {
		if f := checkOwner(w.text); f != nil {
			meant := []glob{compile(pattern.text)}
			if open {
				meant = append(meant, openEnd(pattern.text))
			}
			return fail(w, f, meant)
		}
		if owner := strings.ToLower(w.text); !slices.Contains(rule.Owners, owner) {
			rule.Owners = append(rule.Owners, owner)
		}
	}
	return rule, nil
}

// word is a word of a line, and the byte at which it begins.
type word struct {
	text string
	at   int
}

// splitWords splits a line at spaces and tabs that no backslash precedes, and
// ends it at a "#" that begins a word: a comment. The words are appended to words.
func splitWords(words []word, line string) []word {
	start := -1
	escaped := false
	for i := range len(line) {
		c := line[i]
		blank := (c == ' ' || c == '\t' || c == '\r') && !escaped
		switch {
		case blank && start >= 0:
			words = append(words, word{line[start:i], start})
			start = -1
		case !blank && start < 0:
			if c == '#' {
				return words
			}
			start = i
		}
		escaped = c == '\\' && !escaped
	}
	if start >= 0 {
		words = append(words, word{line[start:], start})
	}
	return words
}

// flaw is what is wrong with a word, at which of its bytes.
type flaw struct {
	at         int
	kind       ErrorKind
	message    string
	suggestion string
}

// checkOwner accepts "@user", "@org/team" and an e-mail address.
func checkOwner(s string) *flaw {
	if name, ok := strings.CutPrefix(s, "@"); ok {
		org, team, isTeam := strings.Cut(name, "/")
		if isOwnerName(org) && (!isTeam || isOwnerName(team)) {
			return nil
		}
	} else if local, domain, ok := strings.Cut(s, "@"); ok && isMail(local, domain) {
		return nil
	}
	f := &flaw{kind: InvalidOwner, message: fmt.Sprintf("%s is not an owner: write @user, @org/team or an e-mail address", quote(s))}
	if isOwnerName(s) {
		f.suggestion = "did you mean @" + s + "?"
	}
	return f
}

func isOwnerName(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return s != "" && len(s) <= 100 && s[0] != '-'
}

func isMail(local, domain string) bool {
	plain := func(s string) bool {
		return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
			return r == '@' || r == '#' || r == utf8.RuneError || unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`"(),:;<>[\]/`, r)
		})
	}
	return plain(local) && plain(domain) && strings.Contains(domain, ".") && domain == strings.Trim(domain, ".")
}

// quote quotes a word for a message, cut so that no line floods it.
func quote(s string) string {
	if r := []rune(s); len(r) > 60 {
		s = string(r[:59]) + "…"
	}
	return fmt.Sprintf("%q", s)
}

package approvals

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// CodeownersLimit is the most bytes of a CODEOWNERS file that GitHub surely
// loads: it "must be under 3 MB", which is read here as the smaller of its two meanings.
// https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners#codeowners-file-size
const CodeownersLimit = 3_000_000 - 1

// ResourcePath is the path of a repository that stands for access to the whole
// of it: who may approve such access are the owners of this path. No such file need
// exist. So the repository's "*" rule decides, unless the organization names others:
//
//   - @acme/payments
//     /.github/keyreeve-access @acme/payments-leads
const ResourcePath = ".github/keyreeve-access"

// CodeownersPlaces lists where GitHub looks for a CODEOWNERS file, in order:
// the first one found is the only one used. It is not to be changed.
// https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners#codeowners-file-location
var CodeownersPlaces = []string{".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"}

// Codeowners is a parsed CODEOWNERS file. It is not changed after ParseCodeowners,
// so it may be used concurrently.
type Codeowners struct {
	Rules  []Rule        // the valid lines, in the order of the file
	Errors []SyntaxError // the lines in error, in the order of the file
	// TooLarge is set for a file of more than CodeownersLimit; it then has no rules.
	TooLarge bool

	broken []broken
}

// Rule is one valid line.
type Rule struct {
	Line    int // from 1
	Pattern string
	// Owners are "@user", "@org/team" or an e-mail address, in lower case, each
	// once. A rule without owners says that what it matches is unowned.
	Owners []string

	glob glob
}

// ErrorKind says what is wrong with a line, in GitHub's words.
// https://docs.github.com/en/rest/repos/repos#list-codeowners-errors
type ErrorKind string

// The kinds of error that show in the text alone. Whether an owner exists and
// has write access does not; that is asked of GitHub.
const (
	InvalidPattern ErrorKind = "Invalid pattern"
	InvalidOwner   ErrorKind = "Invalid owner"
)

// SyntaxError is one line that GitHub skips.
type SyntaxError struct {
	Line       int       `json:"line"`   // from 1
	Column     int       `json:"column"` // of the first offence, from 1, in characters
	Kind       ErrorKind `json:"kind"`
	Source     string    `json:"source"` // the line
	Message    string    `json:"message"`
	Suggestion string    `json:"suggestion,omitempty"`
}

// Error returns "line 3, column 5: Invalid owner: …".
func (e SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s: %s", e.Line, e.Column, e.Kind, e.Message)
}

// broken is what a line in error could have been meant to match.
type broken struct {
	err   SyntaxError
	globs []glob
}

// ParseCodeowners reads a CODEOWNERS file by GitHub's rules. A line in error is
// skipped and listed in Errors, never the whole file. It takes any bytes.
//
// The rules are those of gitignore with the exceptions that GitHub lists: no "!",
// no "[ ]", no "\#"; "docs/*" does not reach below docs.
// https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners#codeowners-syntax
func ParseCodeowners(data []byte) Codeowners {
	if len(data) > CodeownersLimit {
		return Codeowners{TooLarge: true}
	}
	var c Codeowners
	number := 0
	for line := range bytes.Lines(data) {
		number++
		rule, bad := parseLine(strings.TrimRight(string(line), "\r\n"))
		switch {
		case bad != nil:
			bad.err.Line = number
			c.Errors = append(c.Errors, bad.err)
			c.broken = append(c.broken, *bad)
		case rule != nil:
			rule.Line = number
			c.Rules = append(c.Rules, *rule)
		}
	}
	return c
}

// Match returns the rule that decides who owns a path of the repository, which
// is the last one that matches it. ok is false when none does. A Rule without
// owners means that the path is unowned.
func (c Codeowners) Match(path string) (rule Rule, ok bool) {
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for _, r := range slices.Backward(c.Rules) {
		if r.glob.match(segments) {
			return r, true
		}
	}
	return Rule{}, false
}

// ErrorTouches returns the lines in error that could be meant to decide who
// owns path: those whose pattern, read generously, matches it, and that no valid
// matching line comes after (for the last match wins, whatever is above it).
// While there is one, nobody can say who the owners are.
func (c Codeowners) ErrorTouches(path string) []SyntaxError {
	decides, _ := c.Match(path) // Line 0 when nothing matches
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	var errs []SyntaxError
	for _, b := range c.broken {
		if b.err.Line > decides.Line && slices.ContainsFunc(b.globs, func(g glob) bool { return g.match(segments) }) {
			errs = append(errs, b.err)
		}
	}
	return errs
}

// parseLine reads one line. Both results are nil for an empty line or a comment.
func parseLine(line string) (*Rule, *broken) {
	words := splitWords(line)
	if len(words) == 0 {
		return nil, nil
	}
	pattern := words[0]
	fail := func(w word, f *flaw, globs []glob) (*Rule, *broken) {
		column := utf8.RuneCountInString(line[:w.at+f.at]) + 1
		return nil, &broken{SyntaxError{
			Column: column, Kind: f.kind, Source: strings.ToValidUTF8(line, "\uFFFD"),
			Message: f.message, Suggestion: f.suggestion,
		}, globs}
	}
	if f := checkPattern(pattern.text); f != nil {
		return fail(pattern, f, generous(pattern.text))
	}
	rule := &Rule{Pattern: pattern.text, glob: compile(pattern.text)}
	for _, w := range words[1:] {
		if f := checkOwner(w.text); f != nil {
			return fail(w, f, []glob{rule.glob})
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
// ends it at a "#" that begins a word: a comment.
func splitWords(line string) []word {
	var words []word
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

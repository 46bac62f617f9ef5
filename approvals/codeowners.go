package approvals

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"
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
// and not to be changed by others, so it may be used concurrently. The zero value has no rules.
type Codeowners struct {
	Rules  []Rule        // the valid lines, in the order of the file
	Errors []SyntaxError // the lines in error, in the order of the file
	// TooLarge is set for a file of more than CodeownersLimit; it then has no rules.
	TooLarge bool

	index *ownersIndex
}

// ownersIndex is the compiled form of a file: made once, by the first question that needs it, since some only want
// to know what is wrong with a file.
type ownersIndex struct {
	rules  func() *matcher // entry i is Rules[i]
	errors func() *matcher // entry i is Errors[i], with all that it could have been meant to match
}

// Rule is one valid line.
type Rule struct {
	Line    int // from 1
	Pattern string
	// Owners are "@user", "@org/team" or an e-mail address, in lower case, each
	// once. A rule without owners says that what it matches is unowned.
	Owners []string

	written string // the line from its first owner on
}

// OwnersAsWritten returns Owners as the file spells them: "@Acme/Security".
func (r Rule) OwnersAsWritten() []string {
	var owners []string
	for _, w := range splitWords(nil, r.written) {
		if !slices.ContainsFunc(owners, func(o string) bool { return strings.EqualFold(o, w.text) }) {
			owners = append(owners, w.text)
		}
	}
	return owners
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
	var meant [][]glob // of each of c.Errors
	number := 0
	for line := range strings.Lines(string(data)) {
		number++
		rule, bad := parseLine(strings.TrimRight(line, "\r\n"))
		switch {
		case bad != nil:
			bad.err.Line = number
			c.Errors = append(c.Errors, bad.err)
			meant = append(meant, bad.globs)
		case rule.Pattern != "":
			rule.Line = number
			c.Rules = append(c.Rules, rule)
		}
	}
	rules := c.Rules
	c.index = &ownersIndex{
		rules: sync.OnceValue(func() *matcher {
			return newMatcher(len(rules), func(i int) []glob { return []glob{compile(rules[i].Pattern)} })
		}),
		errors: sync.OnceValue(func() *matcher {
			return newMatcher(len(meant), func(i int) []glob { return meant[i] })
		}),
	}
	return c
}

// Match returns the rule that decides who owns a path of the repository, which
// is the last one that matches it. ok is false when none does. A Rule without
// owners means that the path is unowned. Its time depends on the path and on how many rules look like it, hardly on
// how many there are.
func (c Codeowners) Match(path string) (rule Rule, ok bool) {
	if c.index == nil || len(c.Rules) == 0 {
		return Rule{}, false
	}
	i := c.index.rules().last(strings.TrimPrefix(path, "/"))
	if i < 0 {
		return Rule{}, false
	}
	return c.Rules[i], true
}

// touchesLimit is how many lines in error ErrorTouches returns: one is enough to refuse, and a file can hold a million.
const touchesLimit = 100

// ErrorTouches returns the lines in error that could be meant to decide who
// owns path: those whose pattern, read generously, matches it, and that no valid
// matching line comes after (for the last match wins, whatever is above it).
// While there is one, nobody can say who the owners are. At most 100 are returned, the first ones of the file.
func (c Codeowners) ErrorTouches(path string) []SyntaxError {
	if c.index == nil || len(c.Errors) == 0 {
		return nil
	}
	decides, _ := c.Match(path) // Line 0 when nothing matches
	below := sort.Search(len(c.Errors), func(i int) bool { return c.Errors[i].Line > decides.Line })
	if below == len(c.Errors) {
		return nil
	}
	var errs []SyntaxError
	for _, i := range c.index.errors().all(strings.TrimPrefix(path, "/"), below, touchesLimit) {
		errs = append(errs, c.Errors[i])
	}
	return errs
}

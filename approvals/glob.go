package approvals

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// glob is a pattern of CODEOWNERS, compiled: one element per path segment, and
// "**" for any number of them, none included.
type glob []string

// anything matches any number of segments; one matches exactly one.
const (
	anything = "**"
	one      = "*"
)

// compile turns a pattern that checkPattern accepts into a glob.
//
//   - Without a slash but at its end, a pattern is looked for at any depth, else from the root.
//   - With a slash at its end it means a directory: what is in it, at any depth.
//   - Else it means a file, or a directory with all in it; but a last "*" of a
//     longer pattern means files only ("docs/*" is one level, unlike in gitignore).
func compile(pattern string) glob {
	anchored := strings.HasPrefix(pattern, "/")
	segments := strings.Split(strings.TrimPrefix(pattern, "/"), "/")
	directory := segments[len(segments)-1] == ""
	if directory {
		segments = segments[:len(segments)-1]
	}
	g := make(glob, 0, len(segments)+3)
	if !anchored && len(segments) == 1 {
		g = append(g, anything)
	}
	g = append(g, segments...)
	last := segments[len(segments)-1]
	switch {
	case directory && last == anything:
		return append(g, one, one, anything)
	case directory:
		return append(g, one, anything)
	case last == anything && len(segments) > 1:
		// What is in the directory: "a/**" is not the file a.
		return append(g[:len(g)-1], one, anything)
	case last == one && (anchored || len(segments) > 1):
		return g
	}
	return append(g, anything)
}

// matchSegment matches one segment: "*" stands for any characters, "?" for one,
// and a backslash makes the character after it stand for itself.
func matchSegment(pattern, s string) bool {
	if pattern == one {
		return s != ""
	}
	i, j := 0, 0
	star, from := -1, 0
	for j < len(s) {
		if i < len(pattern) && pattern[i] == '*' {
			star, from = i, j
			i++
			continue
		}
		_, width := utf8.DecodeRuneInString(s[j:])
		if n := matchOne(pattern[i:], s[j:j+width]); n > 0 {
			i += n
			j += width
			continue
		}
		if star < 0 {
			return false
		}
		_, width = utf8.DecodeRuneInString(s[from:])
		from += width
		i, j = star+1, from
	}
	for i < len(pattern) && pattern[i] == '*' {
		i++
	}
	return i == len(pattern)
}

// matchOne returns how many bytes of pattern stand for the one character c, or 0.
func matchOne(pattern, c string) int {
	switch {
	case pattern == "":
		return 0
	case pattern[0] == '?':
		return 1
	case pattern[0] == '\\':
		if strings.HasPrefix(pattern[1:], c) {
			return 1 + len(c)
		}
		return 0
	case strings.HasPrefix(pattern, c):
		return len(c)
	}
	return 0
}

// checkPattern says what GitHub does not accept, or what can never match, in a
// pattern; nil when it is fine.
func checkPattern(p string) *flaw {
	switch {
	case p == "/":
		return badPattern(0, "the pattern / never matches anything", "did you mean * instead?")
	case p[0] == '!':
		return badPattern(0, "! to negate a pattern does not work in CODEOWNERS", "give the path a line of its own, without owners")
	case strings.HasPrefix(p, `\#`):
		return badPattern(0, `\# to begin a pattern with # does not work in CODEOWNERS`, "use ? for the #")
	case !utf8.ValidString(p):
		return badPattern(0, "the pattern is not UTF-8", "")
	}
	if f := checkCharacters(p); f != nil {
		return f
	}
	if i := strings.Index(p, "***"); i >= 0 {
		return badPattern(i, "more than two * in a row mean nothing", "did you mean "+fewerStars(p)+"?")
	}
	at := 0
	for s := range strings.SplitSeq(p, "/") {
		outer := at == 0 || at == len(p) // the slash of an anchored pattern, or of a directory's
		if s == "" && !outer || s == "." || s == ".." {
			return badPattern(at, "an empty, . or .. segment never matches anything", "write the path from the root of the repository")
		}
		at += len(s) + 1
	}
	return nil
}

func checkCharacters(p string) *flaw {
	escaped := false
	for i, c := range p {
		switch {
		case invisible(c):
			return badPattern(i, "the pattern holds an invisible character", "delete it")
		case escaped && c == '/':
			return badPattern(i-1, "a backslash before a slash matches nothing", "use / between directories")
		case escaped:
			escaped = false
		case c == '\\':
			escaped = true
		case c == '[' || c == ']':
			return badPattern(i, "[ ] for a range of characters does not work in CODEOWNERS", "use * or ?, or several lines")
		case c == '#':
			return badPattern(i, "a # in a pattern may be read as a comment", "put a space before a comment, or use ? for the #")
		}
	}
	if escaped {
		return badPattern(len(p)-1, "the pattern ends in a backslash", "use / between directories")
	}
	return nil
}

func badPattern(at int, message, suggestion string) *flaw {
	return &flaw{at, InvalidPattern, message, suggestion}
}

func invisible(c rune) bool { return unicode.IsControl(c) || c == '\ufeff' }

// fewerStars leaves two of three or more "*" in a row.
func fewerStars(p string) string {
	for strings.Contains(p, "***") {
		p = strings.ReplaceAll(p, "***", "**")
	}
	return p
}

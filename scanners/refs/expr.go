package refs

import (
	"bytes"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/rhysd/actionlint"
	"go.yaml.in/yaml/v4"
)

// longestExpression bounds one expression, in bytes: GitHub's own bound is 21,000 characters.
const longestExpression = 64 << 10

// expression reads one expression up to its closing braces, and returns how many bytes it takes; 0 where it has
// no end. cursor is where it begins in the file. Only the contexts secrets, vars and, where asked for, inputs count, and
// not a property of another context that is called so.
func (f *file) expression(src string, n *yaml.Node, p place, inputs bool, cursor int) int {
	src = src[:min(len(src), longestExpression)]
	// Braces may stand in a string, where the first ones are not the end.
	short := src[:min(len(src), strings.Index(src, "}}")+len("}}"))]
	tokens, used, err := actionlint.LexExpression(short)
	if err != nil && len(short) < len(src) {
		tokens, used, err = actionlint.LexExpression(src)
	}
	if err != nil {
		f.unreadable(src, n, p)
		end := strings.Index(src, "}}")
		if end < 0 {
			return 0
		}
		return end + 2
	}
	for i, t := range tokens {
		kind, is := contextOf(t.Value, inputs)
		if t.Kind != actionlint.TokenKindIdent || !is || i > 0 && tokens[i-1].Kind == actionlint.TokenKindDot {
			continue
		}
		r := Reference{Kind: kind, Job: p.job, Environment: p.environment, Context: p.String(), Uses: p.uses}
		r.Name = nameAfter(tokens[i+1:])
		cursor = f.find(cursor, t.Value)
		place := cursor
		if r.Name != "" {
			place = f.find(cursor, r.Name)
		} else {
			r.Any = true
		}
		if r.Any && kind == Input {
			continue // inputs are not secrets in themselves
		}
		r.Line, r.Column = f.position(place)
		f.add(r)
	}
	return used
}

// unreadable keeps an expression that can't be read from hiding the use of a secret.
func (f *file) unreadable(src string, n *yaml.Node, p place) {
	end := strings.Index(src, "}}")
	if end < 0 {
		end = len(src)
	}
	if !strings.Contains(strings.ToLower(src[:end]), "secrets") {
		return
	}
	line, column := n.Line, f.byteColumn(n)
	f.add(Reference{Kind: Secret, Any: true, Line: line, Column: column, Job: p.job, Environment: p.environment, Context: p.String(), Uses: p.uses})
}

// contextOf names the kind of what a context holds. Names of contexts have no case.
func contextOf(name string, inputs bool) (Kind, bool) {
	switch {
	case strings.EqualFold(name, "secrets"):
		return Secret, true
	case strings.EqualFold(name, "vars"):
		return Variable, true
	case inputs && strings.EqualFold(name, "inputs"):
		return Input, true
	}
	return "", false
}

// nameAfter reads .NAME or ['NAME'] behind a context; without either, the name is not known: "".
func nameAfter(rest []*actionlint.Token) string {
	if len(rest) >= 2 && rest[0].Kind == actionlint.TokenKindDot && rest[1].Kind == actionlint.TokenKindIdent {
		return rest[1].Value
	}
	if len(rest) >= 3 && rest[0].Kind == actionlint.TokenKindLeftBracket &&
		rest[1].Kind == actionlint.TokenKindString && rest[2].Kind == actionlint.TokenKindRightBracket {
		quoted := rest[1].Value
		if len(quoted) >= 2 {
			return strings.ReplaceAll(quoted[1:len(quoted)-1], "''", "'")
		}
	}
	return ""
}

// start is the byte of the file at which a node begins. The parser counts characters, so a line is walked from
// the node that was asked for before it: a file may be one line.
func (f *file) start(n *yaml.Node) int {
	if at, known := f.starts[n]; known {
		return at
	}
	at, column := f.line(n.Line), 1
	if f.nearest.line == n.Line && f.nearest.column <= n.Column {
		at, column = f.nearest.at, f.nearest.column
	}
	for ; column < n.Column && at < len(f.content); column++ {
		_, size := utf8.DecodeRune(f.content[at:])
		at += size
	}
	f.nearest = spot{line: n.Line, column: n.Column, at: at}
	if f.starts == nil {
		f.starts = map[*yaml.Node]int{}
	}
	f.starts[n] = at
	return at
}

// spot is a place in the file: line and column count from 1, in characters, at in bytes.
type spot struct{ line, column, at int }

// line is the byte at which a line begins.
func (f *file) line(number int) int {
	if f.lines == nil {
		f.lines = []int{0}
		for i, c := range f.content {
			if c == '\n' {
				f.lines = append(f.lines, i+1)
			}
		}
	}
	return f.lines[min(max(number-1, 0), len(f.lines)-1)]
}

// find looks on from a byte; where it is not written so (escaped, or folded over lines), the byte itself stands for it.
func (f *file) find(from int, text string) int {
	within := f.content[from:min(len(f.content), from+longestExpression)]
	if at := bytes.Index(within, []byte(text)); at >= 0 {
		return from + at
	}
	return from
}

// position gives line and column of a byte.
func (f *file) position(at int) (line, column int) {
	f.line(1)
	line = sort.SearchInts(f.lines, at+1)
	return line, at - f.lines[line-1] + 1
}

// byteColumn is a node's column in bytes.
func (f *file) byteColumn(n *yaml.Node) int { return f.start(n) - f.line(n.Line) + 1 }

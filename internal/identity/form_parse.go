package identity

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// LargestBody is the most that an issue's body holds at GitHub, in characters.
const LargestBody = 65536

// ParseForm reads an issue's body that the access request form made. It is strict, since whoever may edit the issue can
// edit the body: each heading must be there exactly once and no other may be, each answer but the reason is one plain line,
// and the box is ticked. HTML comments are not content, as people don't see them. A heading that is typed into the reason
// is a heading, and so an error.
//
// Every problem names its heading in Field and its line in the body; where there is one, the form holds what could be
// read, for an answer to show, and nothing may be decided on it. Without a problem, ParseForm(f.Body()) gives f again. It
// never panics, and may be called concurrently.
func ParseForm(body string) (Form, []Problem) {
	body = newlines(body)
	f, problems := parseForm(body)
	if len(problems) > 0 {
		return f, problems
	}
	// What is left when comments are cut out can mean something else than it did around them.
	if again, p := parseForm(f.Body()); len(p) > 0 || !f.same(&again) {
		return f, []Problem{{Line: f.lines[HeadingReason], Field: HeadingReason, What: "the answer reads differently without its HTML comments", Hint: "remove the comments"}}
	}
	return f, nil
}

func parseForm(body string) (Form, []Problem) {
	f := Form{lines: map[string]int{}}
	if n := utf8.RuneCountInString(body); n > LargestBody {
		return f, []Problem{{What: fmt.Sprintf("the text has %d characters, more than %d", n, LargestBody), Hint: "shorten it"}}
	}
	if i := strings.IndexFunc(body, hidden); i >= 0 || !utf8.ValidString(body) {
		return f, []Problem{{Line: 1 + strings.Count(body[:max(i, 0)], "\n"), What: "the text holds a character that people can't see", Hint: "remove it"}}
	}
	if line := tooDeep(body); line > 0 {
		return f, []Problem{{Line: line, What: "quotes and lists are nested too deep", Hint: "write it with less nesting"}}
	}
	r := formReader{source: []byte(body), form: &f, seen: map[string]bool{}, lines: []int{0}}
	for i, c := range r.source {
		if c == '\n' {
			r.lines = append(r.lines, i+1)
		}
	}
	r.read()
	return f, few(r.problems)
}

// deepestQuote bounds how deep quotes and lists may be nested in one line: reading them takes time by the square of it.
const deepestQuote = 100

// tooDeep returns the first line that is nested deeper than deepestQuote, or 0.
func tooDeep(body string) int {
	number := 0
	for line := range strings.SplitSeq(body, "\n") {
		number++
		if nesting(line) > deepestQuote {
			return number
		}
	}
	return 0
}

// nesting counts the marks of quotes and list items that a line begins with.
func nesting(line string) (marks int) {
	for i := range len(line) {
		listMark := strings.IndexByte("-*+.)", line[i]) >= 0
		switch {
		case line[i] == '>':
			marks++
		case listMark && (i+1 == len(line) || strings.IndexByte(" \t", line[i+1]) >= 0):
			marks++
		case !listMark && strings.IndexByte(" \t0123456789", line[i]) < 0:
			return marks
		}
	}
	return marks
}

// formReader collects the sections of one body.
type formReader struct {
	source   []byte
	lines    []int // where each line begins
	form     *Form
	seen     map[string]bool
	problems []Problem
}

func (r *formReader) say(heading string, line int, what, hint string) {
	r.problems = append(r.problems, Problem{Line: line, Field: heading, What: what, Hint: hint})
}

// line returns the line of an offset, from 1.
func (r *formReader) line(offset int) int {
	i, exact := slices.BinarySearch(r.lines, offset)
	if exact {
		return i + 1
	}
	return i
}

// section is what stands under one heading.
type section struct {
	heading    string
	line       int        // of the heading
	start, end int        // of the source below the heading
	blocks     []ast.Node // without comments
	comments   [][2]int   // offsets of HTML comments in the source
}

// read splits the document at its headings and reads each section.
func (r *formReader) read() {
	doc := formParser().Parse(text.NewReader(r.source))
	cur := &section{}
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		if h, ok := n.(*ast.Heading); ok {
			start, end := r.extent(h)
			cur.end = start
			r.finish(cur)
			cur = &section{heading: r.headingText(h), line: r.line(start), start: end}
			if h.Level != 3 || !slices.Contains(Headings(), cur.heading) {
				r.say("", cur.line, "there is a heading that the form does not have", "answers can't hold headings; restore the form's own where one was changed")
				cur.heading = ""
			}
			continue
		}
		comments, only := r.commentsIn(n)
		cur.comments = append(cur.comments, comments...)
		if !only {
			cur.blocks = append(cur.blocks, n)
		}
	}
	cur.end = len(r.source)
	r.finish(cur)
	for _, h := range Headings() {
		if !r.seen[h] && !optional(h) {
			r.say(h, 0, "the heading is missing", fmt.Sprintf("restore the line %q, and close code blocks and comments above it", "### "+h))
		}
	}
}

// extent returns the offsets of the lines that a heading takes, the line of === or --- below one included.
func (r *formReader) extent(h *ast.Heading) (start, end int) {
	start, end = h.Pos(), h.Pos()
	if lines := h.Lines(); lines.Len() > 0 {
		start, end = min(start, lines.At(0).Start), lines.At(lines.Len()-1).Stop
	}
	start = r.lines[r.line(max(start, 0))-1]
	if i := bytes.IndexByte(r.source[max(end, start):], '\n'); i >= 0 {
		return start, max(end, start) + i + 1
	}
	return start, len(r.source)
}

func (r *formReader) headingText(h *ast.Heading) string {
	if h.Lines().Len() != 1 {
		return ""
	}
	return strings.TrimSpace(string(h.Lines().Value(r.source)))
}

// finish reads a section that is complete.
func (r *formReader) finish(s *section) {
	switch {
	case s.heading == "":
		if s.line == 0 && len(s.blocks) > 0 {
			r.say("", 1, "there is text before the first heading", "remove it, or move it into the reason")
		}
		return
	case r.seen[s.heading]:
		r.say(s.heading, s.line, "the heading is there twice", "keep one; an answer can't hold a heading of the form")
		return
	}
	r.seen[s.heading] = true
	raw := r.visible(s)
	value := strings.TrimSpace(raw)
	line := s.line
	if value != "" {
		line = r.line(r.firstVisible(s))
	}
	r.form.lines[s.heading] = line
	if s.heading == HeadingConfirmation {
		r.confirmation(s, value, line)
		return
	}
	*r.form.value(s.heading) = value
	switch {
	case value == "" || value == noResponse || value == noChoice:
		if *r.form.value(s.heading) = ""; !optional(s.heading) {
			r.say(s.heading, line, "there is no answer", "edit the issue and write one below the heading")
		}
	case s.heading == HeadingReason:
	case strings.Contains(value, "\n") || len(s.blocks) != 1 || s.blocks[0].Kind() != ast.KindParagraph:
		r.say(s.heading, line, "the answer is not one plain line", "write the value alone")
	}
}

// confirmation reads the checkbox.
func (r *formReader) confirmation(s *section, value string, line int) {
	box, label, _ := strings.Cut(value, "] ")
	plain := len(s.blocks) == 1 && s.blocks[0].Kind() == ast.KindList && label == ConfirmationLabel
	switch {
	case plain && (box == "- [x" || box == "- [X"):
		r.form.Confirmed = true
	case plain && box == "- [ ":
		r.say(s.heading, line, "the box is not ticked", "tick it in the issue, if you agree")
	default:
		r.say(s.heading, line, "this is not the form's checkbox", fmt.Sprintf("restore the line %q", "- [x] "+ConfirmationLabel))
	}
}

// formParser reads blocks as GitHub does. Of the inline elements it knows only code and raw HTML, which decide what is a
// comment: the others are slow on hostile text and are not looked at.
func formParser() parser.Parser {
	return parser.NewParser(
		parser.WithBlockParsers(parser.DefaultBlockParsers()...),
		parser.WithInlineParsers(util.Prioritized(parser.NewCodeSpanParser(), 100), util.Prioritized(parser.NewRawHTMLParser(), 400)),
		parser.WithParagraphTransformers(parser.DefaultParagraphTransformers()...),
	)
}

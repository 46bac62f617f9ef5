package approvals

import (
	"bytes"
	"iter"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// maxBody is the most bytes of a body that are read: GitHub allows 65,536
// characters. What is longer did not come from GitHub and holds no command.
const maxBody = 4 * 65536

// maxNesting bounds the containers of a body, since the parser's work grows with
// lines times depth. Nobody quotes this deep; such a body holds no command.
const maxNesting = 100

// maxDelimiters bounds the signs in one paragraph that could begin or end a link
// or an emphasis: the parser's work grows with their square. Code is not counted.
const maxDelimiters = 2000

// plainLine is a line of a body that begins with a slash and that GitHub shows
// as plain text at the start of a line.
type plainLine struct {
	number int // from 1
	text   string
}

// plainLines finds the lines that could hold a command. The Markdown parser
// decides what is code, quote, list, link, table or HTML, since a scanner of our
// own would sooner or later differ from what people see; what raw HTML then does
// to the text after it is followed in htmlState.
func plainLines(body string) []plainLine {
	if len(body) > maxBody {
		return nil
	}
	body = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(body)
	starts := slashLines(body)
	if len(starts) == 0 || tooNested(body) {
		return nil
	}
	source := []byte(body)
	if tooDense(source) {
		return nil
	}
	md := goldmark.New(goldmark.WithExtensions(extension.Table, extension.Strikethrough))
	w := &lineWalker{source: source, starts: starts, plain: map[int]bool{}}
	// The walker returns no error, so there is none to look at.
	_ = ast.Walk(md.Parser().Parse(text.NewReader(source)), w.visit)
	var lines []plainLine
	number, from := 1, 0
	for _, at := range w.order {
		number += strings.Count(body[from:at], "\n")
		from = at
		line, _, _ := strings.Cut(body[at:], "\n")
		lines = append(lines, plainLine{number, line})
	}
	return lines
}

// slashLines returns the offsets of slashes that only up to three spaces precede on their line.
func slashLines(body string) map[int]bool {
	starts := map[int]bool{}
	at := 0
	for line := range strings.SplitAfterSeq(body, "\n") {
		indent := len(line) - len(strings.TrimLeft(line, " "))
		if indent <= 3 && strings.HasPrefix(line[indent:], "/") {
			starts[at+indent] = true
		}
		at += len(line)
	}
	return starts
}

// tooNested reports whether a line opens more than maxNesting quotes and lists.
func tooNested(body string) bool {
	for line := range strings.SplitSeq(body, "\n") {
		depth := 0
		for i := 0; i < len(line) && strings.IndexByte(" \t>-+*0123456789.)", line[i]) >= 0; i++ {
			spaceNext := i+1 == len(line) || line[i+1] == ' ' || line[i+1] == '\t'
			if line[i] == '>' || spaceNext && strings.IndexByte("-+*.)", line[i]) >= 0 {
				depth++
			}
		}
		if depth > maxNesting {
			return true
		}
	}
	return false
}

// tooDense reports whether a paragraph has more than maxDelimiters. To find
// the paragraphs, blocks alone are parsed, which takes linear time.
func tooDense(source []byte) bool {
	blocks := parser.NewParser(parser.WithBlockParsers(parser.DefaultBlockParsers()...))
	for n := range descendants(blocks.Parse(text.NewReader(source))) {
		if n.Type() != ast.TypeBlock || n.IsRaw() {
			continue
		}
		signs := 0
		for i := range n.Lines().Len() {
			s := n.Lines().At(i)
			for _, c := range s.Value(source) {
				if strings.IndexByte("*_~[]<`", c) >= 0 {
					signs++
				}
			}
		}
		if signs > maxDelimiters {
			return true
		}
	}
	return false
}

// descendants yields n and all nodes below it, in the order of the document.
func descendants(n ast.Node) iter.Seq[ast.Node] {
	return func(yield func(ast.Node) bool) {
		// The function given to Walk returns no error.
		_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
			if entering && !yield(n) {
				return ast.WalkStop, nil
			}
			return ast.WalkContinue, nil
		})
	}
}

// lineWalker collects the offsets of starts that are plain text.
type lineWalker struct {
	source []byte
	starts map[int]bool
	plain  map[int]bool
	order  []int
	html   htmlState
	depths []int // how many elements were open where each open container began
}

func (w *lineWalker) visit(n ast.Node, entering bool) (ast.WalkStatus, error) {
	if isContainer(n) {
		// Elements that a quote or list item opens end with it, in a browser too.
		if entering {
			w.depths = append(w.depths, len(w.html.open))
		} else {
			last := len(w.depths) - 1
			w.html.open = w.html.open[:min(len(w.html.open), w.depths[last])]
			w.depths = w.depths[:last]
		}
		return ast.WalkContinue, nil
	}
	if !entering {
		return ast.WalkContinue, nil
	}
	switch n := n.(type) {
	case *ast.HTMLBlock:
		var raw bytes.Buffer
		for i := range n.Lines().Len() {
			s := n.Lines().At(i)
			raw.Write(s.Value(w.source))
		}
		if n.HasClosure() {
			raw.Write(n.ClosureLine.Value(w.source))
		}
		w.html.read(raw.String())
	case *ast.RawHTML:
		var raw bytes.Buffer
		for i := range n.Segments.Len() {
			s := n.Segments.At(i)
			raw.Write(s.Value(w.source))
		}
		w.html.read(raw.String())
	case *ast.Text:
		w.text(n)
	}
	return ast.WalkContinue, nil
}

// text takes a piece of text in: a command's slash begins one that is a direct
// child of a paragraph (or of a heading made by a line of = or - below it) at the top level.
func (w *lineWalker) text(n *ast.Text) {
	at := n.Segment.Start
	if w.starts[at] && !w.plain[at] && w.html.plain() && isTopText(n) {
		w.plain[at] = true
		w.order = append(w.order, at)
	}
	// The parser shows "<!--" without its end as text. Nobody means it so.
	// (It may take "<" for a text of its own, hence the three bytes more.)
	shown := w.source[at:min(n.Segment.Stop+len("!--"), len(w.source))]
	if n.Parent().Kind() != ast.KindCodeSpan && bytes.Contains(shown, []byte("<!--")) {
		w.html.lost = true
	}
}

func isTopText(n *ast.Text) bool {
	parent := n.Parent()
	if k := parent.Kind(); k != ast.KindParagraph && k != ast.KindHeading {
		return false
	}
	return parent.Parent() != nil && parent.Parent().Kind() == ast.KindDocument
}

func isContainer(n ast.Node) bool {
	k := n.Kind()
	return k == ast.KindBlockquote || k == ast.KindListItem
}

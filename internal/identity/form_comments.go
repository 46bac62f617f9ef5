package identity

import (
	"bytes"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// visible returns a section's source without its comments.
func (r *formReader) visible(s *section) string {
	var b strings.Builder
	from := s.start
	for _, c := range s.comments {
		if c[0] < from || c[1] > s.end {
			continue
		}
		b.Write(r.source[from:c[0]])
		from = c[1]
	}
	if from < s.end {
		b.Write(r.source[from:s.end])
	}
	return b.String()
}

// firstVisible returns the offset of the first thing in a section that is neither space nor comment.
func (r *formReader) firstVisible(s *section) int {
	at, comments := s.start, s.comments
	for at < s.end {
		switch {
		case len(comments) > 0 && at >= comments[0][0]:
			at, comments = max(at, comments[0][1]), comments[1:]
		case strings.IndexByte(" \t\n", r.source[at]) >= 0:
			at++
		default:
			return at
		}
	}
	return s.start
}

// commentsIn returns the offsets of the HTML comments in a block, and whether it holds nothing else.
func (r *formReader) commentsIn(n ast.Node) (found [][2]int, only bool) {
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.HTMLBlock:
			found = append(found, r.commentsBetween(blockRange(n, r.source))...)
		case *ast.RawHTML:
			if k := n.Segments.Len(); k > 0 {
				found = append(found, r.commentsBetween(n.Segments.At(0).Start, n.Segments.At(k-1).Stop)...)
			}
		}
		return ast.WalkContinue, nil
	})
	block, ok := n.(*ast.HTMLBlock)
	if !ok {
		return found, false
	}
	start, end := blockRange(block, r.source)
	rest := r.visible(&section{start: start, end: end, comments: found})
	return found, strings.TrimSpace(rest) == ""
}

// blockRange returns the offsets of an HTML block; its last line is kept apart from the others.
func blockRange(n *ast.HTMLBlock, source []byte) (start, end int) {
	start, end = len(source), 0
	if lines := n.Lines(); lines.Len() > 0 {
		start, end = lines.At(0).Start, lines.At(lines.Len()-1).Stop
	}
	if n.HasClosure() {
		start, end = min(start, n.ClosureLine.Start), max(end, n.ClosureLine.Stop)
	}
	return min(start, end), end
}

// commentsBetween finds "<!--" to "-->". One that is never closed runs to the end.
func (r *formReader) commentsBetween(start, end int) (found [][2]int) {
	for start < end {
		rest := r.source[start:end]
		open := bytes.Index(rest, []byte("<!--"))
		if open < 0 {
			break
		}
		length := len(rest) - open
		if i := bytes.Index(rest[open+4:], []byte("-->")); i >= 0 {
			length = 4 + i + 3
		}
		found = append(found, [2]int{start + open, start + open + length})
		start += open + length
	}
	return found
}

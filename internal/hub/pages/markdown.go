package pages

import (
	"bytes"
	"html/template"
	"regexp"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// renderMarkdown makes safe HTML of what a person wrote: GitHub flavoured, raw
// HTML shown as text except a few harmless tags without attributes, HTML
// comments dropped, images as links, addresses with dangerous schemes emptied,
// @login and #12 as links. In a conversation each line break counts, in a file
// (breaks false) it does not, as on GitHub. full is the repository that a bare
// #12 belongs to, "" when there is none.
func renderMarkdown(source, full string, breaks bool) template.HTML {
	options := []renderer.Option{renderer.WithNodeRenderers(util.Prioritized(safeRenderer{}, 100))}
	if breaks {
		options = append(options, html.WithHardWraps())
	}
	md := goldmark.New(
		goldmark.WithExtensions(extension.GFM),
		goldmark.WithParserOptions(parser.WithASTTransformers(util.Prioritized(mentions{full}, 1000))),
		goldmark.WithRendererOptions(options...),
	)
	var b bytes.Buffer
	if err := md.Convert([]byte(source), &b); err != nil {
		return template.HTML("<pre>" + template.HTMLEscapeString(source) + "</pre>") //nolint:gosec // escaped
	}
	return template.HTML(b.String()) //nolint:gosec // made by goldmark, raw HTML off
}

// safeRenderer takes the place of goldmark's own for what could load or run
// something.
type safeRenderer struct{}

// RegisterFuncs implements renderer.NodeRenderer.
func (safeRenderer) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindHTMLBlock, renderHTMLBlock)
	r.Register(ast.KindRawHTML, renderRawHTML)
	r.Register(ast.KindImage, renderImage)
}

func renderHTMLBlock(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	block := n.(*ast.HTMLBlock) //nolint:forcetypeassert // registered for this kind
	var b bytes.Buffer
	for i := range block.Lines().Len() {
		line := block.Lines().At(i)
		b.Write(line.Value(source))
	}
	if block.HasClosure() {
		b.Write(block.ClosureLine.Value(source))
	}
	if safe := strings.TrimSpace(safeHTML(b.String())); safe != "" {
		w.WriteString("<p>" + safe + "</p>\n") //nolint:errcheck // goldmark's buffer keeps the error
	}
	return ast.WalkSkipChildren, nil
}

func renderRawHTML(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	raw := n.(*ast.RawHTML) //nolint:forcetypeassert // registered for this kind
	var b bytes.Buffer
	for i := range raw.Segments.Len() {
		segment := raw.Segments.At(i)
		b.Write(segment.Value(source))
	}
	w.WriteString(safeHTML(b.String())) //nolint:errcheck // goldmark's buffer keeps the error
	return ast.WalkSkipChildren, nil
}

// renderImage writes a link: a page loads nothing from anywhere.
func renderImage(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	image := n.(*ast.Image) //nolint:forcetypeassert // registered for this kind
	if !entering {
		w.WriteString("</a>") //nolint:errcheck // goldmark's buffer keeps the error
		return ast.WalkContinue, nil
	}
	href := ""
	if !html.IsDangerousURL(image.Destination) {
		href = string(util.EscapeHTML(util.URLEscape(image.Destination, true)))
	}
	w.WriteString(`<a class="image" href="` + href + `">🖼 `) //nolint:errcheck // goldmark's buffer keeps the error
	return ast.WalkContinue, nil
}

var (
	htmlComment = regexp.MustCompile(`(?s)<!--.*?(?:-->|$)`)
	// harmlessTag may neither hold an attribute nor, left open, change what
	// comes after the paragraph.
	harmlessTag = regexp.MustCompile(`(?i)</?(?:sub|sup|kbd)>|<(?:br|hr)\s*/?>`)
)

// safeHTML drops comments, lets a few harmless tags through and shows the rest
// as text.
func safeHTML(raw string) string {
	raw = htmlComment.ReplaceAllString(raw, "")
	var b strings.Builder
	for {
		at := harmlessTag.FindStringIndex(raw)
		if at == nil {
			b.WriteString(template.HTMLEscapeString(raw))
			return b.String()
		}
		b.WriteString(template.HTMLEscapeString(raw[:at[0]]))
		b.WriteString(strings.ToLower(raw[at[0]:at[1]]))
		raw = raw[at[1]:]
	}
}

// mentions makes links of @login, @org/team, #12 and owner/repo#12.
type mentions struct{ full string }

var mention = regexp.MustCompile(`([A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+)?#([1-9][0-9]{0,8})\b|@([A-Za-z0-9][A-Za-z0-9-]*(?:/[A-Za-z0-9][A-Za-z0-9-]*)?)`)

// Transform implements parser.ASTTransformer.
func (m mentions) Transform(doc *ast.Document, reader text.Reader, _ parser.Context) {
	var found []*ast.Text
	//nolint:errcheck // the walker returns no error
	ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		switch n := n.(type) {
		case *ast.Link, *ast.AutoLink, *ast.CodeSpan, *ast.Image:
			return ast.WalkSkipChildren, nil
		case *ast.Text:
			if entering {
				found = append(found, n)
			}
		}
		return ast.WalkContinue, nil
	})
	for _, t := range found {
		m.link(t, reader.Source())
	}
}

// link cuts one piece of text at its mentions.
func (m mentions) link(t *ast.Text, source []byte) {
	start, parent := t.Segment.Start, t.Parent()
	for _, at := range mention.FindAllSubmatchIndex(t.Segment.Value(source), -1) {
		from, to := t.Segment.Start+at[0], t.Segment.Start+at[1]
		if from > 0 && wordByte(source[from-1]) {
			continue // an e-mail address, or the middle of something else
		}
		part := func(n int) string {
			if at[2*n] < 0 {
				return ""
			}
			return string(source[t.Segment.Start+at[2*n] : t.Segment.Start+at[2*n+1]])
		}
		target := m.target(part(1), part(2), part(3))
		if target == "" {
			continue
		}
		if from > start {
			parent.InsertBefore(parent, t, ast.NewTextSegment(text.NewSegment(start, from)))
		}
		link := ast.NewLink()
		link.Destination = []byte(target)
		link.AppendChild(link, ast.NewTextSegment(text.NewSegment(from, to)))
		parent.InsertBefore(parent, t, link)
		start = to
	}
	t.Segment = text.NewSegment(start, t.Segment.Stop)
}

// target is the address that a mention leads to.
func (m mentions) target(full, number, login string) string {
	if login != "" {
		if org, team, ok := strings.Cut(login, "/"); ok {
			return "/orgs/" + org + "/teams/" + team
		}
		return "/" + login
	}
	if full == "" {
		full = m.full
	}
	if full == "" {
		return ""
	}
	return "/" + full + "/issues/" + number
}

func wordByte(c byte) bool {
	return c == '_' || c == '/' || c == '.' || c == '@' || c == '#' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

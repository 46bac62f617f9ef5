package approvals

import (
	"slices"
	"strings"
)

// htmlState follows what raw HTML in a body leaves open: an element or a comment
// around text that Markdown alone would call plain.
type htmlState struct {
	open []string // names of open elements, outermost first
	// lost is set by a comment or tag that was not closed in the piece of HTML
	// that opened it, and by absurd nesting: nothing after it is plain.
	lost bool
}

// plain reports whether text here is in no element and no comment.
func (h *htmlState) plain() bool { return !h.lost && len(h.open) == 0 }

// read takes in one piece of raw HTML. It is in linear time.
func (h *htmlState) read(raw string) {
	for !h.lost {
		i := strings.IndexByte(raw, '<')
		if i < 0 {
			return
		}
		raw = raw[i+1:]
		if body, ok := strings.CutPrefix(raw, "!--"); ok {
			// "<!-->" and "<!--->" are whole comments.
			if strings.HasPrefix(body, ">") || strings.HasPrefix(body, "->") {
				continue
			}
			_, after, closed := strings.Cut(body, "-->")
			h.lost = !closed
			raw = after
			continue
		}
		name, after, ending, ended := tagName(raw)
		if name == "" {
			continue
		}
		raw = after
		h.tag(name, ending)
		h.lost = h.lost || !ended
	}
}

// tagName reads "details open>" or "/details>" up to the tag's end. A ">" in
// a quoted attribute value does not end it. No name means no tag; ended is
// false for a tag that swallows all of raw.
func tagName(raw string) (name, after string, ending, ended bool) {
	rest, ending := strings.CutPrefix(raw, "/")
	n := 0
	for n < len(rest) && isTagChar(rest[n]) {
		n++
	}
	if n == 0 || rest[0] == '-' || rest[0] >= '0' && rest[0] <= '9' {
		return "", raw, false, false
	}
	name = strings.ToLower(rest[:n])
	rest = rest[n:]
	var quote byte
	for i := range len(rest) {
		switch c := rest[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return name, rest[i+1:], ending, true
		}
	}
	return name, "", ending, false
}

func isTagChar(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-'
}

// tag opens or closes an element. Closing one closes what is in it only where
// HTML lets the end tag be left out; a browser keeps the others open.
// https://html.spec.whatwg.org/multipage/syntax.html#optional-tags
func (h *htmlState) tag(name string, ending bool) {
	if ending {
		for i, open := range slices.Backward(h.open) {
			if open == name {
				inner := slices.DeleteFunc(h.open[i+1:], endsByItself)
				h.open = append(h.open[:i], inner...)
				return
			}
		}
		return
	}
	if enclosing(name) {
		h.open = append(h.open, name)
		h.lost = h.lost || len(h.open) > maxOpen
	}
}

// maxOpen is the most elements that are followed, so that closing one is cheap.
const maxOpen = 200

func endsByItself(name string) bool {
	switch name {
	case "li", "dt", "dd", "td", "th", "tr", "tbody", "thead", "tfoot", "caption", "option", "rp", "rt":
		return true
	}
	return false
}

// enclosing reports whether a start tag puts what follows into an element. A
// name that HTML does not know ("/approve <reason>") is dropped by GitHub, void
// elements hold nothing, and a paragraph needs no end tag.
func enclosing(name string) bool {
	return slices.Contains(enclosingElements(), name)
}

func enclosingElements() []string {
	return []string{
		"a", "abbr", "article", "aside", "audio", "b", "bdo", "big", "blockquote", "button", "caption", "center", "cite",
		"code", "dd", "del", "details", "dfn", "dialog", "div", "dl", "dt", "em", "fieldset", "figcaption", "figure", "font",
		"footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "h7", "h8", "header", "i", "iframe", "ins", "kbd", "label", "li",
		"main", "map", "mark", "math", "menu", "nav", "noembed", "noframes", "noscript", "object", "ol", "option", "picture",
		"plaintext", "pre", "q", "rp", "rt", "ruby", "s", "samp", "script", "section", "select", "small", "span", "strike",
		"strong", "style", "sub", "summary", "sup", "svg", "table", "tbody", "td", "template", "textarea", "tfoot", "th",
		"thead", "time", "title", "tr", "tt", "u", "ul", "var", "video", "xmp",
	}
}

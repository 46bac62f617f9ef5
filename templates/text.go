package templates

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// zeroWidth is put into text so that GitHub sees neither a mention, nor a
// reference, nor a link, while a person reads what was written.
const zeroWidth = "\u200b"

// Text makes text that a user wrote safe to show in Markdown, inside a
// sentence or a table cell: it becomes one line of at most most runes, in
// which nothing is markup, mentions nobody, refers to nothing, links nowhere
// and is no command.
func Text(s string, most int) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	s = Cut(s, most, "…")
	var b strings.Builder
	for i, r := range s {
		switch r {
		case '&':
			b.WriteString("&amp;")
		case '<':
			b.WriteString("&lt;")
		case '>':
			b.WriteString("&gt;")
		case '@', '#':
			b.WriteString("\\" + string(r) + zeroWidth)
		case '/':
			if i == 0 {
				b.WriteString(zeroWidth)
			}
			b.WriteRune(r)
		case ':':
			b.WriteString(":" + keepApart(s[i+1:]))
		case '.':
			b.WriteString("." + keepWWW(s[:i]))
		case '-':
			b.WriteString("-" + keepApart(s[i+1:]))
		case '\\', '`', '*', '_', '{', '}', '[', ']', '(', ')', '!', '|', '~', '$', '+':
			b.WriteString("\\" + string(r))
		default:
			if unicode.Is(unicode.Cf, r) { // bidirectional controls and the like hide what is written
				continue
			}
			b.WriteRune(r)
		}
	}
	return b.String()
}

// keepApart separates "://" and "GH-12" from what follows.
func keepApart(rest string) string {
	if strings.HasPrefix(rest, "//") || rest != "" && rest[0] >= '0' && rest[0] <= '9' {
		return zeroWidth
	}
	return ""
}

// keepWWW separates "www." from what follows: GitHub links it without a scheme.
func keepWWW(before string) string {
	if len(before) >= 3 && strings.EqualFold(before[len(before)-3:], "www") {
		return zeroWidth
	}
	return ""
}

// Code shows s as inline code, in which nothing is markup, a mention or a
// reference. Line breaks become spaces and backticks apostrophes; a pipe,
// which would end a table cell even in code, becomes a broken bar.
func Code(s string) string {
	s = strings.NewReplacer("`", "'", "|", "¦").Replace(s)
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if s == "" {
		return "–"
	}
	return "`" + Cut(s, 200, "…") + "`"
}

// Cut returns s if it has at most most runes, else its beginning with note
// after it, together at most most runes.
func Cut(s string, most int, note string) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	keep := max(0, most-utf8.RuneCountInString(note))
	for i := range s {
		if keep == 0 {
			return s[:i] + note
		}
		keep--
	}
	return s
}

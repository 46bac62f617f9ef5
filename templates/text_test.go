package templates_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/templates"
)

func TestThreat39UserTextIsNeutralized(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"plain", "Upload the release of 4.2, 10% done", "Upload the release of 4.2, 10% done"},
		{"mention", "ask @acme/payments", "ask \\@\u200bacme/payments"},
		{"reference", "see #12 and acme/x#3", "see \\#\u200b12 and acme/x\\#\u200b3"},
		{"html", "<img src=x>&amp;", "&lt;img src=x&gt;&amp;amp;"},
		{"image", "![x](http://a.b/c)", "\\!\\[x\\]\\(http:\u200b//a.b/c\\)"},
		{"bare link", "www.example.com", "www.\u200bexample.com"},
		{"table break", "a | b", "a \\| b"},
		{"command", "/approve", "\u200b/approve"},
		{"command on a line", "x\n/approve", "x /approve"},
		{"bidi", "a\u202eb", "ab"},
		{"issue by key", "GH-12", "GH-\u200b12"},
		{"code", "`rm -rf`", "\\`rm -rf\\`"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := templates.Text(tt.in, 100); got != tt.want {
				t.Errorf("Text(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestCut(t *testing.T) {
	for _, tt := range []struct {
		in, note string
		most     int
		want     string
	}{{"abc", "…", 3, "abc"}, {"abcd", "…", 3, "ab…"}, {"äöüß", "…", 3, "äö…"}, {"abcd", "…", 1, "…"}} {
		if got := templates.Cut(tt.in, tt.most, tt.note); got != tt.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", tt.in, tt.most, got, tt.want)
		}
	}
}

func TestStatusStaysWithinGitHubsBody(t *testing.T) {
	s := status("waiting")
	s.Decision = decision(approvals.Pending, false)
	for range 5000 {
		s.Decision.Votes = append(s.Decision.Votes, s.Decision.Votes[0])
	}
	got := templates.StatusComment(s)
	if n := utf8.RuneCountInString(got); n > 65_536 {
		t.Errorf("the comment has %d characters", n)
	}
	if !strings.Contains(got, "This text was cut") {
		t.Error("the comment does not say that it was cut")
	}
}

var bare = regexp.MustCompile(`@[A-Za-z0-9]|#\d|://`)

// FuzzText: whatever a user writes, nothing in it becomes markup, a mention, a link or a command.
func FuzzText(f *testing.F) {
	for _, s := range []string{"@a #1 http://x", "*a* **b** _c_ `d`", "| a |", "<b>", "\n/approve\n", "- x", "1. x", "> q", "[a](b)", "\\@a", "&lt;", "a\u200bb", "~~x~~", "www.a.b", "$x$"} {
		f.Add(s)
	}
	md := goldmark.New(goldmark.WithExtensions(extension.GFM))
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			t.Skip("GitHub's API gives valid UTF-8 only")
		}
		got := templates.Text(s, 200)
		if n := utf8.RuneCountInString(s); strings.Contains(got, "\n") || n > 200 && utf8.RuneCountInString(got) > 1400 {
			t.Errorf("Text(%q) = %q: more than one line, or too long", s, got)
		}
		if m := bare.FindString(got); m != "" {
			t.Errorf("Text(%q) = %q holds %q", s, got, m)
		}
		source := []byte("Before " + got + " after")
		doc := md.Parser().Parse(text.NewReader(source))
		_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
			switch n.Kind() {
			case ast.KindDocument, ast.KindParagraph, ast.KindText, ast.KindString:
			default:
				t.Errorf("Text(%q) = %q makes a %s", s, got, n.Kind())
			}
			return ast.WalkContinue, nil
		})
		if len(approvals.ParseCommands(got)) > 0 {
			t.Errorf("Text(%q) = %q is a command", s, got)
		}
		if bytes.ContainsRune(source, '\u202e') {
			t.Errorf("Text(%q) keeps a bidirectional control", s)
		}
	})
}

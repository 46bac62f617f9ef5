package approvals

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// show writes commands as "line:verb(args)", with "!" and the right form for what is malformed.
func show(commands []Command) string {
	var parts []string
	for _, c := range commands {
		args := c.Args
		if c.For != 0 {
			args = c.For.String() + " " + args
		}
		s := fmt.Sprintf("%d:%s(%s)", c.Line, c.Verb, args)
		if c.Malformed != nil {
			s += fmt.Sprintf("!%s[%s]", c.Malformed.Fault, c.Malformed.Form)
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, " ")
}

func TestParseCommands(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"empty", "", ""},
		{"no command", "Looks good to me.", ""},
		{"approve", "/approve", "1:approve()"},
		{"with a reason", "/approve  for the release \t", "1:approve(for the release)"},
		{"deny", "/deny wrong repository", "1:deny(wrong repository)"},
		{"deny without a reason", "/deny", "1:deny()!missing-reason[/deny reason]"},
		{"deny with a reason that nobody sees", "/deny <!-- no -->", "1:deny()!missing-reason[/deny reason]"},
		{"the others", "/withdraw\n/cancel\n/recheck\n/help", "1:withdraw() 2:cancel() 3:recheck() 4:help()"},
		{"override, revoke and explain", "/override the pager is on fire\n/revoke done early\n/explain", "1:override(the pager is on fire) 2:revoke(done early) 3:explain()"},
		{"override without a reason", "/override", "1:override()!missing-reason[/override reason]"},
		{"extend", "/extend 2h30m the backfill takes longer", "1:extend(2h30m0s the backfill takes longer)"},
		{"extend with tabs", "/extend\t30m\tslow", "1:extend(30m0s slow)"},
		{"extend without a reason", "/extend 2h", "1:extend(2h)!missing-reason[/extend 2h reason]"},
		{"extend without a duration", "/extend please", "1:extend(please)!bad-duration[/extend 2h reason]"},
		{"extend by nothing", "/extend 0h why", "1:extend(0h why)!bad-duration[/extend 2h reason]"},
		{"extend backwards", "/extend -2h why", "1:extend(-2h why)!bad-duration[/extend 2h reason]"},
		{"extend for ever", "/extend 9999d why", "1:extend(9999d why)!bad-duration[/extend 2h reason]"},
		{"extend alone", "/extend", "1:extend()!bad-duration[/extend 2h reason]"},
		{"more than is taken", "/withdraw please", "1:withdraw(please)!unwanted-content[/withdraw]"},
		{"two in one comment, in order", "Hello.\n\n/deny no\n\nor rather\n/withdraw", "3:deny(no) 6:withdraw()"},
		{"after text on the line before", "Fine by me.\n/approve", "2:approve()"},
		{"CRLF", "Fine.\r\n/approve now\r\n", "2:approve(now)"},
		{"CR alone", "Fine.\r/approve", "2:approve()"},
		{"three spaces", "   /approve", "1:approve()"},
		{"three spaces in a paragraph", "a\n   /approve", "2:approve()"},
		{"four spaces are code", "    /approve", ""},
		{"four spaces in a paragraph", "a\n    /approve", ""},
		{"a tab is code", "\t/approve", ""},
		{"mid-sentence", "please /approve this", ""},
		{"after bold", "**a** /approve", ""},
		{"unknown", "/merge", "1:merge()!unknown-command[/help]"},
		{"nearly", "/aprove it", "1:aprove(it)!unknown-command[/approve [reason]]"},
		{"upper case", "/Approve", "1:Approve()!unknown-command[/approve [reason]]"},
		{"with a full stop", "/approve.", "1:approve.()!unknown-command[/approve [reason]]"},
		{"a path", "/usr/bin/env\n/approve/", ""},
		{"a slash alone", "/\n/ approve\n//approve", ""},
		{"a letter that looks like a", "/\u0430pprove", ""},
		{"a zero-width space in it", "/app\u200brove", ""},
		{"a zero-width space before it", "\u200b/approve", ""},
		{"a full-width slash", "\uff0fapprove", ""},
		{"a no-break space after it", "/approve\u00a0now", ""},
		{"a byte order mark before it", "\ufeff/approve", ""},

		{"backtick fence", "```\n/approve\n```", ""},
		{"fence with a language", "```sh\n/approve\n```\n/deny x", "4:deny(x)"},
		{"tilde fence", "~~~\n/approve\n~~~", ""},
		{"long fence, shorter inside", "`````\n```\n/approve\n```\n/approve\n`````\n/help", "7:help()"},
		{"tilde does not end backticks", "```\n~~~\n/approve", ""},
		{"unclosed fence", "```\n/approve\n\n\n/approve", ""},
		{"fence in a list", "- ```\n  /approve\n  ```\n", ""},
		{"code span over lines", "`a\n/approve\nb`", ""},
		{"quote", "> /approve", ""},
		{"quote without a space", ">/approve", ""},
		{"a lazy line of a quote", "> quoted\n/approve", ""},
		{"after a quote", "> quoted\n\n/approve", "3:approve()"},
		{"quote in quote", "> > /approve\n>\n> /approve", ""},
		{"list item", "- /approve\n* /approve\n1. /approve", ""},
		{"a lazy line of a list", "- item\n/approve", ""},
		{"a paragraph of a list item", "- item\n\n  /approve", ""},
		{"after a list", "- item\n\n/approve", "3:approve()"},
		{"heading", "# /approve", ""},
		{"heading by underline", "/approve\n---", "1:approve()"},
		{"table", "/approve | a\n--- | ---\n/deny x | b", ""},
		{"link over lines", "[a](\n/approve\n)", ""},
		{"link text over lines", "[a\n/approve\nb](http://example.com)", ""},
		{"link definition", "[a]:\n/approve\n\n[a]", ""},
		{"emphasis over lines", "*a\n/approve\nb*", ""},
		{"struck out", "~~a\n/approve\nb~~", ""},
		{"escaped", "\\/approve", ""},

		{"comment", "<!-- /approve -->", ""},
		{"comment over lines", "<!--\n/approve\n-->", ""},
		{"after a comment", "<!--\n/deny x\n-->\n/approve", "4:approve()"},
		{"comment with blank lines", "<!-- a\n\n/approve\n\n-->\n\n/help", "7:help()"},
		{"comment in a sentence", "a <!-- \n/approve\n--> b\n/help", "4:help()"},
		{"unclosed comment", "<!--\n/approve\n\n/approve", ""},
		{"unclosed comment in a sentence", "a <!-- b\n/approve\n\n/approve", ""},
		{"unclosed comment in a list", "- <!-- a\n\n/approve", ""},
		{"unclosed comment in a block of HTML", "<div></div><!--\n\n/approve", ""},
		{"comment that is empty", "<!-->\n/approve", "2:approve()"},
		{"comment sign in code", "`<!--`\n/approve", "2:approve()"},
		{"details", "<details>\n<summary>a</summary>\n\n/approve\n\n</details>\n\n/help", "8:help()"},
		{"details without blank lines", "<details>\n/approve\n</details>", ""},
		{"unclosed details", "<details>\n\n/approve", ""},
		{"details in a sentence", "a <details>\n/approve", ""},
		{"details with a sign in an attribute", "<details title=\"</details>\">\n\n/approve", ""},
		{"unclosed tag", "<details\n\n/approve", ""},
		{"upper-case tag", "<DETAILS>\n\n/approve\n\n</DETAILS>\n\n/help", "7:help()"},
		{"pre", "<pre>\n/approve\n\n/approve\n</pre>\n/help", "6:help()"},
		{"unclosed pre", "<pre>\n\n/approve", ""},
		{"an element closed by its parent", "<ul><li>a</ul>\n\n/approve", "3:approve()"},
		{"an element that only seems closed", "<b><details></b>\n\n/approve", ""},
		{"details in a quote end with it", "> <details>\n\n/approve", "3:approve()"},
		{"void elements", "a<br>\n<img src=x> b\n/approve", "3:approve()"},
		{"what is no tag", "/approve <reason>\n\n1 < 2\n\n/help", "1:approve(<reason>) 5:help()"},
		{"signs and quotes", "<blockquote>\n\n/approve\n\n</blockquote>", ""},

		{"control characters in a reason", "/approve a\x00b\x1b[1m\u202ec", "1:approve(ab[1mc)"},
		{"bytes that are not UTF-8", "/approve a\xffb", "1:approve(a\uFFFDb)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := show(ParseCommands(c.body)); got != c.want {
				t.Errorf("%q:\ngot  %s\nwant %s", c.body, got, c.want)
			}
		})
	}
}

func TestReasonIsBounded(t *testing.T) {
	got := ParseCommands("/approve " + strings.Repeat("ä", 2*MaxReason))[0].Args
	if n := utf8.RuneCountInString(got); n != MaxReason || !strings.HasSuffix(got, "…") {
		t.Errorf("%d characters ending in %q, want %d ending in an ellipsis", n, got[len(got)-3:], MaxReason)
	}
}

func TestFormsParseAsWritten(t *testing.T) {
	for _, f := range CommandForms() {
		got := ParseCommands(f.Form)
		if len(got) != 1 || got[0].Verb != f.Verb || (got[0].Malformed != nil) {
			t.Errorf("%s: %s", f.Form, show(got))
		}
	}
}

// Bodies made to be slow, each as long as GitHub allows. The limit only tells a
// hanging parser from a busy machine; TestBoundedBodies shows that the bounds hold.
func TestHostileBodies(t *testing.T) {
	below := func(s string) string { return strings.Repeat(s, 1900/len(s)) + "\n\n" }
	for name, unit := range map[string]string{
		"brackets": "[", "images": "![", "quotes": "> ", "bare quotes": ">", "lists": "- ", "backticks": "` ``", "stars": "*a ", "stars and underscores": "*_a",
		"tags": "<b>", "closing": "</b>", "comments": "<!--", "open tags": "<a \"", "links": "[a](", "definitions": "[a]: b\n", "tables": "|a", "quoted lines": ">\n", "escapes": "\\",
		"entities": "&#", "tildes": "~~a", "deeper lists": "*\t", "references": "[a][", "autolinks": "<http:", "commands": "/a\n", "fences": "```\n",
		"dense paragraphs": below("*_a"), "paragraphs of links": below("[a]("), "paragraphs of ticks": below("`a``"),
	} {
		body := "/approve\n\n" + strings.Repeat(unit, 65000/len(unit)) + "\n\n/help"
		start := time.Now()
		ParseCommands(body)
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("%s: %v", name, took)
		}
	}
}

func TestBoundedBodies(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       int // commands
	}{
		{"as many signs as are read", strings.Repeat("[", maxDelimiters), 1},
		{"one more", strings.Repeat("[", maxDelimiters+1), 0},
		{"many more in code", "```\n" + strings.Repeat("[", 10*maxDelimiters) + "\n```", 1},
		{"many more in two paragraphs", strings.Repeat("[", maxDelimiters) + "\n\n" + strings.Repeat("[", maxDelimiters), 1},
		{"many more in a quote", "> " + strings.Repeat("[", 2*maxDelimiters), 0},
		{"as deep as is read", strings.Repeat(">", maxNesting), 1},
		{"one deeper", strings.Repeat(">", maxNesting+1), 0},
		{"lists one deeper", strings.Repeat("1. ", maxNesting+1), 0},
		{"a long line of dashes", strings.Repeat("-", 10*maxNesting), 1},
		{"as long as is read", strings.Repeat("a", maxBody-len("/approve\n\n")), 1},
		{"one longer", strings.Repeat("a", maxBody-len("/approve\n\n")+1), 0},
	} {
		if got := ParseCommands("/approve\n\n" + c.body); len(got) != c.want {
			t.Errorf("%s: %d commands, want %d", c.name, len(got), c.want)
		}
	}
}

func FuzzParseCommands(f *testing.F) {
	for _, s := range []string{
		"/approve", "a\r\n/deny x\n", "```\n/approve\n```", "> a\n/approve", "<!--\n/approve\n-->\n/help", "<details>\n\n/approve\n\n</details>",
		"- a\n\n  /approve\n", "a | b\n-|-\n/approve | c", "[a]:\n/approve", "`\n/approve\n`", "/approve\n===", "\t/approve", "<b><pre>\n\n/approve</b>\n\n/help",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		lines := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(body), "\n")
		last := 0
		for _, c := range ParseCommands(body) {
			if c.Line <= last || c.Line > len(lines) {
				t.Fatalf("line %d after %d of %d", c.Line, last, len(lines))
			}
			last = c.Line
			if line := strings.TrimLeft(lines[c.Line-1], " "); !strings.HasPrefix(line, "/"+c.Verb) || len(lines[c.Line-1])-len(line) > 3 {
				t.Fatalf("%q is not at the start of %q", c.Verb, lines[c.Line-1])
			}
			if !utf8.ValidString(c.Args) || strings.ContainsAny(c.Args, "\n\r\x00") || utf8.RuneCountInString(c.Args) > MaxReason {
				t.Fatalf("arguments %q", c.Args)
			}
		}
		// Whatever a body says, the same body quoted, listed or fenced says nothing.
		if got := ParseCommands("> " + strings.Join(lines, "\n> ")); len(got) > 0 {
			t.Fatalf("quoted: %s", show(got))
		}
	})
}

package approvals

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// spoilers make a valid line invalid; what they do is undone by a correction that somebody may make tomorrow.
var spoilers = map[string]func(t *rapid.T, pattern, owners string) (string, string){
	"!":               func(_ *rapid.T, p, o string) (string, string) { return "!" + p, o },
	"byte order mark": func(_ *rapid.T, p, o string) (string, string) { return "\ufeff" + p, o },
	"backslash and number sign": func(_ *rapid.T, p, o string) (string, string) {
		return `\#` + p, o
	},
	"a character in a range": func(t *rapid.T, p, o string) (string, string) {
		return replaceOne(t, p, func(c string) string { return "[z" + c + "]" }), o
	},
	"a character of a range left open": func(t *rapid.T, p, o string) (string, string) {
		return replaceOne(t, p, func(c string) string { return "[" + c }), o
	},
	"a range closed": func(t *rapid.T, p, o string) (string, string) {
		return replaceOne(t, p, func(c string) string { return c + "]" }), o
	},
	"an invisible character": func(t *rapid.T, p, o string) (string, string) {
		return replaceOne(t, p, func(c string) string { return c + "\x00" }), o
	},
	"a number sign for a character": func(t *rapid.T, p, o string) (string, string) {
		return replaceOne(t, p, func(string) string { return "#" }), o
	},
	"a comment without a space": func(_ *rapid.T, p, o string) (string, string) { return p + "#all", o },
	"bytes that are no UTF-8": func(t *rapid.T, p, o string) (string, string) {
		return replaceOne(t, p, func(string) string { return "\xff" }), o
	},
	"three stars": func(_ *rapid.T, p, o string) (string, string) { return strings.Replace(p, "*", "***", 1), o },
	"two slashes": func(_ *rapid.T, p, o string) (string, string) { return strings.Replace(p, "/", "//", 1), o },
	"two slashes for some segments": func(_ *rapid.T, p, o string) (string, string) {
		return strings.Replace(p, "/**/", "//", 1), o
	},
	"a dot segment": func(_ *rapid.T, p, o string) (string, string) { return strings.Replace(p, "/", "/./", 1), o },
	"a dot segment in front": func(_ *rapid.T, p, o string) (string, string) {
		return "./" + strings.TrimPrefix(p, "/"), o
	},
	"a way back":             func(_ *rapid.T, p, o string) (string, string) { return strings.Replace(p, "/", "/x/../", 1), o },
	"a backslash at the end": func(_ *rapid.T, p, _ string) (string, string) { return p + `\`, "" },
	"a backslash before a slash": func(_ *rapid.T, p, o string) (string, string) {
		return strings.Replace(p, "/", `\/`, 1), o
	},
	"a space without a backslash": func(_ *rapid.T, p, o string) (string, string) {
		return strings.ReplaceAll(p, `\ `, " "), o
	},
	"an owner without @":     func(_ *rapid.T, p, o string) (string, string) { return p, strings.Replace(o, "@", "", 1) },
	"two owners in one word": func(_ *rapid.T, p, o string) (string, string) { return p, strings.ReplaceAll(o, " ", ",") },
	"a last word too many":   func(_ *rapid.T, p, o string) (string, string) { return p, o + " and" },
}

// replaceOne replaces a character of a pattern that is no slash and behind no backslash.
func replaceOne(t *rapid.T, p string, by func(string) string) string {
	runes := []rune(p)
	at := rapid.IntRange(0, len(runes)-1).Draw(t, "at")
	if runes[at] == '/' || runes[at] == '\\' || at > 0 && runes[at-1] == '\\' {
		return p
	}
	return string(runes[:at]) + by(string(runes[at])) + string(runes[at+1:])
}

// TestErrorTouchesWhatItCouldDecide spoils a line of a valid file: each path that the line decided has to be touched by
// the error, for whoever corrects the line decides about it.
func TestErrorTouchesWhatItCouldDecide(t *testing.T) {
	pattern := rapid.OneOf(rapid.SampledFrom([]string{"a/**/b", "**/a/**/ab", `a\ b`, `/a\ b/`}), rapid.StringMatching(`/?((a|b|ab|a\*|\*b|\?|a\\ b|\*|\*\*|ä)/){0,3}(a|b|ab|a\*|\*\.b|\?b|\*|a\\ b|ä|\*\*)/?`))
	path := rapid.StringMatching(`((a|b|ab|aa|ä|a b|x)/){0,4}(a|b|ab|c\.b|ä|a b)`)
	for name, spoil := range spoilers {
		t.Run(name, func(t *testing.T) {
			tried := 0
			rapid.Check(t, func(t *rapid.T) {
				before := rapid.SliceOfN(pattern, 0, 3).Draw(t, "before")
				after := rapid.SliceOfN(pattern, 0, 2).Draw(t, "after")
				number := len(before) + 1
				file := func(pattern, owners string) Codeowners {
					return ParseCodeowners([]byte(strings.Join(slices.Concat(before, []string{strings.TrimSpace(pattern + " " + owners)}, after), "\n")))
				}
				p, o := pattern.Draw(t, "pattern"), "@us @them"
				valid := file(p, o)
				p, o = spoil(t, p, o)
				bad := file(p, o)
				if len(valid.Errors) > 0 || len(bad.Errors) == 0 {
					return // not valid to begin with, or still
				}
				for _, path := range append(rapid.SliceOfN(path, 1, 8).Draw(t, "paths"), "a/b", "a/x/ab", "a b", "a b/a") {
					if r, _ := valid.Match(path); r.Line != number {
						continue
					}
					tried++
					if len(bad.ErrorTouches(path)) != 1 {
						t.Fatalf("%q (line %d) would decide %q, and is not said to touch it: %v", p+" "+o, number, path, bad.Errors)
					}
				}
			})
			if tried == 0 {
				t.Error("nothing was tried")
			}
		})
	}
}

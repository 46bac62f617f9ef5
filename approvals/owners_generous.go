package approvals

import "strings"

// generous returns all that a pattern in error could have been meant to match;
// too much rather than too little, since it only ever makes the bot refuse. That is what it matches after any of these:
//
//   - what GitHub does not know is deleted, or stands for some characters: "!", "[ab]", "\\", "#", what is invisible
//   - the pattern ends before its "#"
//   - an empty or "." segment is deleted, or stands for some segments; ".." takes back any of those before it
//   - what it matches is a directory, with all in it
//   - if it is open, the word after it belongs to it, since the space before that was to have a backslash
func generous(p string, open bool) []glob {
	p = strings.TrimLeft(strings.ToValidUTF8(p, "*"), "!\ufeff")
	p = strings.TrimPrefix(p, `\`)
	readings := []string{loosen(p)}
	if i := strings.IndexByte(p, '#'); i > 0 {
		readings = append(readings, loosen(p[:i]))
	}
	var globs []glob
	for _, r := range readings {
		if open && r == readings[0] {
			r = fewerStars(r + "*")
		}
		globs = append(globs, looseGlob(r))
	}
	return globs
}

// openEnd is what a pattern without a flaw could have been meant to match, when the word after it is no owner and could
// belong to it: "/my folder/ @a".
func openEnd(p string) glob { return looseGlob(fewerStars(p + "*")) }

// looseGlob compiles a pattern so that it also matches whatever is below what it matches.
func looseGlob(p string) glob {
	var g glob
	if !strings.HasPrefix(p, "/") || strings.HasPrefix(p, "//") {
		g = append(g, anything)
	}
	names := false
	for s := range strings.SplitSeq(strings.TrimPrefix(p, "/"), "/") {
		switch {
		case strings.Trim(s, "*") == "" || s == ".": // stars may stand for what is to be deleted, slash and all
			g = append(g, anything)
		case s == "..":
			g, names = append(g[:0], anything), false
		default:
			g, names = append(g, s), true
		}
	}
	if !names {
		return glob{anything} // no name is left to go by
	}
	return append(g, anything)
}

// loosen puts a "*" in the place of all that is not allowed in a pattern.
func loosen(p string) string {
	var b strings.Builder
	ranges := 0 // how deep in [ ]
	for _, c := range p {
		switch {
		case c == '[':
			ranges++
			b.WriteByte('*')
		case c == ']':
			ranges = max(0, ranges-1)
			b.WriteByte('*')
		case invisible(c) || c == '\\' || c == '#':
			b.WriteByte('*')
		case ranges == 0 || c == '/':
			b.WriteRune(c)
		}
	}
	return fewerStars(b.String())
}

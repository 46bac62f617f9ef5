package approvals

import (
	"slices"
	"strings"
)

// linear is what the matcher has to agree with: every rule tried in turn, from the last.
func linear(c Codeowners, path string) (Rule, bool) {
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for _, r := range slices.Backward(c.Rules) {
		if compile(r.Pattern).match(segments) {
			return r, true
		}
	}
	return Rule{}, false
}

// linearTouches is what ErrorTouches has to agree with. It parses the file again for what its lines in error could mean.
func linearTouches(data []byte, path string) []SyntaxError {
	c := ParseCodeowners(data)
	decides, _ := linear(c, path)
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	var touched []SyntaxError
	number := 0
	for line := range strings.Lines(string(data)) {
		number++
		_, bad := parseLine(strings.TrimRight(line, "\r\n"))
		if bad == nil || number <= decides.Line {
			continue
		}
		if slices.ContainsFunc(bad.globs, func(g glob) bool { return g.match(segments) }) {
			bad.err.Line = number
			touched = append(touched, bad.err)
		}
	}
	return touched[:min(len(touched), touchesLimit)]
}

// match reports whether g matches all of path, one segment after the other, going back only to the last "**".
func (g glob) match(path []string) bool {
	i, j := 0, 0
	star, from := -1, 0
	for j < len(path) {
		switch {
		case i < len(g) && g[i] == anything:
			star, from = i, j
			i++
		case i < len(g) && matchSegment(g[i], path[j]):
			i++
			j++
		case star >= 0:
			from++
			i, j = star+1, from
		default:
			return false
		}
	}
	for i < len(g) && g[i] == anything {
		i++
	}
	return i == len(g)
}

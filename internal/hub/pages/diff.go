package pages

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/keyreeve/keyreeve/internal/hub/githost"
)

// fileDiff is one changed file, its patch cut into lines.
type fileDiff struct {
	githost.Change
	Anchor string
	Lines  []diffLine
}

// diffLine is one line of a patch. Kind is hunk, add, del, same or note; Old
// and New are line numbers, 0 where a side does not have the line.
type diffLine struct {
	Kind     string
	Old, New int
	Text     string
}

// maxDiffLines is how much of one file's patch a page shows.
const maxDiffLines = 1000

// diffOf prepares changes for a page and adds up their lines.
func diffOf(changes []githost.Change) (list []fileDiff, added, deleted int) {
	for i, c := range changes {
		list = append(list, fileDiff{Change: c, Anchor: fmt.Sprintf("diff-%d", i+1), Lines: patchLines(c.Patch)})
		added += c.Additions
		deleted += c.Deletions
	}
	return list, added, deleted
}

var hunkHead = regexp.MustCompile(`^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@`)

// patchLines numbers the lines of a patch.
func patchLines(patch string) []diffLine {
	if patch == "" {
		return nil
	}
	var lines []diffLine
	before, after := 0, 0
	for line := range strings.SplitSeq(patch, "\n") {
		if len(lines) == maxDiffLines {
			return append(lines, diffLine{Kind: "note", Text: "The rest of this file's changes is not shown."})
		}
		if m := hunkHead.FindStringSubmatch(line); m != nil {
			before, _ = strconv.Atoi(m[1])
			after, _ = strconv.Atoi(m[2])
			lines = append(lines, diffLine{Kind: "hunk", Text: line})
			continue
		}
		mark, text := " ", ""
		if line != "" {
			mark, text = line[:1], line[1:]
		}
		switch mark {
		case "+":
			lines = append(lines, diffLine{Kind: "add", New: after, Text: text})
			after++
		case "-":
			lines = append(lines, diffLine{Kind: "del", Old: before, Text: text})
			before++
		case `\`:
			lines = append(lines, diffLine{Kind: "note", Text: strings.TrimSpace(text)})
		default:
			lines = append(lines, diffLine{Kind: "same", Old: before, New: after, Text: text})
			before++
			after++
		}
	}
	return lines
}

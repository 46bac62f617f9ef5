package githost

import (
	"fmt"
	"strconv"
	"strings"
)

// Change is one file that differs between two trees. Status is added,
// modified, removed or renamed; Previous is the old path of a renamed file; SHA
// is the blob after, or before when removed; Patch holds the hunks from the
// first "@@" on, without a final line break, and is empty for a binary file, a
// pure rename or a pure change of mode.
type Change struct {
	Path, Previous, Status, SHA, Patch string
	Additions, Deletions               int
}

// emptyTree is the id of the tree without entries, which git always knows.
const emptyTree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

// Diff lists what changed from base to head, sorted by path, with renames
// found. An empty base means the empty tree (a first commit). For a pull
// request give the merge base as base, as GitHub does. ErrNotFound for an
// unknown revision.
func (r *Repo) Diff(base, head string) ([]Change, error) {
	revs := []string{head}
	if base != "" {
		revs = append(revs, base)
	}
	shas, err := r.resolve(revs...)
	if err != nil {
		return nil, fmt.Errorf("diff %s to %s: %w", base, head, err)
	}
	from, to := emptyTree, shas[0]
	if base != "" {
		from = shas[1]
	}
	out, err := r.git(nil, "diff-tree", "-r", "-M", "-z", "--raw", "--numstat", "--patch", "--full-index", "--no-color",
		"--no-ext-diff", "--no-textconv", "--src-prefix=a/", "--dst-prefix=b/", from, to, "--")
	if err != nil {
		return nil, fmt.Errorf("diff %s to %s: %w", base, head, err)
	}
	changes, err := parseDiff(string(out))
	if err != nil {
		return nil, fmt.Errorf("diff %s to %s: %w", base, head, err)
	}
	return changes, nil
}

// parseDiff reads the three blocks that diff-tree prints: the raw lines and the
// counts, both ended by NUL, then an empty field and the patches. The n-th
// patch belongs to the n-th raw line, except that a change of type (a file
// that became a link) has two.
func parseDiff(out string) ([]Change, error) {
	p := &fields{rest: out}
	var changes []Change
	for strings.HasPrefix(p.rest, ":") {
		c, err := parseRaw(p)
		if err != nil {
			return nil, err
		}
		changes = append(changes, c)
	}
	for i := range changes {
		if err := parseCounts(p, &changes[i]); err != nil {
			return nil, err
		}
	}
	p.rest = strings.TrimPrefix(p.rest, "\x00")
	sections := splitPatches(p.rest)
	for i := range changes {
		n := 1
		if changes[i].Status == typeChanged {
			n, changes[i].Status = 2, "modified"
		}
		if len(sections) < n {
			return nil, fmt.Errorf("git diff-tree: no patch for %s", changes[i].Path)
		}
		if n == 1 {
			changes[i].Patch = hunks(sections[0])
		}
		sections = sections[n:]
	}
	return changes, nil
}

// typeChanged marks a T line until its two patches were passed.
const typeChanged = "type changed"

// fields takes NUL-ended fields off a text.
type fields struct{ rest string }

func (f *fields) next() (string, bool) {
	field, rest, ok := strings.Cut(f.rest, "\x00")
	if ok {
		f.rest = rest
	}
	return field, ok
}

// parseRaw reads ":oldmode newmode oldsha newsha status\0path\0[path\0]".
func parseRaw(p *fields) (Change, error) {
	head, _ := p.next()
	path, ok := p.next()
	f := strings.Fields(strings.TrimPrefix(head, ":"))
	if !ok || len(f) != 5 {
		return Change{}, fmt.Errorf("git diff-tree: line %.80q", head)
	}
	c := Change{Path: path, SHA: f[3]}
	switch f[4][0] {
	case 'A':
		c.Status = "added"
	case 'D':
		c.Status, c.SHA = "removed", f[2]
	case 'M':
		c.Status = "modified"
	case 'T':
		c.Status = typeChanged
	case 'R':
		c.Status, c.Previous = "renamed", path
		if c.Path, ok = p.next(); !ok {
			return Change{}, fmt.Errorf("git diff-tree: renamed %q to nothing", path)
		}
	default:
		return Change{}, fmt.Errorf("git diff-tree: status %q of %s", f[4], path)
	}
	return c, nil
}

// parseCounts reads "added\tdeleted\tpath\0", or with an empty path followed by
// both names for a rename; "-" stands for a binary file.
func parseCounts(p *fields, c *Change) error {
	line, ok := p.next()
	f := strings.SplitN(line, "\t", 3)
	if !ok || len(f) != 3 {
		return fmt.Errorf("git diff-tree: count %.80q", line)
	}
	if f[2] == "" {
		p.next()
		p.next()
	}
	if f[0] == "-" {
		return nil
	}
	var err error
	if c.Additions, err = strconv.Atoi(f[0]); err != nil {
		return fmt.Errorf("git diff-tree: count of %s: %w", c.Path, err)
	}
	if c.Deletions, err = strconv.Atoi(f[1]); err != nil {
		return fmt.Errorf("git diff-tree: count of %s: %w", c.Path, err)
	}
	return nil
}

// splitPatches cuts at the lines "diff --git": inside a hunk every line starts
// with a blank, "+", "-" or "\", so no content can look like one.
func splitPatches(text string) []string {
	const mark = "diff --git "
	if !strings.HasPrefix(text, mark) {
		return nil
	}
	parts := strings.Split(text, "\n"+mark)
	parts[0] = strings.TrimPrefix(parts[0], mark)
	return parts
}

// hunks is a file's patch without its header; "" when it has none.
func hunks(section string) string {
	_, after, ok := strings.Cut(section, "\n@@ ")
	if !ok {
		return ""
	}
	return "@@ " + strings.TrimSuffix(after, "\n")
}

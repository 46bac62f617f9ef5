package gitobj

import (
	"bytes"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"
)

// TreeEntry is one line of a tree.
type TreeEntry struct {
	Name string
	ID   ID
	Mode Mode
}

// Mode says what a tree's entry is.
type Mode uint32

// IsTree reports whether the entry is a folder, and IsLink whether it is a commit of another repository (a submodule).
func (m Mode) IsTree() bool { return m&0o170000 == 0o040000 }

// IsLink says that the entry names a commit of another repository.
func (m Mode) IsLink() bool { return m&0o170000 == 0o160000 }

// Entries reads a tree's entries in order. What can't be read ends them with an error.
func (r *Repo) Entries(tree []byte) iter.Seq2[TreeEntry, error] {
	return func(yield func(TreeEntry, error) bool) {
		for len(tree) > 0 {
			mode, rest, ok := bytes.Cut(tree, []byte{' '})
			name, rest, ok2 := bytes.Cut(rest, []byte{0})
			n, err := strconv.ParseUint(string(mode), 8, 32)
			if !ok || !ok2 || err != nil || len(name) == 0 || len(rest) < r.Hash {
				yield(TreeEntry{}, fmt.Errorf("%w: a tree's entry can't be read", ErrCorrupt))
				return
			}
			e := TreeEntry{Name: string(name), ID: r.id(rest), Mode: Mode(n)}
			if !yield(e, nil) {
				return
			}
			tree = rest[r.Hash:]
		}
	}
}

// CommitInfo is what a commit says besides its message.
type CommitInfo struct {
	Tree    ID
	Parents []ID
	Author  string // "Name <address>"
	Time    time.Time
	Message int // where the message begins
}

// ParseCommit reads a commit.
func (r *Repo) ParseCommit(data []byte) (c CommitInfo, err error) {
	rest := data
	for {
		line, after, ok := bytes.Cut(rest, []byte{'\n'})
		if !ok && len(line) == 0 || len(line) == 0 {
			break
		}
		rest = after
		key, value, _ := strings.Cut(string(line), " ")
		switch key {
		case "tree":
			if c.Tree, err = r.ParseID(value); err != nil {
				return c, fmt.Errorf("%w: its tree: %w", ErrCorrupt, err)
			}
		case "parent":
			id, err := r.ParseID(value)
			if err != nil {
				return c, fmt.Errorf("%w: its parent: %w", ErrCorrupt, err)
			}
			c.Parents = append(c.Parents, id)
		case "author":
			c.Author, _ = signature(value)
		case "committer":
			_, c.Time = signature(value)
		}
		if !ok {
			break
		}
	}
	c.Message = len(data) - len(rest)
	return c, nil
}

// signature reads "Name <address> 1700000000 +0100".
func signature(s string) (who string, at time.Time) {
	i := strings.LastIndexByte(s, '>')
	if i < 0 {
		return s, at
	}
	who = s[:i+1]
	seconds, zone, _ := strings.Cut(strings.TrimSpace(s[i+1:]), " ")
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return who, at
	}
	at = time.Unix(n, 0).UTC()
	if z, err := strconv.Atoi(zone); err == nil && len(zone) == 5 {
		at = at.In(time.FixedZone("", (z/100*60+z%100)*60))
	}
	return who, at
}

// TagTarget reads what an annotated tag points at.
func (r *Repo) TagTarget(data []byte) (ID, error) {
	line, _, _ := bytes.Cut(data, []byte{'\n'})
	name, ok := bytes.CutPrefix(line, []byte("object "))
	if !ok {
		return ID{}, fmt.Errorf("%w: a tag points at nothing", ErrCorrupt)
	}
	return r.ParseID(string(name))
}

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
		err := r.EachEntry(tree, func(mode Mode, name []byte, id ID) bool {
			return yield(TreeEntry{Name: string(name), ID: id, Mode: mode}, nil)
		})
		if err != nil {
			yield(TreeEntry{}, err)
		}
	}
}

// EachEntry calls visit for each of a tree's entries in order, until it returns false; name is a part of tree. What can't be
// read ends them with ErrCorrupt. It allocates nothing.
func (r *Repo) EachEntry(tree []byte, visit func(mode Mode, name []byte, id ID) bool) error {
	for len(tree) > 0 {
		space := bytes.IndexByte(tree, ' ')
		mode, ok := octal(tree[:max(space, 0)])
		rest := tree[space+1:]
		end := bytes.IndexByte(rest, 0)
		if !ok || end <= 0 || len(rest)-end-1 < r.Hash {
			return fmt.Errorf("%w: a tree's entry can't be read", ErrCorrupt)
		}
		if !visit(mode, rest[:end], r.id(rest[end+1:])) {
			return nil
		}
		tree = rest[end+1+r.Hash:]
	}
	return nil
}

// octal reads a mode.
func octal(b []byte) (m Mode, ok bool) {
	for _, c := range b {
		if c < '0' || c > '7' {
			return 0, false
		}
		m = m<<3 | Mode(c-'0')
	}
	return m, len(b) > 0 && len(b) < 8
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

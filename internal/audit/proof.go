package audit

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// ErrProof is returned (wrapped) for a proof that does not prove what it claims, or can't be read.
var ErrProof = errors.New("bad proof")

// proofHead is the first line of a proof in the form of https://c2sp.org/tlog-proof, version 1.
const proofHead = "c2sp.org/tlog-proof@v1"

// Proof proves that one entry is in a log, with nothing but the log's key: the entry itself, its place, the hashes from
// it to the root, and a signed checkpoint of that root.
type Proof struct {
	Entry      []byte // canonical
	Index      int64
	Path       tlog.RecordProof
	Checkpoint []byte // a signed note
}

// String writes the proof in the form of https://c2sp.org/tlog-proof, the entry as its extra data. Other tools that
// know that form verify it as they do any other.
func (p Proof) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nextra %s\nindex %d\n", proofHead, base64.StdEncoding.EncodeToString(p.Entry), p.Index)
	for _, h := range p.Path {
		b.WriteString(base64.StdEncoding.EncodeToString(h[:]) + "\n")
	}
	b.WriteString("\n")
	b.Write(p.Checkpoint)
	return b.String()
}

// ParseProof reads what String writes, and checks nothing but its form; an error is ErrProof. It is bounded by its
// input: a path has at most 63 hashes.
func ParseProof(text string) (Proof, error) {
	bad := func(what string) (Proof, error) { return Proof{}, fmt.Errorf("%w: %s", ErrProof, what) }
	head, signed, ok := strings.Cut(text, "\n\n")
	if !ok {
		return bad("it has no checkpoint")
	}
	lines := strings.Split(head, "\n")
	if len(lines) < 3 || lines[0] != proofHead {
		return bad("it does not begin as a proof does: " + proofHead)
	}
	extra, ok := strings.CutPrefix(lines[1], "extra ")
	entry, err := base64.StdEncoding.DecodeString(extra)
	if !ok || err != nil {
		return bad("it does not hold the entry")
	}
	place, ok := strings.CutPrefix(lines[2], "index ")
	index, err := strconv.ParseInt(place, 10, 64)
	if !ok || err != nil || index < 0 || strconv.FormatInt(index, 10) != place {
		return bad("it does not say the entry's place")
	}
	p := Proof{Entry: entry, Index: index, Checkpoint: []byte(signed)}
	if len(lines)-3 > 63 {
		return bad("its path is longer than any tree is high")
	}
	for _, line := range lines[3:] {
		h, err := tlog.ParseHash(line)
		if err != nil {
			return bad("its path holds what is no hash")
		}
		p.Path = append(p.Path, h)
	}
	return p, nil
}

// Verify checks the checkpoint's signature by one of the keys (as OpenCheckpoint does), that the entry is canonical and
// says its own place, and that it is at that place in the log. It returns the checkpoint that the entry is proven to be under.
func (p Proof) Verify(keys ...string) (Checkpoint, error) {
	c, err := OpenCheckpoint(p.Checkpoint, keys...)
	if err != nil {
		return Checkpoint{}, err
	}
	if err := check(p.Entry, p.Index); err != nil {
		return Checkpoint{}, err
	}
	if err := tlog.CheckRecord(p.Path, c.Size, c.Root, p.Index, Hash(p.Entry)); err != nil {
		return Checkpoint{}, fmt.Errorf("%w: entry %d is not in the log of %d entries: %w", ErrProof, p.Index, c.Size, err)
	}
	return c, nil
}

// Consistency proves that a log was only added to between two signed checkpoints. It is written as JSON.
type Consistency struct {
	Format string   `json:"format"` // ConsistencyFormat
	Old    string   `json:"old"`    // a signed note
	New    string   `json:"new"`    // a signed note
	Path   []string `json:"path"`   // base64, as RFC 6962, section 2.1.2, orders them
}

// ConsistencyFormat names the form of a Consistency.
const ConsistencyFormat = "keyreeve/consistency-proof@v1"

// NewConsistency holds a proof (tlog.ProveTree) between two signed checkpoints.
func NewConsistency(earlier, later []byte, path tlog.TreeProof) Consistency {
	c := Consistency{Format: ConsistencyFormat, Old: string(earlier), New: string(later), Path: []string{}}
	for _, h := range path {
		c.Path = append(c.Path, base64.StdEncoding.EncodeToString(h[:]))
	}
	return c
}

// Verify checks both checkpoints by the keys, and that the older tree is the beginning of the newer one. Trees that are
// not consistent, or of two logs, are ErrProof.
func (c Consistency) Verify(keys ...string) (earlier, later Checkpoint, err error) {
	if c.Format != ConsistencyFormat {
		return earlier, later, fmt.Errorf("%w: its format is %q, not %s", ErrProof, c.Format, ConsistencyFormat)
	}
	if earlier, err = OpenCheckpoint([]byte(c.Old), keys...); err != nil {
		return earlier, later, fmt.Errorf("the old one: %w", err)
	}
	if later, err = OpenCheckpoint([]byte(c.New), keys...); err != nil {
		return earlier, later, fmt.Errorf("the new one: %w", err)
	}
	path := make(tlog.TreeProof, len(c.Path))
	for i, text := range c.Path {
		if path[i], err = tlog.ParseHash(text); err != nil {
			return earlier, later, fmt.Errorf("%w: its path holds what is no hash", ErrProof)
		}
	}
	return earlier, later, Consistent(earlier, later, path)
}

// Consistent checks a proof (tlog.ProveTree) that the log of one checkpoint is the beginning of the other's. The empty
// log is the beginning of each.
func Consistent(earlier, later Checkpoint, path tlog.TreeProof) error {
	switch {
	case earlier.Origin != later.Origin:
		return fmt.Errorf("%w: the checkpoints are of two logs, %q and %q", ErrProof, earlier.Origin, later.Origin)
	case earlier.Size > later.Size:
		return fmt.Errorf("%w: the log was cut, from %d entries to %d", ErrProof, earlier.Size, later.Size)
	case earlier.Size == 0:
		if earlier.Root != emptyRoot() {
			return fmt.Errorf("%w: an empty log with the root %s", ErrProof, earlier.Root)
		}
		return nil
	}
	if err := tlog.CheckTree(path, later.Size, later.Root, earlier.Size, earlier.Root); err != nil {
		return fmt.Errorf("%w: the first %d entries are not what they were: %w", ErrProof, earlier.Size, err)
	}
	return nil
}

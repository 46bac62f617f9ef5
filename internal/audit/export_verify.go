package audit

import (
	"fmt"
	"iter"

	"golang.org/x/mod/sumdb/tlog"
)

// CheckedExport is what VerifyExport found of an export in which nothing is wrong.
type CheckedExport struct {
	Entries     int64     // lines
	First, Last int64     // the numbers of the first and the last entry; -1 where there is none
	Root        tlog.Hash // of the whole export, where it begins with entry 0 and has no gaps
	Signed      int64     // how many of the entries the checkpoint vouches for: all, or those that it knew
}

// VerifyExport checks a JSONL export (ReadExport) without a store: each line's entry is canonical, is what its hash says,
// and stands in its place. With a checkpoint, each line that carries a proof is proven by it, and lines without have to be
// the log from its first entry on, at least as long as the checkpoint says. What is wrong is a *Problem: the entry and the
// line are named, or, where entry and hash were changed together, that the whole is not what was signed.
// It reads the lines once, and needs little memory.
func VerifyExport(lines iter.Seq2[Exported, error], signed *Checkpoint) (CheckedExport, error) {
	v := exportVerifier{signed: signed, done: CheckedExport{First: -1, Last: -1}}
	for x, err := range lines {
		if err == nil {
			err = v.line(x)
		}
		if err != nil {
			return CheckedExport{}, err
		}
	}
	return v.end()
}

type exportVerifier struct {
	signed   *Checkpoint
	done     CheckedExport
	tree     Range
	buf      []tlog.Hash
	bare     bool // there is a line without a proof
	proven   bool // there is a line with one
	signedAt tlog.Hash
}

func (v *exportVerifier) line(x Exported) error {
	bad := func(why string, args ...any) error {
		return wrong(x.Seq, fmt.Sprintf("line %d", x.Line), why, args...)
	}
	leaf := Hash(x.Canonical)
	if string(x.Hash) != string(leaf[:]) {
		return bad("the entry is not what its hash says")
	}
	if err := check(x.Canonical, x.Seq); err != nil {
		return &Problem{x.Seq, fmt.Sprintf("line %d", x.Line), err.Error(), ErrEntry}
	}
	if x.Seq <= v.done.Last {
		return bad("it is there twice, or out of order")
	}
	if v.done.First < 0 {
		v.done.First = x.Seq
	}
	before := v.done.Last
	v.done.Entries, v.done.Last = v.done.Entries+1, x.Seq
	if x.Path != nil {
		return v.provenLine(x, leaf, bad)
	}
	if v.bare && x.Seq != before+1 {
		return wrong(before+1, fmt.Sprintf("line %d", x.Line), "it is missing; the next one is %d", x.Seq)
	}
	v.bare = true
	if v.done.First == 0 {
		v.buf = v.tree.Add(v.buf[:0], leaf)
		if v.signed != nil && v.tree.size == v.signed.Size {
			v.signedAt = v.tree.Root()
		}
	}
	return nil
}

func (v *exportVerifier) provenLine(x Exported, leaf tlog.Hash, bad func(string, ...any) error) error {
	v.proven = true
	if v.signed == nil {
		return nil // the proof is of a checkpoint that is not at hand
	}
	if err := tlog.CheckRecord(x.Path, v.signed.Size, v.signed.Root, x.Seq, leaf); err != nil {
		return bad("its proof does not lead to the checkpoint's root: %v", err)
	}
	v.done.Signed++
	return nil
}

func (v *exportVerifier) end() (CheckedExport, error) {
	if v.bare && v.proven {
		return CheckedExport{}, wrong(-1, "export", "some lines carry a proof and others do not")
	}
	if v.proven || v.signed == nil {
		v.done.Root = v.tree.Root()
		return v.done, nil
	}
	v.done.Root = v.tree.Root()
	if v.signed.Size == 0 {
		v.signedAt = emptyRoot()
	}
	rooted := func(entry int64, why string, args ...any) error {
		return &Problem{entry, "checkpoint", fmt.Sprintf(why, args...), ErrRoot}
	}
	switch {
	case v.done.First > 0:
		return CheckedExport{}, rooted(-1, "the export begins with entry %d: only one from the beginning, or with a proof for each entry, can be held against a checkpoint", v.done.First)
	case v.tree.size < v.signed.Size:
		return CheckedExport{}, rooted(v.tree.size, "the log was cut: the export has %d entries, and the log had %d when the checkpoint was signed", v.tree.size, v.signed.Size)
	case v.signedAt != v.signed.Root:
		return CheckedExport{}, rooted(-1, "the first %d entries are not those of the checkpoint: an entry was changed together with its hash", v.signed.Size)
	}
	v.done.Signed = v.signed.Size
	return v.done, nil
}

package audit

import (
	"encoding/json"
	"fmt"
	"iter"

	"golang.org/x/mod/sumdb/tlog"
)

// Row is an entry as a store or an archive keeps it: the canonical bytes, and beside them what they are found by.
type Row struct {
	Seq          int64
	Installation int64
	Canonical    []byte
	Hash         []byte // the leaf's
}

// StoredHash is one of the tree's hashes as a store keeps it, by its index (tlog.StoredHashIndex).
type StoredHash struct {
	Index int64
	Hash  []byte
}

// Rows are all tables of a log, in order. They are read once, side by side, so that any size of log needs little memory.
type Rows struct {
	Size    int64                        // log_size.size
	Entries iter.Seq2[Row, error]        // by seq
	Hashes  iter.Seq2[StoredHash, error] // by index
	// Signed is what the log is known to have been, by a checkpoint whose signature was verified; nil where there is none.
	Signed *Checkpoint
}

// Problem is the first thing that is wrong with a log. errors.Is tells of which kind it is: ErrEntry or ErrRoot.
type Problem struct { //nolint:errname // it is what was found, and an error only on its way
	Entry int64  // the entry that is wrong; -1 where none can be named
	Where string // table and column: "entries.canonical"; or "checkpoint"
	Why   string
	kind  error
}

// Error implements error.
func (p *Problem) Error() string {
	if p.Entry < 0 {
		return fmt.Sprintf("%s: %s", p.Where, p.Why)
	}
	return fmt.Sprintf("entry %d: %s: %s", p.Entry, p.Where, p.Why)
}

// Unwrap tells the kind.
func (p *Problem) Unwrap() error { return p.kind }

func wrong(entry int64, where, why string, args ...any) error {
	return &Problem{entry, where, fmt.Sprintf(why, args...), ErrEntry}
}

// Checked is what VerifyRows found of a log in which nothing is wrong.
type Checked struct {
	Size     int64     // entries
	Root     tlog.Hash // of them all
	Archived int64     // how many of the first ones are not in the store, as an entry says: only their hashes were checked
	Signed   int64     // how many the checkpoint vouches for; 0 without one
}

// VerifyRows checks each column of each table of a log: every entry is canonical, in its place, and hashes to what is
// kept beside it and in the tree; every hash of the tree is made of those below it; nothing is missing, or one too many;
// and, with a checkpoint, the log is the one that was signed, or that one continued. The first thing that is wrong is a
// *Problem. An error of reading is returned as it is.
//
// Entries at the beginning may be missing if a later entry of the log itself (Archived) says that they were moved to an
// archive; their leaves are then taken from the tree.
func VerifyRows(r Rows) (Checked, error) {
	next, stop := iter.Pull2(r.Hashes)
	defer stop()
	v := &rowVerifier{Rows: r, next: next, from: -1}
	for row, err := range r.Entries {
		if err == nil {
			err = v.entry(row)
		}
		if err != nil {
			return Checked{}, err
		}
	}
	return v.end()
}

type rowVerifier struct {
	Rows
	tree     Range
	next     func() (StoredHash, error, bool)
	buf      []tlog.Hash
	from     int64 // the first entry that is in the store; -1 before it was seen
	archived int64 // up to which entry the log itself says that it was archived
	signedAt tlog.Hash
}

// entry checks the next entry against its place, its hash, and the tree.
func (v *rowVerifier) entry(row Row) error {
	if v.from < 0 {
		if err := v.skip(row.Seq); err != nil {
			return err
		}
	}
	n := v.tree.size
	switch {
	case row.Seq > n:
		return wrong(n, "entries.seq", "it is missing; the next one is %d", row.Seq)
	case row.Seq < n:
		return wrong(row.Seq, "entries.seq", "it is there twice, or out of order")
	case n >= v.Size:
		return wrong(n, "log_size.size", "the log says that it has %d entries, and there are more", v.Size)
	}
	leaf := Hash(row.Canonical)
	stored, err := v.hash(tlog.StoredHashIndex(0, n), n)
	if err != nil {
		return err
	}
	if err := agree(n, row.Hash, leaf, stored); err != nil {
		return err
	}
	if err := v.content(row, n); err != nil {
		return err
	}
	return v.add(leaf, n)
}

// agree compares the three hashes of an entry: that of its bytes, the one beside it, and the tree's. Where two of them are
// the same, the third is what was changed.
func agree(n int64, kept []byte, leaf, stored tlog.Hash) error {
	beside := string(kept) == string(leaf[:])
	switch inTree := stored == leaf; {
	case !beside && !inTree && string(kept) == string(stored[:]):
		return wrong(n, "entries.canonical", "it is not what was logged")
	case !beside && inTree:
		return wrong(n, "entries.hash", "it is not the hash of the entry")
	case beside && !inTree:
		return wrong(n, "log_hashes.hash", "the tree has another hash at %d", tlog.StoredHashIndex(0, n))
	case !beside:
		return wrong(n, "entries.canonical", "neither its hash nor the tree's is that of the entry")
	}
	return nil
}

// content checks what the entry says, now that it is what was logged.
func (v *rowVerifier) content(row Row, n int64) error {
	if err := check(row.Canonical, n); err != nil {
		return &Problem{n, "entries.canonical", err.Error(), ErrEntry}
	}
	installation, archived, err := speaks(row.Canonical)
	if err != nil {
		return &Problem{n, "entries.canonical", err.Error(), ErrEntry}
	}
	if installation != row.Installation {
		return wrong(n, "entries.installation", "it says %d, and the entry says %d", row.Installation, installation)
	}
	v.archived = max(v.archived, archived)
	return nil
}

// add adds a leaf and checks each hash of the tree that it completes.
func (v *rowVerifier) add(leaf tlog.Hash, n int64) error {
	v.buf = v.tree.Add(v.buf[:0], leaf)
	at := tlog.StoredHashIndex(0, n)
	for i, want := range v.buf[1:] {
		got, err := v.hash(at+int64(i)+1, n)
		if err != nil {
			return err
		}
		if got != want {
			return wrong(n, "log_hashes.hash", "the tree's hash %d is not made of those below it", at+int64(i)+1)
		}
	}
	if v.Signed != nil && v.Signed.Size == v.tree.size {
		v.signedAt = v.tree.Root()
	}
	return nil
}

// skip takes the leaves of entries before the first that is in the store from the tree.
func (v *rowVerifier) skip(first int64) error {
	v.from = min(first, v.Size)
	for n := v.tree.size; n < v.from; n++ {
		leaf, err := v.hash(tlog.StoredHashIndex(0, n), n)
		if err == nil {
			err = v.add(leaf, n)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// hash reads the tree's next hash, which has to be the one at index.
func (v *rowVerifier) hash(index, entry int64) (h tlog.Hash, err error) {
	s, err, ok := v.next()
	switch {
	case err != nil:
		return h, err
	case !ok || s.Index > index:
		return h, wrong(entry, "log_hashes.idx", "the tree's hash %d is missing", index)
	case s.Index < index:
		return h, wrong(entry, "log_hashes.idx", "the tree has a hash %d where %d should come", s.Index, index)
	case len(s.Hash) != tlog.HashSize:
		return h, wrong(entry, "log_hashes.hash", "the tree's hash %d has %d bytes", index, len(s.Hash))
	}
	return tlog.Hash(s.Hash), nil
}

func (v *rowVerifier) end() (Checked, error) {
	if v.from < 0 && v.Size > 0 {
		return Checked{}, wrong(0, "entries.seq", "it is missing, and so is every other")
	}
	n := v.tree.size
	if n < v.Size {
		return Checked{}, wrong(n, "entries.seq", "it is missing; the log says that it has %d entries", v.Size)
	}
	if s, err, ok := v.next(); err != nil {
		return Checked{}, err
	} else if ok {
		return Checked{}, wrong(-1, "log_hashes.idx", "the tree has a hash %d, which no entry gives", s.Index)
	}
	if v.from > v.archived {
		return Checked{}, wrong(v.archived, "entries.seq", "it is missing, and no entry says that it was archived; the first that is there is %d", v.from)
	}
	done := Checked{Size: n, Root: v.tree.Root(), Archived: max(v.from, 0)}
	if v.Signed == nil {
		return done, nil
	}
	done.Signed = v.Signed.Size
	if v.Signed.Size == 0 {
		v.signedAt = emptyRoot()
	}
	switch {
	case v.Signed.Size > n:
		return Checked{}, &Problem{n, "checkpoint", fmt.Sprintf("the log was cut: it has %d entries, and had %d when the checkpoint was signed", n, v.Signed.Size), ErrRoot}
	case v.Signed.Root != v.signedAt:
		return Checked{}, &Problem{-1, "checkpoint", fmt.Sprintf("the first %d entries are not those of the checkpoint: the log was written anew", v.Signed.Size), ErrRoot}
	}
	return done, nil
}

// Entry reads the entry from its canonical bytes.
func (r Row) Entry() (e Entry, err error) {
	if err := json.Unmarshal(r.Canonical, &e); err != nil {
		return e, fmt.Errorf("decode audit entry %d: %w", r.Seq, err)
	}
	return e, nil
}

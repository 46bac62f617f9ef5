package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"golang.org/x/mod/sumdb/tlog"
)

// ErrRoot is returned (wrapped) when the entries don't give the root that was published.
var ErrRoot = errors.New("the entries do not hash to the published root")

// ErrEntry is returned (wrapped) for an entry that is wrong by itself: not
// canonical, out of its place, or other than its hash says.
var ErrEntry = errors.New("bad audit entry")

// Verify reads canonical entries in order, from 0, and checks that each is
// canonical and in its place and that together they give the root of a
// published tree of just that many entries. It needs nothing but its arguments.
//
// Without a hash for each entry it can't tell which of several well-formed
// ones was changed; VerifyLeaves can. bad is the place of the first entry that
// is wrong by itself (ErrEntry), or could not be read; else -1, also when err is ErrRoot.
func Verify(entries iter.Seq2[[]byte, error], root tlog.Hash) (bad int64, err error) {
	var tree Range
	var buf []tlog.Hash
	for raw, err := range entries {
		if err != nil {
			return tree.size, fmt.Errorf("read audit entry %d: %w", tree.size, err)
		}
		if err := check(raw, tree.size); err != nil {
			return tree.size, err
		}
		buf = tree.Add(buf[:0], Hash(raw))
	}
	return -1, tree.compare(root)
}

// VerifyLeaves does as Verify does, and names the entry that was changed or is
// missing: leaves are the entries' hashes as they were kept beside them (base
// tiles, or the table of hashes). They are proven against the root first, so
// they can be had from anywhere; leaves that don't give the root are ErrRoot.
// An entry that is missing at the end is named by its place, too.
func VerifyLeaves(entries iter.Seq2[[]byte, error], leaves []tlog.Hash, root tlog.Hash) (bad int64, err error) {
	var proven Range
	var buf []tlog.Hash
	for _, h := range leaves {
		buf = proven.Add(buf[:0], h)
	}
	if err := proven.compare(root); err != nil {
		return -1, err
	}
	n := int64(0)
	for raw, err := range entries {
		if err != nil {
			return n, fmt.Errorf("read audit entry %d: %w", n, err)
		}
		if n >= proven.size {
			return n, fmt.Errorf("%w %d: the published tree has %d entries", ErrEntry, n, proven.size)
		}
		if Hash(raw) != leaves[n] {
			return n, fmt.Errorf("%w %d: it is not what was logged", ErrEntry, n)
		}
		if err := check(raw, n); err != nil {
			return n, err
		}
		n++
	}
	if n < proven.size {
		return n, fmt.Errorf("%w %d: it is missing", ErrEntry, n)
	}
	return -1, nil
}

// check tells what is wrong with one entry by itself. Fields that this version does not know are let be.
func check(raw []byte, place int64) error {
	if seq, ok := strict(raw); ok && seq == place {
		return nil
	}
	canonical, err := Canonicalize(raw)
	if err != nil {
		return fmt.Errorf("%w %d: %w", ErrEntry, place, err)
	}
	if !bytes.Equal(canonical, raw) {
		return fmt.Errorf("%w %d: it is not in canonical form", ErrEntry, place)
	}
	var e struct {
		Seq *int64 `json:"seq"`
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		return fmt.Errorf("%w %d: %w", ErrEntry, place, err)
	}
	if e.Seq == nil || *e.Seq != place {
		return fmt.Errorf("%w %d: its number says otherwise", ErrEntry, place)
	}
	return nil
}

func (r *Range) compare(root tlog.Hash) error {
	if r.Root() != root {
		return fmt.Errorf("%d audit entries: %w", r.size, ErrRoot)
	}
	return nil
}

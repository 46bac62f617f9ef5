package audit

import (
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// Range is a Merkle tree (RFC 6962, section 2.1) reduced to its right edge: the root of each of the full subtrees that it
// is made of, one for each bit of its size. So a tree of a million entries is held in 20 hashes, and entries can be added
// and the root be had, which is all that appending and verifying need. The zero Range is the empty tree.
// It is a value to one goroutine at a time.
type Range struct {
	size  int64
	peaks []tlog.Hash // the largest subtree first
}

// RangeIndexes returns the indexes (tlog.StoredHashIndex) of the stored hashes that NewRange takes, for a tree of size entries.
func RangeIndexes(size int64) []int64 {
	var list []int64
	for begin := int64(0); begin < size; {
		level := bits.Len64(uint64(size-begin)) - 1 //nolint:gosec // it is positive
		list = append(list, tlog.StoredHashIndex(level, begin>>level))
		begin += 1 << level
	}
	return list
}

// NewRange makes the Range of a tree of size entries from the stored hashes that RangeIndexes names, in its order.
// Another number of them is an error.
func NewRange(size int64, peaks []tlog.Hash) (*Range, error) {
	if size < 0 || len(peaks) != bits.OnesCount64(uint64(size)) {
		return nil, fmt.Errorf("a tree of %d entries has not an edge of %d hashes", size, len(peaks))
	}
	return &Range{size, append([]tlog.Hash(nil), peaks...)}, nil
}

// Size is how many entries the tree has.
func (r *Range) Size() int64 { return r.size }

// Add adds a leaf and returns the hashes that a log stores for it (tlog.StoredHashes): the leaf's own, then that of each
// subtree that it completes. The first one's index is tlog.StoredHashIndex(0, size before), the others follow. The slice
// is appended to buf, which may be nil.
func (r *Range) Add(buf []tlog.Hash, leaf tlog.Hash) []tlog.Hash {
	buf = append(buf, leaf)
	for n := r.size; n&1 == 1; n >>= 1 {
		last := len(r.peaks) - 1
		leaf = tlog.NodeHash(r.peaks[last], leaf)
		r.peaks = r.peaks[:last]
		buf = append(buf, leaf)
	}
	r.peaks = append(r.peaks, leaf)
	r.size++
	return buf
}

// Root is the tree's root hash; that of the empty tree is the hash of nothing.
func (r *Range) Root() tlog.Hash {
	if r.size == 0 {
		return emptyRoot()
	}
	root := r.peaks[len(r.peaks)-1]
	for i := len(r.peaks) - 2; i >= 0; i-- {
		root = tlog.NodeHash(r.peaks[i], root)
	}
	return root
}

func emptyRoot() tlog.Hash {
	h, _ := tlog.TreeHash(0, nil) // it reads nothing, so nothing can fail
	return h
}

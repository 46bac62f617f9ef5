package gitobj

import "fmt"

// Region is a part of an object: the bytes [Start:End].
type Region struct{ Start, End int }

// apply applies a delta to its base. Where widen is above 0 it also returns which bytes of the result are new, widened by
// that much on both sides and merged: what the delta inserts, and the seams at which something copied stands beside what it
// did not stand beside in the base, the ends of the object included.
//
// out and fresh are buffers to be used. The result never holds a part of the base that the delta does not copy.
// https://git-scm.com/docs/gitformat-pack#_deltified_representation
//
//nolint:cyclop // each case is one instruction of the format
func apply(out []byte, fresh []Region, base, delta []byte, widen int) ([]byte, []Region, error) {
	bad := func(what string) ([]byte, []Region, error) {
		return nil, nil, fmt.Errorf("%w: the delta %s", ErrCorrupt, what)
	}
	from, delta, ok := varint(delta)
	if !ok || from != uint64(len(base)) {
		return bad("is of another base")
	}
	size, delta, ok := varint(delta)
	if !ok {
		return bad("has no size")
	}
	if size > MaxObject {
		return nil, nil, errTooLarge
	}
	if uint64(cap(out)) < size {
		out = make([]byte, 0, size)
	}
	out, fresh = out[:0], fresh[:0]
	next := 0 // where in the base a copy would have to begin to be no seam; -1 after an insert
	for len(delta) > 0 {
		c := delta[0]
		delta = delta[1:]
		switch {
		case c == 0:
			return bad("has a reserved instruction")
		case c&0x80 == 0:
			n := int(c)
			if n > len(delta) || uint64(len(out)+n) > size {
				return bad("is cut off")
			}
			if widen > 0 {
				fresh = mark(fresh, len(out)-widen, len(out)+n+widen)
			}
			out = append(out, delta[:n]...)
			delta, next = delta[n:], -1
		default:
			var off, n int
			off, n, delta, ok = copyOf(c, delta)
			if !ok || off > len(base) || n > len(base)-off || uint64(len(out)+n) > size {
				return bad("copies from outside of its base")
			}
			// After an insert the seam is marked already.
			if widen > 0 && next >= 0 && off != next {
				fresh = mark(fresh, len(out)-widen, len(out)+widen)
			}
			out = append(out, base[off:off+n]...)
			next = off + n
		}
	}
	if uint64(len(out)) != size {
		return bad("makes less than it says")
	}
	if widen > 0 && next >= 0 && next != len(base) {
		fresh = mark(fresh, len(out)-widen, len(out))
	}
	for i := range fresh {
		fresh[i].Start, fresh[i].End = max(0, fresh[i].Start), min(len(out), fresh[i].End)
	}
	return out, fresh, nil
}

// copyOf reads the rest of a copy instruction.
func copyOf(c byte, b []byte) (off, n int, rest []byte, ok bool) {
	for i := range 7 {
		if c&(1<<i) == 0 {
			continue
		}
		if len(b) == 0 {
			return 0, 0, nil, false
		}
		if i < 4 {
			off |= int(b[0]) << (8 * i)
		} else {
			n |= int(b[0]) << (8 * (i - 4))
		}
		b = b[1:]
	}
	if n == 0 {
		n = 0x10000
	}
	return off, n, b, true
}

// mark adds a region behind those that are there; they come in order, so one that touches the last is joined to it.
func mark(all []Region, start, end int) []Region {
	if n := len(all); n > 0 && start <= all[n-1].End {
		all[n-1].End = max(all[n-1].End, end)
		return all
	}
	return append(all, Region{start, end})
}

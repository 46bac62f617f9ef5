package gitobj

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/keyreeve/keyreeve/scanners/inflate"
)

// MaxObject is the most that one object may take in memory, in bytes. What is larger is a Gap.
const MaxObject = 512 << 20

// maxChain bounds the length of a delta chain; git makes 50, and 4,095 at most.
const maxChain = 10_000

// errTooLarge is for an object over MaxObject.
var errTooLarge = fmt.Errorf("it is larger than %d MB", MaxObject>>20)

// inflater inflates one stream after another.
type inflater struct{ decoder inflate.Decoder }

// into inflates exactly size bytes from the front of data into buf, which grows as needed.
func (f *inflater) into(buf, data []byte, size uint64) ([]byte, error) {
	if size > MaxObject {
		return nil, errTooLarge
	}
	// A declared size can lie: deflate makes at most 1,032 bytes of one.
	if size > 1<<20 && size > 1100*uint64(len(data)) {
		return nil, fmt.Errorf("%w: it can't inflate to %d bytes", ErrCorrupt, size)
	}
	if uint64(cap(buf)) < size {
		buf = make([]byte, size)
	}
	buf = buf[:size]
	// What follows in the pack may be read ahead, which is faster, but not be used.
	n, err := f.decoder.Zlib(buf, data[:min(len(data)+8, cap(data))])
	if err != nil || n > len(data) {
		return nil, fmt.Errorf("%w: it does not inflate to the %d bytes that it says", ErrCorrupt, size)
	}
	return buf, nil
}

const (
	ofsDelta = 6
	refDelta = 7
)

// entry is the head of one object in a pack.
type entry struct {
	kind Type // or ofsDelta, refDelta
	size uint64
	base uint64 // the offset of an ofsDelta's base
	ref  ID     // the name of a refDelta's base
	data []byte // the deflated rest
}

// entry reads the head of the nth object by offset.
func (p *pack) entry(n int) (e entry, err error) {
	off := p.offs[n]
	b := p.data[off:p.end(n)]
	bad := func(what string) (entry, error) { return entry{}, fmt.Errorf("%w: %s", ErrCorrupt, what) }
	if len(b) == 0 {
		return bad("it is empty")
	}
	c := b[0]
	e.kind, e.size = Type(c>>4&7), uint64(c&15)
	i, shift := 1, 4
	for c&0x80 != 0 {
		if i >= len(b) || shift > 57 {
			return bad("its size can't be read")
		}
		c = b[i]
		e.size |= uint64(c&0x7f) << shift
		i, shift = i+1, shift+7
	}
	switch e.kind {
	case Commit, Tree, Blob, Tag:
	case ofsDelta:
		back, n := distance(b[i:])
		if n == 0 || back == 0 || back > off {
			return bad("its base is outside of the pack")
		}
		e.base = off - back
		i += n
	case refDelta:
		if len(b) < i+p.hash {
			return bad("its base can't be read")
		}
		copy(e.ref[:], b[i:i+p.hash])
		i += p.hash
	default:
		return bad(fmt.Sprintf("its type is %d", e.kind))
	}
	e.data = b[i:]
	return e, nil
}

// distance reads how far back the base of a delta is, and how many bytes say so; 0 where they can't be read.
// https://git-scm.com/docs/gitformat-pack: "offset encoding"
func distance(b []byte) (back uint64, n int) {
	for n = 0; n < len(b) && n < 10; n++ {
		back = back<<7 | uint64(b[n]&0x7f)
		if b[n]&0x80 == 0 {
			return back, n + 1
		}
		back++
	}
	return 0, 0
}

// varint reads a size at the front of a delta.
func varint(b []byte) (n uint64, rest []byte, ok bool) {
	for i := 0; i < len(b) && i < 10; i++ {
		n |= uint64(b[i]&0x7f) << (7 * i)
		if b[i]&0x80 == 0 {
			return n, b[i+1:], true
		}
	}
	return 0, nil, false
}

// Object reads an object by its name, with its type.
func (r *Repo) Object(id ID) (Type, []byte, error) {
	kind, data, err := r.object(id, 0)
	if err != nil {
		return 0, nil, fmt.Errorf("read %s: %w", r.Name(id), err)
	}
	return kind, data, nil
}

func (r *Repo) object(id ID, depth int) (Type, []byte, error) {
	for _, s := range r.stores {
		for _, p := range s.packs {
			if n := p.find(id); n >= 0 {
				return r.packed(p, n, depth)
			}
		}
		kind, data, err := readLoose(filepath.Join(s.dir, r.Name(id)[:2], r.Name(id)[2:]))
		if !errors.Is(err, fs.ErrNotExist) {
			return kind, data, err
		}
	}
	return 0, nil, ErrNotFound
}

// packed resolves the nth object of a pack, its whole chain of bases first.
func (r *Repo) packed(p *pack, n, depth int) (Type, []byte, error) {
	var f inflater
	var deltas [][]byte
	kept := 0
	for ; ; depth++ {
		if depth > maxChain {
			return 0, nil, fmt.Errorf("%w: its chain of deltas has no end", ErrCorrupt)
		}
		e, err := p.entry(n)
		if err != nil {
			return 0, nil, err
		}
		data, err := f.into(nil, e.data, e.size)
		if err != nil {
			return 0, nil, err
		}
		if e.kind != ofsDelta && e.kind != refDelta {
			return applyAll(e.kind, data, deltas)
		}
		if kept += len(data); kept > MaxObject {
			return 0, nil, fmt.Errorf("the deltas that it is made by are larger than %d MB", MaxObject>>20)
		}
		deltas = append(deltas, data)
		var next int
		if e.kind == ofsDelta {
			next = p.at(e.base)
		} else {
			next = p.find(e.ref)
		}
		if next >= 0 {
			n = next
			continue
		}
		if e.kind == ofsDelta {
			return 0, nil, fmt.Errorf("%w: its base is no object", ErrCorrupt)
		}
		kind, base, err := r.object(e.ref, depth+1)
		if err != nil {
			return 0, nil, fmt.Errorf("its base %s: %w", r.Name(e.ref), err)
		}
		return applyAll(kind, base, deltas)
	}
}

// applyAll applies deltas, the last one first.
func applyAll(kind Type, data []byte, deltas [][]byte) (Type, []byte, error) {
	for _, delta := range slices.Backward(deltas) {
		var err error
		if data, _, err = apply(nil, nil, data, delta, 0); err != nil {
			return 0, nil, err
		}
	}
	return kind, data, nil
}

// readLoose reads an object from a file of its own.
func readLoose(name string) (Type, []byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, nil, err
	}
	defer f.Close()
	z, err := zlib.NewReader(f)
	if err != nil {
		return 0, nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	defer z.Close()
	var b bytes.Buffer
	if _, err := io.Copy(&b, io.LimitReader(z, MaxObject+64)); err != nil {
		return 0, nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	head, data, ok := bytes.Cut(b.Bytes(), []byte{0})
	word, length, _ := bytes.Cut(head, []byte{' '})
	n, err := strconv.ParseInt(string(length), 10, 64)
	if !ok || err != nil {
		return 0, nil, fmt.Errorf("%w: it does not begin as an object does", ErrCorrupt)
	}
	if n > MaxObject {
		return 0, nil, errTooLarge
	}
	if int64(len(data)) != n {
		return 0, nil, fmt.Errorf("%w: it has %d bytes, and says %d", ErrCorrupt, len(data), n)
	}
	for _, t := range []Type{Commit, Tree, Blob, Tag} {
		if t.String() == string(word) {
			return t, data, nil
		}
	}
	return 0, nil, fmt.Errorf("%w: its type is %q", ErrCorrupt, word)
}

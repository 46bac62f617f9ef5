package gitobj

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
)

// pack is one pack with its index, both mapped.
type pack struct {
	name   string
	hash   int
	data   []byte // the pack file
	index  []byte
	count  int
	oids   []byte // count names, sorted
	small  []byte // count offsets of four bytes
	large  []byte // offsets of eight bytes that the small ones point at
	unmaps []func() error

	order []int32  // by offset: the places in the index
	offs  []uint64 // by offset
}

const (
	maxObjects   = 1 << 30 // in one pack
	headerLength = 12
)

func openPack(name string, hash int) (p *pack, err error) {
	p = &pack{name: filepath.Base(name), hash: hash}
	defer func() {
		if err != nil {
			_ = p.close()
			p = nil
		}
	}()
	if p.data, err = p.mapped(name); err != nil {
		return p, err
	}
	if p.index, err = p.mapped(strings.TrimSuffix(name, ".pack") + ".idx"); err != nil {
		return p, fmt.Errorf("its index: %w", err)
	}
	if err := p.readHeader(); err != nil {
		return p, err
	}
	if err := p.readIndex(); err != nil {
		return p, err
	}
	return p, p.sortOffsets()
}

func (p *pack) mapped(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, unmap, err := mapFile(f)
	if err == nil {
		p.unmaps = append(p.unmaps, unmap)
	}
	return b, err
}

func (p *pack) close() error {
	var first error
	for _, unmap := range p.unmaps {
		if err := unmap(); err != nil && first == nil {
			first = err
		}
	}
	p.unmaps, p.data, p.index = nil, nil, nil
	return first
}

func (p *pack) readHeader() error {
	if len(p.data) < headerLength+p.hash || !bytes.Equal(p.data[:4], []byte("PACK")) {
		return fmt.Errorf("%w: it does not begin as a pack does", ErrCorrupt)
	}
	if v := binary.BigEndian.Uint32(p.data[4:]); v != 2 && v != 3 {
		return fmt.Errorf("pack version %d is not read", v)
	}
	n := binary.BigEndian.Uint32(p.data[8:])
	// Each object takes two bytes at least, so a count beyond that is a lie.
	if n > maxObjects || uint64(n)*2 > uint64(len(p.data)) {
		return fmt.Errorf("%w: it says that it holds %d objects", ErrCorrupt, n)
	}
	p.count = int(n)
	return nil
}

// readIndex reads an index of version 2.
// https://git-scm.com/docs/gitformat-pack#_version_2_pack_idx_files_support_packs_larger_than_4_gib_and
func (p *pack) readIndex() error {
	x := p.index
	if len(x) < 8+1024 || !bytes.Equal(x[:4], []byte{0xff, 't', 'O', 'c'}) {
		return fmt.Errorf("%w: the index is not of version 2", ErrCorrupt)
	}
	if v := binary.BigEndian.Uint32(x[4:]); v != 2 {
		return fmt.Errorf("index version %d is not read", v)
	}
	if n := binary.BigEndian.Uint32(x[8+255*4:]); int(n) != p.count {
		return fmt.Errorf("%w: the index names %d objects, the pack %d", ErrCorrupt, n, p.count)
	}
	rest := x[8+1024:]
	need := p.count * (p.hash + 4 + 4)
	if len(rest) < need+2*p.hash {
		return fmt.Errorf("%w: the index is cut off", ErrCorrupt)
	}
	p.oids = rest[:p.count*p.hash]
	p.small = rest[p.count*(p.hash+4) : need]
	p.large = rest[need : len(rest)-2*p.hash]
	return nil
}

// sortOffsets lists the objects in the order in which they are in the pack, which is where each ends.
func (p *pack) sortOffsets() error {
	type at struct {
		off uint64
		i   int32
	}
	all := make([]at, p.count)
	for i := range all {
		off, ok := p.offset(i)
		if !ok || off < headerLength || off >= uint64(len(p.data)-p.hash) {
			return fmt.Errorf("%w: the index points outside of the pack", ErrCorrupt)
		}
		all[i] = at{off, int32(i)}
	}
	slices.SortFunc(all, func(a, b at) int { return cmp.Compare(a.off, b.off) })
	p.order, p.offs = make([]int32, p.count), make([]uint64, p.count)
	for n, a := range all {
		if n > 0 && a.off == p.offs[n-1] {
			return fmt.Errorf("%w: two objects are at one place", ErrCorrupt)
		}
		p.order[n], p.offs[n] = a.i, a.off
	}
	return nil
}

func (p *pack) offset(i int) (uint64, bool) {
	off := binary.BigEndian.Uint32(p.small[4*i:])
	if off&(1<<31) == 0 {
		return uint64(off), true
	}
	at := int(off &^ (1 << 31))
	if 8*at+8 > len(p.large) {
		return 0, false
	}
	return binary.BigEndian.Uint64(p.large[8*at:]), true
}

// oid is the name of the object at a place of the index.
func (p *pack) oid(i int32) (id ID) {
	copy(id[:], p.oids[int(i)*p.hash:(int(i)+1)*p.hash])
	return id
}

// find returns the place of an object by offset order, -1 where the pack has none.
func (p *pack) find(id ID) int {
	lo, hi := 0, p.count
	first := id[0]
	fan := p.index[8:]
	if first > 0 {
		lo = int(binary.BigEndian.Uint32(fan[4*(int(first)-1):]))
	}
	hi = min(hi, int(binary.BigEndian.Uint32(fan[4*int(first):])))
	if lo > hi {
		return -1
	}
	want := id[:p.hash]
	i := lo + sort.Search(hi-lo, func(n int) bool {
		at := (lo + n) * p.hash
		return bytes.Compare(p.oids[at:at+p.hash], want) >= 0
	})
	if i >= hi || !bytes.Equal(p.oids[i*p.hash:(i+1)*p.hash], want) {
		return -1
	}
	off, _ := p.offset(i)
	return p.at(off)
}

// at returns the place by offset order of the object that begins at an offset, -1 where none does.
func (p *pack) at(off uint64) int {
	n, ok := slices.BinarySearch(p.offs, off)
	if !ok {
		return -1
	}
	return n
}

// end is where the nth object by offset ends.
func (p *pack) end(n int) uint64 {
	if n+1 < len(p.offs) {
		return p.offs[n+1]
	}
	return uint64(len(p.data) - p.hash)
}

package scanners

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"sync"
)

// A pattern is one thing to look for, and whose it is. Keys that share a name, an id or a value share its pattern.
type pattern struct {
	class  Class
	text   string // of a name or an id
	mark   mark   // of a value
	pepper int
	offset int     // of the window in the text or value
	next   int32   // the next pattern with the same first, or -1
	keys   []int32 // indexes into the keys
}

// A table finds patterns by the hash of their window: a bitmap that is small enough for the processor's cache answers
// for nearly every place of a text, a hash table for the few that are left.
type table struct {
	used   bool
	small  *smallBitmap // or
	large  *largeBitmap
	shift  uint     // of a hash, to its bit in the bitmap
	second []uint64 // a second bitmap, of other bits of the hash
	mask2  uint64
	slots  []slot
	mask   uint32
}

// The bitmaps: with as many patterns as the small one is for, one place in 100 is looked at twice.
const (
	smallBits     = 21 // 256 KiB
	largeBits     = 23 // 1 MiB
	smallPatterns = 20_000
)

type (
	smallBitmap [1 << (smallBits - 6)]uint64
	largeBitmap [1 << (largeBits - 6)]uint64
)

type slot struct {
	first   uint32 // the upper half of the window's hash
	pattern int32  // the first pattern of this hash, plus one; 0 where the slot is free
}

// Matcher finds keys in texts. It may be used concurrently.
type Matcher struct {
	patterns []pattern
	peppers  Peppers
	long     table // windows of eight bytes
	short    table // windows of four, for names and ids of fewer than eight
	longest  int   // bytes of the longest key
	shortest int   // and of the shortest
	keys     int
	labels   []string
	scans    sync.Pool // of *scan
}

// Compile prepares the search for keys. Fingerprints need the pepper that they were made under among p. The error
// holds a *KeyError for each thing that is wrong with a key (see BadKeys): a key that can't be looked for is never
// left out in silence. What of a key is looked for is in Key; a name is matched as a whole word of letters,
// digits and underscores, an id where no letter or digit stands before or after it, a value anywhere.
func Compile(keys []Key, p Peppers) (*Matcher, error) {
	c := compiler{m: &Matcher{peppers: p, keys: len(keys), labels: labelsOf(keys)}, texts: map[textKey]int{}, values: map[[macLen]byte]int{}}
	var wrong []error
	for i := range keys {
		wrong = append(wrong, keys[i].check(i)...)
		if err := c.add(&keys[i], i); err != nil {
			wrong = append(wrong, err)
		}
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	c.windows()
	c.tables()
	return c.m, nil
}

// Keys returns how many keys were compiled.
func (m *Matcher) Keys() int { return m.keys }

type textKey struct {
	class Class
	text  string
}

type compiler struct {
	m      *Matcher
	texts  map[textKey]int
	values map[[macLen]byte]int
}

func (c *compiler) add(k *Key, i int) error {
	for _, t := range []textKey{{ByName, k.Name}, {ByID, k.ID}} {
		if t.text == "" {
			continue
		}
		at, known := c.texts[t]
		if !known {
			at = c.pattern(pattern{class: t.class, text: t.text}, len(t.text))
			c.texts[t] = at
		}
		c.own(at, i)
	}
	if k.Fingerprint == "" {
		return nil
	}
	wrong := func(what, remedy string) error {
		return &KeyError{Index: i, Label: k.Label, Class: ByValue, What: what, Remedy: remedy}
	}
	const anew = "make it anew with `keyreeve fingerprint`"
	id, body, err := split(k.Fingerprint)
	if err != nil {
		return wrong(err.Error(), anew)
	}
	at, known := c.m.peppers.by(id)
	if !known {
		return wrong("was made under pepper "+id+", which is not given", "add that pepper as a further line of the pepper file, or "+anew)
	}
	f, err := c.m.peppers[at].open(body)
	if err != nil {
		return wrong(err.Error(), anew)
	}
	n, known := c.values[f.mac]
	if !known {
		n = c.pattern(pattern{class: ByValue, mark: f, pepper: at, offset: f.offset}, f.size)
		c.values[f.mac] = n
	}
	c.own(n, i)
	return nil
}

func (c *compiler) pattern(p pattern, size int) int {
	if c.m.longest = max(c.m.longest, size); c.m.shortest == 0 || size < c.m.shortest {
		c.m.shortest = size
	}
	c.m.patterns = append(c.m.patterns, p)
	return len(c.m.patterns) - 1
}

// own notes that the pattern is of a key too, once.
func (c *compiler) own(at, key int) {
	p := &c.m.patterns[at]
	p.keys = append(p.keys, int32(key)) //nolint:gosec // the keys fit into memory
}

// windows chooses for each name and id the window that the fewest others have, so that names which share a prefix or
// an ending are told apart at once.
func (c *compiler) windows() {
	seen := map[uint32]int32{}
	for i := range c.m.patterns {
		p := &c.m.patterns[i]
		for o := 0; o+shortLen <= len(p.text); o++ {
			seen[first8(p.text[o:])]++
		}
	}
	for i := range c.m.patterns {
		p := &c.m.patterns[i]
		least := int32(-1)
		for o := 0; o+shortLen <= len(p.text); o++ {
			if n := seen[first8(p.text[o:])]; least < 0 || n <= least {
				least, p.offset = n, o
			}
		}
	}
}

func first8(s string) uint32 {
	return uint32(binary.LittleEndian.Uint64([]byte(s[:8])) * multiplier >> 32)
}

func first4(s string) uint32 {
	return uint32(uint64(binary.LittleEndian.Uint32([]byte(s[:4]))) * multiplier >> 32)
}

// tables sorts the patterns into the tables.
func (c *compiler) tables() {
	m := c.m
	var long, short int
	for i := range m.patterns {
		if m.patterns[i].short() {
			short++
		} else {
			long++
		}
	}
	m.long, m.short = newTable(long, long > smallPatterns), newTable(short, false)
	for i := range m.patterns {
		switch p := &m.patterns[i]; {
		case p.class == ByValue:
			p.next = m.long.add(p.mark.first, i)
		case p.short():
			p.next = m.short.add(first4(p.text), i)
		default:
			p.next = m.long.add(first8(p.text[p.offset:]), i)
		}
	}
}

func (p *pattern) short() bool { return p.class != ByValue && len(p.text) < shortLen }

func newTable(patterns int, large bool) table {
	slots := 1 << bits.Len(uint(patterns)*2)
	second := 64 << bits.Len(uint(patterns)/2)                                                                                                                               // 16 or more bits for each
	t := table{second: make([]uint64, second/64), mask2: uint64(second - 1), used: patterns > 0, slots: make([]slot, slots), mask: uint32(slots - 1), shift: 64 - smallBits} //nolint:gosec // it is small
	if large {
		t.large, t.shift = new(largeBitmap), 64-largeBits
	} else {
		t.small = new(smallBitmap)
	}
	return t
}

// bit tells whether a bit of the bitmap is set.
func (t *table) bit(n uint64) bool {
	if t.large != nil {
		return t.large[n>>6]>>(n&63)&1 != 0
	}
	return t.small[n>>6]>>(n&63)&1 != 0
}

// add puts a pattern in front of the others with this hash, and returns the one behind it, or -1.
func (t *table) add(first uint32, pattern int) int32 {
	bit := uint64(first) << 32 >> t.shift
	again := uint64(first) & t.mask2
	t.second[again>>6] |= 1 << (again & 63)
	if t.large != nil {
		t.large[bit>>6] |= 1 << (bit & 63)
	} else {
		t.small[bit>>6] |= 1 << (bit & 63)
	}
	s := t.slot(first)
	next := s.pattern - 1
	s.first, s.pattern = first, int32(pattern+1) //nolint:gosec // the patterns fit into memory
	return next
}

// find returns the first pattern with this hash, or -1.
func (t *table) find(first uint32) int32 { return t.slot(first).pattern - 1 }

// slot returns where a hash is, or would be put. At least half of the slots are free.
func (t *table) slot(first uint32) *slot {
	for i := first * 0x85EBCA6B >> 8; ; i++ {
		if s := &t.slots[i&t.mask]; s.pattern == 0 || s.first == first {
			return s
		}
	}
}

// String says what is looked for, in numbers.
func (m *Matcher) String() string {
	return fmt.Sprintf("%d keys in %d patterns", m.keys, len(m.patterns))
}

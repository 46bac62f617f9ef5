package scanners

import (
	"crypto/subtle"
	"encoding/binary"
)

// plain appends the occurrences that stand in b as they are. At every place the next eight bytes are hashed and
// asked of the bitmap; no step waits for the one before it, so the processor does several at once. What a place
// costs does not depend on the number of keys, as long as the bitmap stays in the cache.
func (s *scan) plain(dst []Match, b []byte) []Match {
	if s.m.hasShort {
		dst = s.plainShort(dst, b)
	}
	t := &s.m.long
	bitmap, shift := t.bitmap, t.shift&63
	for i := 0; i+8 <= len(b); i++ {
		hash := binary.LittleEndian.Uint64(b[i:]) * multiplier
		bit := hash >> shift
		if bitmap[bit>>6]>>(bit&63)&1 != 0 {
			dst = s.candidate(dst, b, i, t, uint32(hash>>32))
		}
	}
	return dst
}

// plainShort is the same for names and ids of fewer than eight bytes, which are seldom asked for.
func (s *scan) plainShort(dst []Match, b []byte) []Match {
	t := &s.m.short
	bitmap, shift := t.bitmap, t.shift&63
	for i := 0; i+4 <= len(b); i++ {
		hash := uint64(binary.LittleEndian.Uint32(b[i:])) * multiplier
		bit := hash >> shift
		if bitmap[bit>>6]>>(bit&63)&1 != 0 {
			dst = s.candidate(dst, b, i, t, uint32(hash>>32))
		}
	}
	return dst
}

// candidate looks at each pattern whose window has this hash; the window begins at b[i].
func (s *scan) candidate(dst []Match, b []byte, i int, t *table, first uint32) []Match {
	for n := t.find(first); n >= 0; n = s.m.patterns[n].next {
		p := &s.m.patterns[n]
		if start, end, ok := s.confirm(p, b, i); ok {
			for _, k := range p.keys {
				dst = append(dst, Match{Key: int(k), Class: p.class, Start: start, End: end})
			}
		}
	}
	return dst
}

// confirm tells a pattern from what only has the hash of its window.
func (s *scan) confirm(p *pattern, b []byte, i int) (start, end int, ok bool) {
	start = i - p.offset
	if p.class == ByValue {
		if !s.window(p, b, i) {
			return 0, 0, false
		}
		end = start + p.print.size
		return start, end, start >= 0 && end <= len(b) && s.value(p, b[start:end])
	}
	end = start + len(p.text)
	if start < 0 || end > len(b) || string(b[start:end]) != p.text {
		return 0, 0, false
	}
	apart := alnum
	if p.class == ByName {
		apart = word
	}
	// An id whose own edge is no letter or digit is told apart by that edge.
	before := start > 0 && apart(b[start-1]) && apart(b[start])
	after := end < len(b) && apart(b[end]) && apart(b[end-1])
	return start, end, !before && !after
}

// window compares the keyed hash of the window at b[i].
func (s *scan) window(p *pattern, b []byte, i int) bool {
	pepper := &s.m.peppers[p.pepper]
	low := binary.LittleEndian.Uint64(b[i:])
	if p.print.size < windowLen {
		return pepper.hash(low, 0) == p.print.window
	}
	return i+windowLen <= len(b) && pepper.hash(low, binary.LittleEndian.Uint64(b[i+8:])) == p.print.window
}

// value compares the HMAC. A text made of one window over and over would have each of them hashed at the length of a
// value, which is bounded.
func (s *scan) value(p *pattern, b []byte) bool {
	if s.hashed += len(b); s.hashed > s.allowed {
		s.gap("more places look like a value than are worth hashing")
		return false
	}
	h := s.macs[p.pepper]
	h.Reset()
	_, _ = h.Write(b)
	return subtle.ConstantTimeCompare(h.Sum(s.sum[:0]), p.print.mac[:]) == 1
}

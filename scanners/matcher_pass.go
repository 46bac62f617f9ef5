package scanners

import (
	"crypto/subtle"
	"encoding/binary"
	"math/bits"
)

// plain appends the occurrences that stand in b as they are. At every place the next eight bytes are hashed and
// asked of a bitmap, eight places at once: no step waits for the one before it, and only one branch is taken. What
// this costs does not depend on the number of keys, as long as the bitmap stays in the processor's cache.
func (s *scan) plain(dst []Match, b []byte) []Match {
	if s.m.short.used {
		dst = s.search(dst, b, &s.m.short, skip4, 4)
	}
	if s.m.long.used {
		skip := skipSmall
		if s.m.long.large != nil {
			skip = skipLarge
		}
		dst = s.search(dst, b, &s.m.long, skip, 8)
	}
	return dst
}

// search skips what can't hold a key, and looks at each place where one may be.
func (s *scan) search(dst []Match, b []byte, t *table, skip func(*table, []byte) (int, uint), width int) []Match {
	i := 0
	for {
		n, lanes := skip(t, b[i:])
		i += n
		if lanes == 0 {
			break
		}
		for ; lanes != 0; lanes &= lanes - 1 {
			at := i + bits.TrailingZeros(lanes)
			dst = s.candidate(dst, b, at, t, uint32(load(b[at:], width)*multiplier>>32))
		}
		i += 8
	}
	for ; i+width <= len(b); i++ { // the rest, of fewer than two groups
		if hash := load(b[i:], width) * multiplier; t.bit(hash >> t.shift) {
			dst = s.candidate(dst, b, i, t, uint32(hash>>32))
		}
	}
	return dst
}

func load(b []byte, width int) uint64 {
	if width == 4 {
		return uint64(binary.LittleEndian.Uint32(b))
	}
	return binary.LittleEndian.Uint64(b)
}

// again keeps of the places that the bitmap let pass those that a second one lets pass too. It is far smaller than
// the table, and most that come here are strangers.
func (t *table) again(w []byte, lanes uint, width int) uint {
	var left uint
	for ; lanes != 0; lanes &= lanes - 1 {
		lane := lanes & -lanes
		if bit := load(w[bits.TrailingZeros(lane):], width) * multiplier >> 32 & t.mask2; t.second[bit>>6]>>(bit&63)&1 != 0 {
			left |= lane
		}
	}
	return left
}

// skipSmall returns the first group of eight places of which some (the set bits) may begin a window, or where the
// groups end.
func skipSmall(t *table, b []byte) (i int, lanes uint) {
	bitmap := t.small
	for ; i+16 <= len(b); i += 8 {
		w := b[i : i+16 : i+16]
		h0 := binary.LittleEndian.Uint64(w[0:8]) * multiplier
		h1 := binary.LittleEndian.Uint64(w[1:9]) * multiplier
		h2 := binary.LittleEndian.Uint64(w[2:10]) * multiplier
		h3 := binary.LittleEndian.Uint64(w[3:11]) * multiplier
		h4 := binary.LittleEndian.Uint64(w[4:12]) * multiplier
		h5 := binary.LittleEndian.Uint64(w[5:13]) * multiplier
		h6 := binary.LittleEndian.Uint64(w[6:14]) * multiplier
		h7 := binary.LittleEndian.Uint64(w[7:15]) * multiplier
		b0 := bitmap[h0>>(64-smallBits)>>6] >> (h0 >> (64 - smallBits) & 63)
		b1 := bitmap[h1>>(64-smallBits)>>6] >> (h1 >> (64 - smallBits) & 63)
		b2 := bitmap[h2>>(64-smallBits)>>6] >> (h2 >> (64 - smallBits) & 63)
		b3 := bitmap[h3>>(64-smallBits)>>6] >> (h3 >> (64 - smallBits) & 63)
		b4 := bitmap[h4>>(64-smallBits)>>6] >> (h4 >> (64 - smallBits) & 63)
		b5 := bitmap[h5>>(64-smallBits)>>6] >> (h5 >> (64 - smallBits) & 63)
		b6 := bitmap[h6>>(64-smallBits)>>6] >> (h6 >> (64 - smallBits) & 63)
		b7 := bitmap[h7>>(64-smallBits)>>6] >> (h7 >> (64 - smallBits) & 63)
		if (b0|b1|b2|b3|b4|b5|b6|b7)&1 == 0 {
			continue
		}
		lanes = uint(b0&1 | b1&1<<1 | b2&1<<2 | b3&1<<3 | b4&1<<4 | b5&1<<5 | b6&1<<6 | b7&1<<7)
		if lanes = t.again(w, lanes, 8); lanes != 0 {
			return i, lanes
		}
	}
	return i, 0
}

// skipLarge is skipSmall for the larger bitmap: constants in place of variables make it twice as fast.
func skipLarge(t *table, b []byte) (i int, lanes uint) {
	bitmap := t.large
	for ; i+16 <= len(b); i += 8 {
		w := b[i : i+16 : i+16]
		h0 := binary.LittleEndian.Uint64(w[0:8]) * multiplier
		h1 := binary.LittleEndian.Uint64(w[1:9]) * multiplier
		h2 := binary.LittleEndian.Uint64(w[2:10]) * multiplier
		h3 := binary.LittleEndian.Uint64(w[3:11]) * multiplier
		h4 := binary.LittleEndian.Uint64(w[4:12]) * multiplier
		h5 := binary.LittleEndian.Uint64(w[5:13]) * multiplier
		h6 := binary.LittleEndian.Uint64(w[6:14]) * multiplier
		h7 := binary.LittleEndian.Uint64(w[7:15]) * multiplier
		b0 := bitmap[h0>>(64-largeBits)>>6] >> (h0 >> (64 - largeBits) & 63)
		b1 := bitmap[h1>>(64-largeBits)>>6] >> (h1 >> (64 - largeBits) & 63)
		b2 := bitmap[h2>>(64-largeBits)>>6] >> (h2 >> (64 - largeBits) & 63)
		b3 := bitmap[h3>>(64-largeBits)>>6] >> (h3 >> (64 - largeBits) & 63)
		b4 := bitmap[h4>>(64-largeBits)>>6] >> (h4 >> (64 - largeBits) & 63)
		b5 := bitmap[h5>>(64-largeBits)>>6] >> (h5 >> (64 - largeBits) & 63)
		b6 := bitmap[h6>>(64-largeBits)>>6] >> (h6 >> (64 - largeBits) & 63)
		b7 := bitmap[h7>>(64-largeBits)>>6] >> (h7 >> (64 - largeBits) & 63)
		if (b0|b1|b2|b3|b4|b5|b6|b7)&1 == 0 {
			continue
		}
		lanes = uint(b0&1 | b1&1<<1 | b2&1<<2 | b3&1<<3 | b4&1<<4 | b5&1<<5 | b6&1<<6 | b7&1<<7)
		if lanes = t.again(w, lanes, 8); lanes != 0 {
			return i, lanes
		}
	}
	return i, 0
}

// skip4 is skipSmall for windows of four bytes.
func skip4(t *table, b []byte) (i int, lanes uint) {
	bitmap := t.small
	for ; i+12 <= len(b); i += 8 {
		w := b[i : i+12 : i+12]
		h0 := uint64(binary.LittleEndian.Uint32(w[0:4])) * multiplier
		h1 := uint64(binary.LittleEndian.Uint32(w[1:5])) * multiplier
		h2 := uint64(binary.LittleEndian.Uint32(w[2:6])) * multiplier
		h3 := uint64(binary.LittleEndian.Uint32(w[3:7])) * multiplier
		h4 := uint64(binary.LittleEndian.Uint32(w[4:8])) * multiplier
		h5 := uint64(binary.LittleEndian.Uint32(w[5:9])) * multiplier
		h6 := uint64(binary.LittleEndian.Uint32(w[6:10])) * multiplier
		h7 := uint64(binary.LittleEndian.Uint32(w[7:11])) * multiplier
		b0 := bitmap[h0>>(64-smallBits)>>6] >> (h0 >> (64 - smallBits) & 63)
		b1 := bitmap[h1>>(64-smallBits)>>6] >> (h1 >> (64 - smallBits) & 63)
		b2 := bitmap[h2>>(64-smallBits)>>6] >> (h2 >> (64 - smallBits) & 63)
		b3 := bitmap[h3>>(64-smallBits)>>6] >> (h3 >> (64 - smallBits) & 63)
		b4 := bitmap[h4>>(64-smallBits)>>6] >> (h4 >> (64 - smallBits) & 63)
		b5 := bitmap[h5>>(64-smallBits)>>6] >> (h5 >> (64 - smallBits) & 63)
		b6 := bitmap[h6>>(64-smallBits)>>6] >> (h6 >> (64 - smallBits) & 63)
		b7 := bitmap[h7>>(64-smallBits)>>6] >> (h7 >> (64 - smallBits) & 63)
		if (b0|b1|b2|b3|b4|b5|b6|b7)&1 == 0 {
			continue
		}
		lanes = uint(b0&1 | b1&1<<1 | b2&1<<2 | b3&1<<3 | b4&1<<4 | b5&1<<5 | b6&1<<6 | b7&1<<7)
		if lanes = t.again(w, lanes, 4); lanes != 0 {
			return i, lanes
		}
	}
	return i, 0
}

// candidate looks at each pattern whose window has this hash; the window begins at b[i].
func (s *scan) candidate(dst []Match, b []byte, i int, t *table, first uint32) []Match {
	for n := t.find(first); n >= 0; n = s.m.patterns[n].next {
		p := &s.m.patterns[n]
		var f Match
		var ok bool
		if p.class == ByValue {
			f, ok = s.confirmValue(p, b, i)
		} else {
			f.Start, f.End, ok = p.confirm(b, i)
		}
		if !ok {
			continue
		}
		for _, k := range p.keys {
			f.Key, f.Class = int(k), p.class
			dst = append(dst, f)
		}
	}
	return dst
}

// confirmValue tells a value from what only has the hash of its window: where it stands as it is, or over lines that
// were made others.
func (s *scan) confirmValue(p *pattern, b []byte, i int) (f Match, ok bool) {
	if !s.window(p, b, i) {
		return Match{}, false
	}
	start := i - p.offset
	if end := start + p.mark.size; start >= 0 && end <= len(b) && s.value(p, b[start:end]) {
		return Match{Start: start, End: end}, true
	}
	return s.overLines(p, b, i)
}

// confirm tells a name or an id from what only has the hash of its window.
func (p *pattern) confirm(b []byte, i int) (start, end int, ok bool) {
	start = i - p.offset
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
	if p.mark.size < windowLen {
		return pepper.hash(low, 0) == p.mark.window
	}
	return i+windowLen <= len(b) && pepper.hash(low, binary.LittleEndian.Uint64(b[i+8:])) == p.mark.window
}

const tooAlike = "more places look like a value than are worth hashing"

// value compares the HMAC. A text made of one window over and over would have each of them hashed at the length of a
// value, which is bounded.
func (s *scan) value(p *pattern, b []byte) bool {
	if s.hashed += len(b); s.hashed > s.allowed {
		s.gap(tooAlike)
		return false
	}
	h := s.macs[p.pepper]
	h.Reset()
	_, _ = h.Write(b)
	return subtle.ConstantTimeCompare(h.Sum(s.sum[:0]), p.mark.mac[:]) == 1
}

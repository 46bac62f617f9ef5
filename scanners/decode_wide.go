package scanners

import "bytes"

// wide looks into text in UTF-16: ASCII characters with a NUL on the same side of each.
func (s *scan) wide(dst []Match, b []byte, depth int) []Match {
	for i := 0; ; {
		n := bytes.IndexByte(b[i:], 0)
		if n < 0 {
			return dst
		}
		first := i + n
		for first+1 < len(b) && b[first+1] == 0 {
			first++
		}
		last := first
		for last+2 < len(b) && wideChar(b[last+1]) && b[last+2] == 0 {
			last += 2
		}
		start, end := first+1, last
		if first > 0 && wideChar(b[first-1]) {
			start = first - 1
		}
		if last+1 < len(b) && wideChar(b[last+1]) {
			end = last + 2
		}
		i = last + 1
		if (end-start+1)/2 < s.m.shortest {
			continue
		}
		decoded := s.buffer(depth)
		for at := start; at < end; at += 2 {
			decoded = append(decoded, b[at])
		}
		s.keep(depth, decoded)
		dst = s.inner(dst, b, decoded, region{EncUTF16, start, end, wideWalk}, depth)
	}
}

func wideChar(c byte) bool { return c != 0 && c < 0x80 }

func wideWalk(b []byte, i int) (next, size int) {
	if i >= len(b) {
		return i, 0
	}
	return min(i+2, len(b)), 1
}

package scanners

// EncLines is the encoding of a value whose line ends are written otherwise, or are followed by an indent that it has
// not: a private key within YAML or with the line ends of Windows, a passphrase folded over lines, a token broken over two.
const EncLines Encoding = "lines"

// overLines looks for a value around its window at b[i] with each line's end and indent replaced by what the value may
// have there. The window's keyed hash was found here, so this is hardly ever done in vain.
func (s *scan) overLines(p *pattern, b []byte, i int) (f Match, ok bool) {
	// As near makes it: half of the text may be line ends and indents.
	const indents = 64
	low, high := max(0, i-2*p.offset-indents), min(len(b), i+2*(p.mark.size-p.offset)+indents)
	for _, end := range []string{"\n", " ", "", "\r\n"} {
		if s.hashed += high - low; s.hashed > s.allowed {
			s.gap(tooAlike)
			return Match{}, false
		}
		at := s.rejoin(b, low, high, i, end)
		start := at - p.offset
		stop := start + p.mark.size
		if start >= 0 && stop <= len(s.joined) && s.value(p, s.joined[start:stop]) {
			return Match{Start: s.points[start], End: s.points[stop-1] + 1, Encoding: EncLines}, true
		}
	}
	return Match{}, false
}

// rejoin copies b[low:high] with each line's end and the indent behind it replaced, notes where each byte came from,
// and returns where b[i] is in the copy.
func (s *scan) rejoin(b []byte, low, high, i int, end string) (at int) {
	s.joined, s.points = s.joined[:0], s.points[:0]
	for n := low; n < high; n++ {
		if n == i {
			at = len(s.joined)
		}
		if b[n] == '\r' && n+1 < high && b[n+1] == '\n' {
			continue
		}
		if b[n] != '\n' {
			s.joined, s.points = append(s.joined, b[n]), append(s.points, n)
			continue
		}
		for range len(end) {
			s.points = append(s.points, n)
		}
		s.joined = append(s.joined, end...)
		for n+1 < high && n+1 != i && (b[n+1] == ' ' || b[n+1] == '\t') {
			n++
		}
	}
	return at
}

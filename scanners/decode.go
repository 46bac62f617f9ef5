package scanners

// The bounds of decoding. What goes over one is a gap.
const (
	DepthMax     = 4 // encodings within each other
	decodedRatio = 32
	decodedMin   = 64 << 20 // bytes
)

// text appends the occurrences in b and in what is encoded in it.
func (s *scan) text(dst []Match, b []byte, _ int, _ bool) []Match {
	return s.plain(dst, b)
}

func container(_ []byte) Encoding { return "" }

func byteOrderMark(b []byte) bool {
	return len(b) >= 2 && (b[0] == 0xff && b[1] == 0xfe || b[0] == 0xfe && b[1] == 0xff)
}

package scanners

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
)

// The encodings. Nested ones are joined by "+", outermost first.
const (
	EncBase64  Encoding = "base64"  // RFC 4648 §4 and §5, padded or not, wrapped or not
	EncHex     Encoding = "hex"     // RFC 4648 §8, in either case
	EncPercent Encoding = "percent" // RFC 3986 §2.1
	EncEscape  Encoding = "escape"  // the escapes of JSON (RFC 8259 §7) and of C's descendants: \n, \x41, \u0041, \101
	EncHTML    Encoding = "html"    // character references, numeric and the five of XML
	EncJoined  Encoding = "joined"  // string literals joined by an operator or by nothing, "AB" + "CD"
	EncUTF16   Encoding = "utf-16"  // of either byte order, with or without a byte order mark
	EncZip     Encoding = "zip"
	EncGzip    Encoding = "gzip"
	EncZlib    Encoding = "zlib"
	EncBzip2   Encoding = "bzip2"
)

// The bounds of decoding. A container that goes over one is a gap; text encodings that nest deeper than DepthMax
// are left.
const (
	DepthMax     = 4       // encodings within each other
	decodedRatio = 32      // bytes decoded for each byte of the whole text, and of what is unpacked, beyond
	decodedMin   = 1 << 20 // bytes decoded whatever the size
	hashedRatio  = 64      // bytes hashed to confirm values, for each byte of the whole text, beyond
	hashedMin    = 1 << 20 // bytes hashed whatever the size
)

// A region is a part of a text that was decoded.
type region struct {
	encoding   Encoding
	start, end int
	walk       walk // leads from decoded bytes to those that they came from; nil means the region as a whole
}

// walk returns where the decoding of b is after the bytes that decode to the next one or few, and to how many. Where
// nothing more is decoded, next is i.
type walk func(b []byte, i int) (next, size int)

// text appends the occurrences in b and in what is encoded in it, in the order of their Start. Whole says that b begins
// and ends where a text does.
func (s *scan) text(dst []Match, b []byte, depth int, whole bool) []Match {
	base := len(dst)
	dst = s.plain(dst, b)
	if s.m.longest == 0 {
		return dst
	}
	plain := len(dst)
	if depth < DepthMax {
		dst = s.runs(dst, b, depth, whole)
		dst = s.escapes(dst, b, depth, '\\', EncEscape, escapeStep)
		dst = s.escapes(dst, b, depth, '%', EncPercent, percentStep)
		dst = s.escapes(dst, b, depth, '&', EncHTML, htmlStep)
		dst = s.escapes(dst, b, depth, '"', EncJoined, joinStep)
		dst = s.escapes(dst, b, depth, '\'', EncJoined, joinStep)
		dst = s.wide(dst, b, depth)
	}
	if whole {
		dst = s.containers(dst, b, depth)
	}
	if len(dst) == plain {
		return inOrder(dst, base)
	}
	return distinct(dst, base)
}

// inner appends the occurrences in what a region of b decodes to.
func (s *scan) inner(dst []Match, b, decoded []byte, r region, depth int) []Match {
	if s.decoded += len(decoded); s.decoded > s.bound {
		s.gap("more is encoded in it than is worth decoding")
		return dst
	}
	from := len(dst)
	dst = s.text(dst, decoded, depth+1, container(decoded) != "")
	at, reached := r.start, 0 // in b, and in decoded
	for i := from; i < len(dst); i++ {
		f := &dst[i]
		f.Encoding = join(r.encoding, f.Encoding)
		if r.walk == nil {
			f.Start, f.End = r.start, r.end
			continue
		}
		at, reached = follow(b[:r.end], r.walk, at, reached, f.Start)
		end, n := at, reached
		for n < f.End && end < r.end {
			next, size := r.walk(b[:r.end], end)
			if next == end {
				break
			}
			end, n = next, n+size
		}
		f.Start, f.End = at, end
	}
	return dst
}

// follow walks until the next step gives the decoded byte at offset to.
func follow(b []byte, step walk, at, reached, to int) (newAt, newReached int) {
	for {
		next, size := step(b, at)
		if next == at || reached+size > to {
			return at, reached
		}
		at, reached = next, reached+size
	}
}

func join(outer, inner Encoding) Encoding {
	if inner == "" {
		return outer
	}
	return outer + "+" + inner
}

func inOrder(dst []Match, base int) []Match {
	slices.SortStableFunc(dst[base:], func(a, b Match) int { return cmp.Compare(a.Start, b.Start) })
	return dst
}

// distinct leaves of the occurrences of one key that overlap the one with the fewest encodings: what stands there
// as it is, is found again in whatever is decoded around it.
func distinct(dst []Match, base int) []Match {
	all := dst[base:]
	slices.SortFunc(all, func(a, b Match) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Class, b.Class), cmp.Compare(a.Start, b.Start), cmp.Compare(layers(a), layers(b)), cmp.Compare(a.End, b.End))
	})
	kept := dst[:base]
	for i := range all {
		f := all[i]
		if n := len(kept) - 1; n >= base && kept[n].Key == f.Key && kept[n].Class == f.Class && kept[n].End > f.Start {
			if layers(f) < layers(kept[n]) {
				kept[n] = f
			}
			continue
		}
		kept = append(kept, f)
	}
	return inOrder(kept, base)
}

func layers(m Match) int {
	if m.Encoding == "" {
		return 0
	}
	return 1 + strings.Count(string(m.Encoding), "+")
}

// buffer returns the empty buffer for what is decoded at a depth, and keep gives it back with what it grew to.
func (s *scan) buffer(depth int) []byte { return s.buffers[depth][:0] }

func (s *scan) keep(depth int, b []byte) { s.buffers[depth] = b }

func byteOrderMark(b []byte) bool {
	return bytes.HasPrefix(b, []byte{0xff, 0xfe}) || bytes.HasPrefix(b, []byte{0xfe, 0xff})
}

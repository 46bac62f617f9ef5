// Package inflate inflates zlib streams whose inflated size is known, from memory to memory: what a git pack is made of.
// Knowing both ends saves the window, the copies out of it, and the calls that a stream of any length needs; for the many
// small objects of a pack that is most of the time.
//
// The formats: RFC 1950, RFC 1951. The tables are made as libdeflate makes them: by doubling, codes in reversed order.
package inflate

import (
	"encoding/binary"
	"errors"
	"hash/adler32"
)

// ErrCorrupt is returned for a stream that is no zlib stream, is cut off, or does not inflate to the size that was asked for.
var ErrCorrupt = errors.New("corrupt zlib stream")

// Decoder inflates one stream after another. The zero value is ready. It must not be used concurrently.
type Decoder struct {
	literal  [literalSpace]uint32
	distance [distanceSpace]uint32
	pre      [1 << preBits]uint32
	lengths  [maxLiterals + maxDistances]uint8
	fixed    bool // the tables are those of fixed codes
}

// Zlib inflates the stream at the front of src into dst, which it has to fill exactly, and returns how long the stream is.
// src may go on behind its end; with 8 bytes more it is faster. The checksum is verified. What of dst is written
// before an error is found is undefined.
func (d *Decoder) Zlib(dst, src []byte) (n int, err error) {
	if !header(src) {
		return 0, ErrCorrupt
	}
	s := stream{src: src, in: 2, dst: dst}
	for last := false; !last; {
		s.fill()
		head := s.take(3)
		last = head&1 != 0
		ok := false
		switch head >> 1 {
		case 0:
			ok = s.stored()
		case 1:
			d.useFixed()
			ok = d.codes(&s)
		case 2:
			ok = d.readCodes(&s) && d.codes(&s)
		}
		if !ok || s.overrun() {
			return 0, ErrCorrupt
		}
	}
	s.align()
	if s.out != len(dst) || s.in > len(src)-4 || binary.BigEndian.Uint32(src[s.in:]) != adler32.Checksum(dst) {
		return 0, ErrCorrupt
	}
	return s.in + 4, nil
}

// header says whether a stream begins as it should, and without a dictionary.
func header(src []byte) bool {
	return len(src) >= 2 && src[0]&15 == 8 && src[0]>>4 <= 7 && src[1]&0x20 == 0 && binary.BigEndian.Uint16(src)%31 == 0
}

// stream is where one stream is read and written. Bits beyond the end of src read as zero: overrun tells of them.
type stream struct {
	src, dst []byte
	in, out  int
	hold     uint64 // bits that were read ahead
	held     uint   // how many of them are of the stream; above that hold may have some more, which are read again
}

// fill makes 56 bits ready, at least.
func (s *stream) fill() {
	if s.in+8 <= len(s.src) {
		s.hold |= binary.LittleEndian.Uint64(s.src[s.in:]) << (s.held & 63)
		s.in += int((63 - s.held) >> 3)
		s.held |= 56
		return
	}
	for s.held < 56 {
		if s.in < len(s.src) {
			s.hold |= uint64(s.src[s.in]) << s.held
		}
		s.in++
		s.held += 8
	}
}

func (s *stream) take(n uint) uint32 {
	v := uint32(s.hold & (1<<n - 1))
	s.hold >>= n
	s.held -= n
	return v
}

// overrun says whether bits beyond the end were used.
func (s *stream) overrun() bool { return s.in-int(s.held>>3) > len(s.src) }

// align gives back the bytes that were read ahead.
func (s *stream) align() {
	s.in -= int(s.held >> 3)
	s.hold, s.held = 0, 0
}

// stored copies a block that is not compressed. https://www.rfc-editor.org/rfc/rfc1951#section-3.2.4
func (s *stream) stored() bool {
	s.align()
	if s.in+4 > len(s.src) {
		return false
	}
	n := int(binary.LittleEndian.Uint16(s.src[s.in:]))
	if n != int(^binary.LittleEndian.Uint16(s.src[s.in+2:])) {
		return false
	}
	s.in += 4
	if n > len(s.src)-s.in || n > len(s.dst)-s.out {
		return false
	}
	copy(s.dst[s.out:], s.src[s.in:s.in+n])
	s.in, s.out = s.in+n, s.out+n
	return true
}

// codes inflates one block by the tables.
//
//nolint:cyclop,funlen,gocognit // the loop in which the time goes: calls would cost more than all that is in it
func (d *Decoder) codes(s *stream) bool {
	src, dst := s.src, s.dst
	in, out, hold, held := s.in, s.out, s.hold, s.held
	for {
		if in+8 <= len(src) {
			hold |= binary.LittleEndian.Uint64(src[in:]) << (held & 63)
			in += int((63 - held) >> 3)
			held |= 56
		} else {
			for held < 56 {
				if in < len(src) {
					hold |= uint64(src[in]) << (held & 63)
				}
				in++
				held += 8
			}
			if in-int(held>>3) > len(src) {
				return false
			}
		}
		e := d.literal[hold&(1<<literalBits-1)]
		// Two literals, each of a short code, leave enough bits for a third code with all its extra bits only after a
		// fill: so they go round.
		if e&isLiteral != 0 {
			if out >= len(dst) {
				return false
			}
			dst[out] = byte(e >> 16)
			out++
			hold >>= e & 63
			held -= uint(e & 63)
			e = d.literal[hold&(1<<literalBits-1)]
			if e&isLiteral != 0 {
				if out >= len(dst) {
					return false
				}
				dst[out] = byte(e >> 16)
				out++
				hold >>= e & 63
				held -= uint(e & 63)
				e = d.literal[hold&(1<<literalBits-1)]
				if e&isLiteral != 0 {
					if out >= len(dst) {
						return false
					}
					dst[out] = byte(e >> 16)
					out++
					hold >>= e & 63
					held -= uint(e & 63)
				}
				continue
			}
			if held < mostOfMatch {
				continue
			}
		}
		if e&isTable != 0 {
			hold >>= literalBits
			held -= literalBits
			e = d.literal[int(e>>16&0xfff)+int(hold&(1<<(e&15)-1))]
			if e&isLiteral != 0 {
				if out >= len(dst) {
					return false
				}
				dst[out] = byte(e >> 16)
				out++
				hold >>= e & 63
				held -= uint(e & 63)
				continue
			}
		}
		if e&(isEnd|isGood) != isGood {
			hold >>= e & 63
			held -= uint(e & 63)
			s.in, s.out, s.hold, s.held = in, out, hold, held
			return e&isGood != 0
		}
		hold >>= e & 63
		held -= uint(e & 63)
		extra := e >> 8 & 31
		length := int(e>>16&0x1ff) + int(hold&(1<<extra-1))
		hold >>= extra
		held -= uint(extra)

		e = d.distance[hold&(1<<distanceBits-1)]
		if e&isTable != 0 {
			hold >>= distanceBits
			held -= distanceBits
			e = d.distance[int(e>>16&0xfff)+int(hold&(1<<(e&15)-1))]
		}
		if e&isGood == 0 {
			return false
		}
		hold >>= e & 15
		held -= uint(e & 15)
		extra = e >> 4 & 15
		back := int(e>>8&0x7fff) + int(hold&(1<<extra-1))
		hold >>= extra
		held -= uint(extra)

		if back > out || length > len(dst)-out {
			return false
		}
		switch from := out - back; {
		case back >= 8 && out+length+8 <= len(dst):
			for end := out + length; ; {
				binary.LittleEndian.PutUint64(dst[out:], binary.LittleEndian.Uint64(dst[from:]))
				out, from = out+8, from+8
				if out >= end {
					out = end
					break
				}
			}
		case back >= length:
			out += copy(dst[out:out+length], dst[from:])
		default:
			for range length {
				dst[out] = dst[from]
				out, from = out+1, from+1
			}
		}
	}
}

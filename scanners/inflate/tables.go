package inflate

import "math/bits"

// The entries of the tables. A literal: its byte from bit 16, and how many bits its code has. A length: its base from bit 16,
// its extra bits from bit 8. A distance: its base from bit 8, its extra bits from bit 4. A table for longer codes: where it
// begins from bit 16, and by how many bits it is looked up. Zero is no code.
const (
	isLiteral = 1 << 31
	isTable   = 1 << 30
	isEnd     = 1 << 29
	isGood    = 1 << 28
)

// The sizes: by how many bits a code is looked up first, and what the tables can take at most for 288 and 32 symbols with
// codes of 15 bits (by enough.c of zlib).
const (
	literalBits, literalSpace   = 10, 1334
	distanceBits, distanceSpace = 8, 402
	preBits                     = 7
	maxBits                     = 15
	maxLiterals, maxDistances   = 288, 32
	mostOfMatch                 = 48 // bits of a length and a distance with all their extra bits
)

// preOrder is in which order the lengths of the codes for lengths come.
// https://www.rfc-editor.org/rfc/rfc1951#section-3.2.7
var preOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// The bases and extra bits of lengths and distances. https://www.rfc-editor.org/rfc/rfc1951#section-3.2.5
var (
	lengthBase = [29]uint32{
		3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
	}
	lengthExtra  = [29]uint32{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
	distanceBase = [30]uint32{
		1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193,
		12289, 16385, 24577,
	}
	distanceExtra = [30]uint32{
		0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
	}
)

// literalSymbols, distanceSymbols and preSymbols are the entries of all symbols, without the bits of their codes.
var literalSymbols, distanceSymbols, preSymbols = func() (l [maxLiterals]uint32, d [maxDistances]uint32, p [19]uint32) {
	for i := range l {
		switch {
		case i < 256:
			l[i] = isLiteral | isGood | uint32(i)<<16
		case i == 256:
			l[i] = isEnd | isGood
		case i-257 < len(lengthBase):
			l[i] = isGood | lengthBase[i-257]<<16 | lengthExtra[i-257]<<8
		}
	}
	for i := range distanceBase {
		d[i] = isGood | distanceBase[i]<<8 | distanceExtra[i]<<4
	}
	for i := range p {
		p[i] = isGood | uint32(i)<<16
	}
	return l, d, p
}()

// readCodes reads the codes of a block and makes its tables.
func (d *Decoder) readCodes(s *stream) bool {
	d.fixed = false
	s.fill()
	literals, distances, pres := int(s.take(5))+257, int(s.take(5))+1, int(s.take(4))+4
	if literals > 286 || distances > 30 {
		return false
	}
	var pre [19]uint8
	for i := range pres {
		if s.held < 3 {
			s.fill()
		}
		pre[preOrder[i]] = uint8(s.take(3))
	}
	if !build(d.pre[:], preBits, pre[:], preSymbols[:]) {
		return false
	}
	lengths := d.lengths[:literals+distances]
	return d.readLengths(s, lengths) &&
		build(d.literal[:], literalBits, lengths[:literals], literalSymbols[:]) &&
		build(d.distance[:], distanceBits, lengths[literals:], distanceSymbols[:])
}

// readLengths reads the lengths of the codes of literals and distances.
func (d *Decoder) readLengths(s *stream, lengths []uint8) bool {
	for i := 0; i < len(lengths); {
		s.fill()
		if s.overrun() {
			return false
		}
		e := d.pre[s.hold&(1<<preBits-1)]
		if e&isGood == 0 {
			return false
		}
		s.take(uint(e & 15))
		symbol := uint8(e >> 16 & 31)
		if symbol < 16 {
			lengths[i] = symbol
			i++
			continue
		}
		repeat, value := 0, uint8(0)
		switch symbol {
		case 16:
			if i == 0 {
				return false
			}
			repeat, value = 3+int(s.take(2)), lengths[i-1]
		case 17:
			repeat = 3 + int(s.take(3))
		case 18:
			repeat = 11 + int(s.take(7))
		}
		if repeat > len(lengths)-i {
			return false
		}
		for end := i + repeat; i < end; i++ {
			lengths[i] = value
		}
	}
	return true
}

// useFixed makes the tables of the fixed codes. https://www.rfc-editor.org/rfc/rfc1951#section-3.2.6
func (d *Decoder) useFixed() {
	if d.fixed {
		return
	}
	var lengths [maxLiterals]uint8
	for i := range lengths {
		switch {
		case i < 144:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		case i < 280:
			lengths[i] = 7
		default:
			lengths[i] = 8
		}
	}
	build(d.literal[:], literalBits, lengths[:], literalSymbols[:])
	for i := range maxDistances {
		lengths[i] = 5
	}
	build(d.distance[:], distanceBits, lengths[:maxDistances], distanceSymbols[:])
	d.fixed = true
}

// build makes a table of width bits, and behind it those for longer codes, from the lengths of the codes. It refuses what is
// no complete code, but one symbol of one bit, or none: compress/flate takes those too.
func build(table []uint32, width uint32, lengths []uint8, symbols []uint32) bool {
	var count, at [maxBits + 2]int
	for _, n := range lengths {
		count[n]++
	}
	used := len(lengths) - count[0]
	count[0] = 0
	space := 0
	for n := 1; n <= maxBits; n++ {
		at[n+1] = at[n] + count[n]
		space += count[n] << (maxBits - n)
	}
	if space != 1<<maxBits {
		return incomplete(table[:1<<width], used, count[1], lengths, symbols)
	}
	var sorted [maxLiterals]uint16
	for symbol, n := range lengths {
		if n > 0 {
			sorted[at[n]] = uint16(symbol)
			at[n]++
		}
	}
	return fillTable(table, width, &count, sorted[:used], symbols)
}

// incomplete makes the table of a code of one symbol or none.
func incomplete(table []uint32, used, short int, lengths []uint8, symbols []uint32) bool {
	if used > 1 || used != short {
		return false
	}
	entry := uint32(0)
	for symbol, n := range lengths {
		if n > 0 && symbols[symbol] != 0 {
			entry = symbols[symbol] | 1
		}
	}
	for i := range table {
		table[i] = 0
		if i&1 == 0 {
			table[i] = entry
		}
	}
	return true
}

// next returns the code of n bits that follows one, both in reversed order.
func next(code, n uint32) uint32 {
	bit := uint32(1) << (bits.Len32(code^(1<<n-1)) - 1)
	return code&(bit-1) | bit
}

// entry adds the bits of its code to a symbol's entry. A symbol that has no meaning stays no code.
func entry(symbol, n uint32) uint32 {
	if symbol == 0 {
		return 0
	}
	return symbol | n
}

// fillTable writes the entries of a complete code, whose symbols are sorted by length.
func fillTable(table []uint32, width uint32, count *[maxBits + 2]int, sorted []uint16, symbols []uint32) bool {
	n := uint32(1)
	for count[n] == 0 {
		n++
	}
	code, end, i := uint32(0), 1<<n, 0
	for n <= width {
		for range count[n] {
			table[code] = entry(symbols[sorted[i]], n)
			i++
			if code == 1<<n-1 { // the last one
				for ; n < width; n++ {
					copy(table[end:2*end], table[:end])
					end *= 2
				}
				return true
			}
			code = next(code, n)
		}
		for n++; n <= width; n++ {
			copy(table[end:2*end], table[:end])
			end *= 2
			if count[n] != 0 {
				break
			}
		}
	}
	for count[n] == 0 {
		n++
	}
	return fillLong(table, width, count, sorted[i:], symbols, code, n)
}

// fillLong writes the tables for the codes that are longer than width, from one of n bits on.
func fillLong(table []uint32, width uint32, count *[maxBits + 2]int, sorted []uint16, symbols []uint32, code, n uint32) bool {
	start, end, prefix := 0, 1<<width, -1
	left := count[n]
	for _, symbol := range sorted {
		for left == 0 {
			n++
			left = count[n]
		}
		if p := int(code & (1<<width - 1)); p != prefix {
			prefix, start = p, end
			wide, space := n-width, left
			for space < 1<<wide {
				wide++
				space = space<<1 + count[width+wide]
			}
			end = start + 1<<wide
			table[prefix] = isTable | uint32(start)<<16 | wide
		}
		e := entry(symbols[symbol], n-width)
		for at := start + int(code>>width); at < end; at += 1 << (n - width) {
			table[at] = e
		}
		if code == 1<<n-1 {
			return true
		}
		code = next(code, n)
		left--
	}
	return false
}

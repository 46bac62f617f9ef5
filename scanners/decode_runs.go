package scanners

import (
	"bytes"
	"encoding/binary"
)

// The classes of bytes in runs.
const (
	inBase64 = 1 << iota // either alphabet
	inHex
	isSpecial // of base64: what may as well stand between it and other text
)

var runClass = func() (t [256]byte) {
	for c := range t {
		if b := byte(c); url(b) || b == '+' || b == '/' {
			t[c] |= inBase64
			if !alnum(b) {
				t[c] |= isSpecial
			}
			if b >= '0' && b <= '9' || b|0x20 >= 'a' && b|0x20 <= 'f' {
				t[c] |= inHex
			}
		}
	}
	return t
}()

// digits are the values of base64's characters (both alphabets), and above them those of hexadecimal digits.
var base64Digit, hexDigit = func() (six, four [256]byte) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for i := range len(alphabet) {
		six[alphabet[i]] = byte(i)
	}
	six['-'], six['_'] = six['+'], six['/']
	const digits = "0123456789abcdef"
	for i := range len(digits) {
		four[digits[i]] = byte(i)
		if i > 9 {
			four[digits[i]-0x20] = byte(i)
		}
	}
	return six, four
}()

const runMin = 16 // characters: 12 bytes in base64, 8 in hexadecimal

// A run is a stretch of base64's characters, over several lines where it is wrapped.
type run64 struct {
	start, end int
	size       int  // characters, without the white space between lines
	phases     byte // a bit for each of the four phases in which base64 may begin
	hex        bool // there are 16 hexadecimal digits in a row
	onlyHex    bool
	several    bool // lines, which may as well be texts of their own
	short      int  // where the line before the last one ends, if the last one is short: it may be the word EOF
}

// runs looks into base64 and hexadecimal. It goes by words of eight bytes: a run of sixteen characters has one to
// itself, and most words of a text hold a space, a quote or a bracket and are passed at once.
func (s *scan) runs(dst []Match, b []byte, depth int, whole bool) []Match {
	passed := 0
	for i := 0; i+8 <= len(b); {
		if inRun(binary.LittleEndian.Uint64(b[i:])) != tops || !longEnough(b, i) {
			i += 8
			continue
		}
		start := i
		for start > passed && runClass[b[start-1]] != 0 {
			start--
		}
		r := findRun(b, start, whole)
		if r.size >= runMin {
			dst = s.run(dst, b, r, depth)
		}
		passed = max(r.end, start)
		i = max(i+8, passed&^7)
	}
	return dst
}

// findRun returns the run that begins at start.
func findRun(b []byte, start int, whole bool) run64 {
	if start > 0 && start < len(b) && b[start-1] == '\\' && alnum(b[start]) {
		start++ // the letter of an escape
	}
	r := run64{start: start, phases: 1, onlyHex: true}
	if start == 0 && !whole {
		r.phases = 0xf
	}
	for i := start; ; {
		line := i
		i = r.line(b, i)
		next := wrapped(b, i)
		if next == 0 || i-line < runMin {
			if i-line >= runMin || !r.several {
				r.short = 0
			}
			return r
		}
		i = next
		r.phases |= 1 << (r.size & 3)
		r.several, r.short = true, r.end
	}
}

// line adds the line that begins at i, and returns where it ends.
func (r *run64) line(b []byte, i int) int {
	start := i
	every, some := byte(inHex), byte(0)
	for i < len(b) && runClass[b[i]] != 0 {
		every &= runClass[b[i]]
		some |= runClass[b[i]]
		i++
	}
	r.onlyHex = r.onlyHex && every != 0
	r.hex = r.hex || hexRun(b[start:i])
	if some&isSpecial != 0 {
		r.phases |= specialPhases(b[start:i], r.size)
	}
	r.size += i - start
	r.end = i
	return i
}

// hexRun says whether there are runMin hexadecimal digits in a row, by looking at every sixteenth character first.
func hexRun(b []byte) bool {
	for last := runMin - 1; last < len(b); {
		i := last
		for i > last-runMin && runClass[b[i]]&inHex != 0 {
			i--
		}
		if i == last-runMin {
			return true
		}
		last = i + runMin
	}
	return false
}

// specialPhases returns the phases that begin behind a special character of a line, before which there are n others.
func specialPhases(line []byte, n int) (phases byte) {
	for i, c := range line {
		if runClass[c]&isSpecial != 0 {
			phases |= 1 << ((n + i + 1) & 3)
		}
	}
	return phases
}

// wrapped returns where a run goes on that ends at i with its line, or 0.
func wrapped(b []byte, i int) int {
	if i < len(b) && b[i] == '\r' {
		i++
	}
	if i >= len(b) || b[i] != '\n' {
		return 0
	}
	i++
	for i < len(b) && (b[i] == ' ' || b[i] == '\t') {
		i++
	}
	if i < len(b) && runClass[b[i]] != 0 {
		return i
	}
	return 0
}

// run looks into one run.
func (s *scan) run(dst []Match, b []byte, r run64, depth int) []Match {
	if r.hex {
		dst = s.hex(dst, b, r, depth)
		if r.onlyHex {
			return dst
		}
	}
	if r.size*3/4 < s.m.shortest {
		return dst
	}
	for phase := range 4 {
		if r.phases>>phase&1 != 0 {
			dst = s.base64(dst, b, skipChars(b, r.start, r.end, phase), r.end, depth)
		}
	}
	if r.size >= packedMin {
		dst = s.packed(dst, b, r, depth)
	}
	if r.short > 0 {
		dst = s.base64(dst, b, r.start, r.short, depth)
	}
	for start := r.start; r.several && start < r.end; {
		end := start
		for end < r.end && runClass[b[end]] != 0 {
			end++
		}
		dst = s.base64(dst, b, start, end, depth)
		for start = end; start < r.end && runClass[b[start]] == 0; {
			start++
		}
	}
	return dst
}

const packedMin = 40 // characters: 30 bytes, of which gzip alone takes 18

// packed looks into containers in base64 that begin within a run, behind a part of a path or another line.
func (s *scan) packed(dst []Match, b []byte, r run64, depth int) []Match {
	for _, head := range []string{"H4sI", "UEsD", "Qlpo"} { // gzip, zip, bzip2
		for i := r.start + 1; i < r.end; {
			n := bytes.Index(b[i:r.end], []byte(head))
			if n < 0 {
				break
			}
			dst = s.base64(dst, b, i+n, r.end, depth)
			i += n + 1
		}
	}
	return dst
}

// base64 looks into b[start:end] as one text in base64.
func (s *scan) base64(dst []Match, b []byte, start, end, depth int) []Match {
	if s.decoded > s.bound {
		return dst // inner has said so
	}
	decoded := decode64(s.buffer(depth), b[start:end])
	s.keep(depth, decoded)
	return s.inner(dst, b, decoded, region{EncBase64, start, end, base64Walk}, depth)
}

// skipChars returns where the run's n-th character is.
func skipChars(b []byte, i, end, n int) int {
	for ; i < end && n > 0; i++ {
		if runClass[b[i]] != 0 {
			n--
		}
	}
	for i < end && runClass[b[i]] == 0 {
		i++
	}
	return i
}

// decode64 appends what a run decodes to; what is left of the last group is decoded as far as it gives whole bytes.
func decode64(dst, run []byte) []byte {
	for len(run) >= 4 {
		a, b, c, d := run[0], run[1], run[2], run[3]
		if runClass[a]&runClass[b]&runClass[c]&runClass[d]&inBase64 == 0 {
			break
		}
		v := uint32(base64Digit[a])<<18 | uint32(base64Digit[b])<<12 | uint32(base64Digit[c])<<6 | uint32(base64Digit[d])
		dst = append(dst, byte(v>>16), byte(v>>8), byte(v)) //nolint:gosec // the bytes of 24 bits
		run = run[4:]
	}
	var v uint32
	var n uint
	for i, c := range run {
		if runClass[c] == 0 {
			continue
		}
		v, n = v<<6|uint32(base64Digit[c]), n+6
		if n >= 8 {
			n -= 8
			dst = append(dst, byte(v>>n)) //nolint:gosec // the low byte is meant
		}
		if n == 0 && len(run)-i > 4 {
			return decode64(dst, run[i+1:]) // behind the end of the line
		}
	}
	return dst
}

// base64Walk goes by groups of four characters.
func base64Walk(b []byte, i int) (next, size int) {
	next = i
	n := 0
	for next < len(b) && n < 4 {
		if runClass[b[next]] != 0 {
			n++
		}
		next++
	}
	return next, n * 6 / 8
}

// hex looks into the hexadecimal parts of a run.
func (s *scan) hex(dst []Match, b []byte, r run64, depth int) []Match {
	for i := r.start; i < r.end; {
		if runClass[b[i]]&inHex == 0 {
			i++
			continue
		}
		start, size := i, 0
		for i < r.end && (runClass[b[i]]&inHex != 0 || runClass[b[i]] == 0) {
			if runClass[b[i]] != 0 {
				size++
			}
			i++
		}
		if size < runMin {
			continue
		}
		phases := 1
		if size%2 == 1 || start == 0 {
			phases = 2
		}
		for phase := range phases {
			from := skipChars(b, start, i, phase)
			decoded := decodeHex(s.buffer(depth), b[from:i])
			s.keep(depth, decoded)
			dst = s.inner(dst, b, decoded, region{EncHex, from, i, hexWalk}, depth)
		}
	}
	return dst
}

func decodeHex(dst, digits []byte) []byte {
	var v byte
	odd := false
	for _, c := range digits {
		if runClass[c] == 0 {
			continue
		}
		v = v<<4 | hexDigit[c]
		if odd {
			dst = append(dst, v)
		}
		odd = !odd
	}
	return dst
}

func hexWalk(b []byte, i int) (next, size int) {
	next = i
	n := 0
	for next < len(b) && n < 2 {
		if runClass[b[next]] != 0 {
			n++
		}
		next++
	}
	return next, n / 2
}

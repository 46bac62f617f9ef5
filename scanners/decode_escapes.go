package scanners

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// step decodes what begins with the mark at b[i]: it appends to dst and returns where it ends; without an escape there
// it returns i.
type step func(dst, b []byte, i int) ([]byte, int)

// escapes looks into what has escapes that begin with a mark: the stretch around them in which a key could touch one.
func (s *scan) escapes(dst []Match, b []byte, depth int, mark byte, encoding Encoding, step step) []Match {
	reach := s.m.longest + 1
	none := s.tiny[:0]
	done := 0
	for i := 0; ; {
		n := bytes.IndexByte(b[i:], mark)
		if n < 0 {
			return dst
		}
		i += n
		_, end := step(none, b, i)
		if end == i {
			i++
			continue
		}
		start := max(done, i-reach)
		for i = end; ; { // as long as the next escape is near
			n := bytes.IndexByte(b[i:min(len(b), i+2*reach)], mark)
			if n < 0 {
				break
			}
			i += n
			if _, next := step(none, b, i); next > i {
				i, end = next, next
			} else {
				i++
			}
			if i-end > 2*reach {
				break
			}
		}
		done = min(len(b), end+reach)
		decoded := s.buffer(depth)
		for at := start; at < done; {
			n := bytes.IndexByte(b[at:done], mark)
			if n < 0 {
				decoded = append(decoded, b[at:done]...)
				break
			}
			decoded = append(decoded, b[at:at+n]...)
			at += n
			var next int
			if decoded, next = step(decoded, b[:done], at); next == at {
				decoded = append(decoded, mark)
				next++
			}
			at = next
		}
		s.keep(depth, decoded)
		walk := walkOf(mark)
		dst = s.inner(dst, b, decoded, region{encoding, start, done, walk}, depth)
		i = max(i, end)
	}
}

func walkOf(mark byte) walk {
	switch mark {
	case '%':
		return percentWalk
	case '&':
		return htmlWalk
	case '"':
		return doubleWalk
	case '\'':
		return singleWalk
	}
	return escapeWalk
}

func doubleWalk(b []byte, i int) (next, size int)  { return stepWalk(b, i, '"', joinStep) }
func singleWalk(b []byte, i int) (next, size int)  { return stepWalk(b, i, '\'', joinStep) }
func escapeWalk(b []byte, i int) (next, size int)  { return stepWalk(b, i, '\\', escapeStep) }
func percentWalk(b []byte, i int) (next, size int) { return stepWalk(b, i, '%', percentStep) }
func htmlWalk(b []byte, i int) (next, size int)    { return stepWalk(b, i, '&', htmlStep) }

func stepWalk(b []byte, i int, mark byte, step step) (next, size int) {
	if i >= len(b) {
		return i, 0
	}
	if b[i] == mark {
		if decoded, next := step(nil, b, i); next > i {
			return next, len(decoded)
		}
	}
	return i + 1, 1
}

// percentStep decodes %41.
func percentStep(dst, b []byte, i int) (decoded []byte, end int) {
	if v, ok := hexNumber(b, i+1, 2); ok {
		return append(dst, byte(v)), i + 3 //nolint:gosec // two digits
	}
	return dst, i
}

// hexNumber reads n hexadecimal digits.
func hexNumber(b []byte, i, n int) (v rune, ok bool) {
	if i+n > len(b) {
		return 0, false
	}
	for _, c := range b[i : i+n] {
		if runClass[c]&inHex == 0 {
			return 0, false
		}
		v = v<<4 | rune(hexDigit[c])
	}
	return v, true
}

var simpleEscapes = map[byte]byte{
	'n': '\n', 't': '\t', 'r': '\r', 'b': '\b', 'f': '\f', 'v': '\v', 'a': '\a', 'e': 0x1b,
	'"': '"', '\'': '\'', '\\': '\\', '/': '/', '`': '`', '$': '$',
}

var simpleEscape = func() (t [256]byte) {
	for c, v := range simpleEscapes {
		t[c] = v
	}
	return t
}()

// escapeStep decodes \n, \", \x41, \u0041 (a pair of surrogates too), \u{41}, \U00000041 and \101, and takes out
// a line's end behind a backslash with the next line's indent, as YAML does within quotes (YAML 1.2 §7.3.1).
func escapeStep(dst, b []byte, i int) (decoded []byte, end int) {
	if i+1 >= len(b) {
		return dst, i
	}
	switch c := b[i+1]; c {
	case '\n', '\r':
		return dst, lineEnd(b, i)
	case 'x', 'U':
		return numberStep(dst, b, i)
	case 'u':
		return unicodeStep(dst, b, i)
	case '0', '1', '2', '3':
		if i+3 < len(b) && b[i+2]&^7 == '0' && b[i+3]&^7 == '0' {
			return append(dst, (c-'0')<<6|(b[i+2]-'0')<<3|(b[i+3]-'0')), i + 4
		}
	default:
		if v := simpleEscape[c]; v != 0 {
			return append(dst, v), i + 2
		}
	}
	return dst, i
}

// lineEnd returns where the next line's text begins, of a line that ends with a backslash at b[i].
func lineEnd(b []byte, i int) int {
	i++
	if b[i] == '\r' {
		i++
	}
	if i == len(b) || b[i] != '\n' {
		return i
	}
	for i++; i < len(b) && (b[i] == ' ' || b[i] == '\t'); {
		i++
	}
	return i
}

// numberStep decodes \x41 and \U00000041.
func numberStep(dst, b []byte, i int) (decoded []byte, end int) {
	if b[i+1] == 'x' {
		if v, ok := hexNumber(b, i+2, 2); ok {
			return append(dst, byte(v)), i + 4 //nolint:gosec // two digits
		}
	} else if v, ok := hexNumber(b, i+2, 8); ok {
		return utf8.AppendRune(dst, v), i + 10
	}
	return dst, i
}

func unicodeStep(dst, b []byte, i int) (decoded []byte, end int) {
	if v, ok := hexNumber(b, i+2, 4); ok {
		if utf16.IsSurrogate(v) && i+7 < len(b) && b[i+6] == '\\' && b[i+7] == 'u' {
			if low, ok := hexNumber(b, i+8, 4); ok && utf16.DecodeRune(v, low) != utf8.RuneError {
				return utf8.AppendRune(dst, utf16.DecodeRune(v, low)), i + 12
			}
		}
		return utf8.AppendRune(dst, v), i + 6
	}
	if i+2 < len(b) && b[i+2] == '{' {
		n := bytes.IndexByte(b[i+3:min(len(b), i+10)], '}')
		if n > 0 {
			if v, ok := hexNumber(b, i+3, n); ok {
				return utf8.AppendRune(dst, v), i + 4 + n
			}
		}
	}
	return dst, i
}

var references = []struct {
	name string
	char byte
}{{"amp;", '&'}, {"lt;", '<'}, {"gt;", '>'}, {"quot;", '"'}, {"apos;", '\''}}

// htmlStep decodes &amp; &#65; and &#x41;.
func htmlStep(dst, b []byte, i int) (decoded []byte, end int) {
	rest := b[i+1 : min(len(b), i+12)]
	for _, r := range references {
		if bytes.HasPrefix(rest, []byte(r.name)) {
			return append(dst, r.char), i + 1 + len(r.name)
		}
	}
	n := bytes.IndexByte(rest, ';')
	if n < 2 || rest[0] != '#' {
		return dst, i
	}
	digits := rest[1:n]
	var v rune
	if digits[0]|0x20 == 'x' {
		var ok bool
		if v, ok = hexNumber(digits, 1, len(digits)-1); !ok || len(digits) < 2 || len(digits) > 7 {
			return dst, i
		}
	} else {
		for _, c := range digits {
			if c < '0' || c > '9' || len(digits) > 7 {
				return dst, i
			}
			v = v*10 + rune(c-'0')
		}
	}
	return utf8.AppendRune(dst, v), i + 2 + n
}

// joinStep takes out what is between two string literals that are joined: white space, and a sign of joining, which
// is + in most languages, and . or .. or & or nothing in others.
func joinStep(dst, b []byte, i int) (decoded []byte, end int) {
	const far = 200 // bytes of white space
	for at := i + 1; at < min(len(b), i+far); at++ {
		switch b[at] {
		case ' ', '\t', '\r', '\n', '+', '.', '&', '\\', '_':
		case '"', '\'':
			return dst, at + 1
		default:
			return dst, i
		}
	}
	return dst, i
}

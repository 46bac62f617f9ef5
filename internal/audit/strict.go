package audit

import (
	"bytes"
	"strconv"
	"strings"
)

// strict tells whether raw is canonical without building its values: what verifying a million entries is mostly made of.
// It knows the common part of the form: objects whose keys are ASCII and sorted, whole numbers, strings, true, false, null.
// yes means canonical for certain; otherwise only Canonicalize can tell. seq is the value of the outermost key "seq", -1
// where there is none.
func strict(raw []byte) (seq int64, yes bool) {
	s := scan{raw: raw, seq: -1}
	if len(raw) == 0 || raw[0] != '{' || !s.value(0) || s.at != len(raw) {
		return -1, false
	}
	return s.seq, true
}

// maxDepth bounds how deep strict follows; encoding/json goes to 10,000.
const maxDepth = 64

type scan struct {
	raw []byte
	at  int
	seq int64
}

func (s *scan) next() byte {
	if s.at < len(s.raw) {
		return s.raw[s.at]
	}
	return 0
}

func (s *scan) eat(c byte) bool {
	if s.next() != c || c == 0 {
		return false
	}
	s.at++
	return true
}

func (s *scan) word(w string) bool {
	if !bytes.HasPrefix(s.raw[s.at:], []byte(w)) {
		return false
	}
	s.at += len(w)
	return true
}

func (s *scan) value(depth int) bool {
	if depth > maxDepth {
		return false
	}
	switch c := s.next(); c {
	case '{':
		return s.object(depth)
	case '[':
		return s.array(depth)
	case '"':
		_, plain := s.text()
		return plain
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	default:
		_, ok := s.whole()
		return ok
	}
}

func (s *scan) array(depth int) bool {
	s.at++
	if s.eat(']') {
		return true
	}
	for s.value(depth + 1) {
		if s.eat(']') {
			return true
		}
		if !s.eat(',') {
			return false
		}
	}
	return false
}

func (s *scan) object(depth int) bool {
	s.at++
	if s.eat('}') {
		return true
	}
	var before []byte
	for first := true; ; first = false {
		key, ok := s.text()
		// Escapes and characters above ASCII sort by what they stand for: those are left to the slow way.
		if !ok || !plainKey(key) || !first && bytes.Compare(before, key) >= 0 || !s.eat(':') {
			return false
		}
		before = key
		if depth == 0 && string(key) == "seq" {
			from := *s
			if n, ok := from.whole(); ok {
				s.seq = n
			}
		}
		if !s.value(depth + 1) {
			return false
		}
		if s.eat('}') {
			return true
		}
		if !s.eat(',') {
			return false
		}
	}
}

func plainKey(key []byte) bool {
	for _, c := range key {
		if c >= 0x80 || c == '\\' {
			return false
		}
	}
	return true
}

// text reads a string as RFC 8785 writes it: only what has to be escaped is, in the shortest way.
func (s *scan) text() (inner []byte, ok bool) {
	if !s.eat('"') {
		return nil, false
	}
	from, ascii := s.at, true
	for s.at < len(s.raw) {
		switch c := s.raw[s.at]; {
		case c == '"':
			inner = s.raw[from:s.at]
			s.at++
			return inner, ascii || bytes.Equal(bytes.ToValidUTF8(inner, nil), inner)
		case c == '\\':
			if !s.escape() {
				return nil, false
			}
		case c < 0x20:
			return nil, false
		default:
			ascii = ascii && c < 0x80
			s.at++
		}
	}
	return nil, false
}

func (s *scan) escape() bool {
	s.at++
	switch c := s.next(); c {
	case '"', '\\', 'b', 't', 'n', 'f', 'r':
		s.at++
		return true
	case 'u':
		// Control characters without a short escape alone, with lower-case digits.
		if s.at+5 > len(s.raw) {
			return false
		}
		hex := s.raw[s.at+1 : s.at+5]
		n, err := strconv.ParseUint(string(hex), 16, 8)
		if err != nil || n >= 0x20 || strings.IndexByte("\b\t\n\f\r", byte(n)) >= 0 || !bytes.Equal(hex, bytes.ToLower(hex)) {
			return false
		}
		s.at += 5
		return true
	}
	return false
}

// whole reads a whole number of at most 18 digits.
func (s *scan) whole() (n int64, ok bool) {
	negative := s.eat('-')
	from := s.at
	for c := s.next(); c >= '0' && c <= '9'; c = s.next() {
		n = n*10 + int64(c-'0')
		s.at++
	}
	digits := s.at - from
	if digits == 0 || digits > 18 || digits > 1 && s.raw[from] == '0' || negative && n == 0 {
		return 0, false
	}
	if c := s.next(); c == '.' || c == 'e' || c == 'E' {
		return 0, false
	}
	if negative {
		n = -n
	}
	return n, true
}

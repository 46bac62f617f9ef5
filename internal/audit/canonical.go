package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"unicode/utf16"

	"golang.org/x/mod/sumdb/tlog"
)

// Canonical returns the entry as canonical JSON (RFC 8785): the bytes that are
// kept, hashed and published. The time is written in UTC as RFC 3339 with as
// many digits of the second as it has. An entry whose Data is no JSON, or
// holds a number that would not survive, is an error.
func (e Entry) Canonical() ([]byte, error) {
	if raw, ok := e.encode(); ok {
		return raw, nil
	}
	return e.canonical()
}

// canonical is Canonical by way of encoding/json: slower, and for every entry.
func (e Entry) canonical() ([]byte, error) {
	e.At = e.At.UTC()
	raw, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode audit entry %d: %w", e.Seq, err)
	}
	out, err := Canonicalize(raw)
	if err != nil {
		return nil, fmt.Errorf("audit entry %d: %w", e.Seq, err)
	}
	return out, nil
}

// Hash returns the leaf hash of an entry's canonical bytes in the log's tree
// (RFC 6962, section 2.1).
func Hash(canonical []byte) tlog.Hash { return tlog.RecordHash(canonical) }

// Canonicalize rewrites one JSON value as RFC 8785 has it: keys sorted by
// their UTF-16 code units, no space between tokens, strings with the shortest
// escapes, numbers as ECMAScript writes them. It differs in one thing: whole
// numbers are kept exactly over the range of int64, since GitHub's ids are
// such numbers, and other numbers of 2^53 and more are an error, never rounded.
// It may be called concurrently.
func Canonicalize(raw []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("decode JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("decode JSON: more than one value")
	}
	return appendValue(nil, v)
}

func appendValue(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case bool:
		return strconv.AppendBool(b, v), nil
	case string:
		return appendString(b, v), nil
	case json.Number:
		return appendNumber(b, v)
	case []any:
		return appendArray(b, v)
	case map[string]any:
		return appendObject(b, v)
	}
	return nil, fmt.Errorf("no JSON value: %T", v)
}

func appendArray(b []byte, list []any) (_ []byte, err error) {
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendValue(b, v); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

func appendObject(b []byte, m map[string]any) (_ []byte, err error) {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	// Section 3.2.3: by UTF-16 code units, which is not the order of UTF-8 above U+FFFF.
	slices.SortFunc(keys, func(a, b string) int {
		return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
	})
	b = append(b, '{')
	for i, k := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, k), ':')
		if b, err = appendValue(b, m[k]); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// appendString writes a string by section 3.2.2.2: only what must be escaped is.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\b':
			b = append(b, '\\', 'b')
		case '\t':
			b = append(b, '\\', 't')
		case '\n':
			b = append(b, '\\', 'n')
		case '\f':
			b = append(b, '\\', 'f')
		case '\r':
			b = append(b, '\\', 'r')
		default:
			if c < 0x20 {
				b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
			} else {
				b = append(b, c)
			}
		}
	}
	return append(b, '"')
}

func appendNumber(b []byte, n json.Number) ([]byte, error) {
	if i, err := strconv.ParseInt(n.String(), 10, 64); err == nil {
		return strconv.AppendInt(b, i, 10), nil
	}
	f, err := strconv.ParseFloat(n.String(), 64)
	if err != nil {
		return nil, fmt.Errorf("number %s is out of range", n)
	}
	if math.Abs(f) >= 1<<53 {
		return nil, fmt.Errorf("number %s is too large to be exact", n)
	}
	// encoding/json writes a float64 as ECMAScript does, which is what section 3.2.2.3 asks for.
	out, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("write number %s: %w", n, err)
	}
	if bytes.Equal(out, []byte("-0")) {
		out = []byte("0")
	}
	return append(b, out...), nil
}

package scanners

import (
	"bytes"
	"encoding/base64"
	"strings"
	"sync"
)

// The kinds that are more than a prefix and a run of characters.
const (
	jwtKind = "jwt"
	pemKind = "private-key"
)

// Find returns the places in text that have the shape of a credential, in
// order and without overlaps. It takes any bytes, in time linear in their number, and
// may be called concurrently. Text in another encoding (base64, UTF-16) is not decoded.
func Find(text []byte) []Hit {
	byFirst := index()
	var hits []Hit
	for i := 0; i < len(text); {
		h, ok := at(text, i, byFirst[text[i]])
		if !ok {
			i++
			continue
		}
		hits = append(hits, h)
		i = h.End
	}
	return hits
}

// Redact replaces each credential in s by its kind: "[redacted github-token]".
// No credential that Find knows is left, and redacting again changes nothing.
func Redact(s string) string {
	for {
		hits := Find([]byte(s))
		if len(hits) == 0 {
			return s
		}
		var b strings.Builder
		from := 0
		for _, h := range hits {
			b.WriteString(s[from:h.Start])
			b.WriteString("[redacted " + h.Kind + "]")
			from = h.End
		}
		b.WriteString(s[from:])
		// Once more: what was glued to a credential may have a shape only now.
		s = b.String()
	}
}

// index groups the shapes by their first byte. It is made once and then only read.
var index = sync.OnceValue(func() *[256][]shape {
	var byFirst [256][]shape
	for _, s := range shapes() {
		byFirst[s.prefix[0]] = append(byFirst[s.prefix[0]], s)
	}
	return &byFirst
})

// at recognises a credential that begins at text[i].
func at(text []byte, i int, shapes []shape) (Hit, bool) {
	for k := range shapes {
		s := &shapes[k]
		if i+1 < len(text) && s.prefix[1] != text[i+1] {
			continue // most of the time
		}
		if end := s.match(text, i); end > 0 {
			return Hit{s.kind, i, end}, true
		}
	}
	switch text[i] {
	case 'e':
		if end := jwt(text, i); end > 0 {
			return Hit{jwtKind, i, end}, true
		}
	case '-':
		if end := pem(text, i); end > 0 {
			return Hit{pemKind, i, end}, true
		}
	}
	return Hit{}, false
}

// match returns where the credential that begins at text[i] ends, or 0. Runs
// that are too short are all that is looked at in vain, so many beginnings in one run
// of text still add up to linear time.
func (s *shape) match(text []byte, i int) int {
	start := i + len(s.prefix)
	if start > len(text) || string(text[i:start]) != s.prefix || s.apart && i > 0 && word(text[i-1]) {
		return 0
	}
	end := s.run(text, start)
	longer := end < len(text) && word(text[end])
	if end-start < s.least || s.fixed && longer {
		return 0
	}
	return end
}

// run returns where the credential's run that begins at text[i] ends.
func (s *shape) run(text []byte, i int) int {
	most := len(text)
	if s.fixed {
		most = min(most, i+s.least)
	}
	end := i
	for end < most && s.body(text[end]) {
		end++
	}
	// A full stop ends the sentence rather than the credential.
	for end > i && text[end-1] == '.' {
		end--
	}
	return end
}

// jwt recognises a JSON Web Token, signed (three parts) or encrypted (five),
// by a first part that is a JSON object in base64url with an "alg". A dot or a
// beginning of text stands before it, or whatever is no base64url. RFC 7519.
func jwt(text []byte, i int) int {
	if !bytes.HasPrefix(text[i:], []byte("eyJ")) || i > 0 && url(text[i-1]) {
		return 0
	}
	header := run(text, i)
	end := header
	parts := 1
	for parts < 5 && end < len(text) && text[end] == '.' {
		next := run(text, end+1)
		if next == end+1 && parts > 2 {
			break // a full stop after it
		}
		end = next
		parts++
	}
	if parts < 3 {
		return 0
	}
	decoded, err := base64.RawURLEncoding.DecodeString(string(text[i:header]))
	if err != nil || !bytes.Contains(decoded, []byte(`"alg"`)) {
		return 0
	}
	return end
}

// run returns where the run of base64url characters that begins at text[i] ends.
func run(text []byte, i int) int {
	for i < len(text) && url(text[i]) {
		i++
	}
	return i
}

// pem recognises a private key in PEM or OpenPGP armor, up to its end line; one
// that is cut off runs to the end of the text. RFC 7468, RFC 9580.
func pem(text []byte, i int) int {
	const begin, dashes = "-----BEGIN ", "-----"
	if !bytes.HasPrefix(text[i:], []byte(begin)) {
		return 0
	}
	label := text[i+len(begin) : min(len(text), i+len(begin)+60)]
	n := bytes.Index(label, []byte(dashes))
	if n < 0 {
		return 0
	}
	label = label[:n]
	if name := bytes.TrimSuffix(label, []byte(" BLOCK")); !bytes.HasSuffix(name, []byte("PRIVATE KEY")) {
		return 0
	}
	body := i + len(begin) + n + len(dashes)
	end := []byte("-----END " + string(label) + dashes)
	if n := bytes.Index(text[body:], end); n >= 0 {
		return body + n + len(end)
	}
	return len(text)
}

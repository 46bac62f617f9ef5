package scanners

import (
	"bufio"
	"bytes"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// The bounds of a pepper.
const (
	PepperMin = 32   // bytes: as many as the output of SHA-256 has, as RFC 2104 §3 advises for the key of an HMAC
	pepperMax = 1024 // bytes
	// pepperLetters is how many different bytes a pepper has at least; 32 random bytes in any usual encoding have more
	// but once in millions.
	pepperLetters = 10
	peppersMax    = 16
)

// Pepper is the operator's secret under which values are fingerprinted. It prints as its id alone.
type Pepper struct {
	id     string
	mac    []byte    // keys the HMAC of a value
	seal   []byte    // keys what hides a fingerprint's other parts
	window [3]uint64 // keys the hash of a window
}

// Peppers are the current pepper and, after it, older ones, under which fingerprints were made that are still to be
// found. They may be used concurrently.
type Peppers []Pepper

// NewPepper derives a pepper's keys from its text of 32 to 1,024 bytes. An error never shows the text.
func NewPepper(text []byte) (Pepper, error) {
	if len(text) < PepperMin {
		return Pepper{}, fmt.Errorf("a pepper has at least %d bytes, and this one %d", PepperMin, len(text))
	}
	if len(text) > pepperMax {
		return Pepper{}, fmt.Errorf("a pepper has at most %d bytes, and this one %d", pepperMax, len(text))
	}
	var seen [256]bool
	letters := 0
	for _, c := range text {
		if !seen[c] {
			seen[c] = true
			letters++
		}
	}
	if letters < pepperLetters {
		return Pepper{}, fmt.Errorf("a pepper is random, and this one has only %d different characters", letters)
	}
	return derive(text)
}

// derive makes independent keys of one secret: RFC 5869, with a label for each.
func derive(text []byte) (Pepper, error) {
	prk, err := hkdf.Extract(sha256.New, text, []byte("keyreeve pepper 1"))
	if err != nil {
		return Pepper{}, fmt.Errorf("derive a pepper's keys: %w", err)
	}
	var p Pepper
	var id, window []byte
	for _, k := range []struct {
		to    *[]byte
		label string
		size  int
	}{{&id, "id", 4}, {&p.mac, "mac", 32}, {&p.seal, "seal", 32}, {&window, "window", 24}} {
		if *k.to, err = hkdf.Expand(sha256.New, prk, k.label, k.size); err != nil {
			return Pepper{}, fmt.Errorf("derive a pepper's keys: %w", err)
		}
	}
	p.id = hex.EncodeToString(id)
	for i := range p.window {
		p.window[i] = binary.LittleEndian.Uint64(window[8*i:])
	}
	return p, nil
}

// ID names the pepper in the fingerprints that are made under it: 8 hexadecimal digits, which tell nothing about it.
func (p Pepper) ID() string { return p.id }

// Format implements fmt.Formatter: whatever the verb, only the id is shown.
func (p Pepper) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "pepper "+p.id) }

// LogValue implements slog.LogValuer.
func (p Pepper) LogValue() slog.Value { return slog.StringValue("pepper " + p.id) }

// by returns the pepper of that id.
func (p Peppers) by(id string) (int, bool) {
	for i := range p {
		if p[i].id == id {
			return i, true
		}
	}
	return 0, false
}

// ReadPeppers reads a pepper file: one pepper a line, the current one first and after it the older ones that are still
// accepted. Blank lines and those that begin with # are skipped, as is white space around a pepper. Errors name the
// line and never show it.
func ReadPeppers(r io.Reader) (Peppers, error) {
	lines := bufio.NewScanner(r)
	var all Peppers
	for n := 1; lines.Scan(); n++ {
		text := bytes.TrimSpace(lines.Bytes())
		if len(text) == 0 || text[0] == '#' {
			continue
		}
		p, err := NewPepper(text)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if _, twice := all.by(p.id); twice {
			return nil, fmt.Errorf("line %d: this pepper (%s) is there already", n, p.id)
		}
		if len(all) == peppersMax {
			return nil, fmt.Errorf("line %d: there are more than %d peppers", n, peppersMax)
		}
		all = append(all, p)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read the peppers: %w", err)
	}
	if len(all) == 0 {
		return nil, errors.New("there is no pepper in it")
	}
	return all, nil
}

// GeneratePepper returns a new pepper's text, 256 random bits in base64url, to be kept as a line of the pepper file.
func GeneratePepper() string {
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails: crypto/rand ends the program rather
	return base64.RawURLEncoding.EncodeToString(random)
}

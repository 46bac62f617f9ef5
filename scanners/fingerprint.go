package scanners

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"strings"
)

// The bounds of a value.
const (
	// ValueMin is the least number of bytes that a fingerprinted value has: a shorter one could be guessed by whoever
	// comes to have the pepper, and would be found in texts that have nothing to do with it.
	ValueMin = 8
	// ValueMax is the most that a secret at GitHub has: 48 KB.
	// https://docs.github.com/en/actions/reference/security/secrets
	ValueMax = 48 << 10
	// valueLetters is how many different bytes a value has at least.
	valueLetters = 4
)

const (
	fingerprintVersion = "kr1-"
	windowLen          = 16 // the bytes of a value that are looked for at every place of a text
	shortLen           = 8  // the same for values of fewer than 16 bytes
	macLen             = sha256.Size
	sealedLen          = 17
	checkLen           = 8
)

// multiplier spreads eight bytes of text over 64 bits, of which the upper ones are used. It is no secret: what it
// makes of a value leaves the program only sealed.
const multiplier = 0x9E3779B97F4A7C15

// ErrNoPepper says that values can be neither fingerprinted nor looked for.
var ErrNoPepper = errors.New("there is no pepper")

// mark is a fingerprint's content, as it is sealed under its pepper.
type mark struct {
	mac    [macLen]byte
	size   int    // of the value in bytes
	offset int    // of the window within the value
	first  uint32 // the upper half of the window's first eight bytes times multiplier
	window uint64 // the window's keyed hash
	// indexed says that an index of a text has the window if the value stands in it between separators: the window is
	// the middle of a run that looks secret.
	indexed bool
}

// Fingerprint returns the fingerprint of a value of 8 to 49,152 bytes under the current pepper:
//
//	kr1-<pepper id>:<base64url of mac, sealed, check>
//
// mac is the value's HMAC-SHA256. sealed is what a search needs beside it (the value's length, where in the value its
// window of 16 bytes is, and two hashes of that window), encrypted under the pepper: read in the clear, the hashes
// would let a guess at a weak value be tried without it. check finds what was mistyped. The same value gives
// the same fingerprint. No error shows the value.
func (p Peppers) Fingerprint(value []byte) (string, error) {
	if len(p) == 0 {
		return "", ErrNoPepper
	}
	if err := guessable(value); err != nil {
		return "", err
	}
	pepper := p[0]
	f := mark{size: len(value), offset: anchor(value)}
	copy(f.mac[:], pepper.sum(pepper.mac, value))
	f.first, f.window = pepper.hashes(value, f.offset)
	f.indexed = indexable(value, f.offset)
	return fingerprintVersion + pepper.id + ":" + base64.RawURLEncoding.EncodeToString(pepper.sealed(f)), nil
}

// guessable says why a value is not worth a fingerprint.
func guessable(value []byte) error {
	if len(value) < ValueMin {
		return fmt.Errorf("the value has %d bytes: one with fewer than %d can be guessed, and is found everywhere", len(value), ValueMin)
	}
	if len(value) > ValueMax {
		return fmt.Errorf("the value has %d bytes, and GitHub keeps secrets of at most %d", len(value), ValueMax)
	}
	seen := map[byte]bool{}
	for _, c := range value {
		seen[c] = true
	}
	if len(seen) < valueLetters {
		return fmt.Errorf("the value has only %d different characters: it can be guessed, and is found everywhere", len(seen))
	}
	return nil
}

// anchor chooses where the window lies: in the middle of the value's last run of letters and digits that is long
// enough. What a value begins with is shared by others (the header of a JSON Web Token, "-----BEGIN"), as is the
// last line of a private key; and within such a run no encoding breaks it.
func anchor(value []byte) int {
	if len(value) < windowLen {
		return 0
	}
	for end := len(value); end > 0; {
		if !runs(value[end-1]) {
			end--
			continue
		}
		start := end
		for start > 0 && runs(value[start-1]) {
			start--
		}
		if end-start >= windowLen {
			return start + (end-start-windowLen)/2
		}
		end = start
	}
	return (len(value) - windowLen) / 2
}

func runs(c byte) bool { return word(c) || c == '+' || c == '/' }

// hashes returns what is looked for first, and what confirms it, of the window at an offset of b.
func (p *Pepper) hashes(b []byte, offset int) (first uint32, window uint64) {
	low := binary.LittleEndian.Uint64(b[offset:])
	if len(b) < windowLen {
		return uint32(low * multiplier >> 32), p.hash(low, 0)
	}
	return uint32(low * multiplier >> 32), p.hash(low, binary.LittleEndian.Uint64(b[offset+8:]))
}

// hash is a keyed 64-bit hash of sixteen bytes: two multiplications folded, as wyhash does it.
func (p *Pepper) hash(low, high uint64) uint64 {
	a, b := bits.Mul64(low^p.window[0], high^p.window[1])
	a, b = bits.Mul64(a^p.window[2], b^p.window[0])
	return a ^ b
}

func (p *Pepper) sum(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, part := range parts {
		_, _ = h.Write(part)
	}
	return h.Sum(nil)
}

// sealed is mac, the other parts encrypted by a pad that the pepper and the mac give, and a check of both. The pad is
// used for one plaintext only, since a mac belongs to one value.
func (p *Pepper) sealed(f mark) []byte {
	out := append(make([]byte, 0, macLen+sealedLen+checkLen), f.mac[:]...)
	out = binary.BigEndian.AppendUint16(out, uint16(f.size))   //nolint:gosec // at most ValueMax, which fits
	out = binary.BigEndian.AppendUint16(out, uint16(f.offset)) //nolint:gosec // less than size
	out = binary.BigEndian.AppendUint32(out, f.first)
	out = binary.BigEndian.AppendUint64(out, f.window)
	var flags byte
	if f.indexed {
		flags = 1
	}
	out = append(out, flags)
	subtle.XORBytes(out[macLen:], out[macLen:], p.sum(p.seal, []byte("pad"), f.mac[:]))
	return append(out, p.sum(p.seal, []byte("check"), out)[:checkLen]...)
}

// open reverses sealed.
func (p *Pepper) open(b []byte) (mark, error) {
	if !hmac.Equal(p.sum(p.seal, []byte("check"), b[:macLen+sealedLen])[:checkLen], b[macLen+sealedLen:]) {
		return mark{}, errors.New("is not as it was made: a character is wrong")
	}
	var f mark
	copy(f.mac[:], b)
	var plain [sealedLen]byte
	subtle.XORBytes(plain[:], b[macLen:macLen+sealedLen], p.sum(p.seal, []byte("pad"), f.mac[:]))
	f.size = int(binary.BigEndian.Uint16(plain[0:]))
	f.offset = int(binary.BigEndian.Uint16(plain[2:]))
	f.first = binary.BigEndian.Uint32(plain[4:])
	f.window = binary.BigEndian.Uint64(plain[8:])
	f.indexed = plain[16]&1 != 0
	if f.size < ValueMin || f.offset+min(windowLen, f.size) > f.size || plain[16] > 1 {
		return mark{}, errors.New("is not one that this version makes")
	}
	return f, nil
}

// FingerprintPepper returns the id of the pepper under which a fingerprint was made, or an error that says what is
// wrong with its form. It needs no pepper, and so can't tell whether the rest is as it was made.
func FingerprintPepper(fingerprint string) (string, error) {
	id, _, err := split(fingerprint)
	return id, err
}

// split takes a fingerprint apart.
func split(fingerprint string) (id string, body []byte, err error) {
	head, tail, _ := strings.Cut(fingerprint, ":")
	id, known := strings.CutPrefix(head, fingerprintVersion)
	if !known || len(id) != 8 || strings.Trim(id, "0123456789abcdef") != "" {
		return "", nil, errors.New("is not one that `keyreeve fingerprint` prints, such a one begins with " + fingerprintVersion)
	}
	body, err = base64.RawURLEncoding.Strict().DecodeString(tail)
	if err != nil || len(body) != macLen+sealedLen+checkLen {
		return "", nil, errors.New("is cut off, or has a character too many")
	}
	return id, body, nil
}

package audit

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint is a tree's head as it is published: how many entries the log of that origin has, and their root. Its form
// is that of https://c2sp.org/tlog-checkpoint.
type Checkpoint struct {
	Origin string // names the log for ever: "keyreeve.example/log", a URL without its scheme
	Size   int64
	Root   tlog.Hash
}

// ErrCheckpoint is returned (wrapped) for a checkpoint that has no valid signature by a key that was named, or is malformed.
var ErrCheckpoint = errors.New("bad checkpoint")

// maxCheckpoint bounds a signed checkpoint. Ours has two or three lines and a signature or two; witnesses add theirs.
const maxCheckpoint = 64 << 10

// String is the checkpoint's text, which is what is signed.
func (c Checkpoint) String() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, base64.StdEncoding.EncodeToString(c.Root[:]))
}

// Sign returns the checkpoint as a signed note (https://c2sp.org/signed-note), with one signature by each signer: two
// while a key is rotated, so that whoever knows either can verify it. An origin that is no key's name is an error.
func (c Checkpoint) Sign(signers ...note.Signer) ([]byte, error) {
	for _, s := range signers {
		if s.Name() != c.Origin {
			return nil, fmt.Errorf("sign a checkpoint of %s: the key is of %s", c.Origin, s.Name())
		}
	}
	if len(signers) == 0 {
		return nil, fmt.Errorf("sign a checkpoint of %s: no key", c.Origin)
	}
	signed, err := note.Sign(&note.Note{Text: c.String()}, signers...)
	if err != nil {
		return nil, fmt.Errorf("sign a checkpoint of %s: %w", c.Origin, err)
	}
	return signed, nil
}

// OpenCheckpoint reads a signed checkpoint that at least one of the keys has signed; each key is a verifier key as
// `keyreeve audit key` prints it ("name+hash+base64"), and the checkpoint has to be of the log that the key is named for.
// Anything else is ErrCheckpoint. Lines after the root are let be, as the format says.
func OpenCheckpoint(signed []byte, keys ...string) (Checkpoint, error) {
	if len(signed) > maxCheckpoint {
		return Checkpoint{}, fmt.Errorf("%w: it has more than %d bytes", ErrCheckpoint, maxCheckpoint)
	}
	list := make([]note.Verifier, len(keys))
	for i, k := range keys {
		v, err := note.NewVerifier(strings.TrimSpace(k))
		if err != nil {
			return Checkpoint{}, fmt.Errorf("verifier key %d of %d: %w", i+1, len(keys), err)
		}
		list[i] = v
	}
	n, err := note.Open(signed, note.VerifierList(list...))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	c, err := parseCheckpoint(n.Text)
	if err != nil {
		return Checkpoint{}, err
	}
	for _, sig := range n.Sigs {
		if sig.Name == c.Origin {
			return c, nil
		}
	}
	return Checkpoint{}, fmt.Errorf("%w: it is of %q, and no key for that log has signed it", ErrCheckpoint, c.Origin)
}

// UnverifiedCheckpoint reads a signed checkpoint without looking at its signatures: to say what it claims, no more.
func UnverifiedCheckpoint(signed []byte) (Checkpoint, error) {
	text, _, ok := strings.Cut(string(signed), "\n\n")
	if !ok || len(signed) > maxCheckpoint {
		return Checkpoint{}, fmt.Errorf("%w: it is no signed note", ErrCheckpoint)
	}
	return parseCheckpoint(text + "\n")
}

func parseCheckpoint(text string) (Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 4 || lines[0] == "" {
		return Checkpoint{}, fmt.Errorf("%w: it has not the three lines of a tree's head", ErrCheckpoint)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return Checkpoint{}, fmt.Errorf("%w: %q is no size", ErrCheckpoint, lines[1])
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return Checkpoint{}, fmt.Errorf("%w: %q is no root", ErrCheckpoint, lines[2])
	}
	return Checkpoint{Origin: lines[0], Size: size, Root: root}, nil
}

package ledger

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/keyreeve/keyreeve/internal/audit"
)

// Keys are the signing keys of a log, newest first. Every checkpoint is signed by all of them: while there are two, whoever
// knows the old one or the new one can verify it.
type Keys struct {
	Origin  string   // the log's name, which the keys are made for
	Public  []string // verifier keys, in the form of https://c2sp.org/signed-note
	secret  []string // in the file alone; never logged or shown
	signers []note.Signer
}

// keyHead begins a key file.
const keyHead = "# Signing keys of keyreeve's log, newest first. Whoever has them can sign checkpoints: keep this file private.\n"

// String never shows a secret.
func (k Keys) String() string { return strings.Join(k.Public, " ") }

// GoString never shows a secret.
func (k Keys) GoString() string { return k.String() }

// Sign signs a checkpoint of the log with every key.
func (k Keys) Sign(c audit.Checkpoint) ([]byte, error) { return c.Sign(k.signers...) }

// NewKeys makes a first key for the log named origin. random is crypto/rand's Reader, or a test's.
func NewKeys(random io.Reader, origin string) (Keys, error) {
	return Keys{Origin: origin}.Rotated(random)
}

// Rotated returns the keys with a new one before them, so that checkpoints are signed by one more. Whoever verifies them
// is to be given the new verifier key before Retired takes the old one away.
func (k Keys) Rotated(random io.Reader) (Keys, error) {
	if !validOrigin(k.Origin) {
		return Keys{}, fmt.Errorf("%q is no name of a log: a URL without its scheme, of printable characters but space and +", k.Origin)
	}
	secret, _, err := note.GenerateKey(random, k.Origin)
	if err != nil {
		return Keys{}, fmt.Errorf("make a key for %s: %w", k.Origin, err)
	}
	return parseKeys(append([]string{secret}, k.secret...))
}

// Retired returns the newest key alone.
func (k Keys) Retired() (Keys, error) { return parseKeys(k.secret[:1]) }

func validOrigin(s string) bool {
	return s != "" && len(s) <= 255 && strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r == '+' || r > '~' }) < 0
}

func parseKeys(secrets []string) (Keys, error) {
	var k Keys
	for i, secret := range secrets {
		// What note says of a key that it can't read does not quote it.
		s, err := note.NewSigner(secret)
		if err != nil {
			return Keys{}, fmt.Errorf("key %d: %w", i+1, err)
		}
		v, err := publicKey(secret)
		if err != nil {
			return Keys{}, fmt.Errorf("key %d: %w", i+1, err)
		}
		if k.Origin == "" {
			k.Origin = s.Name()
		}
		if s.Name() != k.Origin {
			return Keys{}, fmt.Errorf("key %d is of the log %s, and the first one of %s", i+1, s.Name(), k.Origin)
		}
		k.secret, k.Public, k.signers = append(k.secret, secret), append(k.Public, v), append(k.signers, s)
	}
	if len(k.secret) == 0 {
		return Keys{}, errors.New("it holds no key")
	}
	return k, nil
}

// ReadKeys reads a key file. One that others than its owner may read is an error, as is one that is not there (fs.ErrNotExist).
func ReadKeys(path string) (Keys, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Keys{}, fmt.Errorf("read the log's keys: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return Keys{}, fmt.Errorf("read the log's keys: %s can be read by others than its owner: chmod 600 it", path)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return Keys{}, fmt.Errorf("read the log's keys: %w", err)
	}
	var secrets []string
	for line := range strings.Lines(string(raw)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			secrets = append(secrets, line)
		}
	}
	k, err := parseKeys(secrets)
	if err != nil {
		return Keys{}, fmt.Errorf("read the log's keys: %s: %w", path, err)
	}
	return k, nil
}

// Write writes the keys to path, for this user alone, in one step: a crash leaves the old file or the new one.
func (k Keys) Write(path string) error {
	if err := writeFile(path, []byte(keyHead+strings.Join(k.secret, "\n")+"\n")); err != nil {
		return fmt.Errorf("write the log's keys: %w", err)
	}
	return nil
}

// Resign signs the last checkpoint that is kept beside the key file at path anew, so that it verifies once its old keys
// are gone. It has to be signed by one of the old keys; where none is kept, nothing is done.
func (k Keys) Resign(path string, old Keys) error {
	signed, err := os.ReadFile(CheckpointFile(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the last checkpoint: %w", err)
	}
	c, err := audit.OpenCheckpoint(signed, old.Public...)
	if err != nil {
		return fmt.Errorf("sign the last checkpoint anew: %w", err)
	}
	if signed, err = k.Sign(c); err != nil {
		return err
	}
	if err := writeFile(CheckpointFile(path), signed); err != nil {
		return fmt.Errorf("keep the checkpoint: %w", err)
	}
	return nil
}

// EnsureKeys reads the key file, or makes one with a first key for origin where there is none. A file whose keys are of
// another log than origin is an error, unless origin is "".
func EnsureKeys(path, origin string, random io.Reader) (k Keys, made bool, err error) {
	k, err = ReadKeys(path)
	if errors.Is(err, fs.ErrNotExist) {
		if k, err = NewKeys(random, origin); err == nil {
			err = k.Write(path)
		}
		return k, err == nil, err
	}
	if err == nil && origin != "" && k.Origin != origin {
		err = fmt.Errorf("the keys in %s are of the log %s, not of %s: a log that changes its name is another log", path, k.Origin, origin)
	}
	return k, false, err
}

// writeFile writes beside the file, to the disk, and renames.
func writeFile(path string, raw []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // its mode is 0600
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// publicKey makes the verifier key of a signing key. note hands it out only when a key is made.
func publicKey(secret string) (string, error) {
	parts := strings.Split(secret, "+")
	if len(parts) < 5 {
		return "", errors.New("malformed signing key")
	}
	key, err := base64.StdEncoding.DecodeString(strings.Join(parts[4:], "+"))
	if err != nil || len(key) != 33 {
		return "", errors.New("malformed signing key")
	}
	v, err := note.NewEd25519VerifierKey(parts[2], ed25519.PublicKey(ed25519.NewKeyFromSeed(key[1:])[ed25519.SeedSize:]))
	if err != nil {
		return "", errors.New("malformed signing key")
	}
	return v, nil
}

// KeyFile is where the keys of a SQLite database's log are kept when nobody says otherwise: beside it, "keyreeve.db.key".
// url names a database as store.Open takes it; for PostgreSQL it is "".
func KeyFile(url string) string {
	if strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://") {
		return ""
	}
	for _, scheme := range []string{"sqlite://", "sqlite:", "file://", "file:"} {
		url = strings.TrimPrefix(url, scheme)
	}
	return url + ".key"
}

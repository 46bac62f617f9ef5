// Package ledger lets others hold the bot to its log: it signs the log's head, serves the log in the layout of
// https://c2sp.org/tlog-tiles, proves entries, keeps archives, and streams entries to a SIEM. What can be decided on values
// is package audit's; here are the files and the network around it.
package ledger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/keyreeve/keyreeve/internal/audit"
)

// Store is what is read of the log: *store.Store is one.
type Store interface {
	// Root is the log's size and root.
	Root(ctx context.Context) (size int64, root tlog.Hash, err error)
	// Hashes reads stored hashes by index.
	Hashes(ctx context.Context, indexes []int64) ([]tlog.Hash, error)
	// Rows yields the entries from number from up to, and without, number to.
	Rows(ctx context.Context, from, to int64) iter.Seq2[audit.Row, error]
}

// ErrRewound is returned (wrapped) when the log is not the one that was signed before, or that one continued: the database
// was restored from a backup, or written anew. Nothing is signed then, since two heads that contradict each other are what
// a log must never sign.
var ErrRewound = errors.New("the log is not the one that was signed before")

// ErrNoEntry is returned (wrapped) for the number of an entry that is not in the log, or was archived.
var ErrNoEntry = errors.New("no such entry")

// Log is a log with its keys. Its methods may be called concurrently.
type Log struct {
	store Store
	keys  Keys
	state string // the file of the last signed checkpoint

	mu     sync.Mutex
	last   audit.Checkpoint
	signed []byte
}

// Open makes a Log of a store and the key file at path; the checkpoint that was signed last is kept beside it, in
// path.checkpoint. Rotating the keys takes effect when the Log is opened anew.
func Open(s Store, keys Keys, path string) (*Log, error) {
	l := &Log{store: s, keys: keys, state: CheckpointFile(path)}
	return l, l.load()
}

// load reads the checkpoint that was signed last, here or by another process with the same keys.
func (l *Log) load() error {
	signed, err := os.ReadFile(l.state)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the last checkpoint: %w", err)
	}
	c, err := audit.UnverifiedCheckpoint(signed) // the file is as private as the keys themselves
	if err != nil {
		return fmt.Errorf("read the last checkpoint %s: %w", l.state, err)
	}
	if c.Origin != l.keys.Origin {
		return fmt.Errorf("the last checkpoint %s is of the log %s, and the keys of %s", l.state, c.Origin, l.keys.Origin)
	}
	if c != l.last {
		l.last, l.signed = c, nil
	}
	return nil
}

// Key is the newest verifier key, by which the heads are verified.
func (l *Log) Key() string { return l.keys.Public[0] }

// CheckpointFile is where the last checkpoint that was signed is kept, by the key file's path.
func CheckpointFile(keyFile string) string { return keyFile + ".checkpoint" }

// Checkpoint signs the log's head as it is now. The head is kept on the disk before it is returned, and one that does not
// continue it is never signed (ErrRewound): so even a crash lets nobody see two histories.
func (l *Log) Checkpoint(ctx context.Context) ([]byte, audit.Checkpoint, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	size, root, err := l.store.Root(ctx)
	if err != nil {
		return nil, audit.Checkpoint{}, err
	}
	now := audit.Checkpoint{Origin: l.keys.Origin, Size: size, Root: root}
	if l.signed != nil && now == l.last {
		return l.signed, now, nil
	}
	if err := l.load(); err != nil {
		return nil, now, err
	}
	if l.last.Origin != "" {
		if err := l.continues(ctx, now); err != nil {
			return nil, now, err
		}
	}
	signed, err := l.keys.Sign(now)
	if err != nil {
		return nil, now, err
	}
	if err := writeFile(l.state, signed); err != nil {
		return nil, now, fmt.Errorf("keep the checkpoint: %w", err)
	}
	l.last, l.signed = now, signed
	return signed, now, nil
}

// continues checks that now continues the head that was signed last.
func (l *Log) continues(ctx context.Context, now audit.Checkpoint) error {
	var path tlog.TreeProof
	if l.last.Size > 0 && l.last.Size <= now.Size {
		var err error
		if path, err = tlog.ProveTree(now.Size, l.last.Size, Reader(ctx, l.store)); err != nil {
			return fmt.Errorf("prove that the log continues: %w", err)
		}
	}
	if err := audit.Consistent(l.last, now, path); err != nil {
		return fmt.Errorf("%w: %w", ErrRewound, err)
	}
	return nil
}

// Reader reads a store's hashes as tlog does.
func Reader(ctx context.Context, s Store) tlog.HashReader {
	return tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) { return s.Hashes(ctx, at) })
}

// Prove makes the proof of entry n under a signed checkpoint, of which c is the content. An entry that the checkpoint or
// the store does not have is ErrNoEntry.
func Prove(ctx context.Context, s Store, n int64, signed []byte, c audit.Checkpoint) (audit.Proof, error) {
	if n < 0 || n >= c.Size {
		return audit.Proof{}, fmt.Errorf("%w: the checkpoint is of %d entries", ErrNoEntry, c.Size)
	}
	p := audit.Proof{Index: n, Checkpoint: signed}
	for row, err := range s.Rows(ctx, n, n+1) {
		if err != nil {
			return audit.Proof{}, err
		}
		p.Entry = row.Canonical
	}
	if p.Entry == nil {
		return audit.Proof{}, fmt.Errorf("%w: entry %d is in an archive", ErrNoEntry, n)
	}
	var err error
	if p.Path, err = tlog.ProveRecord(c.Size, n, Reader(ctx, s)); err != nil {
		return audit.Proof{}, fmt.Errorf("prove entry %d: %w", n, err)
	}
	return p, nil
}

// ProveConsistency makes the proof that between two signed checkpoints of the store's log nothing was changed. Checkpoints
// that are not consistent give a proof that does not verify, or an error if the store has fewer entries.
func ProveConsistency(ctx context.Context, s Store, earlier, later []byte) (audit.Consistency, error) {
	from, err := audit.UnverifiedCheckpoint(earlier)
	if err != nil {
		return audit.Consistency{}, err
	}
	to, err := audit.UnverifiedCheckpoint(later)
	if err != nil {
		return audit.Consistency{}, err
	}
	var path tlog.TreeProof
	if from.Size > 0 && from.Size <= to.Size {
		if path, err = tlog.ProveTree(to.Size, from.Size, Reader(ctx, s)); err != nil {
			return audit.Consistency{}, fmt.Errorf("prove that %d entries continue %d: %w", to.Size, from.Size, err)
		}
	}
	return audit.NewConsistency(earlier, later, path), nil
}

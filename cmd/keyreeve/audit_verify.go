package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/internal/audit"
	"github.com/keyreeve/keyreeve/internal/ledger"
	"github.com/keyreeve/keyreeve/internal/store"
)

// verifyFlags are the flags of `keyreeve audit verify`.
type verifyFlags struct {
	ledgerLook
	keyFlags

	export, checkpoint string
	archives           []string
}

func newAuditVerify(environ []string) *cobra.Command {
	v := &verifyFlags{ledgerLook: ledgerLook{look{environ: environ}}}
	c := &cobra.Command{
		Use:   "verify",
		Short: "Hash every entry again, and compare with the log's tree and with a signed head",
		Long: `verify reads every column of every table of the log: each entry is canonical, in its place, and
hashes to what is kept beside it and in the log's Merkle tree; each hash of the tree is made of those
below it. With --checkpoint and --key it also holds the log to a head that was signed: a log that was
cut, or written anew with all its hashes, is found by that alone. Take the checkpoint and the key from
where the bot can't reach them. Without them the last head that was signed here is used.

With --export it reads an export or an archive instead, and needs no database.

Exit code 0: the log is whole; 1: something was changed, removed or added, and is named;
2: wrong flags, or a file that can't be read.`,
		Example: `  keyreeve audit verify --data DIR
  keyreeve audit verify --checkpoint head.txt --key 'keyreeve.example/log+0a1b2c3d+AY…'
  keyreeve audit verify --export log.jsonl --checkpoint head.txt --key log.vkey`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return v.run(c) },
	}
	v.flags(c)
	v.flag(c)
	c.Flags().StringVar(&v.export, "export", "", "verify this exported `FILE` instead of a database")
	c.Flags().StringVar(&v.checkpoint, "checkpoint", "", "a `FILE` with a signed head that the log has to agree with")
	c.Flags().StringArrayVar(&v.archives, "archive", nil, "a `FILE` with entries that were archived, in order; may be repeated")
	return c
}

func (v *verifyFlags) run(c *cobra.Command) error {
	if v.export != "" {
		return v.verifyExport(c)
	}
	return v.with(c.Context(), func(s *store.Store) error {
		signed, whence, err := v.head()
		if err != nil {
			return err
		}
		done, err := v.check(c.Context(), s, signed)
		if err != nil {
			return notWhole(err)
		}
		if v.json {
			return v.table(c.OutOrStdout(), "", nil, nil, []any{struct {
				Size     int64  `json:"size"`
				Root     string `json:"root"`
				Archived int64  `json:"archived"`
				Signed   int64  `json:"signed"`
			}{done.Size, done.Root.String(), done.Archived, done.Signed}})
		}
		_, _ = fmt.Fprintf(c.OutOrStdout(), "%d entries, root %s: the log is whole\n", done.Size, done.Root)
		if done.Archived > 0 {
			_, _ = fmt.Fprintf(c.OutOrStdout(), "the first %d were archived, and only their hashes are here: --archive verifies them too\n", done.Archived)
		}
		_, err = fmt.Fprintln(c.OutOrStdout(), vouched(signed, whence, done.Size))
		return err
	})
}

func vouched(signed *audit.Checkpoint, whence string, size int64) string {
	if signed == nil {
		return "no signed head was at hand: that it was not cut, or written anew as a whole, only a checkpoint can tell"
	}
	return fmt.Sprintf("the first %d of %d are those of %s, signed for %s", signed.Size, size, whence, signed.Origin)
}

// head is the signed head that the log is held to, and what it is called; nil where there is none.
func (v *verifyFlags) head() (*audit.Checkpoint, string, error) {
	keys, err := v.keys()
	if err != nil {
		return nil, "", err
	}
	whence := "the checkpoint " + v.checkpoint
	name := v.checkpoint
	if len(keys) == 0 && v.export == "" {
		if keys, err = v.ownKeys(); err != nil {
			return nil, "", &exitError{exitUsage, err}
		}
	}
	if name == "" && v.export == "" && v.keyFile() != "" {
		name, whence = ledger.CheckpointFile(v.keyFile()), "the last head that was signed here"
		if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) || len(keys) == 0 {
			return nil, "", nil
		}
	}
	if name == "" {
		return nil, "", nil
	}
	raw, err := readFlag(name)
	if err != nil {
		return nil, "", err
	}
	if len(keys) == 0 {
		return nil, "", &exitError{exitUsage, errors.New("--checkpoint: who signed it is known by --key")}
	}
	signed, err := audit.OpenCheckpoint(raw, keys...)
	if errors.Is(err, audit.ErrCheckpoint) {
		return nil, "", &exitError{exitFailed, fmt.Errorf("%s: %w", name, err)}
	}
	if err != nil {
		return nil, "", &exitError{exitUsage, err}
	}
	return &signed, whence, nil
}

func (v *verifyFlags) check(ctx context.Context, s *store.Store, signed *audit.Checkpoint) (audit.Checked, error) {
	if len(v.archives) == 0 {
		return s.CheckLog(ctx, signed, nil)
	}
	archived, closeAll, err := openArchives(v.archives)
	if err != nil {
		return audit.Checked{}, err
	}
	defer closeAll()
	return s.CheckLog(ctx, signed, archived)
}

// openArchives yields the rows of archives, one file after the other.
func openArchives(names []string) (rows iter.Seq2[audit.Row, error], closeAll func(), err error) {
	var files []*os.File
	closeAll = func() {
		for _, f := range files {
			_ = f.Close() // it was only read
		}
	}
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			closeAll()
			return nil, nil, &exitError{exitUsage, errors.New(cause(err))}
		}
		files = append(files, f)
	}
	return func(yield func(audit.Row, error) bool) {
		for _, f := range files {
			for x, err := range audit.ReadExport(f) {
				if err != nil {
					err = fmt.Errorf("archive %s: %w", f.Name(), err)
				}
				if !yield(x.Row, err) {
					return
				}
			}
		}
	}, closeAll, nil
}

// notWhole turns what is wrong with a log into the exit code for it.
func notWhole(err error) error {
	if p, ok := errors.AsType[*audit.Problem](err); ok {
		return &exitError{exitFailed, fmt.Errorf("the log does not verify: %w", p)}
	}
	if errors.Is(err, audit.ErrEntry) {
		return &exitError{exitFailed, fmt.Errorf("the log does not verify: %w", err)}
	}
	return err
}

func (v *verifyFlags) verifyExport(c *cobra.Command) error {
	signed, whence, err := v.head()
	if err != nil {
		return err
	}
	f, err := os.Open(v.export)
	if err != nil {
		return &exitError{exitUsage, errors.New(cause(err))}
	}
	defer func() { _ = f.Close() }() // it was only read
	done, err := audit.VerifyExport(audit.ReadExport(f), signed)
	if err != nil {
		return notWhole(err)
	}
	if v.json {
		raw, err := json.Marshal(struct {
			Entries int64 `json:"entries"`
			First   int64 `json:"first"`
			Last    int64 `json:"last"`
			Signed  int64 `json:"signed"`
		}{done.Entries, done.First, done.Last, done.Signed})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.OutOrStdout(), "%s\n", raw)
		return err
	}
	text := fmt.Sprintf("%d entries, %d to %d: each is what its hash says, and in its place\n", done.Entries, done.First, done.Last)
	if signed != nil {
		text += fmt.Sprintf("%d of them are vouched for by %s, signed for %s\n", done.Signed, whence, signed.Origin)
	} else {
		text += "no signed head was given: that nothing was changed together with its hash, only --checkpoint and --key can tell\n"
	}
	_, err = fmt.Fprint(c.OutOrStdout(), text)
	return err
}

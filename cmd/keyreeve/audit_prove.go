package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/internal/audit"
	"github.com/keyreeve/keyreeve/internal/ledger"
	"github.com/keyreeve/keyreeve/internal/store"
)

func newAuditProve(environ []string) *cobra.Command {
	l := &ledgerLook{look{environ: environ}}
	var out, checkpoint string
	c := &cobra.Command{
		Use:   "prove ENTRY",
		Short: "Write a proof that an entry is in the log, which anybody can verify who has the log's key",
		Long: `prove writes a file with the entry, its place, and the hashes that lead from it to a signed head,
in the form of c2sp.org/tlog-proof. Whoever has the log's verifier key needs nothing else: see
` + "`keyreeve audit verify-proof`" + `. The head is signed now, unless --checkpoint gives one.`,
		Example: "  keyreeve audit prove 17 -o entry-17.proof",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			n, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil || n < 0 {
				return &exitError{exitUsage, hint(fmt.Errorf("%q is no entry's number", args[0]), "`keyreeve audit show` lists them")}
			}
			return l.with(c.Context(), func(s *store.Store) error {
				signed, head, err := l.signedHead(c, s, checkpoint)
				if err != nil {
					return err
				}
				p, err := ledger.Prove(c.Context(), s, n, signed, head)
				if errors.Is(err, ledger.ErrNoEntry) {
					return &exitError{exitFailed, fmt.Errorf("entry %d: %w", n, err)}
				}
				if err != nil {
					return err
				}
				return output(c, out, func(w io.Writer) error {
					_, err := io.WriteString(w, p.String())
					return err
				})
			})
		},
	}
	l.dataFlag(c)
	c.Flags().StringVarP(&out, "output", "o", "", "the `FILE` to write; default: print")
	c.Flags().StringVar(&checkpoint, "checkpoint", "", "a `FILE` with a signed head of this log; default: sign it as it is now")
	return c
}

// dataFlag adds --data alone: for commands whose output has a form of its own.
func (l *look) dataFlag(c *cobra.Command) {
	l.flags(c)
	_ = c.Flags().MarkHidden("json") // the flag is there
}

// signedHead reads a signed head, or signs one now.
func (l *ledgerLook) signedHead(c *cobra.Command, s *store.Store, name string) ([]byte, audit.Checkpoint, error) {
	if name == "" {
		return l.sign(c.Context(), s)
	}
	raw, err := readFlag(name)
	if err != nil {
		return nil, audit.Checkpoint{}, err
	}
	head, err := audit.UnverifiedCheckpoint(raw) // whoever verifies the proof verifies it
	if err != nil {
		return nil, head, &exitError{exitUsage, fmt.Errorf("%s: %w", name, err)}
	}
	return raw, head, nil
}

func newAuditVerifyProof() *cobra.Command {
	var k keyFlags
	c := &cobra.Command{
		Use:   "verify-proof FILE",
		Short: "Verify a proof that an entry is in the log, with nothing but the log's key",
		Long: `verify-proof reads a file that ` + "`keyreeve audit prove`" + ` wrote, checks the signature of its head with the
key that you trust, and that the entry in it is at its place in the log that has this head. It prints the entry.

Exit code 0: it is proven; 1: it is not; 2: wrong flags, or a file that can't be read.`,
		Example: "  keyreeve audit verify-proof entry-17.proof --key log.vkey",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			keys, err := needKeys(&k)
			if err != nil {
				return err
			}
			raw, err := readFlag(args[0])
			if err != nil {
				return err
			}
			p, err := audit.ParseProof(string(raw))
			if err != nil {
				return &exitError{exitFailed, fmt.Errorf("%s: %w", args[0], err)}
			}
			head, err := p.Verify(keys...)
			if err != nil {
				return proofFailed(args[0], err)
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "entry %d of the log %s, as it had %d entries:\n%s\n", p.Index, head.Origin, head.Size, p.Entry)
			return err
		},
	}
	k.flag(c)
	return c
}

func needKeys(k *keyFlags) ([]string, error) {
	keys, err := k.keys()
	if err == nil && len(keys) == 0 {
		err = &exitError{exitUsage, hint(errors.New("--key is missing"), "name the log's verifier key, which you had from somebody you trust")}
	}
	return keys, err
}

// proofFailed tells what was proven wrong from a key that can't be read.
func proofFailed(name string, err error) error {
	code := exitUsage
	if errors.Is(err, audit.ErrProof) || errors.Is(err, audit.ErrEntry) || errors.Is(err, audit.ErrCheckpoint) {
		code = exitFailed
	}
	return &exitError{code, fmt.Errorf("%s: %w", name, err)}
}

func newAuditConsistency(environ []string) *cobra.Command {
	l := &ledgerLook{look{environ: environ}}
	var k keyFlags
	var proof, out string
	c := &cobra.Command{
		Use:   "consistency OLD NEW",
		Short: "Tell whether the log was only added to between two signed heads",
		Long: `consistency takes two files with signed heads, and proves from the log that the older one is the
beginning of the newer one: nothing was changed, removed or put in between. -o writes the proof with both
heads in it, and --proof verifies such a file without the log.

Exit code 0: it is so; 1: it is not; 2: wrong flags, or a file that can't be read.`,
		Example: `  keyreeve audit consistency january.txt june.txt --key log.vkey -o year.json
  keyreeve audit consistency --proof year.json --key log.vkey`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			if (proof == "") != (len(args) == 2) {
				return &exitError{exitUsage, errors.New("name two files with signed heads, or one with --proof")}
			}
			keys, err := k.keys()
			if err != nil {
				return err
			}
			if len(keys) == 0 && proof == "" {
				if keys, err = l.ownKeys(); err != nil {
					return &exitError{exitUsage, err}
				}
			}
			if len(keys) == 0 {
				_, err := needKeys(&k)
				return err
			}
			p, err := l.consistency(c, args, proof)
			if err != nil {
				return err
			}
			earlier, later, err := p.Verify(keys...)
			if err != nil {
				return proofFailed(strings.TrimSpace(proof+" "+strings.Join(args, " ")), err)
			}
			if out != "" {
				if err := output(c, out, func(w io.Writer) error { return json.NewEncoder(w).Encode(p) }); err != nil {
					return err
				}
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "the first %d of %d entries of %s are those of the older head: nothing was changed since\n", earlier.Size, later.Size, later.Origin)
			return err
		},
	}
	l.dataFlag(c)
	k.flag(c)
	c.Flags().StringVar(&proof, "proof", "", "verify this proof `FILE` instead, without the log")
	c.Flags().StringVarP(&out, "output", "o", "", "write the proof to this `FILE`")
	return c
}

// consistency reads a proof, or makes it of two heads from the store.
func (l *ledgerLook) consistency(c *cobra.Command, args []string, proof string) (p audit.Consistency, err error) {
	if proof != "" {
		raw, err := readFlag(proof)
		if err != nil {
			return p, err
		}
		if err := json.Unmarshal(raw, &p); err != nil {
			return p, &exitError{exitFailed, fmt.Errorf("%s: it is no proof: %w", proof, err)}
		}
		return p, nil
	}
	var heads [2][]byte
	for i, name := range args {
		if heads[i], err = readFlag(name); err != nil {
			return p, err
		}
	}
	err = l.with(c.Context(), func(s *store.Store) error {
		p, err = ledger.ProveConsistency(c.Context(), s, heads[0], heads[1])
		return err
	})
	if errors.Is(err, audit.ErrCheckpoint) {
		err = &exitError{exitUsage, err}
	}
	return p, err
}

func newAuditCheckpoint(environ []string) *cobra.Command {
	l := &ledgerLook{look{environ: environ}}
	var out string
	c := &cobra.Command{
		Use:   "checkpoint",
		Short: "Sign the log's head as it is now",
		Long: `checkpoint signs how many entries the log has and what they hash to, in the form of c2sp.org/tlog-checkpoint,
with the keys beside the database. Keep it where the bot can't reach it: from then on nothing before it can be
changed unseen. A head that does not continue the one that was signed last is not signed (exit code 1).`,
		Example: "  keyreeve audit checkpoint -o head-2026-03.txt",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return l.with(c.Context(), func(s *store.Store) error {
				signed, _, err := l.sign(c.Context(), s)
				if err != nil {
					return err
				}
				return output(c, out, func(w io.Writer) error {
					_, err := w.Write(signed)
					return err
				})
			})
		},
	}
	l.dataFlag(c)
	c.Flags().StringVarP(&out, "output", "o", "", "the `FILE` to write; default: print")
	return c
}

func newAuditKey(environ []string) *cobra.Command {
	l := &ledgerLook{look{environ: environ}}
	var first, rotate, retire bool
	c := &cobra.Command{
		Use:   "key",
		Short: "Print the log's verifier keys; make, rotate or retire the signing key",
		Long: `key prints the keys that verify the log's signed heads, newest first. The signing keys stay in their file.

To change the key: --rotate makes a new one, and heads are signed by both (restart the bot); give the new
verifier key to everybody who verifies the log; then --retire takes the old one away.`,
		Example: "  keyreeve audit key > log.vkey\n  keyreeve audit key --rotate\n  keyreeve audit key --retire",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			path := l.keyFile()
			if path == "" {
				return &exitError{exitUsage, errors.New("name the key file with KEYREEVE_LOG_KEY_FILE")}
			}
			keys, err := changedKeys(path, l.environment("LOG_ORIGIN"), first, rotate, retire)
			if errors.Is(err, fs.ErrNotExist) {
				return &exitError{exitUsage, hint(errors.New("there is no key file "+path), "`keyreeve serve` makes one at its first start; so does --init")}
			}
			if err != nil {
				return &exitError{exitUsage, err}
			}
			_, err = fmt.Fprintln(c.OutOrStdout(), strings.Join(keys.Public, "\n"))
			return err
		},
	}
	l.dataFlag(c)
	c.Flags().BoolVar(&first, "init", false, "make the first key, for the log that KEYREEVE_LOG_ORIGIN names")
	c.Flags().BoolVar(&rotate, "rotate", false, "make a new key, and sign with the old one too")
	c.Flags().BoolVar(&retire, "retire", false, "sign with the newest key alone")
	c.MarkFlagsMutuallyExclusive("init", "rotate", "retire")
	return c
}

func changedKeys(path, origin string, first, rotate, retire bool) (ledger.Keys, error) {
	if first {
		if origin == "" {
			return ledger.Keys{}, errors.New("--init: name the log with KEYREEVE_LOG_ORIGIN, as host.example/path")
		}
		keys, made, err := ledger.EnsureKeys(path, origin, rand.Reader)
		if err == nil && !made {
			err = fmt.Errorf("%s is there already, and was left as it is", path)
		}
		return keys, err
	}
	keys, err := ledger.ReadKeys(path)
	if err != nil || !rotate && !retire {
		return keys, err
	}
	old := keys
	if rotate {
		keys, err = old.Rotated(rand.Reader)
	} else {
		keys, err = old.Retired()
	}
	if err == nil {
		err = keys.Resign(path, old) // first: a crash leaves a head that the old keys have signed too, or the old one
	}
	if err == nil {
		err = keys.Write(path)
	}
	return keys, err
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/internal/audit"
	"github.com/keyreeve/keyreeve/internal/ledger"
	"github.com/keyreeve/keyreeve/internal/store"
)

func newAudit(environ []string) *cobra.Command {
	c := &cobra.Command{
		Use:   "audit",
		Short: "Look at the log, verify and prove it, export it",
		Args:  knownCommand,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(
		newAuditShow(environ), newAuditVerify(environ), newAuditProve(environ), newAuditVerifyProof(), newAuditConsistency(environ),
		newAuditCheckpoint(environ), newAuditKey(environ), newAuditExport(environ), newAuditArchive(environ), newAuditReplay(environ),
	)
	return c
}

// ledgerLook is a command that looks at the log: beside the store, its keys and its last checkpoint.
type ledgerLook struct {
	look
}

// keyFile is where the log's keys are, "" where nobody said (a PostgreSQL database).
func (l *ledgerLook) keyFile() string {
	if name := l.environment("LOG_KEY_FILE"); name != "" {
		return name
	}
	return ledger.KeyFile(l.url())
}

// url names the database, as look opens it.
func (l *look) url() string {
	if l.data != "" {
		return filepath.Join(l.data, databaseFile)
	}
	if url := l.environment("DATABASE_URL"); url != "" {
		return url
	}
	return databaseFile
}

// environment is a variable of keyreeve's, by its name without the prefix.
func (l *look) environment(name string) string {
	for _, kv := range l.environ {
		if v, ok := strings.CutPrefix(kv, prefix+name+"="); ok {
			return v
		}
	}
	return ""
}

// ownKeys are the verifier keys beside the database; none where there is no key file.
func (l *ledgerLook) ownKeys() ([]string, error) {
	if l.keyFile() == "" {
		return nil, nil
	}
	keys, err := ledger.ReadKeys(l.keyFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return keys.Public, err
}

// sign signs the log's head as it is now, with the keys beside the database.
func (l *ledgerLook) sign(ctx context.Context, s *store.Store) ([]byte, audit.Checkpoint, error) {
	none := &exitError{exitUsage, hint(errors.New("there is no key file for this log"), "`keyreeve audit key --init` makes one; name one with KEYREEVE_LOG_KEY_FILE, or give a signed head with --checkpoint")}
	if l.keyFile() == "" {
		return nil, audit.Checkpoint{}, none
	}
	keys, err := ledger.ReadKeys(l.keyFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, audit.Checkpoint{}, none
	}
	if err != nil {
		return nil, audit.Checkpoint{}, &exitError{exitUsage, err}
	}
	log, err := ledger.Open(s, keys, l.keyFile())
	if err != nil {
		return nil, audit.Checkpoint{}, err
	}
	signed, c, err := log.Checkpoint(ctx)
	if errors.Is(err, ledger.ErrRewound) {
		err = &exitError{exitFailed, err}
	}
	return signed, c, err
}

// keyFlags are the verifier keys that somebody trusts.
type keyFlags struct{ given []string }

func (k *keyFlags) flag(c *cobra.Command) {
	c.Flags().StringArrayVar(&k.given, "key", nil, "a verifier `KEY` of the log, or a file with one (keyreeve audit key prints it); may be repeated")
}

// keys reads the keys that were given.
func (k *keyFlags) keys() ([]string, error) {
	var list []string
	for _, given := range k.given {
		if strings.Count(given, "+") >= 2 {
			list = append(list, given)
			continue
		}
		raw, err := os.ReadFile(given)
		if err != nil {
			return nil, &exitError{exitUsage, hint(fmt.Errorf("--key: %s", cause(err)), "a verifier key is name+hash+base64")}
		}
		list = append(list, strings.Fields(string(raw))...)
	}
	return list, nil
}

// readFlag reads a file that a flag or an argument names.
func readFlag(name string) ([]byte, error) {
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, &exitError{exitUsage, errors.New(cause(err))}
	}
	return raw, nil
}

// output calls write with the file that -o names, or with the command's own output; a file that is there is not written over.
func output(c *cobra.Command, name string, write func(io.Writer) error) (err error) {
	if name == "" || name == "-" {
		return write(c.OutOrStdout())
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return &exitError{exitUsage, fmt.Errorf("%s is there already, and nothing was written", name)}
	}
	if err != nil {
		return &exitError{exitUsage, errors.New(cause(err))}
	}
	if err := errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(name)) // half a file is worse than none
	}
	return nil
}

// entryFilter is which entries somebody wants to see.
type entryFilter struct {
	subject, actor, step, since, until string
	limit                              int

	from, to time.Time
}

func (f *entryFilter) flags(c *cobra.Command) {
	c.Flags().StringVar(&f.subject, "subject", "", "only entries whose subject contains this")
	c.Flags().StringVar(&f.actor, "actor", "", "only what this person caused: a login, or an account's id")
	c.Flags().StringVar(&f.step, "step", "", "only entries of this step: received, decided, intended, applied, failed, verified, changed, stuck, archived")
	c.Flags().StringVar(&f.since, "since", "", "only entries from this `TIME` on: 2026-03-01, 2026-03-01T12:00:00Z, or 24h ago as 24h")
	c.Flags().StringVar(&f.until, "until", "", "only entries before this `TIME`")
}

// parse reads the flags' times; now is what a duration is counted back from.
func (f *entryFilter) parse(now time.Time) (err error) {
	if f.from, err = parseMoment("since", f.since, now); err == nil {
		f.to, err = parseMoment("until", f.until, now)
	}
	if f.step != "" && audit.Controls(audit.Step(f.step)) == nil {
		return &exitError{exitUsage, fmt.Errorf("--step %s: there is no such step", f.step)}
	}
	return err
}

// parseMoment reads a time that a flag gives, "" for none.
func parseMoment(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04", time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC(), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	return time.Time{}, &exitError{exitUsage, fmt.Errorf("--%s %q is no time: write 2026-03-01, 2026-03-01T12:00:00Z, or 24h", flag, text)}
}

func (f *entryFilter) wants(e audit.Entry) bool {
	return strings.Contains(e.Subject, f.subject) && (f.step == "" || string(e.Step) == f.step) &&
		(f.from.IsZero() || !e.At.Before(f.from)) && (f.to.IsZero() || e.At.Before(f.to)) && f.by(e)
}

func (f *entryFilter) by(e audit.Entry) bool {
	return f.actor == "" || e.Actor != nil && (strings.EqualFold(e.Actor.Login, f.actor) || strconv.FormatInt(e.Actor.ID, 10) == f.actor)
}

func newAuditShow(environ []string) *cobra.Command {
	l := &look{environ: environ}
	var f entryFilter
	c := &cobra.Command{
		Use:     "show",
		Short:   "Print the log's entries, oldest first",
		Example: "  keyreeve audit show --data DIR\n  keyreeve audit show --subject access --json\n  keyreeve audit show --actor erin --since 24h",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.parse(time.Now()); err != nil {
				return err
			}
			return l.with(c.Context(), func(s *store.Store) error {
				var rows [][]string
				var values []any
				err := eachEntry(c.Context(), s, func(_ audit.Row, e audit.Entry) bool {
					if f.wants(e) {
						rows = append(rows, []string{fmt.Sprint(e.Seq), moment(e.At), string(e.Step), e.Subject, actor(e), line(e.What)})
						values = append(values, e)
					}
					return f.limit <= 0 || len(rows) < f.limit
				})
				if err != nil {
					return err
				}
				return l.table(c.OutOrStdout(), "The log has no such entries.", []string{"SEQ", "AT", "STEP", "SUBJECT", "BY", "WHAT"}, rows, values)
			})
		},
	}
	l.flags(c)
	f.flags(c)
	c.Flags().IntVar(&f.limit, "limit", 0, "at most so many entries; 0: all")
	return c
}

func actor(e audit.Entry) string {
	if e.Actor == nil {
		return "-"
	}
	return line(e.Actor.Login)
}

// eachEntry calls see with every entry of the log that is in the store, in order, until it returns false.
func eachEntry(ctx context.Context, s *store.Store, see func(audit.Row, audit.Entry) bool) error {
	for row, err := range s.Rows(ctx, 0, 1<<62) {
		if err != nil {
			return err
		}
		var e audit.Entry
		if err := json.Unmarshal(row.Canonical, &e); err != nil {
			return fmt.Errorf("decode audit entry %d: %w", row.Seq, err)
		}
		if !see(row, e) {
			return nil
		}
	}
	return nil
}

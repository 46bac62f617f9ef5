package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/internal/audit"
	"github.com/keyreeve/keyreeve/internal/ledger"
	"github.com/keyreeve/keyreeve/internal/store"
)

func newAuditExport(environ []string) *cobra.Command {
	l := &ledgerLook{look{environ: environ}}
	var f entryFilter
	var format, out string
	c := &cobra.Command{
		Use:   "export",
		Short: "Write the log's entries as JSON lines, CSV, OCSF or CloudEvents",
		Long: `export writes one entry a line: jsonl (each with its hash; verified by ` + "`keyreeve audit verify --export`" + `),
csv (cells that a spreadsheet would take for a formula begin with an apostrophe), ocsf (1.3.0), or
cloudevents (1.0, JSON). With --since, --until and the like, only those entries.`,
		Example: "  keyreeve audit export -o log.jsonl\n  keyreeve audit export --format ocsf --since 24h",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.parse(time.Now()); err != nil {
				return err
			}
			return l.with(c.Context(), func(s *store.Store) error {
				return output(c, out, func(w io.Writer) error {
					return l.export(c.Context(), s, w, audit.Format(format), f.wants)
				})
			})
		},
	}
	l.dataFlag(c)
	f.flags(c)
	c.Flags().StringVar(&format, "format", string(audit.JSONL), "jsonl, csv, ocsf or cloudevents")
	c.Flags().StringVarP(&out, "output", "o", "", "the `FILE` to write; default: print")
	return c
}

// export writes the entries that are wanted.
func (l *ledgerLook) export(ctx context.Context, s *store.Store, w io.Writer, format audit.Format, wants func(audit.Entry) bool) error {
	origin := ""
	if keys, err := ledger.ReadKeys(l.keyFile()); err == nil {
		origin = keys.Origin
	}
	b := bufio.NewWriter(w)
	x, err := audit.NewExporter(b, format, audit.Source{Origin: origin, Version: version()})
	if err != nil {
		return &exitError{exitUsage, fmt.Errorf("--format: %w", err)}
	}
	var failed error
	err = eachEntry(ctx, s, func(row audit.Row, e audit.Entry) bool {
		if wants == nil || wants(e) {
			failed = x.Write(row)
		}
		return failed == nil
	})
	return errors.Join(err, failed, b.Flush())
}

// version is that of the module, as it was built.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return ""
}

func newAuditArchive(environ []string) *cobra.Command {
	l := &ledgerLook{look{environ: environ}}
	var before, out string
	c := &cobra.Command{
		Use:   "archive",
		Short: "Move old entries to a file; their hashes stay, and the file verifies with the rest",
		Long: `archive writes the entries before a day to a file, reads it back, and only then takes them out of the
database, together with an entry that says so: where they went, and what the file hashes to. The log's tree
keeps their hashes, so ` + "`keyreeve audit verify --archive FILE`" + ` verifies both as one. It needs a log that is whole,
and a SQLite file that no bot has open.`,
		Example: "  keyreeve audit archive --before 2026-01-01 -o log-2025.jsonl",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			now := time.Now()
			until, err := parseMoment("before", before, now)
			if err != nil {
				return err
			}
			if until.IsZero() || out == "" {
				return &exitError{exitUsage, errors.New("--before and -o have to be given")}
			}
			s, err := store.Open(c.Context(), l.url(), store.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				return &exitError{exitUsage, hint(err, "stop the bot while the log is archived")}
			}
			n, err := archive(c.Context(), s, until, out, now)
			if err = errors.Join(err, s.Close()); err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%d entries were moved to %s: keep it with the log's checkpoints\n", n, out)
			return err
		},
	}
	l.dataFlag(c)
	c.Flags().StringVar(&before, "before", "", "the day, or the time, from which on entries stay (required)")
	c.Flags().StringVarP(&out, "output", "o", "", "the archive `FILE` to write (required)")
	return c
}

// archive moves the entries before a time to a file, and tells how many. Entries are moved in the order of the log: the
// first one that is not older ends it, and the newest entry always stays.
func archive(ctx context.Context, s *store.Store, before time.Time, name string, now time.Time) (int64, error) {
	done, err := s.CheckLog(ctx, nil, nil)
	if err != nil {
		return 0, notWhole(err)
	}
	d := audit.ArchivedData{First: done.Archived, Last: done.Archived - 1, File: filepath.Base(name)}
	err = eachEntry(ctx, s, func(_ audit.Row, e audit.Entry) bool {
		if !e.At.Before(before) || e.Seq == done.Size-1 {
			return false
		}
		d.Last = e.Seq
		return true
	})
	if err != nil {
		return 0, err
	}
	if d.Last < d.First {
		return 0, &exitError{exitFailed, fmt.Errorf("there is no entry before %s to archive", before.Format(time.RFC3339))}
	}
	if d.SHA256, err = writeArchive(ctx, s, d, name); err != nil {
		return 0, err
	}
	// A crash before this leaves a file too many, and the log as it was.
	return d.Last - d.First + 1, s.Archive(ctx, d, now)
}

// writeArchive writes the file to the disk, reads it back, verifies it, and returns its SHA-256.
func writeArchive(ctx context.Context, s *store.Store, d audit.ArchivedData, name string) (string, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", &exitError{exitUsage, errors.New(cause(err))}
	}
	defer func() { _ = f.Close() }() // it was synced, or is of no use
	b := bufio.NewWriter(f)
	x, err := audit.NewExporter(b, audit.JSONL, audit.Source{})
	if err != nil {
		return "", err
	}
	for row, err := range s.Rows(ctx, d.First, d.Last+1) {
		if err == nil {
			err = x.Write(row)
		}
		if err != nil {
			return "", err
		}
	}
	if err := errors.Join(b.Flush(), f.Sync()); err != nil {
		return "", fmt.Errorf("write the archive: %w", err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", fmt.Errorf("read the archive back: %w", err)
	}
	sum := sha256.New()
	read, err := audit.VerifyExport(audit.ReadExport(io.TeeReader(f, sum)), nil)
	if err == nil && (read.First != d.First || read.Last != d.Last || read.Entries != d.Last-d.First+1) {
		err = fmt.Errorf("it has entries %d to %d", read.First, read.Last)
	}
	if err != nil {
		return "", fmt.Errorf("read the archive back: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func newAuditReplay(environ []string) *cobra.Command {
	c := newReplay(environ)
	c.Example = "  keyreeve audit replay --data DIR"
	return c
}

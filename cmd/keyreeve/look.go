package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/internal/store"
)

// The names in a folder that `demo --data` keeps.
const (
	databaseFile = "keyreeve.db"
	registryDir  = "registry"
	logFile      = "keyreeve.log"
)

// look is a command that reads the store: it opens it beside whoever serves it, and never writes.
type look struct {
	environ []string
	data    string
	json    bool
}

// flags adds the flags that every command of this kind has.
func (l *look) flags(c *cobra.Command) {
	c.Flags().StringVar(&l.data, "data", "", "the `DIR` that keyreeve demo --data kept (default: the database of KEYREEVE_DATABASE_URL, or ./keyreeve.db)")
	c.Flags().BoolVar(&l.json, "json", false, "print one JSON object a line")
}

// open opens the store for reading.
func (l *look) open(ctx context.Context) (*store.Store, error) {
	url := databaseFile
	for _, kv := range l.environ {
		if v, ok := strings.CutPrefix(kv, prefix+"DATABASE_URL="); ok && v != "" {
			url = v
		}
	}
	if l.data != "" {
		url = filepath.Join(l.data, databaseFile)
	}
	s, err := store.Open(ctx, url, store.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler), ReadOnly: true})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &exitError{exitUsage, hint(err, "name the folder of a demo with --data, or a database with KEYREEVE_DATABASE_URL")}
	}
	return s, err
}

// with opens the store, calls do, and closes it.
func (l *look) with(ctx context.Context, do func(*store.Store) error) error {
	s, err := l.open(ctx)
	if err != nil {
		return err
	}
	return errors.Join(do(s), s.Close())
}

// table prints rows in columns, or, with --json, the values behind them, one a line. empty says what no rows mean.
func (l *look) table(w io.Writer, empty string, head []string, rows [][]string, values []any) error {
	if l.json {
		enc := json.NewEncoder(w)
		for _, v := range values {
			if err := enc.Encode(v); err != nil {
				return err
			}
		}
		return nil
	}
	if len(rows) == 0 {
		_, err := fmt.Fprintln(w, empty)
		return err
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(tw, strings.Join(head, "\t"))
	for _, r := range rows {
		_, _ = fmt.Fprintln(tw, strings.Join(r, "\t"))
	}
	return tw.Flush() // the writes before it are into its buffer, and fail here
}

// moment shows a time to a person; a zero time is a dash.
func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

// line keeps text from breaking a table.
func line(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if s == "" {
		return "-"
	}
	return s
}

// isTerminal says whether w is a terminal, where colours and progress make sense.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

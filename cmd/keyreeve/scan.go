package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/scanners"
	"github.com/keyreeve/keyreeve/scanners/report"
)

// exitIncomplete is the exit code of a scan that could not look at everything. It is exitUsage, since
// in either case "nothing found" is not "nothing there".
const exitIncomplete = exitUsage

// sweep is `keyreeve scan`: its flags, and what it looks for.
type sweep struct {
	keysFile, registry string
	all                bool
	format             string
	staged, noHistory  bool
	workers            int
	baseURL            string

	environ  []string
	matcher  *scanners.Matcher
	keys     int
	progress func(name string) (func(scanners.Progress), func())
}

func newScan(environ []string) *cobra.Command {
	s := sweep{environ: environ}
	c := &cobra.Command{
		Use:   "scan (--registry DIR | --keys FILE) PATH…",
		Short: "Look for retired credentials in git repositories, in their whole history and however encoded",
		Long: `scan looks in repositories for credentials that were retired, known by their names, their public ids, or
keyed fingerprints of their values. It needs no GitHub, runs nothing of a repository's, and looks at every
object that is there: all branches, tags, stashes, notes and pull requests' refs, commit messages, names of files
and refs, and what no ref leads to any more. Base64, hex, percent and JSON escapes, UTF-16, zip, gzip and
nestings of these are decoded.

A PATH is a repository (a checkout or a bare one). Another folder is searched for repositories, and what else is
in it is scanned as files; so is a file. In a checkout, files that were not committed are not looked at:
--no-history scans a checkout's files as they lie there, and no history.

What to look for comes from one of:
  --registry DIR  the credentials of all decommissioned identities of a registry's checkout: the names of their
                  secrets, public ids and fingerprints; with --all, those of every identity
  --keys FILE     YAML: "keys: [{label: …, name: …}, {label: …, id: …}, {label: …, fingerprint: …}]"
Fingerprints are made by ` + "`keyreeve fingerprint`" + `, and need the file with the pepper that KEYREEVE_PEPPER_FILE names.

Standard output has what was found and nothing else: a table; with --format jsonl one finding a line, each with
credential, class (name, id or value), repository, where, path, line, column, commit, object, encoding and at_head;
or SARIF 2.1.0. What could not be scanned is on standard error, one a line.

Exit codes: 0 everything was scanned, and nothing found; 1 everything was scanned, and something found; 2 not
everything could be scanned, or nothing could: what was found all the same is printed.

As a pre-commit hook, --staged scans what is about to be committed, and nothing else. In .git/hooks/pre-commit:
  #!/bin/sh
  exec keyreeve scan --staged --registry ../identities`,
		Example: `  keyreeve scan --registry identities payments
  keyreeve scan --registry identities --format sarif ~/mirrors/*.git > findings.sarif
  keyreeve scan --keys retired.yaml --format jsonl . | jq -r 'select(.at_head) | .path'
  keyreeve scan --keys retired.yaml --staged`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			return s.run(c.Context(), args, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.StringVar(&s.registry, "registry", "", "the `DIR` of a registry's checkout, whose decommissioned identities' credentials are looked for")
	f.StringVar(&s.keysFile, "keys", "", "a `FILE` with what to look for")
	f.BoolVar(&s.all, "all", false, "with --registry: the credentials of every identity, decommissioned or not")
	f.StringVar(&s.format, "format", "table", "table, jsonl or sarif")
	f.BoolVar(&s.staged, "staged", false, "scan what is staged in the repository around the current folder, for a pre-commit hook")
	f.BoolVar(&s.noHistory, "no-history", false, "scan the files as they lie there, and no repository's history")
	f.IntVar(&s.workers, "workers", 0, "how many processors to use at once (default: all)")
	f.StringVar(&s.baseURL, "base-url", "", "the repository's address, for permalinks: https://github.com/acme/payments (with one PATH)")
	return c
}

// run scans every PATH; one that can't be scanned keeps no other from it.
func (s *sweep) run(ctx context.Context, paths []string, stdout, stderr io.Writer) error {
	if err := s.check(paths); err != nil {
		return &exitError{exitUsage, err}
	}
	gaps, err := s.load(stderr)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	s.progress = bars(ctx, stderr)
	var all []report.Repository
	switch {
	case s.matcher == nil:
	case s.staged:
		all, err = s.scanStaged(ctx)
	default:
		all = s.scanPaths(ctx, paths)
	}
	if err != nil {
		return &exitError{exitIncomplete, err}
	}
	if len(gaps) > 0 {
		all = append(all, report.Repository{Name: s.source(), Gaps: gaps})
	}
	if err := s.write(stdout, all); err != nil {
		return fmt.Errorf("write the findings: %w", err)
	}
	if err := report.Gaps(stderr, all); err != nil {
		return err
	}
	switch {
	case report.Incomplete(all):
		return &exitError{code: exitIncomplete}
	case report.Found(all):
		return &exitError{code: exitFailed}
	}
	return nil
}

// check refuses flags that don't go together.
func (s *sweep) check(paths []string) error {
	const help = "see `keyreeve scan --help`"
	switch {
	case (s.registry == "") == (s.keysFile == ""):
		return hint(errors.New("what to look for comes from --registry DIR or from --keys FILE: name one of them"), help)
	case s.all && s.registry == "":
		return hint(errors.New("--all is for --registry"), help)
	case !slices.Contains([]string{"table", "jsonl", "sarif"}, s.format):
		return hint(fmt.Errorf("--format %q is none of table, jsonl and sarif", s.format), help)
	case s.staged && (len(paths) > 0 || s.noHistory):
		return hint(errors.New("--staged scans the index of the repository around the current folder: it takes no PATH and no --no-history"), help)
	case !s.staged && len(paths) == 0:
		return hint(errors.New("there is no PATH to scan"), help)
	case s.baseURL != "" && len(paths) != 1:
		return hint(errors.New("--base-url is for one PATH"), help)
	case s.workers < 0:
		return hint(fmt.Errorf("--workers %d is less than one", s.workers), help)
	}
	return nil
}

func (s *sweep) source() string { return s.keysFile + s.registry } // one of them is empty

func (s *sweep) write(w io.Writer, all []report.Repository) error {
	switch s.format {
	case "jsonl":
		return report.JSONL(w, all)
	case "sarif":
		return report.SARIF(w, all)
	}
	return report.Table(w, all, isTerminal(w) && lookup(s.environ, "NO_COLOR") == "" && lookup(s.environ, "TERM") != "dumb")
}

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/internal/audit"
	"github.com/keyreeve/keyreeve/internal/evidence"
	"github.com/keyreeve/keyreeve/internal/ledger"
	"github.com/keyreeve/keyreeve/internal/store"
)

// evidenceFlags are the flags of `keyreeve evidence`.
type evidenceFlags struct {
	ledgerLook

	control, from, to, out, checkpoint string
	force                              bool
}

func newEvidence(environ []string) *cobra.Command {
	e := &evidenceFlags{ledgerLook: ledgerLook{look{environ: environ}}}
	c := &cobra.Command{
		Use:   "evidence",
		Short: "Collect what an assessor of a control asks for: a report, proven entries, OSCAL",
		Long: `evidence writes a folder for one control and one period: a report to read (report.html, without scripts),
the log's entries that are evidence for the control, each with a proof under a signed head (entries.jsonl,
checkpoint.txt), and OSCAL assessment results (assessment-results.json). What keyreeve does not do for the
control stands in the report as plainly as what it does. docs/controls.md lists the controls.

--to is the first day that does not count. A folder that is not empty is left alone, unless --force.`,
		Example: "  keyreeve evidence --control PR.AA-05 --from 2026-01-01 --to 2026-04-01 -o evidence-q1",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return e.run(c) },
	}
	e.dataFlag(c)
	c.Flags().StringVar(&e.control, "control", "", "the control: PR.AA-01, tenet-3, NHI5:2025, or with its catalogue (required)")
	c.Flags().StringVar(&e.from, "from", "", "the first day (required)")
	c.Flags().StringVar(&e.to, "to", "", "the day after the last one (default: now)")
	c.Flags().StringVarP(&e.out, "output", "o", "", "the `DIR` to write (required)")
	c.Flags().StringVar(&e.checkpoint, "checkpoint", "", "a `FILE` with a signed head of this log; default: sign it as it is now")
	c.Flags().BoolVar(&e.force, "force", false, "write into a folder that is not empty")
	return c
}

func (e *evidenceFlags) run(c *cobra.Command) error {
	in, err := e.input(time.Now().UTC())
	if err != nil {
		return err
	}
	if err := e.vacant(); err != nil {
		return err
	}
	err = e.with(c.Context(), func(s *store.Store) error {
		in.Signed, in.Head, err = e.signedHead(c, s, e.checkpoint)
		if err == nil {
			err = collect(c.Context(), s, &in)
		}
		return err
	})
	if err != nil {
		return err
	}
	r := evidence.New(in)
	files, err := r.Files()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(e.out, 0o700); err != nil {
		return &exitError{exitUsage, errors.New(cause(err))}
	}
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(e.out, f.Name), f.Data, 0o600); err != nil {
			return &exitError{exitUsage, errors.New(cause(err))}
		}
	}
	if r.Empty {
		_, err = fmt.Fprintf(c.OutOrStdout(), "the log has no entry of %s in this period; %s says so\n", in.Control.ID, filepath.Join(e.out, "report.html"))
		return err
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "%d entries of %s, proven under a head of %d: %s\n", len(in.Entries), in.Control.ID, in.Head.Size, filepath.Join(e.out, "report.html"))
	return err
}

// input reads the flags.
func (e *evidenceFlags) input(now time.Time) (in evidence.Input, err error) {
	if e.control == "" || e.from == "" || e.out == "" {
		return in, &exitError{exitUsage, hint(errors.New("--control, --from and -o have to be given"), "see `keyreeve evidence --help`")}
	}
	control, ok := audit.FindControl(e.control)
	if !ok {
		var ids []string
		for _, c := range audit.Catalogue() {
			ids = append(ids, c.ID[strings.LastIndex(c.ID, "/")+1:])
		}
		return in, &exitError{exitUsage, hint(fmt.Errorf("there is no control %q", e.control), "there are "+strings.Join(ids, ", "))}
	}
	in = evidence.Input{Control: control, Now: now, Version: version(), To: now}
	if in.From, err = parseMoment("from", e.from, now); err != nil {
		return in, err
	}
	if e.to != "" {
		if in.To, err = parseMoment("to", e.to, now); err != nil {
			return in, err
		}
	}
	if !in.From.Before(in.To) {
		return in, &exitError{exitUsage, fmt.Errorf("the period from %s to %s has no day", e.from, cmp.Or(e.to, "now"))}
	}
	return in, nil
}

// vacant refuses a folder that holds something.
func (e *evidenceFlags) vacant() error {
	list, err := os.ReadDir(e.out)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return &exitError{exitUsage, errors.New(cause(err))}
	case len(list) > 0 && !e.force:
		return &exitError{exitUsage, hint(fmt.Errorf("%s is not empty, and nothing was written", e.out), "name a new folder, or say --force")}
	}
	return nil
}

// collect reads what the evidence is made of.
func collect(ctx context.Context, s *store.Store, in *evidence.Input) (err error) {
	if in.Requests, err = s.Requests(ctx); err != nil {
		return err
	}
	if in.Leases, err = s.Leases(ctx); err != nil {
		return err
	}
	if in.Decisions, err = s.Decisions(ctx); err != nil {
		return err
	}
	if in.First, _, err = s.FirstEntry(ctx); err != nil {
		return err
	}
	days := map[evidence.StepCount]int{}
	var failed error
	err = eachEntry(ctx, s, func(row audit.Row, e audit.Entry) bool {
		if e.At.Before(in.From) || !e.At.Before(in.To) || row.Seq >= in.Head.Size {
			return row.Seq < in.Head.Size
		}
		days[evidence.StepCount{Day: e.At.UTC().Truncate(24 * time.Hour), Step: e.Step}]++
		if slices.Contains(e.Controls, in.Control.ID) {
			var x evidence.Entry
			x, failed = provenEntry(ctx, s, row, e, in)
			in.Entries = append(in.Entries, x)
		}
		return failed == nil
	})
	for day, n := range days {
		day.N = n
		in.Steps = append(in.Steps, day)
	}
	slices.SortFunc(in.Steps, func(a, b evidence.StepCount) int {
		return cmp.Or(a.Day.Compare(b.Day), cmp.Compare(a.Step, b.Step))
	})
	return errors.Join(err, failed)
}

func provenEntry(ctx context.Context, s *store.Store, row audit.Row, e audit.Entry, in *evidence.Input) (evidence.Entry, error) {
	p, err := ledger.Prove(ctx, s, row.Seq, in.Signed, in.Head)
	if err != nil {
		return evidence.Entry{}, err
	}
	line, err := audit.ProvenLine(row, p.Path)
	return evidence.Entry{Entry: e, Line: line}, err
}

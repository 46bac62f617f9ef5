package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/internal/audit"
	"github.com/keyreeve/keyreeve/internal/store"
)

func newAudit(environ []string) *cobra.Command {
	c := &cobra.Command{
		Use:   "audit",
		Short: "Look at the log, and verify that nothing in it was changed",
		Args:  knownCommand,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newAuditShow(environ), newAuditVerify(environ))
	return c
}

func newAuditShow(environ []string) *cobra.Command {
	l := &look{environ: environ}
	var subject string
	c := &cobra.Command{
		Use:     "show",
		Short:   "Print the log's entries, oldest first",
		Example: "  keyreeve audit show --data DIR\n  keyreeve audit show --subject access --json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return l.with(c.Context(), func(s *store.Store) error {
				var rows [][]string
				var values []any
				for from := int64(0); ; {
					page, err := s.Entries(c.Context(), from, 1000)
					if err != nil {
						return err
					}
					for _, e := range page {
						from = e.Seq + 1
						if !strings.Contains(e.Subject, subject) {
							continue
						}
						rows = append(rows, []string{fmt.Sprint(e.Seq), moment(e.At), string(e.Step), e.Subject, line(e.What)})
						values = append(values, e)
					}
					if len(page) == 0 {
						break
					}
				}
				return l.table(c.OutOrStdout(), "The log has no such entries.", []string{"SEQ", "AT", "STEP", "SUBJECT", "WHAT"}, rows, values)
			})
		},
	}
	l.flags(c)
	c.Flags().StringVar(&subject, "subject", "", "only entries whose subject contains this")
	return c
}

func newAuditVerify(environ []string) *cobra.Command {
	l := &look{environ: environ}
	c := &cobra.Command{
		Use:   "verify",
		Short: "Hash every entry again and compare with the log's tree",
		Long: `verify reads every entry, checks that it is canonical and in its place, hashes it, and
compares with the log's Merkle tree. Exit code 0: the log is whole; 1: an entry was changed,
removed or added, and is named.`,
		Example: "  keyreeve audit verify --data DIR",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return l.with(c.Context(), func(s *store.Store) error {
				size, root, err := s.Root(c.Context())
				if err != nil {
					return err
				}
				leaves, err := s.Leaves(c.Context(), size)
				if err != nil {
					return err
				}
				if bad, err := audit.VerifyLeaves(s.Canonical(c.Context(), size), leaves, root); err != nil {
					return &exitError{exitFailed, fmt.Errorf("the log does not verify (entry %d): %w", bad, err)}
				}
				_, err = fmt.Fprintf(c.OutOrStdout(), "%d entries, root %s: the log is whole\n", size, root)
				return err
			})
		},
	}
	l.flags(c)
	return c
}

package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// newRoot builds the command tree. environ is the environment as "NAME=value".
func newRoot(environ []string) *cobra.Command {
	root := &cobra.Command{
		Use:   "keyreeve",
		Short: "Grants, proves and ends the access of service accounts, keys and agents, through GitHub",
		Long: `keyreeve is a GitHub App that runs the life of non-human identities through issues
and pull requests: a request is an issue, an approval is a comment by a code owner,
and access is granted just in time, read back, revoked at its end, and read back again.

Exit codes: 0 done; 1 the answer is no (an invalid registry, a state that could not be
verified); 2 wrong flags or configuration; 3 it could not run to its end.`,
		Example: `  keyreeve demo                      watch one access request, from the issue to proven access
  keyreeve init identities --org acme --owners @acme/security
  keyreeve check identities
  keyreeve serve                     run the bot for a real GitHub`,
		SilenceUsage:               true,
		SuggestionsMinimumDistance: 2,
		SilenceErrors:              true,
		Args:                       knownCommand,
		RunE:                       func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return &exitError{exitUsage, hint(err, "see `"+c.CommandPath()+" --help`")}
	})
	root.AddCommand(
		newDemo(), newServe(environ), newInit(), newCheck(), newOwners(), newFingerprint(environ),
		newRequests(environ), newLeases(environ), newDeliveries(environ), newExplain(environ), newReplay(environ), newPolicy(environ), newAudit(environ), newScan(environ), newEvidence(environ),
	)
	for _, c := range root.Commands() {
		usageErrors(c)
	}
	return root
}

// knownCommand refuses what is no subcommand, and says what was probably meant.
func knownCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := fmt.Errorf("%s has no command %q", c.CommandPath(), args[0])
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		return &exitError{exitUsage, hint(err, "did you mean `"+c.CommandPath()+" "+near[0]+"`?")}
	}
	return &exitError{exitUsage, hint(err, "see `"+c.CommandPath()+" --help`")}
}

// usageErrors makes wrong arguments exit with the code for wrong usage.
func usageErrors(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			err := check(c, args)
			if _, already := errors.AsType[*exitError](err); already {
				return err
			}
			if err != nil {
				return &exitError{exitUsage, hint(err, "see `"+c.CommandPath()+" --help`")}
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		usageErrors(sub)
	}
}

// hinted is an error for people: a sentence and what to do.
type hinted struct {
	err  error
	hint string
}

func hint(err error, hint string) error { return &hinted{err, hint} }

// Error implements error.
func (e *hinted) Error() string { return e.err.Error() + "\n  " + e.hint }

// Unwrap gives the sentence's error.
func (e *hinted) Unwrap() error { return e.err }

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

func newPolicy(environ []string) *cobra.Command {
	c := &cobra.Command{
		Use:   "policy",
		Short: "Test a policy, and say what another one would have decided",
		Args:  knownCommand,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newPolicyTest(), newPolicyTry(environ))
	return c
}

func newPolicyTest() *cobra.Command {
	var registry string
	var asJSON bool
	c := &cobra.Command{
		Use:   "test",
		Short: "Run the cases that a registry keeps beside its policy, in keyreeve.test.yaml",
		Long: `test decides each case of keyreeve.test.yaml by the policy, the records and the CODEOWNERS of a registry
checkout, in the same way as the bot would, and compares. It asks no GitHub. Exit code 0: all come out
as expected; 1: one does not, or the registry has problems; 2: there are no cases to run.`,
		Example: "  keyreeve policy test --registry identities\n  keyreeve policy test --json | jq 'select(.ok | not)'",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cases, err := rehearse(registry, time.Now(), c.OutOrStdout())
			if err != nil {
				return err
			}
			return tellCases(c.OutOrStdout(), cases, asJSON)
		},
	}
	c.Flags().StringVar(&registry, "registry", ".", "the `DIR` of a registry's checkout")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a case, one a line")
	return c
}

// testedCase is one case and what came of it.
type testedCase struct {
	Name        string                 `json:"name"`
	File        string                 `json:"file"`
	Line        int                    `json:"line"`
	OK          bool                   `json:"ok"`
	Differences []approvals.Difference `json:"differences,omitempty"`
	Rehearsal   approvals.Rehearsal    `json:"got"`
}

// noCases is what somebody reads who has none yet.
const noCases = `begin with a case such as this one, beside keyreeve.yaml; ` + "`keyreeve init`" + ` writes more of them:

    version: 1
    people:
      "@acme/security": [frank, gina]
      "@acme/developers": [dana]
    cases:
      - name: an owner approves a deployment
        request: {identity: payments/deploy-bot, resource: acme/payments, permission: write,
                  environment: production, duration: 2h, requester: dana}
        resourceOwners: ["@acme/security"]
        approvals: [frank]
        expect: {verdict: approved}`

// rehearse decides all cases of the registry in dir. now is when they play, unless they name a day. What is wrong with the
// registry is written to out.
func rehearse(dir string, now time.Time, out io.Writer) ([]testedCase, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, &exitError{exitUsage, hint(fmt.Errorf("%s is not a folder", dir), "name the checkout of a registry with --registry, or make one with `keyreeve init`")}
	}
	file := filepath.Join(dir, identity.PolicyTestPath)
	data, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &exitError{exitUsage, hint(fmt.Errorf("there is no %s", file), noCases)}
	case err != nil:
		return nil, fmt.Errorf("read the cases: %w", err)
	}
	registry, problems := identity.LoadRegistry(os.DirFS(dir))
	if len(problems) > 0 {
		_, _ = io.WriteString(out, identity.Report(problems))
		return nil, &exitError{exitFailed, fmt.Errorf("%d problem(s) in %s", len(problems), dir)}
	}
	owners, err := registryOwners(dir)
	if err != nil {
		return nil, err
	}
	if day := registry.Test.Today; !day.IsZero() {
		now = day.Add(12 * time.Hour)
	}
	var cases []testedCase
	for i, c := range registry.Test.Cases {
		at := identity.Locate(file, data, []identity.Problem{{Field: fmt.Sprintf("cases[%d].name", i)}})[0]
		r := approvals.Rehearse(registry, owners, c, now)
		differences := r.Differs(c.Expect)
		cases = append(cases, testedCase{Name: c.Name, File: file, Line: at.Line, OK: len(differences) == 0, Differences: differences, Rehearsal: r})
	}
	return cases, nil
}

// registryOwners reads the registry's CODEOWNERS, from where GitHub looks for it first.
func registryOwners(dir string) (approvals.OwnersFile, error) {
	for _, place := range approvals.CodeownersPlaces {
		data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(place)))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return approvals.OwnersFile{}, fmt.Errorf("read the registry's owners: %w", err)
		}
		return approvals.OwnersFile{Path: place, Rules: approvals.ParseCodeowners(data)}, nil
	}
	return approvals.OwnersFile{}, nil
}

// tellCases prints what came of the cases: of those that failed, what differs, and the tree of the decision.
func tellCases(out io.Writer, cases []testedCase, asJSON bool) error {
	var b strings.Builder
	failed := 0
	enc := json.NewEncoder(&b)
	for _, c := range cases {
		if !c.OK {
			failed++
		}
		if asJSON {
			if err := enc.Encode(c); err != nil {
				return err
			}
			continue
		}
		tellCase(&b, c)
	}
	if !asJSON {
		_, _ = fmt.Fprintf(&b, "%d case(s), %d failed\n", len(cases), failed)
	}
	if _, err := io.WriteString(out, b.String()); err != nil {
		return err
	}
	if failed > 0 {
		return &exitError{code: exitFailed}
	}
	return nil
}

func tellCase(b *strings.Builder, c testedCase) {
	if c.OK {
		fmt.Fprintf(b, "ok    %s\n", line(c.Name))
		return
	}
	fmt.Fprintf(b, "FAIL  %s (%s:%d)\n", line(c.Name), c.File, c.Line)
	for _, d := range c.Differences {
		fmt.Fprintf(b, "      %s: expected %s, got %s\n", d.Field, line(d.Want), line(d.Got))
	}
	for _, p := range c.Rehearsal.Problems {
		fmt.Fprintf(b, "      because %s\n", p)
	}
	if c.Rehearsal.Decision != nil {
		for l := range strings.Lines(tree(*c.Rehearsal.Decision)) {
			fmt.Fprintf(b, "      %s", l)
		}
	}
}

// tree is a decision as `keyreeve explain` shows it, without the line that names the request.
func tree(d approvals.Decision) string {
	_, tree, _ := strings.Cut(explain(workflow.Request{}, workflow.StoredDecision{Decision: d}), "\n")
	return tree
}

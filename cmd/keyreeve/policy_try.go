package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/store"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

func newPolicyTry(environ []string) *cobra.Command {
	l := &look{environ: environ}
	var file string
	c := &cobra.Command{
		Use:   "try REQUEST --policy FILE",
		Short: "Say what another policy file would have decided on a request",
		Long: `try takes the newest decision on a request with the facts that are stored with it, puts the needs of another
policy file into the place of the old ones, and decides again. REQUEST is named as for explain: by the URL
of its registry pull request or issue, or as owner/name#12. Owners whose people the stored facts do not
have are unknown, so that nothing is approved that rests on them; use-case ceilings and the record of the
identity are as they were. Exit code 0: nothing would differ; 1: the verdict, whose approval is needed, who
may override it, or whether it may be asked for at all would differ; 2: there is no such request or file.`,
		Example: "  keyreeve policy try https://github.com/acme/identities/pull/13 --policy keyreeve.yaml",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			policy, err := readPolicy(file, c.OutOrStdout())
			if err != nil {
				return err
			}
			return l.with(c.Context(), func(s *store.Store) error {
				r, err := findRequest(c.Context(), s, args[0])
				if err != nil {
					return err
				}
				if r.Decision == "" {
					return &exitError{exitUsage, fmt.Errorf("%s is %s, and there is no decision on it that could differ", r.Subject, r.State)}
				}
				d, err := s.Decision(c.Context(), r.Decision)
				if err != nil {
					return err
				}
				return tellTried(c.OutOrStdout(), try(r, d, policy), l.json)
			})
		},
	}
	l.flags(c)
	c.Flags().StringVar(&file, "policy", "", "the other policy `FILE` (required)")
	return c
}

// readPolicy reads a policy from any file; what is wrong with it is written to out.
func readPolicy(file string, out io.Writer) (identity.Policy, error) {
	if file == "" {
		return identity.Policy{}, &exitError{exitUsage, errors.New("no policy is named: use --policy FILE")}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return identity.Policy{}, &exitError{exitUsage, fmt.Errorf("read the policy: %w", err)}
	}
	p, problems := identity.ParsePolicy(identity.PolicyPath, data)
	for i := range problems {
		problems[i].File = file
	}
	if len(problems) > 0 {
		_, _ = io.WriteString(out, identity.Report(problems))
		return p, &exitError{exitUsage, fmt.Errorf("%d problem(s) in %s", len(problems), file)}
	}
	return p, nil
}

// tried is a decision, and what another policy makes of the same facts.
type tried struct {
	Request  string             `json:"request"`
	Decision string             `json:"decision"`
	Was      approvals.Verdict  `json:"was"`
	Would    approvals.Verdict  `json:"would"`
	Added    []approvals.Need   `json:"added"`
	Removed  []approvals.Need   `json:"removed"`
	Override bool               `json:"overrideDiffers"`    // whether others may override, or for another time
	Problems []identity.Problem `json:"problems,omitempty"` // under the other policy
	Unknown  []string           `json:"unknown,omitempty"`  // owners whose people the stored facts do not have
	Same     bool               `json:"same"`
	Tree     approvals.Decision `json:"tree"` // the other decision; where Problems rule the request out, what the votes alone would give
}

// try decides a stored decision's facts again with another policy. A change to the registry falls under no rule.
func try(r workflow.Request, d workflow.StoredDecision, p identity.Policy) tried {
	t := tried{Request: r.Subject.String(), Decision: d.ID, Was: d.Decision.Verdict, Added: []approvals.Need{}, Removed: []approvals.Need{}}
	facts := d.Facts
	if r.Grant != nil && r.Identity != nil {
		facts = approvals.UnderPolicy(facts, p, *r.Identity, *r.Grant)
		t.Problems = identity.CheckPolicy(p, *r.Identity, *r.Grant)
	}
	t.Added, t.Removed = missing(facts.Needs, d.Facts.Needs), missing(d.Facts.Needs, facts.Needs)
	t.Override = !reflect.DeepEqual(facts.BreakGlass, d.Facts.BreakGlass)
	t.Unknown = unknownOwners(facts)
	t.Tree = approvals.Decide(facts)
	if t.Would = t.Tree.Verdict; len(t.Problems) > 0 {
		t.Would = approvals.Invalid
	}
	t.Same = t.Was == t.Would && len(t.Added) == 0 && len(t.Removed) == 0 && !t.Override
	return t
}

// missing lists the needs of one list that another does not have.
func missing(of, in []approvals.Need) []approvals.Need {
	out := []approvals.Need{}
	for _, n := range of {
		if !slices.ContainsFunc(in, func(o approvals.Need) bool { return reflect.DeepEqual(n, o) }) {
			out = append(out, n)
		}
	}
	return out
}

// unknownOwners lists the owners that are asked, and whose people are not among the facts.
func unknownOwners(f approvals.Facts) []string {
	var all []string
	for _, n := range f.Needs {
		all = append(all, n.Owners...)
	}
	if f.BreakGlass != nil {
		all = append(all, f.BreakGlass.From...)
	}
	all = slices.DeleteFunc(all, func(o string) bool { return f.People[o].Known })
	slices.Sort(all)
	return slices.Compact(all)
}

// tellTried prints what would differ.
func tellTried(out io.Writer, t tried, asJSON bool) error {
	var b strings.Builder
	if asJSON {
		if err := json.NewEncoder(&b).Encode(t); err != nil {
			return err
		}
	} else {
		tellDifferences(&b, t)
	}
	if _, err := io.WriteString(out, b.String()); err != nil {
		return err
	}
	if !t.Same {
		return &exitError{code: exitFailed}
	}
	return nil
}

func tellDifferences(b *strings.Builder, t tried) {
	if t.Same {
		fmt.Fprintf(b, "%s: %s, with both policies (decision %s)\n", t.Request, t.Was, t.Decision)
		return
	}
	fmt.Fprintf(b, "%s: %s was decided; the other policy gives %s (decision %s)\n", t.Request, t.Was, t.Would, t.Decision)
	need := func(mark string, n approvals.Need) {
		fmt.Fprintf(b, "%s %d of %s for %s %s\n", mark, max(1, n.Count), line(strings.Join(n.Owners, " ")), n.Kind, n.Subject)
	}
	for _, n := range t.Removed {
		need("-", n)
	}
	for _, n := range t.Added {
		need("+", n)
	}
	if t.Override {
		_, _ = b.WriteString("~ who may override missing approvals, or for how long, differs\n")
	}
	for _, p := range t.Problems {
		fmt.Fprintf(b, "! %s\n", p)
	}
	if len(t.Unknown) > 0 {
		fmt.Fprintf(b, "? the stored facts do not have who stands behind %s: nothing is approved that rests on them\n", strings.Join(t.Unknown, ", "))
	}
	_, _ = b.WriteString(tree(t.Tree))
}

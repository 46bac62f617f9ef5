package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/internal/store"
	"github.com/keyreeve/keyreeve/internal/workflow"
	"github.com/keyreeve/keyreeve/templates"
)

func newExplain(environ []string) *cobra.Command {
	l := &look{environ: environ}
	c := &cobra.Command{
		Use:     "explain REQUEST",
		Short:   "Say why a request stands where it does: each need, who met it, who could, which votes do not count",
		Example: "  keyreeve explain acme/identities#12\n  keyreeve explain https://github.com/acme/identities/issues/12 --data DIR",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return l.with(c.Context(), func(s *store.Store) error {
				r, err := findRequest(c.Context(), s, args[0])
				if err != nil {
					return err
				}
				if r.Decision == "" {
					_, err := fmt.Fprintf(c.OutOrStdout(), "%s is %s; there is no decision on it yet.\n", r.Subject, r.State)
					return err
				}
				d, err := s.Decision(c.Context(), r.Decision)
				if err != nil {
					return err
				}
				if l.json {
					return l.table(c.OutOrStdout(), "", nil, nil, []any{d})
				}
				_, err = io.WriteString(c.OutOrStdout(), explain(r, d))
				return err
			})
		},
	}
	l.flags(c)
	return c
}

// findRequest finds a request by "owner/name#12", by the URL of its issue or pull request, or by its id.
func findRequest(ctx context.Context, s *store.Store, name string) (workflow.Request, error) {
	list, err := s.Requests(ctx)
	if err != nil {
		return workflow.Request{}, err
	}
	for _, r := range list {
		pull := workflow.Place{Repo: r.Registry, Number: r.Pull}.String()
		for _, known := range []string{r.ID, r.Subject.String(), pull, path(r.Subject.String(), "issues"), path(pull, "pull")} {
			if strings.EqualFold(name, known) || strings.HasSuffix(strings.ToLower(name), "/"+strings.ToLower(known)) {
				return r, nil
			}
		}
	}
	return workflow.Request{}, &exitError{exitFailed, hint(fmt.Errorf("there is no request %s", name), "`keyreeve requests` lists them")}
}

// path is "owner/name#12" as a part of a URL.
func path(place, kind string) string { return strings.Replace(place, "#", "/"+kind+"/", 1) }

// explain renders a decision as a tree.
func explain(r workflow.Request, sd workflow.StoredDecision) string {
	var b strings.Builder
	d := sd.Decision
	fmt.Fprintf(&b, "%s is %s; decided %s at %s: %s\n", r.Subject, r.State, sd.ID, moment(sd.At), d.Verdict)
	fmt.Fprintf(&b, "├─ digest %s\n", d.Digest)
	if d.Head != "" {
		fmt.Fprintf(&b, "├─ head %s\n", d.Head)
	}
	if o := d.Override; o != nil {
		fmt.Fprintf(&b, "├─ overridden by %s (%s): %s\n", o.By.Login, o.Vote, line(o.Reason))
	}
	for _, reason := range d.Reasons {
		fmt.Fprintf(&b, "├─ because %s\n", plain(templates.Reason(reason)))
	}
	for _, n := range d.Needs {
		mark := "✗"
		if n.Met {
			mark = "✓"
		}
		fmt.Fprintf(&b, "├─ %s %s %s\n", mark, n.Need.Kind, n.Need.Subject)
		fmt.Fprintf(&b, "│   ├─ owners %s (%s)\n", line(strings.Join(n.Need.Owners, " ")), line(n.Need.Source))
		if n.Need.Count > 1 {
			fmt.Fprintf(&b, "│   ├─ needs %d different people\n", n.Need.Count)
		}
		if n.Need.Blocked != nil {
			fmt.Fprintf(&b, "│   ├─ blocked: %s\n", plain(templates.Reason(*n.Need.Blocked)))
		}
		fmt.Fprintf(&b, "│   ├─ approved by %s\n", logins(n))
		fmt.Fprintf(&b, "│   └─ could approve %s\n", eligible(n))
	}
	for _, v := range d.Votes {
		counts := "counts"
		if v.Why != nil {
			counts = "does not count: " + plain(templates.Reason(*v.Why))
		}
		fmt.Fprintf(&b, "├─ %s by %s (%s) %s\n", v.Vote.Verb, v.Vote.By.Login, v.Vote.ID, counts)
	}
	fmt.Fprintf(&b, "└─ %d needs, %d votes\n", len(d.Needs), len(d.Votes))
	return b.String()
}

func logins(n approvals.NeedResult) string {
	names := make([]string, len(n.By))
	for i, p := range n.By {
		names[i] = p.Login
	}
	return line(strings.Join(names, ", "))
}

func eligible(n approvals.NeedResult) string {
	names := make([]string, len(n.Eligible))
	for i, p := range n.Eligible {
		names[i] = p.Login
	}
	return line(strings.Join(names, ", "))
}

// plain takes Markdown's code marks and escapes off a sentence.
func plain(s string) string { return strings.NewReplacer("`", "", "\u200b", "", "\\", "").Replace(s) }

func newReplay(environ []string) *cobra.Command {
	l := &look{environ: environ}
	c := &cobra.Command{
		Use:   "replay [DECISION]",
		Short: "Make stored decisions again from their stored facts, and compare",
		Long: `replay makes each stored decision, or the one named, again from the facts that are stored with
it. Exit code 0: every one comes out the same; 1: one differs, and is named.`,
		Example: "  keyreeve replay --data DIR",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return l.with(c.Context(), func(s *store.Store) error {
				list, err := decisions(c.Context(), s, args)
				if err != nil {
					return err
				}
				bad := 0
				for _, d := range list {
					if err := approvals.Replay(d.Facts, d.Decision); err != nil {
						bad++
						_, _ = fmt.Fprintf(c.OutOrStdout(), "%s on %s differs: %v\n", d.ID, d.Subject, err)
					}
				}
				_, _ = fmt.Fprintf(c.OutOrStdout(), "%d decision(s) made again, %d differ\n", len(list), bad)
				if bad > 0 {
					return &exitError{code: exitFailed}
				}
				return nil
			})
		},
	}
	l.flags(c)
	return c
}

func decisions(ctx context.Context, s *store.Store, args []string) ([]workflow.StoredDecision, error) {
	if len(args) == 0 {
		return s.Decisions(ctx)
	}
	d, err := s.Decision(ctx, args[0])
	return []workflow.StoredDecision{d}, err
}

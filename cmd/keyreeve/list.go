package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/internal/store"
)

func newRequests(environ []string) *cobra.Command {
	l := &look{environ: environ}
	c := &cobra.Command{
		Use:     "requests",
		Short:   "List the access requests and where each stands",
		Example: "  keyreeve requests --data DIR\n  keyreeve requests --json | jq .state",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return l.with(c.Context(), func(s *store.Store) error {
				list, err := s.Requests(c.Context())
				if err != nil {
					return err
				}
				var rows [][]string
				var values []any
				for _, r := range list {
					access := "-"
					if r.Grant != nil {
						access = fmt.Sprintf("%s on %s for %s", r.Grant.Permission, r.Grant.Resource, r.Grant.Duration)
					}
					rows = append(rows, []string{r.Subject.String(), string(r.State), line(r.Requester.Login), access, moment(r.UpdatedAt)})
					values = append(values, r)
				}
				return l.table(c.OutOrStdout(), "There are no requests yet: open an issue with the registry's access-request form.",
					[]string{"REQUEST", "STATE", "ASKED BY", "ACCESS", "CHANGED"}, rows, values)
			})
		},
	}
	l.flags(c)
	return c
}

func newLeases(environ []string) *cobra.Command {
	l := &look{environ: environ}
	c := &cobra.Command{
		Use:     "leases",
		Short:   "List the leases: which access was granted, until when, and what proved it",
		Example: "  keyreeve leases --data DIR",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return l.with(c.Context(), func(s *store.Store) error {
				list, err := s.Leases(c.Context())
				if err != nil {
					return err
				}
				var rows [][]string
				var values []any
				for _, x := range list {
					rows = append(rows, []string{
						x.ID, string(x.State), x.Access.String(), x.Permission.String(),
						moment(x.VerifiedAt), moment(x.EndsAt), moment(x.RevokedAt), line(x.LastError),
					})
					values = append(values, x)
				}
				return l.table(c.OutOrStdout(), "There are no leases yet: one begins when an approved request is merged.",
					[]string{"LEASE", "STATE", "ACCESS", "PERMISSION", "VERIFIED", "ENDS", "REVOKED", "LAST ERROR"}, rows, values)
			})
		},
	}
	l.flags(c)
	return c
}

func newDeliveries(environ []string) *cobra.Command {
	l := &look{environ: environ}
	var limit int
	c := &cobra.Command{
		Use:     "deliveries",
		Short:   "List the webhook deliveries that were accepted, newest first, and what became of each",
		Example: "  keyreeve deliveries --limit 20",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return l.with(c.Context(), func(s *store.Store) error {
				list, err := s.Deliveries(c.Context(), limit)
				if err != nil {
					return err
				}
				var rows [][]string
				var values []any
				for _, d := range list {
					became := "waits"
					switch {
					case d.Rule != "":
						became = "ignored: " + d.Rule
					case !d.FinishedAt.IsZero():
						became = "taken up"
					case d.LastError != "":
						became = "failed: " + line(d.LastError)
					}
					rows = append(rows, []string{moment(d.ReceivedAt), d.Event, d.ID, became})
					values = append(values, d)
				}
				return l.table(c.OutOrStdout(), "There are no deliveries yet: point the GitHub App's webhook at this bot's /webhook.",
					[]string{"RECEIVED", "EVENT", "DELIVERY", "BECAME"}, rows, values)
			})
		},
	}
	l.flags(c)
	c.Flags().IntVar(&limit, "limit", 50, "the most to list")
	return c
}

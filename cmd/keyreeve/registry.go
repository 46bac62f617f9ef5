package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/templates/starter"
)

func newInit() *cobra.Command {
	var o starter.Options
	c := &cobra.Command{
		Use:   "init DIR",
		Short: "Write a new registry: policy, CODEOWNERS, forms, schemas and examples",
		Long: `init writes the files of a new registry repository into DIR, which is made where it is missing:
the policy (keyreeve.yaml), CODEOWNERS, the access-request form, an example use case and
identity, JSON Schemas with which editors complete and check the records, and a README for
those who will use it. A file that exists is never overwritten: then nothing is written at all.`,
		Example: `  keyreeve init identities --org acme --owners @acme/security
  cd identities && git init -b main && git add . && git commit -m "A registry of identities"`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.Today = time.Now()
			files, err := starter.Files(o)
			if err != nil {
				return &exitError{exitUsage, err}
			}
			if err := writeNew(args[0], files); err != nil {
				return err
			}
			for _, name := range sortedKeys(files) {
				_, _ = fmt.Fprintln(c.OutOrStdout(), "wrote", filepath.Join(args[0], filepath.FromSlash(name)))
			}
			_, _ = fmt.Fprintf(c.OutOrStdout(), "\nNext: `keyreeve check %s`, then push it as the repository %s/identities.\n", args[0], o.Org)
			return nil
		},
	}
	c.Flags().StringVar(&o.Org, "org", "", "the organization's login (required)")
	c.Flags().StringVar(&o.Owners, "owners", "", "who owns the registry itself, as CODEOWNERS writes it: @org/team or @login (required)")
	c.Flags().StringSliceVar(&o.Environments, "environments", []string{"development", "staging", "production"}, "the environments that access is scoped to")
	return c
}

// writeNew writes all files below dir, or none if one of them exists.
func writeNew(dir string, files map[string][]byte) error {
	for _, name := range sortedKeys(files) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if _, err := os.Lstat(path); err == nil {
			return &exitError{exitUsage, hint(fmt.Errorf("%s exists already, and nothing was written", path), "name an empty folder, or move the file away")}
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	for _, name := range sortedKeys(files) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // a checkout, as git would make it
			return err
		}
		if err := os.WriteFile(path, files[name], 0o644); err != nil { //nolint:gosec // likewise
			return err
		}
	}
	return nil
}

func sortedKeys(files map[string][]byte) []string {
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func newCheck() *cobra.Command {
	var data string
	c := &cobra.Command{
		Use:   "check [DIR]",
		Short: "Validate a registry checkout: every record, the policy, and how they hang together",
		Long: `check reads a registry checkout and prints each problem as path:line:column: what is wrong and
what to do, for an editor or a pre-commit hook. It asks no GitHub. Exit code 0: valid; 1: problems.`,
		Example: `  keyreeve check identities
  keyreeve check                     the current folder
  keyreeve check --data DIR          the registry that a demo kept`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			dir := "."
			switch {
			case len(args) == 1:
				dir = args[0]
			case data != "":
				dir = filepath.Join(data, registryDir)
			}
			if info, err := os.Stat(dir); err != nil || !info.IsDir() {
				return &exitError{exitUsage, hint(fmt.Errorf("%s is not a folder", dir), "name the checkout of a registry, or make one with `keyreeve init`")}
			}
			registry, problems := identity.LoadRegistry(os.DirFS(dir))
			for _, p := range problems {
				_, _ = fmt.Fprintln(c.OutOrStdout(), p)
			}
			if len(problems) > 0 {
				_, _ = fmt.Fprintf(c.ErrOrStderr(), "%d problem(s) in %s\n", len(problems), dir)
				return &exitError{code: exitFailed}
			}
			_, _ = fmt.Fprintf(c.OutOrStdout(), "%s is valid: %d identities, %d use cases, %d grants\n",
				dir, len(registry.Identities), len(registry.UseCases), len(registry.Grants))
			return nil
		},
	}
	c.Flags().StringVar(&data, "data", "", "the `DIR` that keyreeve demo --data kept")
	return c
}

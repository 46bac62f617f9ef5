package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/internal/demo"
	"github.com/keyreeve/keyreeve/internal/proof"
)

// demoFlags are the flags of `keyreeve demo`.
type demoFlags struct {
	exit   bool
	data   string
	listen string
	pace   time.Duration
}

func newDemo() *cobra.Command {
	var f demoFlags
	c := &cobra.Command{
		Use:   "demo",
		Short: "Watch one access request, from the issue to proven access and its proven end",
		Long: `demo starts a simulated GitHub on this machine, the real bot against it (a real App's token,
signed webhooks, an embedded database), and plays one access request: a developer asks, the bot
answers and opens the registry pull request, an owner who may not approve is refused with the
reason, the right ones approve, the check turns green, the bot merges, grants and reads back;
the time passes, the bot revokes, and reads back again. Then the whole end state is checked.

Nothing outside this machine is called, and nothing is left behind unless --data says so.
The simulated GitHub's issues and pull requests can be looked at in a browser meanwhile.
It needs git on this machine.`,
		Example: `  keyreeve demo                   watch, then look around in the browser until Ctrl-C
  keyreeve demo --exit            exit by itself: 0 only if the end state was verified
  keyreeve demo --exit --data d   keep database, registry and log in d, then: keyreeve leases --data d`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if !c.Flags().Changed("pace") && isTerminal(c.OutOrStdout()) {
				f.pace = 1500 * time.Millisecond
			}
			return runDemo(c.Context(), f, c.OutOrStdout())
		},
	}
	c.Flags().BoolVar(&f.exit, "exit", false, "end when the story has ended; exit code 0 only if its end state was verified")
	c.Flags().StringVar(&f.data, "data", "", "a new or empty `DIR` in which database, registry and log are kept")
	c.Flags().StringVar(&f.listen, "listen", "127.0.0.1:0", "where the simulated GitHub listens; port 0 takes a free one")
	c.Flags().DurationVar(&f.pace, "pace", 0, "the pause before each act (on a terminal 1.5s)")
	return c
}

func runDemo(ctx context.Context, f demoFlags, out io.Writer) (err error) {
	dir, cleanup, err := demoDir(f.data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cleanup()) }()
	log, err := os.OpenFile(filepath.Join(dir, logFile), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()

	d, err := demo.Start(ctx, demo.Options{
		Dir: dir, Database: filepath.Join(dir, databaseFile), Listen: f.listen, Out: out,
		Colour: isTerminal(out) && os.Getenv("NO_COLOR") == "", Pace: f.pace, Log: newLogger(log, slog.LevelInfo),
	})
	if err != nil {
		return fmt.Errorf("start the demo: %w", err)
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
		defer cancel()
		err = errors.Join(err, d.Close(end))
	}()
	_, _ = fmt.Fprintf(out, "A simulated GitHub   %s   (open it in a browser and watch)\nThe bot, against it  %s\n", d.URL(), d.Bot())
	return tell(ctx, d, f, out)
}

// tell plays the story, checks its end, and shows what there is to look at.
func tell(ctx context.Context, d *demo.Demo, f demoFlags, out io.Writer) error {
	if err := d.Play(ctx); err != nil {
		if ctx.Err() != nil {
			return &exitError{code: exitFailed, err: errors.New("interrupted before the story's end; nothing was verified")}
		}
		return fmt.Errorf("the story did not come to its end: %w", err)
	}
	d.Notef("The whole end state, checked at the simulated GitHub and in the database")
	report, err := d.Verify(ctx)
	if err != nil {
		return fmt.Errorf("check the end state: %w", err)
	}
	show(out, report)
	if f.data != "" {
		if err := d.KeepRegistry(ctx, filepath.Join(f.data, registryDir)); err != nil {
			return err
		}
		_, _ = fmt.Fprintf(out, "\nKept in %s: %s, %s/, %s. Look at it with:\n", f.data, databaseFile, registryDir, logFile)
		for _, c := range []string{"requests", "explain " + demo.Registry + "#1", "leases", "audit show", "audit verify", "replay", "check"} {
			_, _ = fmt.Fprintf(out, "  keyreeve %s --data %s\n", c, f.data)
		}
	}
	if !f.exit {
		_, _ = fmt.Fprintf(out, "\nThe simulated GitHub stays up at %s/%s/issues/1. Ctrl-C ends the demo.\n", d.URL(), demo.Registry)
		<-ctx.Done()
	}
	if len(report.Broken) > 0 {
		return &exitError{exitFailed, fmt.Errorf("the end state is not as it should be: %d invariant(s) broken", len(report.Broken))}
	}
	return nil
}

func show(out io.Writer, r proof.Report) {
	for _, l := range r.Held {
		_, _ = fmt.Fprintln(out, "  ✔ "+l)
	}
	for _, l := range r.Broken {
		_, _ = fmt.Fprintln(out, "  ✘ "+l)
	}
}

// demoDir makes the folder that the demo works in, and says how it is cleaned up.
func demoDir(data string) (dir string, cleanup func() error, err error) {
	if data == "" {
		dir, err = os.MkdirTemp("", "keyreeve-demo-")
		return dir, func() error { return os.RemoveAll(dir) }, err
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return "", nil, err
	}
	entries, err := os.ReadDir(data)
	if err != nil {
		return "", nil, err
	}
	if len(entries) > 0 {
		return "", nil, &exitError{exitUsage, hint(fmt.Errorf("%s is not empty, and nothing was written", data), "name a new folder for --data")}
	}
	return data, func() error { return nil }, nil
}

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/keyreeve/keyreeve/scanners"
)

// pepperFileVariable names the environment variable that names the pepper file.
const pepperFileVariable = prefix + "PEPPER_FILE"

func newFingerprint(environ []string) *cobra.Command {
	var newPepper string
	c := &cobra.Command{
		Use:   "fingerprint",
		Short: "Print the keyed fingerprint of a secret value, which is read from standard input",
		Long: `fingerprint reads one secret value from standard input, and prints its fingerprint alone: what a record's
credential and a keys file hold in place of the value, so that ` + "`keyreeve scan`" + ` finds it and nobody can read it. A terminal
is asked for the value and does not show it. One line end behind the value is taken off. A value has at least 8
bytes, and at most 48 KB.

The fingerprint is keyed by the operator's pepper, a file that ` + pepperFileVariable + ` names: one pepper a line of at least
32 random characters; blank lines and those that begin with # are skipped. Fingerprints are made under the first
pepper and looked for under all of them. Without its pepper a fingerprint is useless: keep a copy.

To rotate the pepper, make a new file and append the old one's lines to it:

  keyreeve fingerprint --new-pepper pepper.new
  cat pepper >> pepper.new && mv pepper.new pepper

Fingerprints made before are still found. Make them anew from the values where you still have these; a line that no
record names any more (kr1-<pepper id>:…) can then be taken out. A search that meets a fingerprint of a pepper
that it has not says so and ends, and never skips it. See docs/fingerprints.md.

Exit codes: 0 printed; 1 the value can't be fingerprinted; 2 no pepper, or wrong usage.`,
		Example: `  keyreeve fingerprint --new-pepper pepper && export ` + pepperFileVariable + `=pepper
  keyreeve fingerprint                      asks for the value
  pass show payments/api | keyreeve fingerprint
  keyreeve fingerprint < deploy_key.pem`,
		Args: noValue,
		RunE: func(c *cobra.Command, _ []string) error {
			if newPepper != "" {
				return makePepper(newPepper, c.ErrOrStderr())
			}
			return printFingerprint(environ, c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	c.Flags().StringVar(&newPepper, "new-pepper", "", "write a new random pepper to this `FILE`, which must not exist, and end")
	return c
}

// noValue refuses arguments without repeating them: they may be what should not be shown.
func noValue(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return &exitError{exitUsage, hint(
		errors.New("fingerprint takes no argument: every user of this machine can see those, and your shell keeps them"),
		"give the value on standard input; if this was a secret, it is time to rotate it")}
}

// loadPeppers reads the pepper file that the environment names, and warns on stderr where others can read it. Without
// the variable it returns none.
func loadPeppers(environ []string, stderr io.Writer) (scanners.Peppers, error) {
	path := lookup(environ, pepperFileVariable)
	if path == "" {
		return nil, nil
	}
	p, warning, err := scanners.OpenPeppers(path)
	if err != nil {
		return nil, &exitError{exitUsage, hint(err, pepperFileVariable+" names it; `keyreeve fingerprint --new-pepper FILE` makes one")}
	}
	if warning != "" {
		fmt.Fprintln(stderr, "keyreeve: warning: "+warning)
	}
	return p, nil
}

// lookup returns the last value of a variable, as the environment does.
func lookup(environ []string, name string) string {
	value := ""
	for _, kv := range environ {
		if len(kv) > len(name) && kv[len(name)] == '=' && kv[:len(name)] == name {
			value = kv[len(name)+1:]
		}
	}
	return value
}

func printFingerprint(environ []string, stdin io.Reader, stdout, stderr io.Writer) error {
	peppers, err := loadPeppers(environ, stderr)
	if err != nil {
		return err
	}
	if len(peppers) == 0 {
		return &exitError{exitUsage, hint(errors.New("there is no pepper: "+pepperFileVariable+" is not set"),
			"make one with `keyreeve fingerprint --new-pepper FILE`, and set "+pepperFileVariable+"=FILE")}
	}
	value, err := readValue(stdin, stderr)
	if err != nil {
		return err
	}
	fingerprint, err := peppers.Fingerprint(value)
	clear(value)
	if err != nil {
		return &exitError{exitFailed, err}
	}
	_, err = fmt.Fprintln(stdout, fingerprint)
	return err
}

// readValue reads the value, from a terminal without showing it.
func readValue(stdin io.Reader, stderr io.Writer) ([]byte, error) {
	if f, ok := stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprint(stderr, "value (it is not shown): ")
		value, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(stderr)
		if err != nil {
			return nil, fmt.Errorf("read the value from the terminal: %w", err)
		}
		return value, nil
	}
	// One byte more for each of the line's end, and to see that the value is too long.
	value, err := io.ReadAll(io.LimitReader(stdin, scanners.ValueMax+3))
	if err != nil {
		return nil, fmt.Errorf("read the value from standard input: %w", err)
	}
	if rest, ok := bytes.CutSuffix(value, []byte("\n")); ok {
		value, _ = bytes.CutSuffix(rest, []byte("\r"))
	}
	return value, nil
}

// makePepper writes a new pepper file that only its owner can read. A file that is there is left alone: it may be what
// all fingerprints hang on.
func makePepper(path string, stderr io.Writer) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return &exitError{exitUsage, hint(fmt.Errorf("the file %s is there already", path), "to rotate a pepper see `keyreeve fingerprint --help`")}
	}
	if err != nil {
		return fmt.Errorf("write a new pepper: %w", err)
	}
	_, err = fmt.Fprintln(f, scanners.GeneratePepper())
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write a new pepper: %w", err)
	}
	fmt.Fprintf(stderr, "a new pepper is in %s; keep a copy of it, and set %s=%s\n", path, pepperFileVariable, path)
	return nil
}

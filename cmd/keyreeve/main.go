// Command keyreeve runs the life of non-human identities through GitHub
// issues and pull requests, and proves that the access which exists is the
// access that was approved. See `keyreeve --help`.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	os.Exit(keyreeve())
}

// keyreeve is the program as the command line starts it; tests start it by this name too.
func keyreeve() int {
	ctx, stop := signalContext()
	defer stop()
	return exitCode(run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr), os.Stderr)
}

// signalContext ends with Ctrl-C or SIGTERM.
func signalContext() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
}

// The exit codes, as `keyreeve --help` names them.
const (
	exitOK       = 0
	exitFailed   = 1 // it ran, and the answer is no: an invalid registry, a demo not verified, a log that does not verify
	exitUsage    = 2 // wrong flags or configuration; nothing was done
	exitInternal = 3 // it could not run to its end
)

// exitError carries an exit code; a nil err has been told already.
type exitError struct {
	code int
	err  error
}

// Error implements error.
func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

// Unwrap gives the error that is behind the code.
func (e *exitError) Unwrap() error { return e.err }

// exitCode prints what went wrong, once, and gives the code for it.
func exitCode(err error, stderr io.Writer) int {
	if err == nil {
		return exitOK
	}
	code := exitInternal
	if e, ok := errors.AsType[*exitError](err); ok {
		code = e.code
		if e.err == nil {
			return code
		}
	}
	_, _ = fmt.Fprintf(stderr, "keyreeve: %v\n", err)
	return code
}

// run parses args and runs what they name.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) error {
	root := newRoot(environ)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return root.ExecuteContext(ctx)
}

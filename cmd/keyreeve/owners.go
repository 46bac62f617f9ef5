package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/approvals"
)

// ownersQuery is `keyreeve owners`: its flags, and where it is asked from.
type ownersQuery struct {
	file  string // the CODEOWNERS, as --codeowners names it or as it was found
	json  bool
	null  bool
	check bool

	place checkout
	rules approvals.Codeowners
	poor  bool // a path has no owner, or a line in error may be meant for it
}

func newOwners() *cobra.Command {
	var q ownersQuery
	c := &cobra.Command{
		Use:   "owners [--codeowners FILE] [--json] PATH…",
		Short: "Print who owns a path by CODEOWNERS, which line says so, and what is wrong with the file",
		Long: `owners reads a CODEOWNERS file by GitHub's rules and prints for each path its owners, and the line and
pattern that decide; the last line that matches does. Without --codeowners the file is the first of
.github/CODEOWNERS, CODEOWNERS and docs/CODEOWNERS in the git checkout around the current folder.
Whether an owner exists and may write is known to GitHub alone.

Paths are those of files, which need not exist. They are taken from the current folder, within a checkout;
with a slash in front, or without a checkout, from the root of the repository. Without PATH, or with -,
paths are read from standard input, one a line.

Lines in error, which GitHub skips, are printed on standard error as FILE:LINE:COLUMN: kind: message; and
for each path, those that may be meant for it: keyreeve lets nobody approve it before they are corrected.

With --json it prints one object a path: {"path", "owners": [], "line", "pattern"}. Without an owner the list
is empty; where no line matches, line is 0 and pattern "".

Exit codes: 0 it answered, whatever the answers are; 1 the file is 3 MB or more, which GitHub does not load,
or, with --check, a path has no owner or a line in error may be meant for it; 2 no such file, or a path that
is none.`,
		Example: `  keyreeve owners cmd/main.go docs/index.md
  git diff --name-only --relative main | keyreeve owners --check
  git ls-files -z | keyreeve owners -z --json
  keyreeve owners --codeowners .github/CODEOWNERS.new README.md`,
		RunE: func(c *cobra.Command, args []string) error {
			return q.run(args, c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	c.Flags().StringVar(&q.file, "codeowners", "", "the `FILE` to read (default: where GitHub looks for it in this checkout)")
	c.Flags().BoolVar(&q.json, "json", false, "print one JSON object a line")
	c.Flags().BoolVar(&q.check, "check", false, "exit with 1 when a path has no owner, or a line in error may be meant for it")
	c.Flags().BoolVarP(&q.null, "null", "z", false, "paths on standard input end with NUL, as git ls-files -z prints them")
	return c
}

// run answers for all paths. Those of the command line are looked at before anything is printed.
func (q *ownersQuery) run(args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	wd, err := os.Getwd()
	if err != nil {
		return err
	}
	q.place = findCheckout(wd)
	paths, err := q.place.paths(args)
	if err != nil {
		return err
	}
	if err := q.load(); err != nil {
		return err
	}
	for _, e := range q.rules.Errors {
		_, _ = io.WriteString(stderr, showError(q.file, e))
	}
	out := q.printer(stdout)
	if len(paths) > 0 {
		for _, path := range paths {
			if err := q.answer(path, out, stderr); err != nil {
				return err
			}
		}
	} else if err := q.answerInput(stdin, out, stderr); err != nil {
		return errors.Join(err, out.flush())
	}
	if err := out.flush(); err != nil {
		return err
	}
	if q.check && q.poor {
		return &exitError{code: exitFailed}
	}
	return nil
}

// load finds the file where none is named, and reads it.
func (q *ownersQuery) load() error {
	if q.file == "" {
		found, err := q.place.codeowners()
		if err != nil {
			return err
		}
		q.file = found
	}
	f, err := os.Open(q.file)
	if errors.Is(err, fs.ErrNotExist) {
		return &exitError{exitUsage, hint(fmt.Errorf("there is no %s", q.file), "name a CODEOWNERS file with --codeowners, or leave the flag out to have it found")}
	}
	if err != nil {
		return &exitError{exitUsage, err}
	}
	data, err := io.ReadAll(io.LimitReader(f, approvals.CodeownersLimit+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return &exitError{exitUsage, err}
	}
	q.rules = approvals.ParseCodeowners(data)
	if q.rules.TooLarge {
		return &exitError{exitFailed, hint(fmt.Errorf("%s has 3 MB or more: GitHub does not load it, so nothing has an owner", q.file),
			"let one pattern with * stand for many lines")}
	}
	return nil
}

// answerInput answers for each line of standard input as it comes, so that a list may be longer than memory.
func (q *ownersQuery) answerInput(stdin io.Reader, out printer, stderr io.Writer) error {
	end, number := byte('\n'), 0
	if q.null {
		end = 0
	}
	lines := bufio.NewReader(stdin)
	for more := true; more; {
		line, err := lines.ReadString(end)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read paths: %w", err)
		}
		more = err == nil
		number++
		line = strings.TrimSuffix(line, string(end))
		if !q.null {
			line = strings.TrimSuffix(line, "\r")
		}
		if line == "" {
			continue
		}
		path, err := q.place.path(line)
		if err != nil {
			return &exitError{exitUsage, fmt.Errorf("standard input, path %d: %w", number, err)}
		}
		if err := q.answer(path, out, stderr); err != nil {
			return err
		}
	}
	return nil
}

// ownersAnswer is what --json prints for a path.
type ownersAnswer struct {
	Path    string   `json:"path"` // from the root of the repository
	Owners  []string `json:"owners"`
	Line    int      `json:"line"`
	Pattern string   `json:"pattern"`
}

func (q *ownersQuery) answer(path string, out printer, stderr io.Writer) error {
	a := ownersAnswer{Path: path, Owners: []string{}}
	if r, ok := q.rules.Match(path); ok {
		a.Line, a.Pattern = r.Line, r.Pattern
		a.Owners = append(a.Owners, r.OwnersAsWritten()...)
	}
	touched := q.rules.ErrorTouches(path)
	if len(touched) > 0 {
		_, _ = fmt.Fprintf(stderr, "%s: line %d is in error and may be meant for it: nobody can approve it before that is corrected\n",
			printable(path), touched[0].Line)
	}
	q.poor = q.poor || len(a.Owners) == 0 || len(touched) > 0
	return out.write(a)
}

// printer prints answers, in one of two forms.
type printer struct {
	write func(ownersAnswer) error
	flush func() error
}

func (q *ownersQuery) printer(w io.Writer) printer {
	if q.json {
		buffered := bufio.NewWriter(w)
		enc := json.NewEncoder(buffered)
		enc.SetEscapeHTML(false)
		return printer{write: func(a ownersAnswer) error { return enc.Encode(a) }, flush: buffered.Flush}
	}
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	head := "PATH\tOWNERS\tLINE\tPATTERN\n"
	return printer{flush: table.Flush, write: func(a ownersAnswer) error {
		owners, line, pattern := strings.Join(a.Owners, " "), fmt.Sprint(a.Line), printable(a.Pattern)
		if owners == "" {
			owners = "(no owner)"
		}
		if a.Line == 0 {
			line, pattern = "-", "(no line matches)"
		}
		_, err := fmt.Fprintf(table, "%s%s\t%s\t%s\t%s\n", head, printable(a.Path), owners, line, pattern)
		head = ""
		return err
	}}
}

// showError writes "FILE:LINE:COLUMN: kind: message", as editors read it, and below it the place in its line.
func showError(file string, e approvals.SyntaxError) string {
	text := fmt.Sprintf("%s:%d:%d: %s: %s", file, e.Line, e.Column, e.Kind, e.Message)
	if e.Suggestion != "" {
		text += ": " + e.Suggestion
	}
	const before, after = 60, 60 // characters around the place: lines may have megabytes
	source := []rune(e.Source)
	at := min(e.Column-1, len(source))
	from, to := max(0, at-before), min(len(source), at+after)
	shown := []rune(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\ufeff' {
			return ' '
		}
		return r
	}, string(source[from:to])))
	return text + "\n  " + strings.TrimRight(string(shown), " ") + "\n  " + strings.Repeat(" ", at-from) + "^\n"
}

// printable is text for a terminal: quoted where it holds what a terminal would act on.
func printable(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 || r == '\ufffd' }) {
		return fmt.Sprintf("%q", s)
	}
	return s
}

// checkout is a git checkout, seen from a folder within it.
type checkout struct {
	root   string // "" where there is none
	within string // the folder from the root, with slashes; "." for the root
}

// findCheckout looks for .git in a folder and those above it. It is a file in a worktree.
func findCheckout(wd string) checkout {
	for dir := wd; ; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			if within, err := filepath.Rel(dir, wd); err == nil {
				return checkout{dir, filepath.ToSlash(within)}
			}
		}
		if dir == filepath.Dir(dir) {
			return checkout{within: "."}
		}
	}
}

// codeowners finds the file where GitHub looks for it; what it returns can be opened from the folder.
func (p checkout) codeowners() (string, error) {
	if p.root == "" {
		return "", &exitError{exitUsage, hint(errors.New("this folder is in no git checkout, so there is no CODEOWNERS to find"), "name one with --codeowners FILE")}
	}
	up, err := filepath.Rel(filepath.FromSlash(p.within), ".")
	if err != nil {
		return "", err
	}
	for _, place := range approvals.CodeownersPlaces {
		file := filepath.Join(up, filepath.FromSlash(place))
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			return file, nil
		}
	}
	return "", &exitError{exitUsage, hint(fmt.Errorf("%s has no CODEOWNERS: not in %s", p.root, strings.Join(approvals.CodeownersPlaces, ", ")),
		"write .github/CODEOWNERS, or name a file with --codeowners FILE")}
}

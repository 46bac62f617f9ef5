package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestReadmeCommands runs no command of the README, but parses each: the subcommand exists, takes those arguments and has
// those flags. Every subcommand is in the README's table.
func TestReadmeCommands(t *testing.T) {
	page, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, line := range commandLines(string(page)) {
		c, err := parseLine(line)
		if err != nil {
			t.Errorf("%q: %v", line, err)
			continue
		}
		named[c.CommandPath()] = true
	}
	for _, c := range leaves(newRoot(nil)) {
		if !named[c.CommandPath()] {
			t.Errorf("the README does not name %s", c.CommandPath())
		}
	}
}

// TestReadmeVariables holds the README's table of variables to Config.
func TestReadmeVariables(t *testing.T) {
	page, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range regexp.MustCompile("(?m)^\\| `("+prefix+"[A-Z_]+)` \\|").FindAllStringSubmatch(string(page), -1) {
		got = append(got, m[1])
	}
	if want := variables(); !slices.Equal(got, want) {
		t.Errorf("the README has the variables\n%v, and Config\n%v", got, want)
	}
}

var inlineCommand = regexp.MustCompile("`keyreeve ([a-z][^`]*)`")

// commandLines finds the command lines that call keyreeve: in indented blocks, and within sentences and tables the
// names of commands, which are given no arguments there.
func commandLines(page string) []string {
	var out []string
	for line := range strings.Lines(page) {
		if !strings.HasPrefix(line, "    ") {
			for _, m := range inlineCommand.FindAllStringSubmatch(line, -1) {
				out = append(out, m[1]+" --help")
			}
			continue
		}
		line, _, _ = strings.Cut(line, " #")
		words := strings.Fields(line)
		at := slices.IndexFunc(words, func(w string) bool {
			return w == "keyreeve" || w == "./keyreeve" || w == "./cmd/keyreeve"
		})
		if at >= 0 && !slices.Contains(words[:at], "build") {
			out = append(out, strings.Join(words[at+1:], " "))
		}
	}
	return out
}

// parseLine finds the command of a line and checks the rest against its flags and arguments.
func parseLine(line string) (*cobra.Command, error) {
	c, rest, err := newRoot(nil).Find(strings.Fields(line))
	if err != nil {
		return nil, err
	}
	c.InitDefaultHelpFlag()
	if err := c.ParseFlags(rest); err != nil {
		return nil, err
	}
	if help, err := c.Flags().GetBool("help"); err == nil && help && c.Flags().NArg() == 0 {
		return c, nil
	}
	return c, c.ValidateArgs(c.Flags().Args())
}

// leaves lists the commands that have none below them.
func leaves(c *cobra.Command) []*cobra.Command {
	if !c.HasSubCommands() {
		return []*cobra.Command{c}
	}
	var out []*cobra.Command
	for _, sub := range c.Commands() {
		out = append(out, leaves(sub)...)
	}
	return out
}

var wordyFlag = regexp.MustCompile(`(?m)^ +(?:-\w, )?(--[\w-]+)((?: \S+){2,}) {2,}`)

// TestFlagPlaceholders: what a flag takes is shown as one word. cobra takes the first words in backquotes for it, so a
// command that is quoted in a flag's text would stand there.
func TestFlagPlaceholders(t *testing.T) {
	flags := 0
	var look func(c *cobra.Command)
	look = func(c *cobra.Command) {
		usages := c.LocalFlags().FlagUsages()
		flags += strings.Count(usages, " --")
		for _, wordy := range wordyFlag.FindAllStringSubmatch(usages, -1) {
			t.Errorf("%s %s takes %q", c.CommandPath(), wordy[1], wordy[2])
		}
		for _, sub := range c.Commands() {
			look(sub)
		}
	}
	look(newRoot(nil))
	if flags < 50 {
		t.Errorf("looked at %d flags only", flags)
	}
}

package approvals

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/keyreeve/keyreeve/internal/identity"
)

// The commands that are not votes; Approve, Deny, Withdraw and Override are the others.
const (
	CancelCommand  = "cancel"
	ExtendCommand  = "extend"
	RevokeCommand  = "revoke"
	RecheckCommand = "recheck"
	ExplainCommand = "explain"
	HelpCommand    = "help"
)

// MaxReason is the most characters that a command's argument keeps; what is
// longer is cut, with an ellipsis as the last one.
const MaxReason = 500

// Command is one command that a person wrote at the start of a line.
type Command struct {
	Verb string // without the slash, as written: "approve"
	// Args is the rest of the line without the duration, trimmed, at most MaxReason characters, without control characters.
	Args string
	For  time.Duration // of an extension; 0 for every other command
	Line int           // the line of the body, from 1
	// Malformed is set for what is not to be obeyed: it looks like a command
	// but is not one, or lacks or has too many arguments.
	Malformed *Malformed
}

// Fault says what is wrong with a command.
type Fault string

// The faults of a command.
const (
	UnknownCommand  Fault = "unknown-command"
	MissingReason   Fault = "missing-reason"
	UnwantedContent Fault = "unwanted-content" // the command takes nothing after it
	BadDuration     Fault = "bad-duration"     // the command takes a duration first, as 30m or 2h
)

// Malformed says what is wrong with a command, and how it is written rightly.
type Malformed struct {
	Fault Fault
	// Form is the form of the command that was probably meant ("/deny reason"), else "/help".
	Form string
}

// argument says what a command takes after its name.
type argument int

const (
	nothing argument = iota
	optional
	required
	period // a duration, and then what is required
)

// CommandForm is one row of the grammar, for a help text.
type CommandForm struct {
	Verb string
	Form string // "/approve [reason]"
	Does string // for people: "approves what the request says now"
	arg  argument
}

// CommandForms lists all commands in the order in which help shows them.
func CommandForms() []CommandForm {
	return []CommandForm{
		{string(Approve), "/approve [reason]", "approves what the request says now", optional},
		{string(Deny), "/deny reason", "denies it, until you withdraw that", required},
		{string(Withdraw), "/withdraw", "takes your own vote back", nothing},
		{CancelCommand, "/cancel", "gives up your own request", nothing},
		{ExtendCommand, "/extend 2h reason", "asks for more time while the access is there", period},
		{RevokeCommand, "/revoke reason", "ends the access now", required},
		{string(Override), "/override reason", "break-glass: lets the policy's group pass over missing approvals; somebody else reviews it", required},
		{RecheckCommand, "/recheck", "looks at everything again", nothing},
		{ExplainCommand, "/explain", "says who could approve what, and which votes do not count and why", nothing},
		{HelpCommand, "/help", "shows this list", nothing},
	}
}

// ParseCommands reads the commands in a comment or a review, in order. A
// command stands at the start of a line of plain text, as GitHub shows the body:
// indented by three spaces at most, and in no code, quote, list, table, link, HTML
// comment or HTML element such as <details>. An HTML comment or element that is
// never closed runs to the end. Names are exact and lower-case. Any number of
// commands may be in one body, each on its own line.
//
// What looks like a command but is none is returned with Malformed set; a path
// ("/usr/bin") does not look like one, nor does a name in other letters than
// ASCII ones. ParseCommands never fails, takes any bytes, and may be called
// concurrently.
//
// The syntax of the body is GitHub Flavored Markdown: https://github.github.com/gfm/
func ParseCommands(body string) []Command {
	var commands []Command
	for _, l := range plainLines(body) {
		if c, ok := parseCommand(l.text); ok {
			c.Line = l.number
			commands = append(commands, c)
		}
	}
	return commands
}

// parseCommand reads a line that begins with a slash. ok is false when it
// doesn't look like a command.
func parseCommand(line string) (c Command, ok bool) {
	name, rest := line[1:], ""
	if i := strings.IndexAny(name, " \t"); i >= 0 {
		name, rest = name[:i], name[i:]
	}
	if !looksLikeName(name) {
		return Command{}, false
	}
	c = Command{Verb: name, Args: cleanReason(rest)}
	forms := CommandForms()
	i := slices.IndexFunc(forms, func(f CommandForm) bool { return f.Verb == name })
	switch {
	case i < 0:
		c.Malformed = &Malformed{UnknownCommand, nearestForm(name)}
	case forms[i].arg == period:
		c.period(forms[i].Form)
	case forms[i].arg == required && c.Args == "":
		c.Malformed = &Malformed{MissingReason, forms[i].Form}
	case forms[i].arg == nothing && strings.TrimSpace(rest) != "":
		c.Malformed = &Malformed{UnwantedContent, forms[i].Form}
	}
	return c, true
}

// period takes the duration off the front of what was written after the name.
func (c *Command) period(form string) {
	length, reason, _ := strings.Cut(c.Args, " ")
	d, err := identity.ParseDuration(length)
	switch {
	case err != nil:
		c.Malformed = &Malformed{BadDuration, form}
	case strings.TrimSpace(reason) == "":
		c.Malformed = &Malformed{MissingReason, form}
	default:
		c.For, c.Args = time.Duration(d), strings.TrimSpace(reason)
	}
}

// looksLikeName accepts an ASCII word with perhaps a sign after it, so that
// "/Approve" and "/approve!" are answered, but a path, a fraction or a smiley is not.
func looksLikeName(s string) bool {
	s = strings.TrimRight(s, ".,:;!?")
	if s == "" || len(s) > 30 || s[0] == '-' {
		return false
	}
	for _, r := range s {
		if r != '-' && r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return false
		}
	}
	return true
}

// nearestForm returns the form of the command that name is probably meant to be.
func nearestForm(name string) string {
	name = strings.ToLower(strings.TrimRight(name, ".,:;!?"))
	best, form := 3, "/help"
	for _, f := range CommandForms() {
		if d := distance(name, f.Verb); d < best {
			best, form = d, f.Form
		}
	}
	return form
}

// distance is the Levenshtein distance of two short ASCII words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

// cleanReason makes a person's words fit to be stored and shown on one line:
// valid UTF-8, no HTML comments, no control or direction characters, bounded.
func cleanReason(s string) string {
	s = dropComments(strings.ToValidUTF8(s, "\uFFFD"))
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.In(r, unicode.Bidi_Control), r == '\u2028', r == '\u2029':
			return -1
		}
		return r
	}, s)
	s = strings.TrimSpace(s)
	if runes := []rune(s); len(runes) > MaxReason {
		s = strings.TrimSpace(string(runes[:MaxReason-1])) + "…"
	}
	return s
}

// dropComments cuts out HTML comments, which no reader of the comment sees.
func dropComments(s string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "<!--")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		if _, s, found = strings.Cut(after, "-->"); !found {
			return b.String()
		}
	}
}

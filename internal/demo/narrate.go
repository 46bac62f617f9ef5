package demo

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/keyreeve/keyreeve/internal/hub"
)

// narrator shows the conversation as it happens: what the simulated GitHub
// tells of its own state, not what the bot says that it did.
type narrator struct {
	out    io.Writer
	colour bool
	mu     sync.Mutex
	before map[string]string // the last body of each of the bot's comments, by its conversation
	checks map[string]string // the last title of each check run
}

func newNarrator(out io.Writer, colour bool) *narrator {
	return &narrator{out: out, colour: colour, before: map[string]string{}, checks: map[string]string{}}
}

// The colours of the terminal, by what they are for.
const (
	dim    = "2"
	bold   = "1"
	green  = "32"
	yellow = "33"
	cyan   = "36"
)

func (n *narrator) paint(code, s string) string {
	if !n.colour || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// say prints one act: when, who, what, and lines below it.
func (n *narrator) say(e hub.Event, what string, below ...string) {
	actor := strings.TrimSuffix(e.Actor, "[bot]")
	who := n.paint(cyan, fmt.Sprintf("%-9s", actor))
	if strings.HasSuffix(e.Actor, "[bot]") {
		who = n.paint(green, fmt.Sprintf("%-9s", actor))
	}
	_, _ = fmt.Fprintf(n.out, "%s  %s %s\n", n.paint(dim, e.At.UTC().Format("15:04:05")), who, what)
	for _, l := range below {
		_, _ = fmt.Fprintf(n.out, "%21s%s\n", "", l)
	}
}

// notef prints a line that is nobody's act.
func (n *narrator) notef(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, _ = fmt.Fprintf(n.out, "\n%s\n", n.paint(bold, fmt.Sprintf(format, args...)))
}

// event shows one change of GitHub's state, if it belongs to the story.
func (n *narrator) event(e hub.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	at := fmt.Sprintf("%s#%d", e.Repo, e.Number)
	switch e.Kind {
	case "issue.opened":
		n.say(e, "opens issue "+at+": "+e.Detail["title"], quote(e.Text)...)
	case "issue.edited":
		n.say(e, "edits issue "+at)
	case "issue.closed":
		n.say(e, "closes issue "+at)
	case "comment.created", "comment.edited":
		n.comment(e, at)
	case "reaction.created":
		n.say(e, "reacts to the comment on "+at+" with "+reaction(e.Text))
	case "pull.opened":
		n.say(e, "opens pull request "+at+": "+e.Detail["title"])
	case "pull.merged":
		n.say(e, n.paint(green, "merges pull request "+at))
	case "check.updated":
		n.check(e)
	case "collaborator.added", "team.repo.added":
		n.say(e, n.paint(yellow, fmt.Sprintf("gives %s %s on %s", holder(e), e.Detail["permission"], e.Repo)))
	case "collaborator.removed", "team.repo.removed":
		n.say(e, n.paint(yellow, fmt.Sprintf("takes %s off %s", holder(e), e.Repo)))
	case "invitation.created":
		n.say(e, n.paint(yellow, fmt.Sprintf("invites %s to %s", holder(e), e.Repo)))
	}
}

func holder(e hub.Event) string {
	for _, key := range []string{"login", "user", "team"} {
		if v := e.Detail[key]; v != "" {
			return v
		}
	}
	return "somebody"
}

func reaction(content string) string {
	if r, ok := map[string]string{"+1": "👍", "-1": "👎", "confused": "😕", "eyes": "👀"}[content]; ok {
		return r
	}
	return content
}

// check shows a check run when what it says has changed.
func (n *narrator) check(e hub.Event) {
	name, title := e.Detail["name"], e.Detail["title"]
	state := e.Detail["conclusion"]
	if state == "" {
		state = e.Detail["status"]
	}
	said := state + title
	if n.checks[name] == said {
		return
	}
	n.checks[name] = said
	mark, colour := "●", yellow
	switch state {
	case "success":
		mark, colour = "✔", green
	case "failure":
		mark = "✘"
	}
	n.say(e, "check "+n.paint(colour, mark+" "+name)+": "+title)
}

// comment shows a comment: a person's whole, the bot's by what is new in it.
func (n *narrator) comment(e hub.Event, at string) {
	if !strings.HasSuffix(e.Actor, "[bot]") {
		n.say(e, "comments on "+at+": "+n.paint(bold, firstLine(e.Text)))
		return
	}
	was := n.before[at]
	n.before[at] = e.Text
	now := sentences(e.Text)
	verb := "updates its comment on "
	if e.Kind == "comment.created" {
		verb = "answers on "
	}
	if n.copied(at, e.Text) {
		return // the pull request has the same comment as the issue
	}
	old := map[string]bool{}
	for _, l := range sentences(was) {
		old[l] = true
	}
	var fresh []string
	for _, l := range now[min(1, len(now)):] {
		if !old[l] {
			fresh = append(fresh, n.paint(dim, "│ ")+l)
		}
	}
	head := ""
	if len(now) > 0 {
		head = now[0]
	}
	n.say(e, verb+at+": "+n.paint(bold, head), fresh...)
}

// copied says whether another conversation's comment already said this in the same headline.
func (n *narrator) copied(at, body string) bool {
	head := firstOf(sentences(body))
	for other, was := range n.before {
		if other != at && other < at && firstOf(sentences(was)) == head {
			return true
		}
	}
	return false
}

func firstOf(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// sentences turns a comment's Markdown into plain lines, its headline first: enough for a terminal.
func sentences(body string) []string {
	var out []string
	for l := range strings.Lines(body) {
		l = strings.TrimSpace(l)
		if l == "" || strings.HasPrefix(l, "<") || strings.Trim(l, "|- ") == "" {
			continue
		}
		if strings.HasPrefix(l, "|") {
			var cells []string
			for c := range strings.SplitSeq(strings.Trim(l, "|"), "|") {
				cells = append(cells, strings.TrimSpace(c))
			}
			l = strings.Join(cells, " · ")
		}
		l = strings.TrimLeft(l, "#- ")
		l = strings.NewReplacer("**", "", "`", "", "\u200b", "", "&lt;", "<", "&gt;", ">", "&amp;", "&", "\\", "").Replace(l)
		out = append(out, l)
	}
	return out
}

// quote shows a form as a person filled it in: one line a field.
func quote(body string) []string {
	var out []string
	field := ""
	for l := range strings.Lines(body) {
		l = strings.TrimSpace(l)
		switch {
		case l == "" || strings.HasPrefix(l, "- ["):
		case strings.HasPrefix(l, "### "):
			field = strings.TrimPrefix(l, "### ")
		default:
			out = append(out, fmt.Sprintf("%-12s %s", field, l))
			field = ""
		}
	}
	return out
}

func firstLine(s string) string {
	l, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return strings.TrimSpace(l)
}

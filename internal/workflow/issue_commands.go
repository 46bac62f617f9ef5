package workflow

import (
	"fmt"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/approvals"
)

// The reactions by which a command is answered where it stands: it counts or was obeyed, it does not or was not
// understood, or it only asked to look again.
const (
	yes  = "+1"
	no   = "confused"
	seen = "eyes"
)

// said is a comment with the place that it is at.
type said struct {
	Comment
	at Place
}

// commands lists the comments by people that hold commands, well-formed or not.
func (f issueFacts) commands() []said {
	pull := f.registry
	if f.stored.Request != nil {
		pull.Number = f.stored.Request.Pull
	}
	if f.pull != nil {
		pull.Number = f.pull.Number
	}
	var out []said
	for _, c := range f.comments {
		out = append(out, said{c, f.subject.Place()})
	}
	for _, c := range f.pullComments {
		out = append(out, said{c, pull})
	}
	return slices.DeleteFunc(out, func(c said) bool {
		return c.Ours || c.Bot || len(approvals.ParseCommands(c.Body)) == 0
	})
}

// cancels lists the requester's commands to cancel that are not answered yet. The answer is the last thing that is done
// about one, so that a crash leaves it to be obeyed; and once it is there, who reopens the issue is not contradicted.
func (f issueFacts) cancels() (out []said) {
	for _, c := range f.commands() {
		byRequester := c.By.Same(f.issue.Author) && c.LastEditedAt.IsZero() && !c.Minimized
		if byRequester && len(c.Reactions) == 0 && slices.ContainsFunc(approvals.ParseCommands(c.Body), func(cmd approvals.Command) bool {
			return cmd.Verb == approvals.CancelCommand && cmd.Malformed == nil
		}) {
			out = append(out, c)
		}
	}
	return out
}

// obey closes a request's issue when its requester cancelled it, and answers that last.
func (p *planner) obey() {
	cancels := p.facts.cancels()
	if len(cancels) > 0 && p.facts.issue.Open {
		p.add(CloseIssue{At: p.facts.subject.Place(), Reason: "not_planned"})
	}
	for _, c := range cancels {
		p.add(React{At: c.at, Comment: c.ID, Content: yes})
	}
}

// react answers each command once, where it stands, by whether it counted when it was first seen.
func (p *planner) react() {
	counts := map[string]bool{}
	if p.out.decision != nil {
		for _, v := range p.out.decision.Decision.Votes {
			id, _, _ := strings.Cut(v.Vote.ID, ":")
			counts[id] = counts[id] || v.Counts
		}
	}
	obeyed := map[int64]bool{}
	if p.out.request.State == Cancelled {
		for _, c := range p.facts.cancels() {
			obeyed[c.ID] = true // answered when it is done
		}
	}
	for _, c := range p.facts.commands() {
		if len(c.Reactions) == 0 && !obeyed[c.ID] {
			p.add(React{At: c.at, Comment: c.ID, Content: reaction(c, counts[fmt.Sprintf("comment/%d", c.ID)])})
		}
	}
}

// reaction is the one answer to a comment that may hold several commands.
func reaction(c said, counts bool) string {
	if counts {
		return yes
	}
	for _, cmd := range approvals.ParseCommands(c.Body) {
		if cmd.Malformed != nil || cmd.Verb != approvals.RecheckCommand && cmd.Verb != approvals.HelpCommand {
			return no
		}
	}
	return seen
}

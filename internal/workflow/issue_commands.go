package workflow

import (
	"fmt"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/templates"
)

// The reactions by which a command is answered where it stands: it counts or was obeyed, it does not or was not
// understood, or it only asked to look again.
const (
	yes  = "+1"
	no   = "confused"
	seen = "eyes"
)

// said is a comment with the place that it is at, and the commands in it.
type said struct {
	Comment
	at       Place
	commands []approvals.Command
}

// key is the comment's name in the log and in the marker of a reply.
func (c said) key() string { return fmt.Sprintf("comment/%d", c.ID) }

// runs says whether the comment may set anything going: one that was edited or hidden may not, whatever it says now.
func (c said) runs() bool { return c.LastEditedAt.IsZero() && !c.Minimized }

// pullAt is where the registry pull request's conversation is; its number is 0 before there is one.
func (f issueFacts) pullAt() Place {
	at := f.registry
	if f.stored.Request != nil {
		at.Number = f.stored.Request.Pull
	}
	if f.pull != nil {
		at.Number = f.pull.Number
	}
	return at
}

// commands lists the comments by people that hold commands, well-formed or not.
func (f issueFacts) commands() (out []said) {
	add := func(at Place, comments []Comment) {
		for _, c := range comments {
			if c.Ours || c.Bot {
				continue
			}
			if commands := approvals.ParseCommands(c.Body); len(commands) > 0 {
				out = append(out, said{c, at, commands})
			}
		}
	}
	add(f.subject.Place(), f.comments)
	add(f.pullAt(), f.pullComments)
	return out
}

// cancels lists the requester's commands to cancel that are not answered yet. The answer is the last thing that is done
// about one, so that a crash leaves it to be obeyed; and once it is there, who reopens the issue is not contradicted.
func (f issueFacts) cancels() (out []said) {
	requester := f.issue.Author
	if f.subject.Kind == PullSubject {
		requester = f.pull.Author
	}
	for _, c := range f.commands() {
		if c.By.Same(requester) && c.runs() && len(c.Reactions) == 0 && slices.ContainsFunc(c.commands, func(cmd approvals.Command) bool {
			return cmd.Verb == approvals.CancelCommand && cmd.Malformed == nil
		}) {
			out = append(out, c)
		}
	}
	return out
}

// obey closes a request's conversation when its requester cancelled it, and answers that last.
func (p *planner) obey() {
	cancels := p.facts.cancels()
	switch {
	case len(cancels) == 0:
	case p.facts.subject.Kind == PullSubject && p.facts.pull.Open:
		p.add(ClosePull{At: p.pullPlace()})
	case p.facts.subject.Kind == IssueSubject && p.facts.issue.Open:
		p.add(CloseIssue{At: p.facts.subject.Place(), Reason: "not_planned"})
	}
	for _, c := range cancels {
		p.add(React{At: c.at, Comment: c.ID, Content: yes})
	}
}

// respond answers each command once, where it stands: by a reply where words are needed, then by a reaction that says
// whether it counted when it was first seen. The reaction comes last, so that a crash leaves what is not answered to be answered.
func (p *planner) respond() {
	counts := map[string]bool{}
	if p.out.decision != nil {
		for _, v := range p.out.decision.Decision.Votes {
			id, _, _ := strings.Cut(v.Vote.ID, ":")
			counts[id] = counts[id] || v.Counts
		}
	}
	for _, o := range slices.Concat(p.facts.stored.Orders, p.out.orders.taken) {
		counts[o.ID] = true // what is taken now is stored before any effect
	}
	obeyed := map[int64]bool{}
	if p.out.request.State == Cancelled {
		for _, c := range p.facts.cancels() {
			obeyed[c.ID] = true // answered when it is done
		}
	}
	for _, c := range p.facts.commands() {
		if len(c.Reactions) > 0 || obeyed[c.ID] || p.out.orders.deferred[c.key()] {
			continue
		}
		if p.reply(c.at, c.key(), p.words(c)) {
			continue // the reaction waits until the reply is there
		}
		p.add(React{At: c.at, Comment: c.ID, Content: reaction(c, counts[c.key()])})
	}
	for _, press := range p.facts.stored.Presses {
		if press.Action == approvals.ExplainCommand && !press.Bot {
			p.reply(p.facts.pullAt(), "press/"+press.ID, p.explanation())
		}
	}
}

// reaction is the one answer to a comment that may hold several commands.
func reaction(c said, counts bool) string {
	if counts {
		return yes
	}
	asksOnly := []string{approvals.RecheckCommand, approvals.HelpCommand, approvals.ExplainCommand}
	for _, cmd := range c.commands {
		if cmd.Malformed != nil || !slices.Contains(asksOnly, cmd.Verb) {
			return no
		}
	}
	return seen
}

// words is what a comment's commands are answered, "" where a reaction says it.
func (p *planner) words(c said) string {
	if !c.runs() {
		return ""
	}
	var parts []string
	if malformed := templates.Malformed(c.commands); malformed != "" {
		parts = append(parts, malformed)
	}
	asked := func(verb string) bool {
		return slices.ContainsFunc(c.commands, func(cmd approvals.Command) bool { return cmd.Verb == verb && cmd.Malformed == nil })
	}
	if asked(approvals.ExplainCommand) {
		parts = append(parts, p.explanation())
	}
	if asked(approvals.HelpCommand) {
		parts = append(parts, templates.Help())
	}
	if refusal, ok := p.out.orders.refusals[c.key()]; ok {
		parts = append(parts, refusal)
	}
	return strings.Join(parts, "\n\n")
}

// explanation says why the request stands where it does.
func (p *planner) explanation() string {
	if p.out.decision == nil {
		return templates.Undecided(string(p.out.request.State))
	}
	return templates.Explain(string(p.out.request.State), p.out.decision.Decision)
}

// mostReplies bounds how often the bot is made to talk in one conversation; after that a reaction is all.
const mostReplies = 20

// reply posts a reply where there is none yet, and says whether the reply is still on its way.
func (p *planner) reply(at Place, to, body string) (waits bool) {
	if body == "" {
		return false
	}
	comments := p.facts.pullComments
	if at == p.facts.subject.Place() && p.facts.subject.Kind == IssueSubject {
		comments = p.facts.comments
	}
	marker, replies := templates.ReplyMarker(to), 0
	for _, c := range comments {
		switch {
		case !c.Ours:
		case strings.HasPrefix(c.Body, marker):
			return false
		case strings.HasPrefix(c.Body, templates.ReplyMarkers):
			replies++
		}
	}
	if replies >= mostReplies {
		return false
	}
	if !p.facts.unseen(at, marker) {
		p.add(CreateComment{At: at, About: "reply to " + to, Body: marker + "\n" + body})
	}
	return true
}

package templates

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/internal/identity"
)

// ReplyMarkers begins the first line of every reply.
const ReplyMarkers = "<!-- keyreeve:reply "

// ReplyMarker is the first line of a reply; to names what is answered: "comment/12", "press/ab12".
func ReplyMarker(to string) string { return ReplyMarkers + marked(to) + " -->" }

// ReminderMarker is the first line of one reminder of a request.
func ReminderMarker(id string, since time.Time, n int) string {
	return fmt.Sprintf("<!-- keyreeve:reminder %s %d %d -->", marked(id), since.Unix(), n)
}

// ReviewMarker is the first line of the issue in which an override is reviewed.
func ReviewMarker(id string) string { return "<!-- keyreeve:review " + marked(id) + " -->" }

// marked keeps a name from ending the HTML comment that it stands in.
func marked(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '/' || r == '.' || r == ' ' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return '_'
	}, strings.ReplaceAll(s, "--", "-"))
}

// Malformed answers the commands that can't be obeyed as they are written with the right form, "" where all can. No line of
// it begins with a command.
func Malformed(commands []approvals.Command) string {
	var wrong []approvals.Command
	for _, c := range commands {
		if c.Malformed != nil && len(wrong) < 5 {
			wrong = append(wrong, c)
		}
	}
	if len(wrong) == 0 {
		return ""
	}
	return render("malformed.md.tmpl", wrong)
}

// Help lists the commands.
func Help() string { return render("help.md.tmpl", approvals.CommandForms()) }

// Undecided explains a request on which there is no decision.
func Undecided(state string) string { return render("undecided.md.tmpl", state) }

// Explanation is what Explain shows.
type Explanation struct {
	State string // a workflow.RequestState
	approvals.Decision
}

// Explain shows a decision as a tree: each need, who met it, who could, which votes do not count and why.
func Explain(state string, d approvals.Decision) string {
	return render("explain.md.tmpl", Explanation{state, d})
}

// OrderRefusal says why somebody's order about a lease is not taken.
type OrderRefusal string

// The refusals.
const (
	NothingToOrder  OrderRefusal = "nothing"
	MayNotRevoke    OrderRefusal = "may-not-revoke"
	MayNotExtend    OrderRefusal = "may-not-extend"
	NotActive       OrderRefusal = "not-active"
	PolicyBroken    OrderRefusal = "policy-broken"
	BeyondExtension OrderRefusal = "beyond-extension"
	BeyondPolicy    OrderRefusal = "beyond-policy"
	NoLongerFits    OrderRefusal = "no-longer-fits"
)

// OrderRefused answers an order that is not taken; left is how much longer the lease could be made, for those that are
// about a bound, and detail what the longer access would break, as Problem renders it.
func OrderRefused(code OrderRefusal, left time.Duration, detail string) string {
	return render("order-refused.md.tmpl", struct {
		Code         OrderRefusal
		Left, Detail string
	}{code, identity.Duration(left).String(), detail})
}

// Difference is one thing that an edit or a push changed.
type Difference struct{ What, From, To string }

// Change is the state of a change of the registry that somebody proposes by a pull request of their own.
type Change struct {
	ID         string
	State      string // a workflow.RequestState
	Digest     string
	Decision   *approvals.Decision
	Problems   []identity.Problem
	Files      int
	Voided     int // votes given for another content
	Changes    []Difference
	Merged     bool
	Unapproved bool // merged before it was approved
}

// ChangeComment renders a change's one comment, at most 65,536 characters.
func ChangeComment(c Change) string { return render("change.md.tmpl", c) }

// Reminder asks those who could approve for an answer. It mentions them, which is all that makes GitHub tell them.
func Reminder(marker string, d approvals.Decision, since, expires time.Time) string {
	return render("reminder.md.tmpl", struct {
		Marker         string
		Whom           []string
		Since, Expires time.Time
	}{marker, waitedFor(d), since, expires})
}

// mostMentions bounds how many people one reminder calls.
const mostMentions = 10

// waitedFor lists the logins of those who could meet a need that is not met, each once.
func waitedFor(d approvals.Decision) (logins []string) {
	listed := map[int64]bool{}
	for _, n := range d.Needs {
		if n.Met {
			continue
		}
		for _, p := range n.Eligible {
			if !listed[p.ID] && len(logins) < mostMentions {
				listed[p.ID] = true
				logins = append(logins, "@"+p.Login)
			}
		}
	}
	return logins
}

// Review is what the issue says in which an override is reviewed.
type Review struct {
	ID       string
	Grant    identity.Grant
	Override approvals.Overridden
	Needs    []approvals.NeedResult
	Issue    string // "acme/identities#1"
	Pull     string
}

// ReviewTitle is the title of that issue.
func ReviewTitle(g identity.Grant) string {
	return fmt.Sprintf("Review the override: %s on %s for %s", g.Permission, g.Resource, g.Identity)
}

// ReviewBody renders the body of that issue, which begins with ReviewMarker.
func ReviewBody(r Review) string { return ReviewMarker(r.ID) + "\n" + render("review.md.tmpl", r) }

// NotReviewed answers somebody who closed the review and may not.
func NotReviewed(by identity.Person) string { return render("not-reviewed.md.tmpl", by) }

const checkpointMarker = "<!-- keyreeve:checkpoint "

// Checkpoint renders the comment by which a head of the log is published: a signed note, as it is, in a block of code.
func Checkpoint(size int64, signed, key string) string {
	return render("checkpoint.md.tmpl", struct {
		Marker, Signed, Key string
		Size                int64
	}{fmt.Sprintf("%s%d -->", checkpointMarker, size), strings.TrimRight(signed, "\n"), key, size})
}

// CheckpointSize reads from the first line of such a comment how many entries its head has.
func CheckpointSize(line string) (int64, bool) {
	rest, ok := strings.CutPrefix(line, checkpointMarker)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSuffix(rest, " -->"), 10, 64)
	return n, err == nil
}

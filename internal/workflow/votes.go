package workflow

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/internal/identity"
)

// lateDigest binds a vote that can't be bound: when the bot first saw it, the
// content had been edited after the vote, or in the same second, or the pull
// request that the vote is on showed another.
const lateDigest = "late"

// ballot is the votes of a request, and the bindings that are new.
type ballot struct {
	votes []approvals.Vote
	fresh []BoundVote
}

// dated is a vote with the moment at which it was given.
type dated struct {
	vote    approvals.Vote
	at      time.Time
	unshown bool // on a pull request that shows something else
}

// asked is what a vote is bound to: the content, and its digest as facts have it.
type asked struct {
	content string // the digest, and who would hold the access by the identity's record
	digest  string
	head    string    // of the pull request, "" before there is one
	edited  time.Time // when the body was last edited, zero when never
	// shown says that the pull request shows this content, and showed no other since votes were last read.
	shown bool
}

// collect gathers the votes from both conversations and the reviews, oldest
// first, each bound to the content that was asked for when the bot first saw it. GitHub tells no
// digest that a comment was written for, so the binding compares digests from then on, never times; only at the first
// sight the time of the last edit is asked, and a tie counts against the vote.
//
// A comment on the pull request was written below what that shows, not below the issue. So it is bound only when the pull request
// shows what is asked, and did so already when votes were last read; until the bot has mended what somebody pushed, or has
// brought an edit of the issue there, none is. A review is of its commit, and a button of its check run's, which say the same better.
func collect(stored []BoundVote, a asked, comments, pullComments []Comment, reviews []Review, presses []Press, now time.Time) ballot {
	bound := map[string]string{}
	for _, b := range stored {
		bound[b.Vote] = b.Digest
	}
	var out ballot
	for _, d := range gather(a, comments, pullComments, reviews, presses) {
		to, known := bound[d.vote.ID]
		if !known {
			to = a.bind(d)
			out.fresh = append(out.fresh, BoundVote{Vote: d.vote.ID, Digest: to, SeenAt: now})
		}
		if d.vote.Digest, d.vote.Late = to, to == lateDigest; to == a.content {
			d.vote.Digest = a.digest
		}
		out.votes = append(out.votes, d.vote)
	}
	return out
}

// bind says to what a vote is bound that is seen for the first time.
func (a asked) bind(d dated) string {
	// What was given for another commit was not given for what this one changes, though it may hold the same files.
	elsewhere := d.vote.Head != "" && d.vote.Head != a.head
	if d.unshown || elsewhere || !a.edited.IsZero() && !a.edited.Before(d.at) {
		return lateDigest
	}
	return a.content
}

// gather reads all votes, oldest first.
func gather(a asked, comments, pullComments []Comment, reviews []Review, presses []Press) (all []dated) {
	for _, c := range comments {
		all = append(all, commentVotes(c)...)
	}
	for _, c := range pullComments {
		for _, d := range commentVotes(c) {
			d.unshown = !a.shown
			all = append(all, d)
		}
	}
	for _, r := range reviews {
		if v, ok := reviewVote(r); ok {
			all = append(all, dated{vote: v, at: r.At})
		}
	}
	for _, p := range presses {
		if v, ok := pressVote(p); ok {
			all = append(all, dated{vote: v, at: p.At})
		}
	}
	slices.SortStableFunc(all, func(a, b dated) int { return a.at.Compare(b.at) })
	return all
}

// commentVotes reads the votes that a comment holds. The bot's own comments hold none.
func commentVotes(c Comment) []dated {
	if c.Ours {
		return nil
	}
	var out []dated
	for i, cmd := range approvals.ParseCommands(c.Body) {
		verb, ok := verbs[cmd.Verb]
		if !ok || cmd.Malformed != nil {
			continue
		}
		id := "comment/" + strconv.FormatInt(c.ID, 10)
		if i > 0 {
			id += fmt.Sprintf(":%d", i)
		}
		out = append(out, dated{at: c.CreatedAt, vote: approvals.Vote{
			ID: id, By: c.By, Bot: c.Bot, Verb: verb, Reason: cmd.Args, URL: c.URL,
			Edited: !c.LastEditedAt.IsZero(), Hidden: c.Minimized,
		}})
	}
	return out
}

var verbs = map[string]approvals.Verb{
	"approve": approvals.Approve, "deny": approvals.Deny, "withdraw": approvals.Withdraw, "override": approvals.Override,
}

// pressVote reads the press of a button as a vote; one that only asks for an explanation is none.
func pressVote(p Press) (approvals.Vote, bool) {
	v := approvals.Vote{ID: "press/" + p.ID, By: p.By, Bot: p.Bot, Head: p.Head, Verb: verbs[p.Action]}
	if v.Verb == approvals.Deny {
		v.Reason = "by the button of the check run"
	}
	return v, v.Verb == approvals.Approve || v.Verb == approvals.Deny
}

// reviewVote reads a review as a vote; a review that only comments is none.
func reviewVote(r Review) (approvals.Vote, bool) {
	v := approvals.Vote{ID: "review/" + strconv.FormatInt(r.ID, 10), By: r.By, Bot: r.Bot, Head: r.Head, URL: r.URL}
	switch r.State {
	case "APPROVED":
		v.Verb = approvals.Approve
	case "CHANGES_REQUESTED":
		v.Verb = approvals.Deny
	case "DISMISSED":
		v.Verb, v.Hidden = approvals.Approve, true
	default:
		return v, false
	}
	return v, true
}

var (
	coauthor = regexp.MustCompile(`(?mi)^co-authored-by:.*<([^<>]*)>\s*$`)
	noreply  = regexp.MustCompile(`^(\d+)\+([^@]+)@users\.noreply\.github\.com$`) // anybody may own another host of this form
)

// authorship lists who wrote a pull request's commits, and stops at a commit
// whose author can't be told: fail closed, since that could be anybody.
func authorship(commits []PullCommit) (out []approvals.Exclusion, stopped []approvals.Reason) {
	for _, c := range commits {
		for _, by := range []struct {
			who identity.Person
			why approvals.Code
		}{{c.Author, approvals.Author}, {c.Committer, approvals.Committer}} {
			if by.who.ID == 0 {
				stopped = append(stopped, approvals.Reason{Code: approvals.UnknownAuthor, Subject: short(c.SHA)})
				continue
			}
			out = append(out, approvals.Exclusion{Person: by.who, Why: by.why})
		}
		for _, m := range coauthor.FindAllStringSubmatch(c.Message, -1) {
			n := noreply.FindStringSubmatch(strings.TrimSpace(m[1]))
			if n == nil {
				stopped = append(stopped, approvals.Reason{Code: approvals.UnknownAuthor, Subject: short(c.SHA)})
				continue
			}
			id, err := strconv.ParseInt(n[1], 10, 64)
			if err != nil {
				stopped = append(stopped, approvals.Reason{Code: approvals.UnknownAuthor, Subject: short(c.SHA)})
				continue
			}
			out = append(out, approvals.Exclusion{Person: identity.Person{ID: id, Login: n[2]}, Why: approvals.Coauthor})
		}
	}
	return out, stopped
}

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
//
// What was said stays said: a denial that is not there any more, or does not say so any more, still stands, since it is for
// its author to withdraw it, and nobody else; and a withdrawal that is gone has still withdrawn what came before it.
func collect(stored []BoundVote, a asked, comments, pullComments []Comment, reviews []Review, presses []Press, now time.Time) ballot {
	bound := map[string]BoundVote{}
	for _, b := range stored {
		bound[b.Vote] = b
	}
	var out ballot
	for _, d := range remembered(stored, gather(a, comments, pullComments, reviews, presses)) {
		b, known := bound[d.vote.ID]
		if !known {
			b = BoundVote{
				Vote: d.vote.ID, Digest: a.bind(d), SeenAt: now, By: d.vote.By, Verb: d.vote.Verb, Reason: d.vote.Reason, Head: d.vote.Head, At: d.at,
				Unfit: d.vote.Edited || d.vote.Hidden || d.vote.Bot,
			}
			out.fresh = append(out.fresh, b)
		}
		if d.vote.Digest, d.vote.Late = b.Digest, b.Digest == lateDigest; b.Digest == a.content {
			d.vote.Digest = a.digest
		}
		out.votes = append(out.votes, d.vote)
	}
	return out
}

// remembered puts what was seen once and is not there any more back into its place.
func remembered(stored []BoundVote, all []dated) []dated {
	now := map[string]int{}
	for i, d := range all {
		now[d.vote.ID] = i
	}
	for _, b := range stored {
		if b.Unfit || b.Verb != approvals.Deny && b.Verb != approvals.Withdraw {
			continue
		}
		d := dated{at: b.At, vote: approvals.Vote{ID: b.Vote, By: b.By, Verb: b.Verb, Reason: b.Reason, Head: b.Head}}
		i, there := now[b.Vote]
		switch {
		case !there:
			all = append(all, d)
		case all[i].vote.Verb != b.Verb: // a review that denied and was dismissed, or a comment that says something else now
			d.vote.URL = all[i].vote.URL
			all[i] = d
		}
	}
	slices.SortStableFunc(all, func(a, b dated) int { return a.at.Compare(b.at) })
	return all
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
	written := len(all)
	for _, p := range presses {
		v, ok := pressVote(p)
		if !ok {
			continue
		}
		d := dated{vote: v, at: p.At}
		// A press has the time at which it was told, which may be days after it was made: so it takes back nothing that the
		// same person wrote.
		if v.Verb == approvals.Approve && slices.ContainsFunc(all[:written], func(w dated) bool {
			return w.vote.By.Same(v.By) && (w.vote.Verb == approvals.Deny || w.vote.Verb == approvals.Withdraw)
		}) {
			d.at = time.Time{}
		}
		all = append(all, d)
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
	case "DISMISSED": // GitHub does not say any more what it was; what it denied is remembered by its binding
		v.Verb, v.Hidden = approvals.Withdraw, true
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

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
// content had been edited after the vote, or in the same second.
const lateDigest = "late"

// ballot is the votes of a request, and the bindings that are new.
type ballot struct {
	votes []approvals.Vote
	fresh []BoundVote
}

// dated is a vote with the moment at which it was given.
type dated struct {
	vote approvals.Vote
	at   time.Time
}

// collect gathers the votes from both conversations and the reviews, oldest
// first, each bound to the content that was asked for when the bot first saw it. GitHub tells no
// digest that a comment was written for, so the binding compares digests from then on, never times; only at the first
// sight the time of the last edit is asked, and a tie counts against the vote.
func collect(stored []BoundVote, digest string, edited time.Time, comments []Comment, reviews []Review, now time.Time) ballot {
	var all []dated
	for _, c := range comments {
		all = append(all, commentVotes(c)...)
	}
	for _, r := range reviews {
		if v, ok := reviewVote(r); ok {
			all = append(all, dated{vote: v, at: r.At})
		}
	}
	slices.SortStableFunc(all, func(a, b dated) int { return a.at.Compare(b.at) })

	bound := map[string]string{}
	for _, b := range stored {
		bound[b.Vote] = b.Digest
	}
	var out ballot
	for _, d := range all {
		to, known := bound[d.vote.ID]
		if !known {
			to = digest
			if !edited.IsZero() && !edited.Before(d.at) {
				to = lateDigest
			}
			out.fresh = append(out.fresh, BoundVote{Vote: d.vote.ID, Digest: to, SeenAt: now})
		}
		d.vote.Digest, d.vote.Late = to, to == lateDigest
		out.votes = append(out.votes, d.vote)
	}
	return out
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

var verbs = map[string]approvals.Verb{"approve": approvals.Approve, "deny": approvals.Deny, "withdraw": approvals.Withdraw}

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
	noreply  = regexp.MustCompile(`^(\d+)\+([^@]+)@users\.noreply\.`)
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

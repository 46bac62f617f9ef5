package approvals

import "slices"

// tally is what the votes come to.
type tally struct {
	results   []VoteResult
	approvers map[int64]bool // who approves, by id
	denials   []Reason       // eligible people's denials that stand
	overrides []Overridden   // by people whom the policy lets, that stand
	unsettled []Reason       // denials of which it can't be said whether they stand
	longest   string         // the longest that an override may give
}

// count judges each vote, in the order given.
//
// The rule is lopsided on purpose: to approve, a vote must be sound in every
// respect; to take one's own approval back, nothing more is asked than that the
// person said so. Were a withdrawal void because somebody minimized it, or because
// the request was edited to and fro around it, the approval before it would come
// back to life without its giver. The other way round, whatever would lift a
// person's denial must be sound.
func count(f Facts, e *electorate) tally {
	t := tally{results: make([]VoteResult, len(f.Votes)), approvers: map[int64]bool{}}
	if f.BreakGlass != nil && f.BreakGlass.Blocked != nil {
		t.longest = f.BreakGlass.Blocked.Detail
	}
	stands := map[int64]int{} // person → index of the vote that stands
	loose := map[int64]int{}  // person → index of a denial that can't be judged
	for i, v := range f.Votes {
		t.results[i] = VoteResult{Vote: v, Counts: true}
		if why := e.mayNot(v); why != "" {
			t.void(i, why)
			continue
		}
		why := unsound(f, v)
		if why == "" && e.standingOf(v) == unclear {
			why = MembershipUnknown
		}
		prev, had := stands[v.By.ID]
		switch {
		case why == "":
			if had {
				t.void(prev, Superseded)
			}
			stands[v.By.ID] = i
			delete(loose, v.By.ID)
		case v.Verb == Approve, v.Verb == Override:
			t.void(i, why)
		default:
			t.void(i, why)
			if had && f.Votes[prev].Verb != Deny {
				t.void(prev, Superseded)
				delete(stands, v.By.ID)
			}
			if v.Verb == Deny && why.unsettling() {
				loose[v.By.ID] = i
			}
		}
	}
	t.settle(f, stands, loose)
	return t
}

// settle reads off what each person's standing vote says, in the order of the votes.
func (t *tally) settle(f Facts, stands, loose map[int64]int) {
	for i, v := range f.Votes {
		if at, ok := stands[v.By.ID]; ok && at == i {
			switch v.Verb {
			case Approve:
				t.approvers[v.By.ID] = true
			case Deny:
				t.denials = append(t.denials, Reason{Code: DeniedBy, Person: v.By, Subject: v.ID, Detail: v.Reason})
			case Override:
				t.approvers[v.By.ID] = true // where they stand behind a need as well
				t.overrides = append(t.overrides, Overridden{By: v.By, Vote: v.ID, Reason: v.Reason})
			case Withdraw:
			}
		}
		if at, ok := loose[v.By.ID]; ok && at == i {
			t.unsettled = append(t.unsettled, *t.results[i].Why)
		}
	}
}

func (t *tally) void(i int, why Code) {
	r := &t.results[i]
	r.Counts = false
	r.Why = &Reason{Code: why, Person: r.Vote.By, Subject: r.Vote.ID}
	switch why {
	case OtherHead:
		r.Why.Detail = r.Vote.Head
	case OverrideTooLong:
		r.Why.Detail = t.longest
	default:
	}
}

// mayNot says why nothing that the voter says can count, or "". A withdrawal
// needs no standing: it only takes back the person's own vote.
func (e *electorate) mayNot(v Vote) Code {
	if v.Bot {
		return BotVote
	}
	if v.By.ID == 0 {
		return Nobody
	}
	if !slices.Contains([]Verb{Approve, Deny, Withdraw, Override}, v.Verb) {
		return UnknownVerb
	}
	if why, out := e.excluded[v.By.ID]; out {
		return why
	}
	switch {
	case e.standingOf(v) == outside && v.Verb == Override:
		return NotBreakGlass
	case e.standingOf(v) == outside:
		return NotOwner
	case v.Verb == Override && e.glass.Blocked != nil:
		return e.glass.Blocked.Code
	}
	return ""
}

// standingOf is the voter's standing for what the vote says.
func (e *electorate) standingOf(v Vote) standing {
	switch {
	case v.Verb == Withdraw:
		return inside
	case v.Verb != Override:
		return e.anywhere(v.By)
	case e.glass == nil:
		return outside
	}
	return e.among(v.By, e.glass.From)
}

// unsound says why a vote can't be relied on for this content, or "". An empty
// digest binds to nothing: it is never the right one.
func unsound(f Facts, v Vote) Code {
	switch {
	case v.Hidden:
		return HiddenVote
	case v.Late: // before the digest: a late vote is bound to none
		return LateVote
	case v.Digest != f.Digest || f.Digest == "":
		return OtherDigest
	case v.Head != "" && v.Head != f.Head && !slices.Contains(f.SameTree, v.Head):
		return OtherHead
	case v.Edited:
		return EditedVote
	case v.Head == "" && f.Locked:
		return LockedVote
	}
	return ""
}

// unsettling reports whether a denial that does not count for this reason
// still keeps the request from being approved. Who mends a typing error in a
// denial has not agreed; that it is unclear what was meant is neither a yes nor a no.
// A denial of other content, or one that a moderator hid, says nothing here.
func (c Code) unsettling() bool {
	return c == EditedVote || c == LateVote || c == LockedVote || c == MembershipUnknown
}

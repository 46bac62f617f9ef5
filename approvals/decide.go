package approvals

import "slices"

// Decide says whether f is approved, and why. It is a pure function: equal
// facts give equal decisions, in the same order, on any machine.
//
// The reasons, and the verdict with them, come in this order:
//
//  1. f.Stopped rules an approval out: Refused.
//  2. All facts are known, and a need is blocked or has fewer eligible people
//     than it asks for: Refused.
//  3. Facts are unknown: Pending. What rests on them may still turn out either way.
//  4. No needs at all: Pending. That nobody need approve is never an approval.
//  5. An eligible person's denial stands: Denied.
//  6. Something that could be a denial can't be judged: Pending.
//  7. Each need is met: Approved. So it is where an override by somebody whom the policy lets stands, and it is known who
//     stands behind each owner. Otherwise: Pending.
//
// Its time is linear in the sizes of the needs, the owners' members and the votes together: 3,000 paths, 500 owners and
// 2,000 votes take some milliseconds (BenchmarkDecide).
//
// Decide keeps no reference to f's slices other than those inside a Need. Needs with the same owners share their lists of
// people in the result, which is to be read only.
func Decide(f Facts) Decision {
	people := newElectorate(f)
	ballots := count(f, people)
	people.approvers = ballots.approvers
	d := Decision{
		Verdict: Pending,
		Digest:  f.Digest,
		Head:    f.Head,
		Needs:   make([]NeedResult, 0, len(f.Needs)),
		Votes:   ballots.results,
	}
	met := true
	for _, n := range f.Needs {
		r := people.result(n)
		met = met && r.Met
		d.Needs = append(d.Needs, r)
	}
	sections := [...]struct {
		verdict Verdict
		reasons []Reason
	}{
		{Refused, slices.Clone(f.Stopped)},
		{ifElse(people.allKnown(f), Refused, Pending), people.unmeetable(d.Needs)},
		{Pending, people.unknownFacts(f)},
		{Pending, noNeeds(f)},
		{Denied, ballots.denials},
		{Pending, ballots.unsettled},
	}
	// An override is for owners who don't answer, not for owners of whom nothing is known: they may be nobody, which refuses.
	overridden := len(ballots.overrides) > 0 && len(people.unknownOwners(d.Needs)) == 0
	verdict := ifElse(met || overridden, Approved, Pending)
	for _, s := range slices.Backward(sections[:]) {
		if len(s.reasons) > 0 {
			verdict = s.verdict
		}
	}
	d.Verdict = verdict
	if verdict == Approved {
		if !met {
			d.Override = &ballots.overrides[0]
		}
		return d
	}
	for _, s := range sections {
		d.Reasons = append(d.Reasons, s.reasons...)
	}
	d.Reasons = append(d.Reasons, people.unknownOwners(d.Needs)...)
	return d
}

func noNeeds(f Facts) []Reason {
	if len(f.Needs) > 0 {
		return nil
	}
	return []Reason{{Code: NoOwner, Detail: "nothing says whose approval is needed"}}
}

func ifElse[T any](cond bool, yes, no T) T {
	if cond {
		return yes
	}
	return no
}

package approvals

import (
	"cmp"
	"slices"

	"github.com/keyreeve/keyreeve/internal/identity"
)

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
//  7. Each need is met: Approved. Otherwise: Pending.
//
// Decide keeps no reference to f's slices other than those inside a Need.
func Decide(f Facts) Decision {
	people := newElectorate(f)
	ballots := count(f, people)
	d := Decision{
		Verdict: Pending,
		Digest:  f.Digest,
		Head:    f.Head,
		Needs:   make([]NeedResult, 0, len(f.Needs)),
		Votes:   ballots.results,
	}
	met := true
	for _, n := range f.Needs {
		r := people.result(n, ballots.approvers)
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
	verdict := ifElse(met, Approved, Pending)
	for _, s := range slices.Backward(sections[:]) {
		if len(s.reasons) > 0 {
			verdict = s.verdict
		}
	}
	d.Verdict = verdict
	if verdict == Approved {
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

// electorate answers who may approve what.
type electorate struct {
	people   map[string]Members
	excluded map[int64]Code
	needs    []Need
}

func newElectorate(f Facts) electorate {
	e := electorate{people: f.People, excluded: map[int64]Code{}, needs: f.Needs}
	for _, x := range f.Excluded {
		if _, ok := e.excluded[x.Person.ID]; !ok && x.Person.ID != 0 {
			e.excluded[x.Person.ID] = x.Why
		}
	}
	return e
}

// standing says whether a person stands behind an owner: yes, no, or not known.
type standing int

const (
	outside standing = iota
	unclear
	inside
)

// of reports how p stands to a need. An owner that f.People does not name was
// never looked up, which is as unknown as a look-up that failed.
func (e electorate) of(p identity.Person, n Need) standing {
	s := outside
	for _, owner := range n.Owners {
		m := e.people[owner]
		switch {
		case !m.Known:
			s = unclear
		case slices.ContainsFunc(m.People, p.Same):
			return inside
		}
	}
	return s
}

// anywhere is the best standing that p has in any need.
func (e electorate) anywhere(p identity.Person) standing {
	s := outside
	for _, n := range e.needs {
		s = max(s, e.of(p, n))
	}
	return s
}

// result judges one need against the people whose approval counts.
func (e electorate) result(n Need, approvers map[int64]bool) NeedResult {
	r := NeedResult{Need: n, Eligible: []identity.Person{}}
	if n.Blocked != nil {
		return r
	}
	seen := map[int64]bool{}
	for _, owner := range n.Owners {
		m := e.people[owner]
		if !m.Known {
			continue
		}
		for _, p := range m.People {
			if _, out := e.excluded[p.ID]; out || p.ID == 0 || seen[p.ID] {
				continue
			}
			seen[p.ID] = true
			r.Eligible = append(r.Eligible, p)
			if approvers[p.ID] {
				r.By = append(r.By, p)
			}
		}
	}
	slices.SortFunc(r.Eligible, byLogin)
	slices.SortFunc(r.By, byLogin)
	r.Met = len(r.By) >= n.count()
	return r
}

func byLogin(a, b identity.Person) int {
	return cmp.Or(cmp.Compare(a.Login, b.Login), cmp.Compare(a.ID, b.ID))
}

// count is the number of different people that n asks for, at least one.
func (n Need) count() int { return max(1, n.Count) }

// allKnown reports whether the facts that concern the request as a whole are
// known. What is not known of single owners is judged need by need.
func (e electorate) allKnown(f Facts) bool { return len(e.unknownFacts(f)) == 0 }

// unknownFacts names what could not be read. Somebody excluded without an
// account id could be any of the voters, so that is an unknown too.
func (e electorate) unknownFacts(f Facts) []Reason {
	var rs []Reason
	for _, u := range f.Unknown {
		rs = append(rs, Reason{Code: FactsUnknown, Subject: u})
	}
	for _, x := range f.Excluded {
		if x.Person.ID == 0 {
			rs = append(rs, Reason{
				Code: FactsUnknown, Subject: x.Person.Login,
				Detail: "may not approve (" + string(x.Why) + "), but has no account id to be known by",
			})
		}
	}
	for _, n := range f.Needs {
		if b := n.Blocked; b != nil && b.Code.unknown() {
			rs = append(rs, *b)
		}
	}
	return rs
}

// unknown reports whether a code says that something could not be read.
func (c Code) unknown() bool { return c == FactsUnknown || c == MembershipUnknown }

// unmeetable names the needs that no approval can meet: those that are
// blocked, and those whose owners are all known and too few of them eligible.
func (e electorate) unmeetable(needs []NeedResult) []Reason {
	var rs []Reason
	for _, r := range needs {
		n := r.Need
		switch {
		case n.Blocked != nil:
			if !n.Blocked.Code.unknown() {
				rs = append(rs, *n.Blocked)
			}
		case len(n.Owners) == 0:
			rs = append(rs, Reason{Code: NoOwner, Subject: n.Subject, Detail: n.Source})
		case len(r.Eligible) < n.count() && len(e.unknownAmong(n)) == 0:
			rs = append(rs, Reason{Code: OwnersNobody, Subject: n.Subject, Detail: n.Source})
		}
	}
	return rs
}

// unknownAmong lists the owners of a need of which it is not known who stands behind them.
func (e electorate) unknownAmong(n Need) []string {
	var owners []string
	for _, o := range n.Owners {
		if !e.people[o].Known {
			owners = append(owners, o)
		}
	}
	return owners
}

// unknownOwners names the owners whose members are unknown and matter: those
// of needs that are not met yet. Such a need is Pending anyway; this says why.
func (e electorate) unknownOwners(needs []NeedResult) []Reason {
	var rs []Reason
	seen := map[string]bool{}
	for _, r := range needs {
		if r.Met || r.Need.Blocked != nil {
			continue
		}
		for _, o := range e.unknownAmong(r.Need) {
			if !seen[o] {
				seen[o] = true
				rs = append(rs, Reason{Code: MembershipUnknown, Subject: o, Detail: r.Need.Subject})
			}
		}
	}
	return rs
}

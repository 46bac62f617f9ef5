package approvals

import (
	"cmp"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/internal/identity"
)

// electorate answers who may approve what.
type electorate struct {
	people   map[string]Members
	excluded map[int64]Code
	// standing is the best that a person has in any need: those in it are inside, all others are rest.
	standing map[int64]bool
	rest     standing
	glass    *BreakGlass
	groups   map[string]*group // by the owners of a need
	// approvers is whose approval counts, by id; known once the votes are counted, and asked only then.
	approvers map[int64]bool
}

// group is the people behind one set of owners, who are the same for each need with these owners.
type group struct {
	eligible []identity.Person // by login
	by       []identity.Person // those of them who approve
	unknown  []string          // owners of whom it is not known who stands behind them
}

func newElectorate(f Facts) *electorate {
	e := &electorate{
		people: f.People, excluded: make(map[int64]Code, len(f.Excluded)), standing: map[int64]bool{}, glass: f.BreakGlass,
		groups: map[string]*group{},
	}
	for _, x := range f.Excluded {
		if _, ok := e.excluded[x.Person.ID]; !ok && x.Person.ID != 0 {
			e.excluded[x.Person.ID] = x.Why
		}
	}
	looked := map[string]bool{}
	for _, n := range f.Needs {
		for _, owner := range n.Owners {
			if looked[owner] {
				continue
			}
			looked[owner] = true
			// An owner that f.People does not name was never looked up, which is as unknown as a look-up that failed.
			m := f.People[owner]
			if !m.Known {
				e.rest = unclear
				continue
			}
			for _, p := range m.People {
				e.standing[p.ID] = true
			}
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

// anywhere is the best standing that p has in any need.
func (e *electorate) anywhere(p identity.Person) standing {
	if e.standing[p.ID] {
		return inside
	}
	return e.rest
}

// among is the standing of p behind some owners.
func (e *electorate) among(p identity.Person, owners []string) standing {
	s := outside
	for _, owner := range owners {
		m := e.people[owner]
		switch {
		case !m.Known:
			s = max(s, unclear)
		case slices.ContainsFunc(m.People, p.Same):
			return inside
		}
	}
	return s
}

// group gathers the people behind the owners of a need, once for each set of owners.
func (e *electorate) group(owners []string) *group {
	key := strings.Join(owners, "\x00")
	if g, ok := e.groups[key]; ok {
		return g
	}
	g := &group{eligible: []identity.Person{}}
	e.groups[key] = g
	seen := map[int64]bool{}
	for _, owner := range owners {
		m := e.people[owner]
		if !m.Known {
			g.unknown = append(g.unknown, owner)
			continue
		}
		for _, p := range m.People {
			if _, out := e.excluded[p.ID]; out || p.ID == 0 || seen[p.ID] {
				continue
			}
			seen[p.ID] = true
			g.eligible = append(g.eligible, p)
			if e.approvers[p.ID] {
				g.by = append(g.by, p)
			}
		}
	}
	slices.SortFunc(g.eligible, byLogin)
	slices.SortFunc(g.by, byLogin)
	return g
}

// result judges one need against the people whose approval counts.
func (e *electorate) result(n Need) NeedResult {
	if n.Blocked != nil {
		return NeedResult{Need: n, Eligible: []identity.Person{}}
	}
	g := e.group(n.Owners)
	return NeedResult{Need: n, Eligible: g.eligible, By: g.by, Met: len(g.by) >= n.count()}
}

func byLogin(a, b identity.Person) int {
	return cmp.Or(cmp.Compare(a.Login, b.Login), cmp.Compare(a.ID, b.ID))
}

// count is the number of different people that n asks for, at least one.
func (n Need) count() int { return max(1, n.Count) }

// allKnown reports whether the facts that concern the request as a whole are
// known. What is not known of single owners is judged need by need.
func (e *electorate) allKnown(f Facts) bool { return len(e.unknownFacts(f)) == 0 }

// unknownFacts names what could not be read. Somebody excluded without an
// account id could be any of the voters, so that is an unknown too.
func (e *electorate) unknownFacts(f Facts) []Reason {
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
func (e *electorate) unmeetable(needs []NeedResult) []Reason {
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
func (e *electorate) unknownAmong(n Need) []string { return e.group(n.Owners).unknown }

// unknownOwners names the owners whose members are unknown and matter: those
// of needs that are not met yet. Such a need is Pending anyway; this says why.
func (e *electorate) unknownOwners(needs []NeedResult) []Reason {
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

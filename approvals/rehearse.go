package approvals

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/internal/identity"
)

// Invalid is what a Rehearsal says of a request that is not allowed, whoever approves: the bot decides nothing on it.
const Invalid Verdict = "invalid"

// Unrated is what a Rehearsal says of a risk that nobody rated.
const Unrated = "unrated"

// Rehearsal is what the bot would decide on a case of a policy's test, and what that rests on.
type Rehearsal struct {
	Verdict     Verdict            `json:"verdict"`
	Needs       []string           `json:"needs"` // names of the rules that ask for approvals, in the policy's order
	Problems    []identity.Problem `json:"problems,omitempty"`
	Risk        string             `json:"risk"`
	MaxDuration identity.Duration  `json:"maxDuration"` // the smallest of all that bound this request
	Unnamed     []string           `json:"unnamed,omitempty"`
	Decision    *Decision          `json:"decision,omitempty"` // nil where the verdict is Invalid
}

// Difference is one expectation that did not come true.
type Difference struct {
	Field string `json:"field"` // of the expectation: "verdict"; "people" where the test does not say who stands behind an owner
	Want  string `json:"want"`
	Got   string `json:"got"`
}

// Rehearse decides a case by the same functions as the bot does: identity.CheckGrant, the needs of the registry's path, of
// the rules and of the resource, and Decide. owners is the registry's CODEOWNERS. What only GitHub knows is left out:
// whether the holder could write the registry, and what it finds wrong with a CODEOWNERS. Rehearsal.Unnamed lists
// owners that are asked and that the test names nobody behind; they are unknown, so nothing is approved that rests on them.
// It is pure, and may be called concurrently.
func Rehearse(r identity.Registry, owners OwnersFile, c identity.PolicyCase, now time.Time) Rehearsal {
	cast := newCast(r.Test)
	id, _ := r.Identity(c.Request.Identity)
	if c.Request.Kind != "" {
		id.Kind = c.Request.Kind
	}
	if c.Request.Risk != "" {
		id.Risk = c.Request.Risk
	}
	uc, _ := r.UseCaseOf(id)
	g := identity.Grant{
		Version: identity.RecordVersion, ID: "policy-test", Identity: c.Request.Identity, Provider: identity.GitHub, Resource: c.Request.Resource,
		Permission: c.Request.Permission, Environment: c.Request.Environment, Duration: c.Request.Duration,
		Reason: c.Name, Requester: cast.person(c.Request.Requester),
	}
	out := Rehearsal{Verdict: Invalid, Needs: []string{}, Risk: Unrated, MaxDuration: identity.MaxDuration(r.Policy, id, g)}
	if risk, rated := identity.RiskOf(r.Policy, id, g); rated {
		out.Risk = string(risk)
	}
	if uc.MaxDuration > 0 {
		out.MaxDuration = min(out.MaxDuration, uc.MaxDuration)
	}
	rules := RuleNeeds(identity.MatchingRules(r.Policy, id, g))
	for _, n := range rules {
		if !slices.Contains(out.Needs, n.Subject) {
			out.Needs = append(out.Needs, n.Subject)
		}
	}
	if out.Problems = identity.CheckGrant(r.Policy, id, uc, g, now); len(out.Problems) > 0 {
		return out
	}
	resource := Need{Kind: Resource, Subject: g.Resource, Owners: c.ResourceOwners, Count: 1, Source: identity.PolicyTestPath + " resourceOwners"}
	if len(c.ResourceOwners) == 0 {
		resource = OwnersFile{}.Need(Resource, g.Resource, ResourcePath)
		resource.Blocked.Subject = g.Resource
	}
	facts := Facts{Digest: g.Digest(), BreakGlass: GlassOf(r.Policy, g), Votes: cast.votes(c, g.Digest())}
	facts.Needs = append(append([]Need{owners.Need(Path, g.Path(), g.Path())}, rules...), resource)
	facts.Excluded, out.Unnamed = cast.excluded(id, g.Requester)
	facts.Unknown = slices.Clone(out.Unnamed)
	var unnamed []string
	facts.People, unnamed = cast.behind(facts)
	out.Unnamed = slices.Compact(slices.Sorted(slices.Values(append(out.Unnamed, unnamed...))))
	d := Decide(facts)
	out.Verdict, out.Decision = d.Verdict, &d
	return out
}

// Differs compares with what was expected; nil where all came true.
func (r Rehearsal) Differs(want identity.PolicyExpectation) []Difference {
	var out []Difference
	differ := func(field, want, got string) {
		if want != got {
			out = append(out, Difference{field, want, got})
		}
	}
	if len(r.Unnamed) > 0 {
		differ("people", "who stands behind "+strings.Join(r.Unnamed, ", "), "nobody is named")
	}
	differ("verdict", want.Verdict, string(r.Verdict))
	if want.Needs != nil {
		differ("needs", names(want.Needs), names(r.Needs))
	}
	if want.Risk != "" {
		differ("risk", want.Risk, r.Risk)
	}
	if want.MaxDuration > 0 {
		differ("maxDuration", want.MaxDuration.String(), r.MaxDuration.String())
	}
	if want.Problems == nil {
		return out
	}
	var got []string
	left := slices.Clone(want.Problems)
	for _, p := range r.Problems {
		got = append(got, p.Field+": "+p.What)
		if i := slices.IndexFunc(left, func(part string) bool { return strings.Contains(p.Field+": "+p.What, part) }); i >= 0 {
			left = slices.Delete(left, i, i+1)
		}
	}
	if len(left) > 0 || len(got) != len(want.Problems) {
		out = append(out, Difference{"problems", fmt.Sprintf("%q", want.Problems), fmt.Sprintf("%q", got)})
	}
	return out
}

// names writes a set of names in one way.
func names(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(slices.Sorted(slices.Values(list)), ", ")
}

// cast is the people of a policy's test. Each login has an account of its own.
type cast struct {
	test identity.PolicyTest
	ids  map[string]int64
}

func newCast(t identity.PolicyTest) *cast {
	c := &cast{test: t, ids: map[string]int64{}}
	for _, owner := range slices.Sorted(maps.Keys(t.People)) {
		for _, login := range t.People[owner] {
			c.person(login)
		}
	}
	return c
}

func (c *cast) person(login string) identity.Person {
	key := strings.ToLower(login)
	if c.ids[key] == 0 {
		c.ids[key] = int64(len(c.ids) + 1)
	}
	return identity.Person{ID: c.ids[key], Login: login}
}

func (c *cast) members(owner string) Members {
	logins, known := c.test.PeopleBehind(owner)
	m := Members{Known: known}
	for _, login := range logins {
		m.People = append(m.People, c.person(login))
	}
	return m
}

// votes are the case's votes in their order, as if each was given for just this request.
func (c *cast) votes(pc identity.PolicyCase, digest string) []Vote {
	var out []Vote
	add := func(login string, verb Verb) {
		out = append(out, Vote{ID: fmt.Sprintf("vote/%d", len(out)+1), By: c.person(login), Verb: verb, Digest: digest, Reason: pc.Name})
	}
	for _, v := range pc.Approvals {
		add(v.By, ifElse(v.Verb == "", Approve, Verb(v.Verb)))
	}
	if pc.Override != "" {
		add(pc.Override, Override)
	}
	return out
}

// excluded is who may not approve: who asks, and who would hold the access. unnamed is the team that would, where the test
// does not say who is in it.
func (c *cast) excluded(id identity.Identity, requester identity.Person) (out []Exclusion, unnamed []string) {
	out = []Exclusion{{Person: requester, Why: Requester}}
	holder, _ := id.Account.Principal()
	if holder.Kind == identity.User {
		return append(out, Exclusion{Person: c.person(holder.Name), Why: Beneficiary}), nil
	}
	team := c.members("@" + holder.Name)
	for _, p := range team.People {
		out = append(out, Exclusion{Person: p, Why: Beneficiary})
	}
	if !team.Known {
		unnamed = []string{"@" + holder.Name}
	}
	return out, unnamed
}

// behind is who stands behind each owner that is asked.
func (c *cast) behind(f Facts) (people map[string]Members, unnamed []string) {
	people = map[string]Members{}
	var owners []string
	for _, n := range f.Needs {
		owners = append(owners, n.Owners...)
	}
	if f.BreakGlass != nil && slices.ContainsFunc(f.Votes, func(v Vote) bool { return v.Verb == Override }) {
		owners = append(owners, f.BreakGlass.From...)
	}
	for _, owner := range owners {
		if _, done := people[owner]; done {
			continue
		}
		people[owner] = c.members(owner)
		if !people[owner].Known {
			unnamed = append(unnamed, owner)
		}
	}
	return people, unnamed
}

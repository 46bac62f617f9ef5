package identity

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// CheckGrant finds everything that rules a grant out before anybody's approval counts: what is asked must be whole, be
// within the policy and the use case's ceiling, and concern an identity that is in use until the grant's end, when it would
// start now. Each problem names the grant's field ("duration") in Field; Locate gives it a place in a record, and HeadingOf
// in a form. A duration is never changed to fit: what is too long or too short is a problem.
//
// id and uc are the records that g.Identity and id.UseCase name. Whether the grantee could then write the registry
// itself is for the caller to find out: it takes looking at GitHub.
func CheckGrant(p Policy, id Identity, uc UseCase, g Grant, now time.Time) []Problem {
	var out []Problem
	say := func(field, what, hint string) { out = append(out, Problem{Field: field, What: what, Hint: hint}) }

	// Who is not known is not compared with anything: one mistake is said once.
	known := id.Name != "" && g.Identity == id.Name
	bounded := known && uc.Name != "" && uc.Name == id.UseCase
	switch {
	case !known:
		say("identity", fmt.Sprintf("there is no identity %s", quoted(g.Identity)), "it would be at "+IdentityPath("<app>/<name>"))
	case !bounded:
		say("identity", fmt.Sprintf("there is no use case %s, which bounds %s", quoted(id.UseCase), quoted(id.Name)), "it would be at "+UseCasePath("<name>"))
	}
	if known {
		checkHolder(say, id, g, now)
	}
	switch {
	case !checkEnvironment(say, p, g):
	case known && g.Environment != id.Environment:
		say("environment", fmt.Sprintf("%s works in %s, not in %s", quoted(id.Name), quoted(id.Environment), quoted(g.Environment)), "ask for its own environment, or for another identity")
	}
	switch _, err := ParseRepo(g.Resource); {
	case g.Provider != GitHub:
		say("provider", quoted(g.Provider)+" is not a known provider", "use "+GitHub)
	case err != nil:
		say("resource", quoted(g.Resource)+" is not a repository", "write it as owner/name")
	case bounded:
		checkCeiling(say, id, uc, g)
	}
	if strings.TrimSpace(g.Reason) == "" {
		say("reason", "there is no reason", "say what the access is for")
	}
	checkLength(say, p, id, uc, g)
	return sorted(out)
}

// CheckPolicy is the part of CheckGrant that the policy alone decides: whether it has the environment, and how long access
// may last.
func CheckPolicy(p Policy, id Identity, g Grant) []Problem {
	var out []Problem
	say := func(field, what, hint string) { out = append(out, Problem{Field: field, What: what, Hint: hint}) }
	checkEnvironment(say, p, g)
	checkLength(say, p, id, UseCase{}, g)
	return sorted(out)
}

// checkEnvironment reports whether the policy has the environment, and says so where it has not.
func checkEnvironment(say func(field, what, hint string), p Policy, g Grant) bool {
	if slices.Contains(p.Environments, g.Environment) {
		return true
	}
	say("environment", unknownEnvironment(g.Environment), environmentHint(g.Environment, p))
	return false
}

// checkHolder looks at the identity that is to hold the access.
func checkHolder(say func(field, what, hint string), id Identity, g Grant, now time.Time) {
	switch {
	case id.Status != Active:
		say("identity", fmt.Sprintf("%s is not in use: its status is %s", quoted(id.Name), quoted(string(id.Status))), "only an active identity can be given access")
	case now.Add(time.Duration(g.Duration)).After(id.Expires.End()):
		say("identity", fmt.Sprintf("%s expires on %s, before this access would end", quoted(id.Name), id.Expires), "ask for less time, or have its owner extend it first")
	}
	if id.Kind == AIAgent && g.PromptedBy == "" {
		say("promptedBy", fmt.Sprintf("%s is an agent, and who prompted it is not said", quoted(id.Name)), "name the person whose prompt needs this access: they can't approve it")
	}
	if _, ok := id.Account.Principal(); !ok || (id.Account.User != "" && id.Account.Team != "") {
		say("identity", fmt.Sprintf("%s names no account that could be given access", quoted(id.Name)), "its record needs account.user or account.team")
	}
}

// checkCeiling looks at the use case that bounds the identity.
func checkCeiling(say func(field, what, hint string), id Identity, uc UseCase, g Grant) {
	if !slices.Contains(uc.Kinds, id.Kind) {
		say("identity", fmt.Sprintf("%s is of kind %s, which the use case %s is not for", quoted(id.Name), quoted(string(id.Kind)), quoted(uc.Name)), UseCasePath(uc.Name)+" lists the kinds")
	}
	if exceeds, dimension := Exceeds(uc, g.Provider, g.Resource, g.Permission, g.Environment); exceeds {
		say(dimension, fmt.Sprintf("%s on %s in %s exceeds the use case %s", g.Permission, quoted(g.Resource), quoted(g.Environment), quoted(uc.Name)), "its "+dimension+" is more than the ceiling in "+UseCasePath(uc.Name)+" allows")
	}
}

// checkLength compares the duration with the shortest and with the smallest of all longest ones.
func checkLength(say func(field, what, hint string), p Policy, id Identity, uc UseCase, g Grant) {
	longest, by := longestDuration(p, id, g)
	if uc.MaxDuration > 0 && uc.MaxDuration < longest {
		longest, by = uc.MaxDuration, fmt.Sprintf("the use case %q", uc.Name)
	}
	switch {
	case g.Duration <= 0:
		say("duration", "there is no duration", shapes["duration"][1])
	case g.Duration > longest:
		say("duration", fmt.Sprintf("%s is longer than %s, the most that %s allows", g.Duration, longest, by), fmt.Sprintf("ask for %s or less", longest))
	case g.Duration < p.Grants.MinDuration:
		say("duration", fmt.Sprintf("%s is shorter than %s, the least that %s allows", g.Duration, p.Grants.MinDuration, PolicyPath), fmt.Sprintf("ask for %s or more", p.Grants.MinDuration))
	}
}

// MaxDuration returns the smallest of all longest durations that the policy has for a grant: its own for every grant, and
// those of the rules that the grant falls under. A use case may allow less.
func MaxDuration(p Policy, id Identity, g Grant) Duration {
	longest, _ := longestDuration(p, id, g)
	return longest
}

// longestDuration is MaxDuration, and what says so.
func longestDuration(p Policy, id Identity, g Grant) (longest Duration, by string) {
	longest, by = p.Grants.MaxDuration, PolicyPath
	for _, r := range MatchingRules(p, id, g) {
		if r.MaxDuration > 0 && r.MaxDuration < longest {
			longest, by = r.MaxDuration, fmt.Sprintf("the rule %q of %s", r.Name, PolicyPath)
		}
	}
	return longest, by
}

// MatchingRules returns the rules of the policy that a grant for an identity falls under, in the policy's order. A rule's
// environments match without case, so that no spelling gets around it.
func MatchingRules(p Policy, id Identity, g Grant) []Rule {
	var out []Rule
	for _, r := range p.Rules {
		if len(r.When.Environments) > 0 && !containsFold(r.When.Environments, g.Environment) {
			continue
		}
		if len(r.When.Kinds) > 0 && !slices.Contains(r.When.Kinds, id.Kind) {
			continue
		}
		if g.Permission < r.When.Permission || !atLeast(p, id, g, r.When.Risk) {
			continue
		}
		out = append(out, r)
	}
	return out
}

func containsFold(list []string, s string) bool {
	return slices.ContainsFunc(list, func(each string) bool { return lower(each) == lower(s) })
}

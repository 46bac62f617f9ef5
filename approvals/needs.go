package approvals

import (
	"fmt"
	"slices"

	"github.com/keyreeve/keyreeve/internal/identity"
)

// OwnersFile is a repository's CODEOWNERS as it stands on its default branch. The zero value is of a repository without one.
type OwnersFile struct {
	Repo  identity.Repo // the zero value where it is a folder and has no name yet
	Path  string        // one of CodeownersPlaces; "" where the repository has none
	Rules Codeowners
	// Reported is what GitHub itself finds wrong: an account that is gone, a team that can't see the repository.
	// https://docs.github.com/en/rest/repos/repos#list-codeowners-errors
	Reported []ReportedError
}

// ReportedError is one error that GitHub finds in a CODEOWNERS file.
type ReportedError struct {
	Path string // of the file
	Line int    // from 1
	Kind string // in GitHub's words: "Unknown owner"
}

// Need says whose approval a path needs by this CODEOWNERS; subject is what the need is called by (the path, or
// "acme/payments"). It never says "nobody's": what has no owner is blocked, with the reason. It may be called concurrently.
func (o OwnersFile) Need(kind NeedKind, subject, path string) Need {
	n := Need{Kind: kind, Subject: subject, Count: 1}
	block := func(code Code, about, detail string) Need {
		n.Blocked = &Reason{Code: code, Subject: about, Detail: detail}
		return n
	}
	switch {
	case o.Path == "":
		return block(NoCodeowners, o.Repo.String(), "")
	case o.Rules.TooLarge:
		return block(OwnersTooLarge, o.Repo.String(), "")
	}
	if bad := o.Rules.ErrorTouches(path); len(bad) > 0 {
		return block(OwnersInvalid, subject, fmt.Sprintf("line %d: %s", bad[0].Line, bad[0].Message))
	}
	rule, ok := o.Rules.Match(path)
	if !ok || len(rule.Owners) == 0 {
		return block(NoOwner, subject, "")
	}
	for _, e := range o.Reported {
		if e.Path == o.Path && e.Line == rule.Line {
			return block(OwnersInvalid, subject, fmt.Sprintf("line %d: GitHub says %s", e.Line, e.Kind))
		}
	}
	n.Owners = rule.Owners
	n.Source = fmt.Sprintf("%s:%d %s", o.Path, rule.Line, rule.Pattern)
	if o.Repo.Name != "" {
		n.Source = o.Repo.String() + ":" + n.Source
	}
	return n
}

// RuleNeeds turns rules of the policy that a grant falls under (identity.MatchingRules) into needs: one for each entry
// of a rule's require, in the policy's order.
func RuleNeeds(rules []identity.Rule) []Need {
	var needs []Need
	for _, r := range rules {
		for _, q := range r.Require {
			needs = append(needs, Need{
				Kind: PolicyRule, Subject: r.Name, Owners: q.From, Count: q.Count, Source: identity.PolicyPath + " rule " + r.Name,
			})
		}
	}
	return needs
}

// GlassOf says who may override missing approvals of a grant by a policy; nil where nobody may. An override gives short
// access only, and what is asked for is never shortened silently: who needs it now asks for less.
func GlassOf(p identity.Policy, g identity.Grant) *BreakGlass {
	if p.BreakGlass == nil {
		return nil
	}
	glass := BreakGlass{From: p.BreakGlass.From}
	if g.Duration > p.BreakGlass.MaxDuration {
		glass.Blocked = &Reason{Code: OverrideTooLong, Detail: p.BreakGlass.MaxDuration.String()}
	}
	return &glass
}

// UnderPolicy returns the facts as they would have been with another policy: the needs of its rules in the place of the
// former ones, and its break-glass. Owners that f does not know the people of stay unknown, so that nothing is approved
// that rests on them. f is not changed.
func UnderPolicy(f Facts, p identity.Policy, id identity.Identity, g identity.Grant) Facts {
	first := slices.IndexFunc(f.Needs, func(n Need) bool { return n.Kind != Path })
	if first < 0 {
		first = len(f.Needs)
	}
	needs := append(slices.Clone(f.Needs[:first]), RuleNeeds(identity.MatchingRules(p, id, g))...)
	for _, n := range f.Needs[first:] {
		if n.Kind != PolicyRule {
			needs = append(needs, n)
		}
	}
	f.Needs, f.BreakGlass = needs, GlassOf(p, g)
	return f
}

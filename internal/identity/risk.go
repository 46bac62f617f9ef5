package identity

import (
	"cmp"
	"slices"
)

// Risk is how much harm an identity, or an access, could do in the wrong hands. "" is not rated.
type Risk string

// The ratings, in rising order.
const (
	LowRisk      Risk = "low"
	MediumRisk   Risk = "medium"
	HighRisk     Risk = "high"
	CriticalRisk Risk = "critical"
)

// Compare orders ratings; one that is not rated, or is no rating, comes before all.
func (r Risk) Compare(o Risk) int { return cmp.Compare(r.rank(), o.rank()) }

func (r Risk) rank() int {
	return slices.Index([]Risk{LowRisk, MediumRisk, HighRisk, CriticalRisk}, r)
}

// Rating rates every grant that matches all of its conditions; an empty condition matches all.
type Rating struct {
	Risk         Risk       `yaml:"risk" json:"risk"`
	Resources    []string   `yaml:"resources,omitempty" json:"resources,omitempty"` // "acme/pay*", as in a Bound
	Environments []string   `yaml:"environments,omitempty" json:"environments,omitempty"`
	Kinds        []Kind     `yaml:"kinds,omitempty" json:"kinds,omitempty"`
	Permission   Permission `yaml:"permission,omitempty" json:"permission,omitempty"` // and above
}

// RiskOf returns the highest of an identity's own rating and those of the policy that match a grant for it; rated is
// false where there is none.
func RiskOf(p Policy, id Identity, g Grant) (risk Risk, rated bool) {
	risk = id.Risk
	for _, r := range p.Risks {
		if r.matches(id, g) && r.Risk.Compare(risk) > 0 {
			risk = r.Risk
		}
	}
	return risk, risk.rank() >= 0
}

func (r Rating) matches(id Identity, g Grant) bool {
	resource := func(pattern string) bool { return matchResource(pattern, g.Resource) }
	return (len(r.Resources) == 0 || slices.ContainsFunc(r.Resources, resource)) &&
		(len(r.Environments) == 0 || containsFold(r.Environments, g.Environment)) &&
		(len(r.Kinds) == 0 || slices.Contains(r.Kinds, id.Kind)) &&
		g.Permission >= r.Permission
}

// atLeast reports whether a grant is of a risk or above. What is not rated is of any.
func atLeast(p Policy, id Identity, g Grant, least Risk) bool {
	risk, rated := RiskOf(p, id, g)
	return least == "" || !rated || risk.Compare(least) >= 0
}

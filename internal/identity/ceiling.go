package identity

import (
	"slices"
	"strings"
)

// Dimensions of a ceiling, as Exceeds names them.
const (
	ProviderDimension    = "provider"
	ResourceDimension    = "resource"
	PermissionDimension  = "permission"
	EnvironmentDimension = "environment"
)

// Exceeds reports whether an access is more than a use case allows, and the first dimension, in the order provider,
// resource, permission, environment, that no bound got past; "" when it fits.
//
// It fits when one single bound of the ceiling allows all of it. An unknown or empty value and a wildcard in what is asked
// exceed every ceiling, and so does a permission that is no role. Resources are compared without case, as GitHub's
// names are; environments exactly. A bound's resource may hold '*', which stands for any characters but '/'.
func Exceeds(uc UseCase, provider, resource string, p Permission, environment string) (exceeds bool, dimension string) {
	switch {
	case provider == "" || wild(provider):
		return true, ProviderDimension
	case !plainResource(provider, resource):
		return true, ResourceDimension
	case p < Read || p > Admin:
		return true, PermissionDimension
	case environment == "" || wild(environment):
		return true, EnvironmentDimension
	}
	reached := 0
	for _, b := range uc.Ceiling {
		fits := [...]bool{
			b.Provider == provider,
			matchResource(b.Resource, resource),
			b.Permission <= Admin && p <= b.Permission,
			slices.Contains(b.Environments, environment),
		}
		passed := 0
		for passed < len(fits) && fits[passed] {
			passed++
		}
		if passed == len(fits) {
			return false, ""
		}
		reached = max(reached, passed)
	}
	return true, [...]string{ProviderDimension, ResourceDimension, PermissionDimension, EnvironmentDimension}[reached]
}

// wild reports whether s holds what some matcher takes for a wildcard.
func wild(s string) bool { return strings.ContainsAny(s, "*?[]{}") }

// plainResource reports whether s names exactly one resource of a provider.
func plainResource(provider, s string) bool {
	if provider == GitHub {
		_, err := ParseRepo(s)
		return err == nil
	}
	if s == "" || wild(s) {
		return false
	}
	for segment := range strings.SplitSeq(s, "/") {
		if segment == "" || segment == "." || segment == ".." {
			return false
		}
	}
	return true
}

// matchResource matches segment by segment, without case.
func matchResource(pattern, s string) bool {
	patterns, segments := strings.Split(lower(pattern), "/"), strings.Split(lower(s), "/")
	if len(patterns) != len(segments) {
		return false
	}
	for i := range patterns {
		if !matchStars(patterns[i], segments[i]) {
			return false
		}
	}
	return true
}

// matchStars matches '*' as any characters. It goes back to the last star only, so its time is bounded by the product of
// the lengths.
func matchStars(pattern, s string) bool {
	p, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && pattern[p] == s[i]:
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// lower folds ASCII letters only: Unicode's folding would take 'K' (U+212A) for a k.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

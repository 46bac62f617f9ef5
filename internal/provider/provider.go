// Package provider holds the kinds of target that access is granted at: each is one implementation of
// workflow.Provider with its four verbs (describe, observe, grant, revoke), and all are named in one explicit list:
//
//	providers, err := provider.New(provider.Repository(github))
//	target, err := providers.For("github")
package provider

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/internal/workflow"
)

// Named is a provider with the name by which entitlements call it.
type Named struct {
	Name     string
	Provider workflow.Provider
}

// Registry finds providers by their name. It does not change, so its methods may be called concurrently.
type Registry struct {
	byName map[string]workflow.Provider
}

// New returns a registry of the given providers. Every empty name, missing provider and name given twice, in any case
// of its letters, is named in the error.
func New(all ...Named) (Registry, error) {
	r := Registry{byName: map[string]workflow.Provider{}}
	taken := map[string]string{}
	var wrong []error
	for i, n := range all {
		folded := strings.ToLower(n.Name)
		switch {
		case n.Name == "":
			wrong = append(wrong, fmt.Errorf("provider %d has no name", i+1))
		case n.Provider == nil:
			wrong = append(wrong, fmt.Errorf("provider %q is nil", n.Name))
		case taken[folded] != "":
			wrong = append(wrong, fmt.Errorf("provider %q clashes with %q", n.Name, taken[folded]))
		default:
			taken[folded] = n.Name
			r.byName[n.Name] = n.Provider
		}
	}
	if err := errors.Join(wrong...); err != nil {
		return Registry{}, err
	}
	return r, nil
}

// For returns the provider with a name, spelled exactly; an unknown one is an error that names those there are.
func (r Registry) For(name string) (workflow.Provider, error) {
	p := r.byName[name]
	if p == nil {
		return nil, fmt.Errorf("there is no provider %q: it must be one of %s", name, strings.Join(r.Names(), ", "))
	}
	return p, nil
}

// Names returns the names, sorted.
func (r Registry) Names() []string { return slices.Sorted(maps.Keys(r.byName)) }

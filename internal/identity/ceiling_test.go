package identity_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/keyreeve/keyreeve/internal/identity"
)

func TestExceeds(t *testing.T) {
	uc := identity.UseCase{Name: "deploy", Ceiling: []identity.Bound{
		{Provider: "github", Resource: "acme/pay*", Permission: identity.Write, Environments: []string{"production", "staging"}},
		{Provider: "github", Resource: "acme/site", Permission: identity.Admin, Environments: []string{"staging"}},
		{Provider: "github", Resource: "acme/*-a-*b", Permission: identity.Read, Environments: []string{"staging"}},
	}}
	for _, c := range []struct {
		provider, resource string
		permission         identity.Permission
		environment        string
		want               string // "": fits
	}{
		{"github", "acme/payments", identity.Write, "production", ""},
		{"github", "acme/payments", identity.Read, "staging", ""},
		{"github", "ACME/PayMents", identity.Write, "production", ""}, // GitHub's names know no case
		{"github", "acme/pay", identity.Write, "production", ""},
		{"github", "acme/site", identity.Admin, "staging", ""},
		{"github", "acme/x-a-a-bb", identity.Read, "staging", ""},
		{"github", "acme/x-a-a-bc", identity.Read, "staging", "resource"},
		// No two bounds add up to what neither allows.
		{"github", "acme/site", identity.Admin, "production", "environment"},
		{"github", "acme/payments", identity.Maintain, "production", "permission"},
		{"github", "acme/other", identity.Read, "staging", "resource"},
		{"github", "acme2/payments", identity.Read, "staging", "resource"},
		{"github", "acme/payments", identity.Write, "Production", "environment"},
		{"github", "acme/payments", identity.Write, "test", "environment"},
		{"aws", "acme/payments", identity.Write, "production", "provider"},
		// Unknown, wildcard or missing: exceeds.
		{"", "acme/payments", identity.Write, "production", "provider"},
		{"*", "acme/payments", identity.Write, "production", "provider"},
		{"github", "", identity.Write, "production", "resource"},
		{"github", "acme/pay*", identity.Write, "production", "resource"},
		{"github", "acme/pay?", identity.Write, "production", "resource"},
		{"github", "acme/*", identity.Write, "production", "resource"},
		{"github", "acme", identity.Write, "production", "resource"},
		{"github", "acme/pay/ments", identity.Write, "production", "resource"},
		{"github", "acme/..", identity.Write, "production", "resource"},
		{"github", "acme/pay\u212Aey", identity.Write, "production", "resource"},
		{"github", "acme/payments", identity.None, "production", "permission"},
		{"github", "acme/payments", identity.Admin + 1, "production", "permission"},
		{"github", "acme/payments", -1, "production", "permission"},
		{"github", "acme/payments", identity.Write, "", "environment"},
		{"github", "acme/payments", identity.Write, "*", "environment"},
		{"github", "acme/payments", identity.Write, "{production}", "environment"},
	} {
		exceeds, dimension := identity.Exceeds(uc, c.provider, c.resource, c.permission, c.environment)
		if exceeds != (c.want != "") || dimension != c.want {
			t.Errorf("%v: got %t %q, want %q", c, exceeds, dimension, c.want)
		}
	}
	if exceeds, dimension := identity.Exceeds(identity.UseCase{}, "github", "acme/payments", identity.Read, "production"); !exceeds || dimension != "provider" {
		t.Errorf("an empty ceiling allows: %t %q", exceeds, dimension)
	}
	// A bound that itself is no role or whose environment is a wildcard allows nothing.
	bad := identity.UseCase{Ceiling: []identity.Bound{
		{Provider: "github", Resource: "acme/x", Permission: identity.Admin + 1, Environments: []string{"p"}},
		{Provider: "github", Resource: "acme/x", Permission: identity.Admin, Environments: []string{"*"}},
		{Provider: "github", Resource: "*", Permission: identity.Admin, Environments: []string{"p"}},
	}}
	if exceeds, _ := identity.Exceeds(bad, "github", "acme/x", identity.Read, "p"); !exceeds {
		t.Error("a bound that says nothing allows")
	}
}

func genBound() *rapid.Generator[identity.Bound] {
	return rapid.Custom(func(t *rapid.T) identity.Bound {
		return identity.Bound{
			Provider: identity.GitHub, Resource: rapid.StringMatching(`[ab]{1,2}/[abA*]{1,4}`).Draw(t, "resource"),
			Permission: genPermission().Draw(t, "permission"), Environments: rapid.SliceOfN(rapid.SampledFrom([]string{"p", "s", "t"}), 1, 3).Draw(t, "environments"),
		}
	})
}

// TestWhatACeilingNamesFits is reflexivity: asking for exactly what a bound without globs says is within it.
func TestWhatACeilingNamesFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		uc := identity.UseCase{Ceiling: rapid.SliceOfN(genBound(), 1, 4).Draw(t, "ceiling")}
		b := rapid.SampledFrom(uc.Ceiling).Draw(t, "bound")
		resource := strings.ReplaceAll(b.Resource, "*", rapid.StringMatching(`[ab]{0,3}`).Draw(t, "star"))
		if strings.HasSuffix(resource, "/") {
			return
		}
		e := rapid.SampledFrom(b.Environments).Draw(t, "environment")
		if exceeds, dimension := identity.Exceeds(uc, b.Provider, resource, b.Permission, e); exceeds {
			t.Fatalf("%s of %q exceeds by its %s", b.Permission, resource, dimension)
		}
	})
}

// TestWideningNeverFits: a higher role, or a narrower ceiling, never turns what exceeds into what fits.
func TestWideningNeverFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		uc := identity.UseCase{Ceiling: rapid.SliceOfN(genBound(), 0, 4).Draw(t, "ceiling")}
		resource := rapid.StringMatching(`[ab]{1,2}/[abA*?]{1,4}`).Draw(t, "resource")
		e := rapid.SampledFrom([]string{"p", "s", "t", "u", "*", ""}).Draw(t, "environment")
		low := genPermission().Draw(t, "low")
		high := identity.Permission(rapid.IntRange(int(low), int(identity.Admin)+1).Draw(t, "high"))
		exceeds, _ := identity.Exceeds(uc, identity.GitHub, resource, low, e)
		wider, _ := identity.Exceeds(uc, identity.GitHub, resource, high, e)
		if exceeds && !wider {
			t.Fatalf("%s exceeds and %s does not", low, high)
		}
		if n := len(uc.Ceiling); n > 0 {
			narrower := identity.UseCase{Ceiling: uc.Ceiling[:n-1]}
			if less, _ := identity.Exceeds(narrower, identity.GitHub, resource, low, e); exceeds && !less {
				t.Fatal("a ceiling with a line less allows more")
			}
		}
		if glob := strings.Replace(resource, "a", "*", 1); glob != resource {
			if star, _ := identity.Exceeds(uc, identity.GitHub, glob, low, e); !star {
				t.Fatalf("the wildcard %q fits", glob)
			}
		}
	})
}

func TestStarsDoNotTakeLong(t *testing.T) {
	uc := identity.UseCase{Ceiling: []identity.Bound{{
		Provider: "github", Resource: "a/" + strings.Repeat("a*", 50) + "b", Permission: identity.Admin, Environments: []string{"p"},
	}}}
	assertCheap(t, func() {
		if exceeds, _ := identity.Exceeds(uc, "github", "a/"+strings.Repeat("a", 100), identity.Read, "p"); !exceeds {
			t.Error("fits")
		}
	})
}

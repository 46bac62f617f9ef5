package provider_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/lifecycle"
	"github.com/keyreeve/keyreeve/internal/provider"
)

// world holds access as GitHub would: by repository and principal.
type world struct {
	held map[string]identity.Permission
	down error
}

func (w *world) RepositoryAccess(_ context.Context, _ int64, repo identity.Repo, who identity.Principal) (lifecycle.Observed, error) {
	if w.down != nil {
		return lifecycle.Observed{}, w.down
	}
	return lifecycle.Observed{Known: true, Level: w.held[repo.String()+" "+who.String()]}, nil
}

func (w *world) SetRepositoryAccess(_ context.Context, _ int64, repo identity.Repo, who identity.Principal, level identity.Permission) error {
	if w.down != nil {
		return w.down
	}
	w.held[repo.String()+" "+who.String()] = level
	return nil
}

func TestNewNamesEveryClash(t *testing.T) {
	good := provider.Repository(&world{})
	shout := good
	shout.Name = "GitHub"
	_, err := provider.New(good, provider.Named{Name: "", Provider: good.Provider}, provider.Named{Name: "vault"}, shout)
	if err == nil {
		t.Fatal("New took clashing providers")
	}
	for _, want := range []string{"provider 2 has no name", `provider "vault" is nil`, `"GitHub" clashes with "github"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not say %q", err, want)
		}
	}
}

func TestForKnowsItsNames(t *testing.T) {
	r, err := provider.New(provider.Repository(&world{}))
	if err != nil {
		t.Fatal(err)
	}
	if p, err := r.For("github"); err != nil || !strings.Contains(p.Describe(), "read back") {
		t.Errorf("For(github) = %v, %v", p, err)
	}
	if _, err := r.For("GITHUB"); err == nil || !strings.Contains(err.Error(), "must be one of github") {
		t.Errorf("For(GITHUB) gave %v", err)
	}
}

func TestRepositoryGrantsRevokesAndObserves(t *testing.T) {
	ctx := context.Background()
	w := &world{held: map[string]identity.Permission{}}
	p := provider.Repository(w).Provider
	a := identity.Access{Provider: "github", Resource: "acme/payments", Principal: identity.Principal{Kind: identity.User, Name: "deploy-bot"}}

	if err := p.Grant(ctx, 1, a, identity.Write); err != nil {
		t.Fatal(err)
	}
	if seen, err := p.Observe(ctx, 1, a); err != nil || !seen.Known || seen.Level != identity.Write {
		t.Errorf("after the grant: %+v, %v", seen, err)
	}
	if err := p.Revoke(ctx, 1, a, identity.Read); err != nil {
		t.Fatal(err)
	}
	if err := p.Revoke(ctx, 1, a, identity.None); err != nil {
		t.Fatal(err)
	}
	if got := w.held["acme/payments user:deploy-bot"]; got != identity.None {
		t.Errorf("after the revoke: %s", got)
	}
	if err := p.Grant(ctx, 1, a, identity.None); err == nil {
		t.Error("a grant of no access was taken")
	}

	w.down = errors.New("502")
	if seen, err := p.Observe(ctx, 1, a); err == nil || seen.Known || !errors.Is(err, w.down) {
		t.Errorf("a failed read gave %+v, %v", seen, err)
	}
	if err := p.Revoke(ctx, 1, a, identity.None); !errors.Is(err, w.down) || !strings.Contains(err.Error(), "revoke github/acme/payments/user:deploy-bot none") {
		t.Errorf("a failed write gave %v", err)
	}
}

func TestRepositoryRefusesOthersAccess(t *testing.T) {
	p := provider.Repository(&world{held: map[string]identity.Permission{}}).Provider
	for _, a := range []identity.Access{
		{Provider: "vault", Resource: "acme/payments"},
		{Provider: "github", Resource: "payments"},
		{Provider: "github", Resource: "acme/../x"},
	} {
		if err := p.Grant(context.Background(), 1, a, identity.Read); err == nil {
			t.Errorf("Grant took %s", a)
		}
		if seen, err := p.Observe(context.Background(), 1, a); err == nil || seen.Known {
			t.Errorf("Observe took %s", a)
		}
	}
}

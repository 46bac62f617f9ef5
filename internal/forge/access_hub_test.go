package forge_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/keyreeve/keyreeve/internal/hub"
	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/lifecycle"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

type (
	hubCheck = hub.CheckRun
	hubApp   = hub.AppConfig
)

var payments = identity.Repo{Owner: "acme", Name: "payments"}

func user(login string) identity.Principal {
	return identity.Principal{Kind: identity.User, Name: login}
}

func team(name string) identity.Principal { return identity.Principal{Kind: identity.Team, Name: name} }

func (g *github) observe(who identity.Principal) lifecycle.Observed {
	g.t.Helper()
	return must(g.forge.RepositoryAccess(context.Background(), g.installation, payments, who))(g.t)
}

func (g *github) set(who identity.Principal, level identity.Permission) {
	g.t.Helper()
	if err := g.forge.SetRepositoryAccess(context.Background(), g.installation, payments, who, level); err != nil {
		g.t.Fatal(err)
	}
}

func (g *github) sees(who identity.Principal, level identity.Permission, pending bool) {
	g.t.Helper()
	if seen := g.observe(who); !seen.Known || seen.Level != level || seen.Pending != pending {
		g.t.Errorf("%s: %+v, want %s, pending %t", who, seen, level, pending)
	}
}

func TestAUsersAccessOnTheHub(t *testing.T) {
	g := newGitHub(t)
	who := user("deploy-bot")
	g.sees(who, identity.None, false)
	for _, level := range []identity.Permission{identity.Write, identity.Read, identity.Admin, identity.Triage, identity.Maintain} {
		g.set(who, level)
		g.sees(who, level, false)
	}
	g.set(who, identity.Write)
	seen := g.observe(user("Deploy-Bot"))
	if e := seen.Evidence; !e.At.Equal(g.at) || e.Endpoint != "GET /repos/acme/payments/collaborators?affiliation=direct" || e.Request == "" ||
		e.Answer != "role_name: write; GET /repos/acme/payments/collaborators/Deploy-Bot/permission: write" {
		t.Errorf("evidence: %+v", e)
	}
	g.set(who, identity.None)
	g.sees(who, identity.None, false)
	g.set(who, identity.None) // again
	if n := len(g.Snapshot().Repo("acme/payments").Collaborators); n != 0 {
		t.Errorf("%d collaborators are left", n)
	}
}

func TestAnInvitationIsNotAccess(t *testing.T) {
	g := newGitHub(t)
	who := user("outsider")
	g.set(who, identity.Write)
	g.sees(who, identity.None, true)
	if a := g.observe(who).Evidence.Answer; !strings.Contains(a, "not listed; invitation ") || !strings.Contains(a, "pending: write") {
		t.Errorf("evidence: %q", a)
	}
	g.set(who, identity.Write) // no second one is sent
	g.set(who, identity.Read)  // and a changed one is changed
	if inv := g.Snapshot().Repo("acme/payments").Invitations; len(inv) != 1 || g.writes("PUT", "/collaborators/") != 1 || g.writes("PATCH", "/invitations/") != 1 {
		t.Errorf("invitations: %+v, writes: %+v", inv, g.Writes())
	}
	g.accept("outsider", "acme/payments")
	g.sees(who, identity.Read, false)
	g.set(who, identity.None)
	g.sees(who, identity.None, false)

	g.set(who, identity.Write)
	g.set(who, identity.None) // takes the invitation back
	g.sees(who, identity.None, false)
	if inv := g.Snapshot().Repo("acme/payments").Invitations; len(inv) != 0 {
		t.Errorf("invitations are left: %+v", inv)
	}
}

// accept takes the one invitation to a repository, as its invitee.
func (g *github) accept(login, repo string) {
	g.t.Helper()
	url := fmt.Sprintf("%s/user/repository_invitations/%d", g.URL(), g.Snapshot().Repo(repo).Invitations[0].ID)
	req := must(http.NewRequest(http.MethodPatch, url, nil))(g.t)
	req.Header.Set("Authorization", "Bearer "+g.Token(login))
	resp := must(http.DefaultClient.Do(req))(g.t)
	resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		g.t.Fatalf("accepting the invitation: %s", resp.Status)
	}
}

func TestATeamsAccessOnTheHub(t *testing.T) {
	g := newGitHub(t)
	who := team("acme/owners")
	g.sees(who, identity.None, false)
	for _, level := range []identity.Permission{identity.Write, identity.Read, identity.Triage, identity.Maintain, identity.Admin} {
		g.set(who, level)
		g.sees(who, level, false)
	}
	if e := g.observe(who).Evidence; e.Endpoint != "GET /repos/acme/payments/teams" || e.Answer != "permission: admin" || e.Request == "" {
		t.Errorf("evidence: %+v", e)
	}
	g.set(who, identity.None)
	g.set(who, identity.None)
	g.sees(who, identity.None, false)
}

func TestAccessThatCantBeKnownIsAnError(t *testing.T) {
	g := newGitHub(t)
	ctx := context.Background()
	for _, c := range []struct {
		repo identity.Repo
		who  identity.Principal
	}{
		{identity.Repo{Owner: "acme", Name: "nothing"}, user("bob")},
		{identity.Repo{Owner: "acme", Name: "nothing"}, team("acme/owners")},
		{payments, team("owners")},
		{payments, team("other/owners")},
		{payments, user("../../../orgs/acme")},
		{payments, identity.Principal{Kind: "robot", Name: "x"}},
		{identity.Repo{Owner: "acme", Name: "a/../b"}, user("bob")},
	} {
		if seen, err := g.forge.RepositoryAccess(ctx, g.installation, c.repo, c.who); err == nil || seen.Known {
			t.Errorf("%s on %s: %+v, %v", c.who, c.repo, seen, err)
		}
		for _, level := range []identity.Permission{identity.None, identity.Read} {
			if err := g.forge.SetRepositoryAccess(ctx, g.installation, c.repo, c.who, level); err == nil {
				t.Errorf("%s on %s was set to %s", c.who, c.repo, level)
			}
		}
	}
	if err := g.forge.SetRepositoryAccess(ctx, g.installation, payments, user("bob"), identity.Permission(9)); err == nil {
		t.Error("a level that does not exist was set")
	}
	if err := g.forge.SetRepositoryAccess(ctx, g.installation, payments, team("acme/nobodies"), identity.Read); !errors.Is(err, workflow.ErrNotFound) {
		t.Errorf("a team that is not there: %v", err)
	}
	if len(g.Writes()) != 0 {
		t.Errorf("something was written: %+v", g.Writes())
	}
	g.sees(user("nobody-here"), identity.None, false)
}

func TestEffectivePermissionOnTheHub(t *testing.T) {
	g := newGitHub(t)
	ctx := context.Background()
	for who, want := range map[identity.Principal]identity.Permission{
		user("alice"):         identity.Admin, // owns the organization
		user("bob"):           identity.Write, // by a team
		user("deploy-bot"):    identity.None,
		user("nobody-here"):   identity.None,
		team("acme/owners"):   identity.Write,
		team("acme/nobodies"): identity.None,
		team("acme/security"): identity.Write,
	} {
		got, err := g.forge.RepositoryPermission(ctx, g.installation, g.place("acme/identities", 0).Repo, who)
		if err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", who, got, err, want)
		}
	}
	if got, err := g.forge.RepositoryPermission(ctx, g.installation, identity.Repo{Owner: "acme", Name: "nothing"}, user("bob")); err == nil {
		t.Errorf("on a repository that is not there: %s", got)
	}
}

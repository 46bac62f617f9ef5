package forge_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/keyreeve/keyreeve/internal/forge"
	"github.com/keyreeve/keyreeve/internal/hub"
	"github.com/keyreeve/keyreeve/internal/hub/contract"
	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

// github is a simulated GitHub with an organization, and a forge that speaks to it. Every request and answer is checked
// against GitHub's own description.
type github struct {
	*hub.Hub
	t            *testing.T
	forge        *forge.Forge
	app          hub.App
	installation int64
	at           time.Time
}

var granted = map[string]string{
	"issues": "write", "pull_requests": "write", "contents": "write", "checks": "write", "administration": "write", "members": "read",
}

// registry are the files of acme/identities.
var registry = map[string]string{
	"keyreeve.yaml":      "version: 1\n",
	".github/CODEOWNERS": "* @acme/security\n/grants/ @acme/owners\n",
	"grants/.gitkeep":    "",
}

func newGitHub(t *testing.T) *github {
	t.Helper()
	h, err := hub.New(hub.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	description, err := contract.Load()
	if err != nil {
		t.Fatal(err)
	}
	h.Wrap(func(next http.Handler) http.Handler {
		return description.Wrap(next, func(v contract.Violation) { t.Error(v) })
	})
	url, err := h.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &github{Hub: h, t: t, at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	g.people()
	g.app = must(h.AddApp(hub.AppConfig{Slug: "keyreeve", Name: "Keyreeve", Permissions: granted}))(t)
	g.installation = must(h.Install(g.app.ID, "acme"))(t)
	g.forge = must(forge.New(forge.Config{
		AppID: g.app.ID, PrivateKey: g.app.PrivateKeyPEM, BaseURL: url + "/api/v3/", Now: func() time.Time { return g.at },
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}))(t)
	return g
}

func (g *github) people() {
	check := func(err error) {
		if err != nil {
			g.t.Helper()
			g.t.Fatal(err)
		}
	}
	check(g.AddOrg("acme"))
	for _, login := range []string{"alice", "bob", "carol", "deploy-bot", "outsider"} {
		_, err := g.AddUser(login)
		check(err)
	}
	check(g.AddMember("acme", "alice", "admin"))
	for _, login := range []string{"bob", "carol", "deploy-bot"} {
		check(g.AddMember("acme", login, "member"))
	}
	check(g.AddTeam("acme", "security", "carol"))
	check(g.AddTeam("acme", "owners", "bob", "carol"))
	check(g.AddRepo("acme", "identities", registry))
	check(g.AddRepo("acme", "payments", map[string]string{"README.md": "pay\n"}))
	check(g.AddRepo("acme", "empty", nil))
	check(g.GrantTeam("acme", "owners", "acme", "identities", "push"))
	check(g.GrantTeam("acme", "security", "acme", "identities", "push"))
}

// must passes a value on, or ends the test.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// place is an issue or pull request of a repository, with the repository's id.
func (g *github) place(repo string, number int) workflow.Place {
	g.t.Helper()
	r := g.Snapshot().Repo(repo)
	if r == nil {
		g.t.Fatalf("the world has no %s", repo)
	}
	return workflow.Place{Installation: g.installation, Repo: identity.Repo{ID: r.ID, Owner: r.Owner, Name: r.Name}, Number: number}
}

// apply applies effects, each of which must succeed.
func (g *github) apply(effects ...workflow.Effect) {
	g.t.Helper()
	for _, e := range effects {
		if err := g.forge.Apply(context.Background(), e); err != nil {
			g.t.Fatal(err)
		}
	}
}

// writes counts the accepted writes whose path holds a text.
func (g *github) writes(method, path string) int {
	n := 0
	for _, w := range g.Writes() {
		if w.Method == method && strings.Contains(w.Path, path) {
			n++
		}
	}
	return n
}

func (g *github) person(login string) identity.Person {
	for _, u := range g.Snapshot().Users {
		if u.Login == login {
			return identity.Person{ID: u.ID, Login: u.Login}
		}
	}
	g.t.Helper()
	g.t.Fatalf("the world has no %s", login)
	return identity.Person{}
}

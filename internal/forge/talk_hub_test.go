package forge_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

func TestIssueOnTheHub(t *testing.T) {
	g := newGitHub(t)
	ctx := context.Background()
	n := must(g.As("bob").OpenIssue("acme/identities", "Access for deploy-bot", "### Reason\n\nto deploy", "access-request"))(t)
	at := g.place("acme/identities", n)

	i := must(g.forge.Issue(ctx, at))(t)
	if i.Number != n || i.Title != "Access for deploy-bot" || i.Body != "### Reason\n\nto deploy" || !i.Open || i.Bot || i.IsPull || i.Locked {
		t.Errorf("issue: %+v", i)
	}
	if i.Author != g.person("bob") || !slices.Equal(i.Labels, []string{"access-request"}) || !i.LastEditedAt.IsZero() || i.CreatedAt.IsZero() {
		t.Errorf("issue: %+v", i)
	}
	if want := fmt.Sprintf("/acme/identities/issues/%d", n); !strings.HasSuffix(i.URL, want) {
		t.Errorf("URL %q does not end in %q", i.URL, want)
	}

	if err := g.As("bob").EditIssue("acme/identities", n, "### Reason\n\nother"); err != nil {
		t.Fatal(err)
	}
	if err := g.As("alice").LockIssue("acme/identities", n); err != nil {
		t.Fatal(err)
	}
	if i = must(g.forge.Issue(ctx, at))(t); i.LastEditedAt.IsZero() || i.Body != "### Reason\n\nother" || !i.Locked {
		t.Errorf("after the edit: %+v", i)
	}

	g.apply(workflow.CloseIssue{At: at, Reason: "completed"}, workflow.CloseIssue{At: at, Reason: "completed"})
	if i = must(g.forge.Issue(ctx, at))(t); i.Open {
		t.Error("the issue is still open")
	}
	if got := g.Snapshot().Repo("acme/identities").Issue(n); got.StateReason != "completed" {
		t.Errorf("state_reason %q", got.StateReason)
	}

	at.Number = 4711
	if _, err := g.forge.Issue(ctx, at); !errors.Is(err, workflow.ErrNotFound) {
		t.Errorf("an issue that is not there: %v", err)
	}
}

func TestCommentsOnTheHub(t *testing.T) {
	g := newGitHub(t)
	ctx := context.Background()
	n := must(g.As("bob").OpenIssue("acme/identities", "t", "b"))(t)
	at := g.place("acme/identities", n)
	if got := must(g.forge.Comments(ctx, at))(t); len(got) != 0 {
		t.Fatalf("comments of a new issue: %+v", got)
	}
	g.apply(workflow.CreateComment{At: at, Body: "understood"})
	approve := must(g.As("carol").Comment("acme/identities", n, "fine\n/approve looks good"))(t)
	edited := must(g.As("carol").Comment("acme/identities", n, "/approve"))(t)
	hidden := must(g.As("alice").Comment("acme/identities", n, "spam"))(t)
	for _, err := range []error{
		g.As("carol").EditComment("acme/identities", edited, "/deny"),
		g.As("alice").MinimizeComment("acme/identities", hidden),
		g.As("bob").React("acme/identities", approve, "eyes"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	g.apply(workflow.React{At: at, Comment: approve, Content: "+1"}, workflow.React{At: at, Comment: approve, Content: "+1"})

	got := must(g.forge.Comments(ctx, at))(t)
	if len(got) != 4 {
		t.Fatalf("%d comments", len(got))
	}
	ours := got[0]
	if !ours.Ours || !ours.Bot || ours.Body != "understood" || ours.By.Login != "keyreeve[bot]" {
		t.Errorf("the bot's comment: %+v", ours)
	}
	if c := got[1]; c.ID != approve || c.Ours || c.Bot || c.By != g.person("carol") || !slices.Equal(c.Reactions, []string{"+1"}) || !c.LastEditedAt.IsZero() || c.URL == "" {
		t.Errorf("the approval: %+v", c)
	}
	if c := got[2]; c.ID != edited || c.Body != "/deny" || c.LastEditedAt.IsZero() || c.Minimized {
		t.Errorf("the edited comment: %+v", c)
	}
	if c := got[3]; c.ID != hidden || !c.Minimized || !c.LastEditedAt.IsZero() || c.Reactions != nil {
		t.Errorf("the minimized comment: %+v", c)
	}

	g.apply(workflow.EditComment{At: at, ID: ours.ID, Body: "understood, still"})
	if got = must(g.forge.Comments(ctx, at))(t); got[0].Body != "understood, still" || got[0].LastEditedAt.IsZero() {
		t.Errorf("after the bot's edit: %+v", got[0])
	}
	if r := g.Snapshot().Repo("acme/identities").Issue(n).Comments[1].Reactions; len(r) != 2 {
		t.Errorf("reactions: %+v", r)
	}
	if err := g.forge.Apply(ctx, workflow.EditComment{At: at, ID: 4711, Body: "x"}); !errors.Is(err, workflow.ErrNotFound) {
		t.Errorf("editing what is not there: %v", err)
	}
}

func TestManyCommentsOnTheHub(t *testing.T) {
	g := newGitHub(t)
	n := must(g.As("bob").OpenIssue("acme/identities", "t", "b"))(t)
	var want []int64
	for i := range 130 {
		want = append(want, must(g.As("bob").Comment("acme/identities", n, fmt.Sprint("comment ", i)))(t))
	}
	if err := g.As("bob").EditComment("acme/identities", want[120], "changed"); err != nil {
		t.Fatal(err)
	}
	var ids []int64
	for i, c := range must(g.forge.Comments(context.Background(), g.place("acme/identities", n)))(t) {
		ids = append(ids, c.ID)
		if c.LastEditedAt.IsZero() == (i == 120) {
			t.Errorf("comment %d: edited at %s", i, c.LastEditedAt)
		}
	}
	if !slices.Equal(ids, want) {
		t.Errorf("got %d comments, want all %d in order", len(ids), len(want))
	}
}

func TestPeopleOnTheHub(t *testing.T) {
	g := newGitHub(t)
	ctx := context.Background()
	if got := must(g.forge.User(ctx, g.installation, "BOB"))(t); got != g.person("bob") {
		t.Errorf("user: %+v", got)
	}
	for _, login := range []string{"nobody-here", "acme", "../orgs/acme", "", "a b"} {
		if got, err := g.forge.User(ctx, g.installation, login); !errors.Is(err, workflow.ErrNotFound) {
			t.Errorf("user %q: %+v, %v", login, got, err)
		}
	}
	team := must(g.forge.Team(ctx, g.installation, "acme", "owners"))(t)
	slices.SortFunc(team, func(a, b identity.Person) int { return strings.Compare(a.Login, b.Login) })
	if !slices.Equal(team, []identity.Person{g.person("bob"), g.person("carol")}) {
		t.Errorf("team: %+v", team)
	}
	if got, err := g.forge.Team(ctx, g.installation, "acme", "nobodies"); !errors.Is(err, workflow.ErrNotFound) {
		t.Errorf("a team that is not there: %+v, %v", got, err)
	}
	for login, want := range map[string]string{"alice": "admin", "bob": "member", "outsider": ""} {
		if got := must(g.forge.OrgRole(ctx, g.installation, "acme", login))(t); got != want {
			t.Errorf("role of %s: %q, want %q", login, got, want)
		}
	}
}

func TestTheAppOnTheHub(t *testing.T) {
	g := newGitHub(t)
	ctx := context.Background()
	slug, id, err := g.forge.App(ctx)
	if err != nil || slug != "keyreeve" || id != g.app.ID {
		t.Errorf("App: %q, %d, %v", slug, id, err)
	}
	if got := must(g.forge.Installation(ctx, "acme"))(t); got != g.installation {
		t.Errorf("installation %d, want %d", got, g.installation)
	}
	if _, err := g.forge.Installation(ctx, "outsider"); !errors.Is(err, workflow.ErrNotFound) {
		t.Errorf("an account without the App: %v", err)
	}
	if got := must(g.forge.Installations(ctx))(t); !slices.Equal(got, []int64{g.installation}) {
		t.Errorf("installations: %v", got)
	}
	if err := g.Suspend(g.installation); err != nil {
		t.Fatal(err)
	}
	if got := must(g.forge.Installations(ctx))(t); len(got) != 0 {
		t.Errorf("suspended: %v", got)
	}
	if _, err := g.forge.Installation(ctx, "acme"); err == nil || !strings.Contains(err.Error(), "suspended") {
		t.Errorf("suspended: %v", err)
	}
	repo := identity.Repo{Owner: "acme", Name: "payments"}
	if err := g.Unsuspend(g.installation); err != nil {
		t.Fatal(err)
	}
	if got := must(g.forge.Repository(ctx, g.installation, repo))(t); got != g.place("acme/payments", 0).Repo {
		t.Errorf("repository: %+v", got)
	}
}

package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	"github.com/google/go-github/v60/github"

	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

// User implements workflow.People. An organization is nobody: ErrNotFound.
// https://docs.github.com/en/rest/users/users#get-a-user
func (f *Forge) User(ctx context.Context, installation int64, login string) (identity.Person, error) {
	doing := "read user " + login
	if err := name(login); err != nil {
		return identity.Person{}, fail("read a user", err)
	}
	s, err := f.org(installation, readPeople)
	if err != nil {
		return identity.Person{}, fail(doing, err)
	}
	var a account
	if _, err := send(ctx, s.gh, http.MethodGet, "users/"+login, nil, &a); err != nil {
		return identity.Person{}, fail(doing, err)
	}
	if a.Type == "Organization" {
		return identity.Person{}, fail(doing, fmt.Errorf("it is an organization: %w", workflow.ErrNotFound))
	}
	return a.person(), nil
}

// Team implements workflow.People.
// https://docs.github.com/en/rest/teams/members#list-team-members
func (f *Forge) Team(ctx context.Context, installation int64, org, slug string) ([]identity.Person, error) {
	if err := errors.Join(name(org), name(slug)); err != nil {
		return nil, fail("read a team", err)
	}
	doing := "read the members of team " + org + "/" + slug
	s, err := f.org(installation, readPeople)
	if err != nil {
		return nil, fail(doing, err)
	}
	all, _, err := readList[*account](ctx, s.gh, fmt.Sprintf("orgs/%s/teams/%s/members", org, slug), nil)
	if err != nil {
		return nil, fail(doing, err)
	}
	people := make([]identity.Person, 0, len(all))
	for _, a := range all {
		people = append(people, a.person())
	}
	return people, nil
}

// OrgRole returns what a user is in an organization: "admin" (an owner), "member", or "" for nobody, an invited person
// included.
// https://docs.github.com/en/rest/orgs/members#get-organization-membership-for-a-user
func (f *Forge) OrgRole(ctx context.Context, installation int64, org, login string) (string, error) {
	if err := errors.Join(name(org), name(login)); err != nil {
		return "", fail("read a membership", err)
	}
	doing := fmt.Sprintf("read the membership of %s in %s", login, org)
	s, err := f.org(installation, readPeople)
	if err != nil {
		return "", fail(doing, err)
	}
	var m struct {
		Role  string `json:"role"`
		State string `json:"state"`
	}
	_, err = send(ctx, s.gh, http.MethodGet, fmt.Sprintf("orgs/%s/memberships/%s", org, login), nil, &m)
	switch {
	case errors.Is(err, workflow.ErrNotFound):
		return "", nil
	case err != nil:
		return "", fail(doing, err)
	case m.State != "active":
		return "", nil
	}
	return m.Role, nil
}

// Repository reads a repository's id and present name, by its name.
// https://docs.github.com/en/rest/repos/repos#get-a-repository
func (f *Forge) Repository(ctx context.Context, installation int64, repo identity.Repo) (identity.Repo, error) {
	doing := "read repository " + repo.String()
	r, err := f.repository(ctx, installation, repo)
	if err != nil {
		return identity.Repo{}, fail(doing, err)
	}
	return identity.Repo{ID: r.ID, Owner: r.Owner.Login, Name: r.Name}, nil
}

// appFact is the App's slug, which is read once an hour: it changes only when the App is renamed.
type appFact struct {
	mu   sync.Mutex
	slug string
	at   time.Time
}

// App reads this App's slug and id, by its key: a key of another App shows here.
// https://docs.github.com/en/rest/apps/apps#get-the-authenticated-app
func (f *Forge) App(ctx context.Context) (slug string, id int64, err error) {
	var a struct {
		ID   int64  `json:"id"`
		Slug string `json:"slug"`
	}
	if err := f.asApp(ctx, "app", &a); err != nil {
		return "", 0, fail("read the App", err)
	}
	f.app.mu.Lock()
	defer f.app.mu.Unlock()
	f.app.slug, f.app.at = a.Slug, f.cfg.Now()
	return a.Slug, a.ID, nil
}

func (f *Forge) slug(ctx context.Context) (string, error) {
	f.app.mu.Lock()
	slug, age := f.app.slug, f.cfg.Now().Sub(f.app.at)
	f.app.mu.Unlock()
	if slug != "" && age >= 0 && age < time.Hour {
		return slug, nil
	}
	slug, _, err := f.App(ctx)
	return slug, err
}

type installation struct {
	ID          int64      `json:"id"`
	Account     account    `json:"account"`
	SuspendedAt *time.Time `json:"suspended_at"`
}

// Installation returns the id of this App's installation on an organization or user account. A suspended one is an
// error: nothing can be read through it.
// https://docs.github.com/en/rest/apps/apps#get-an-organization-installation-for-the-authenticated-app
func (f *Forge) Installation(ctx context.Context, login string) (int64, error) {
	if err := name(login); err != nil {
		return 0, fail("find the installation", err)
	}
	doing := "find the installation on " + login
	var i installation
	err := f.asApp(ctx, "orgs/"+login+"/installation", &i)
	if errors.Is(err, workflow.ErrNotFound) {
		err = f.asApp(ctx, "users/"+login+"/installation", &i)
	}
	switch {
	case err != nil:
		return 0, fail(doing, err)
	case i.SuspendedAt != nil:
		return 0, fail(doing, errors.New("it is suspended"))
	}
	return i.ID, nil
}

// Accounts returns the logins of the accounts that the App is installed on, by the installations' ids; suspended ones are
// left out.
// https://docs.github.com/en/rest/apps/apps#list-installations-for-the-authenticated-app
func (f *Forge) Accounts(ctx context.Context) (map[int64]string, error) {
	all, _, err := readList[installation](ctx, f.appClient(), "app/installations", nil)
	if err != nil {
		return nil, fail("list the installations", err)
	}
	out := map[int64]string{}
	for _, i := range all {
		if i.SuspendedAt == nil && i.Account.Login != "" {
			out[i.ID] = i.Account.Login
		}
	}
	return out, nil
}

// Installations returns the ids of all installations of this App that are not suspended, in ascending order.
// https://docs.github.com/en/rest/apps/apps#list-installations-for-the-authenticated-app
func (f *Forge) Installations(ctx context.Context) ([]int64, error) {
	all, _, err := readList[installation](ctx, f.appClient(), "app/installations", nil)
	if err != nil {
		return nil, fail("list the installations", err)
	}
	var ids []int64
	for _, i := range all {
		if i.SuspendedAt == nil {
			ids = append(ids, i.ID)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// appClient speaks with the App's JWT.
func (f *Forge) appClient() *github.Client {
	jwt := ghinstallation.NewAppsTransportFromPrivateKey(f.sender, f.cfg.AppID, f.key)
	return f.client(&wire{f: f, gate: f.gates.get(0), app: jwt}, 0)
}

func (f *Forge) asApp(ctx context.Context, path string, out any) error {
	_, err := send(ctx, f.appClient(), http.MethodGet, path, nil, out)
	return err
}

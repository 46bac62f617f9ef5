package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/go-github/v60/github"

	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

const (
	perPage  = 100 // GitHub's most
	maxPages = 100
)

// errEndless is given rather than a part of a list.
var errEndless = errors.New("the list has no end within 10,000 items")

// account is a user, App's bot or organization, as GitHub shows it; nil stands for a deleted one.
type account struct {
	ID    int64  `json:"id"`
	Login string `json:"login"`
	Type  string `json:"type"` // User, Bot, Organization
}

func (a *account) person() identity.Person {
	if a == nil {
		return identity.Person{}
	}
	return identity.Person{ID: a.ID, Login: a.Login}
}

func (a *account) bot() bool { return a != nil && a.Type == "Bot" }

func person(u *github.User) identity.Person {
	return identity.Person{ID: u.GetID(), Login: u.GetLogin()}
}

// send makes a call that go-github has no method or not all fields for. The path is relative to the base, its names
// escaped; out may be nil.
func send(ctx context.Context, gh *github.Client, method, path string, in, out any) (*http.Response, error) {
	req, err := gh.NewRequest(method, path, in)
	if err != nil {
		return nil, err
	}
	resp, err := gh.Do(ctx, req, out)
	if err != nil {
		return nil, err
	}
	return resp.Response, nil
}

// readList reads all pages of a list, and the answer to the last one. More than 10,000 items are an error, never a part.
func readList[T any](ctx context.Context, gh *github.Client, path string, query url.Values) ([]T, *http.Response, error) {
	if query == nil {
		query = url.Values{}
	}
	query.Set("per_page", strconv.Itoa(perPage))
	return pages(func(page int) ([]T, *github.Response, error) {
		if page > 1 {
			query.Set("page", strconv.Itoa(page))
		}
		req, err := gh.NewRequest(http.MethodGet, path+"?"+query.Encode(), nil)
		if err != nil {
			return nil, nil, err
		}
		var some []T
		resp, err := gh.Do(ctx, req, &some)
		return some, resp, err
	})
}

// pages calls get with 1, 2, … until there is no next page.
func pages[T any](get func(page int) ([]T, *github.Response, error)) ([]T, *http.Response, error) {
	var all []T
	for page := 1; ; {
		some, resp, err := get(page)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, some...)
		switch {
		case resp.NextPage == 0:
			return all, resp.Response, nil
		case resp.NextPage <= page || page >= maxPages:
			return nil, nil, errEndless
		}
		page = resp.NextPage
	}
}

// name checks a login or a team's slug before it goes into a path.
func name(s string) error {
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-_.[]", c) {
			return fmt.Errorf("%q is no name at GitHub: %w", s, workflow.ErrNotFound)
		}
	}
	if s == "" || s == "." || s == ".." {
		return fmt.Errorf("%q is no name at GitHub: %w", s, workflow.ErrNotFound)
	}
	return nil
}

// escapePath escapes a file's path or a branch's name for a URL, but for its slashes.
func escapePath(p string) string {
	parts := strings.Split(p, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}

func repoPath(r identity.Repo) string { return "repos/" + r.Owner + "/" + r.Name }

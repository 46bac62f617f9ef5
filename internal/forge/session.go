package forge

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/bradleyfalzon/ghinstallation/v2"
	"github.com/google/go-github/v60/github"

	"github.com/keyreeve/keyreeve/internal/identity"
)

// The permissions that the kinds of call need. A token holds one of these sets and nothing more.
// https://docs.github.com/en/rest/authentication/permissions-required-for-github-apps
const (
	readTalk   permissions = "issues:read pull_requests:read"
	writeTalk  permissions = "issues:write pull_requests:write"
	readFiles  permissions = "contents:read"
	writeFiles permissions = "contents:write"
	readPulls  permissions = "pull_requests:read"
	writePulls permissions = "pull_requests:write"
	openPulls  permissions = "contents:read pull_requests:write"
	mergePulls permissions = "contents:write pull_requests:read"
	readCheck  permissions = "checks:read"
	writeCheck permissions = "checks:write"
	readPeople permissions = "members:read"
	seeRepo    permissions = "metadata:read"
	readAdmin  permissions = "administration:read"
	writeAdmin permissions = "administration:write"
	writeTeams permissions = "administration:write members:read"
	readTeams  permissions = "members:read metadata:read"
)

// permissions is a set of permissions in a fixed spelling: "name:level" split by spaces.
type permissions string

func (p permissions) byName() map[string]string {
	m := map[string]string{}
	for one := range strings.FieldsSeq(string(p)) {
		name, level, _ := strings.Cut(one, ":")
		m[name] = level
	}
	return m
}

func (p permissions) String() string { return strings.ReplaceAll(string(p), " ", ", ") }

// scope is what a token is narrowed to. Without a repository it is for what belongs to the organization; its
// permissions name no repository's content then.
type scope struct {
	installation int64
	repo         identity.Repo
	permissions  permissions
}

// options is the body of the call that mints the token. A repository goes by its id where that is known, so that a
// repository which took an old name is not reached.
// https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app
func (s scope) options() ([]byte, error) {
	var o struct {
		RepositoryIDs []int64           `json:"repository_ids,omitempty"`
		Repositories  []string          `json:"repositories,omitempty"`
		Permissions   map[string]string `json:"permissions"`
	}
	o.Permissions = s.permissions.byName()
	switch {
	case s.repo.ID != 0:
		o.RepositoryIDs = []int64{s.repo.ID}
	case !s.repo.IsZero():
		o.Repositories = []string{s.repo.Name}
	}
	return json.Marshal(o)
}

// session is one scope's client and token. Its gh talks through wire.
type session struct {
	scope scope
	gh    *github.Client
	mint  func() (*ghinstallation.Transport, error)

	mu    sync.Mutex
	token *ghinstallation.Transport // nil until needed, and again after a 401
}

// auth returns the transport that adds the token, which is minted, and minted again a minute before its end.
func (s *session) auth(ctx context.Context) (*ghinstallation.Transport, error) {
	s.mu.Lock()
	if s.token == nil {
		t, err := s.mint()
		if err != nil {
			s.mu.Unlock()
			return nil, err
		}
		s.token = t
	}
	t := s.token
	s.mu.Unlock()
	_, err := t.Token(ctx)
	return t, err
}

// forget drops a token that was refused, unless it is replaced already.
func (s *session) forget(refused *ghinstallation.Transport) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token == refused {
		s.token = nil
	}
}

// session returns the session of a scope.
func (f *Forge) session(sc scope) *session {
	return f.tokens.getOr(sc, func() *session {
		s := &session{scope: sc, mint: func() (*ghinstallation.Transport, error) { return f.mint(sc) }}
		s.gh = f.client(&wire{f: f, gate: f.gates.get(sc.installation), session: s}, sc.repo.ID)
		return s
	})
}

// mint makes a transport whose token has the scope. Each has an AppsTransport of its own: ghinstallation writes to it
// while it refreshes.
func (f *Forge) mint(sc scope) (*ghinstallation.Transport, error) {
	app := ghinstallation.NewAppsTransportFromPrivateKey(f.sender, f.cfg.AppID, f.key)
	app.BaseURL = strings.TrimSuffix(f.base.String(), "/")
	t := ghinstallation.NewFromAppsTransport(app, sc.installation)
	options, err := sc.options()
	if err != nil {
		return nil, fmt.Errorf("write the token's scope: %w", err)
	}
	// The field's type belongs to the go-github that ghinstallation was built with. Going through JSON leaves that
	// version to it.
	if err := json.Unmarshal(options, &t.InstallationTokenOptions); err != nil {
		return nil, fmt.Errorf("set the token's scope: %w", err)
	}
	return t, nil
}

// client makes a go-github client over a RoundTripper. Redirects are followed only within the repository, by its id:
// that is how GitHub answers for one that was renamed. A transferred issue's lead elsewhere.
func (f *Forge) client(rt http.RoundTripper, repo int64) *github.Client {
	c := github.NewClient(&http.Client{
		Transport: rt,
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			within := fmt.Sprintf("%srepositories/%d", f.base.Path, repo)
			same := req.URL.Path == within || strings.HasPrefix(req.URL.Path, within+"/")
			if repo != 0 && same && req.URL.Host == f.base.Host && req.URL.Scheme == f.base.Scheme &&
				req.Method == via[0].Method && len(via) < 4 {
				return nil
			}
			return movedAway(f.base.Path, via[0], req.Response)
		},
	})
	c.BaseURL = f.base
	c.UserAgent = "keyreeve"
	return c
}

// at returns the client and session for a repository.
func (f *Forge) at(installation int64, repo identity.Repo, p permissions) (*session, error) {
	if installation == 0 {
		return nil, fmt.Errorf("%s: no installation is given", repo)
	}
	if _, err := identity.ParseRepo(repo.String()); err != nil {
		return nil, err // it goes into paths
	}
	return f.session(scope{installation, repo, p}), nil
}

// org returns the client for what belongs to an installation's organization.
func (f *Forge) org(installation int64, p permissions) (*session, error) {
	if installation == 0 {
		return nil, fmt.Errorf("no installation is given")
	}
	return f.session(scope{installation: installation, permissions: p}), nil
}

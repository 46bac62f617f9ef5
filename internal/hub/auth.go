package hub

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// principal is who calls. Nobody has no fields set.
type principal struct {
	acct *account      // a person, or the App's bot
	app  *app          // of a JWT or an installation's token
	inst *installation // of an installation's token
	tok  *token        // of an installation's token
}

func (p principal) isPerson() bool { return p.acct != nil && p.app == nil }
func (p principal) isJWT() bool    { return p.app != nil && p.inst == nil }

// via is the App that comments are "performed via".
func (p principal) via() *app { return p.app }

type tokenHash [sha256.Size]byte

// token is a credential; only its hash is kept.
type token struct {
	hash    tokenHash
	inst    *installation
	person  *account
	perms   map[string]string
	repos   map[int64]bool // nil: all that the installation has
	expires time.Time      // zero for a person's
}

func hashToken(plain string) tokenHash { return sha256.Sum256([]byte(plain)) }

// newToken makes a random token with GitHub's prefix: ghs_ for installations, ghp_ for people.
func newToken(prefix string) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	raw := make([]byte, 36)
	rand.Read(raw) // never fails, by its documentation
	for i, b := range raw {
		raw[i] = letters[int(b)%len(letters)]
	}
	return prefix + string(raw)
}

// credentials takes the token from "Bearer x", "token x", or basic authentication's password, as git sends it.
func credentials(r *http.Request) string {
	header := r.Header.Get("Authorization")
	scheme, rest, _ := strings.Cut(header, " ")
	switch strings.ToLower(scheme) {
	case "bearer", "token":
		return strings.TrimSpace(rest)
	case "basic":
		plain, err := base64.StdEncoding.DecodeString(strings.TrimSpace(rest))
		if err != nil {
			return "unreadable"
		}
		_, password, _ := strings.Cut(string(plain), ":")
		return password
	default:
		return header
	}
}

// authenticate finds who calls. Bad credentials are a 401, also where none are needed.
func (h *Hub) authenticate(r *http.Request) (principal, error) {
	plain := credentials(r)
	switch {
	case plain == "":
		return principal{}, nil
	case strings.Count(plain, ".") == 2:
		return h.verifyJWT(plain)
	}
	t := h.tokens[hashToken(plain)]
	if t == nil || (!t.expires.IsZero() && !h.opts.AuthNow().Before(t.expires)) {
		return principal{}, badCredentials()
	}
	if t.person != nil {
		return principal{acct: t.person}, nil
	}
	if h.installs[t.inst.id] == nil {
		return principal{}, badCredentials()
	}
	return principal{acct: t.inst.app.bot, app: t.inst.app, inst: t.inst, tok: t}, nil
}

// verifyJWT checks an App's JWT as GitHub does: RS256 by the App's key, iss the App's id (a number or string) or client
// id, exp at most ten minutes ahead, iat not in the future (a minute of drift is allowed).
// https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
func (h *Hub) verifyJWT(plain string) (principal, error) {
	claims := jwt.MapClaims{}
	var found *app
	unknownApp := false
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithoutClaimsValidation(), jwt.WithJSONNumber())
	_, err := parser.ParseWithClaims(plain, claims, func(*jwt.Token) (any, error) {
		if found = h.appOf(fmt.Sprint(claims["iss"])); found == nil {
			unknownApp = true
			return nil, fmt.Errorf("no App has the issuer")
		}
		return found.public, nil
	})
	if err != nil {
		if unknownApp {
			return principal{}, failure(http.StatusNotFound, "Integration not found")
		}
		return principal{}, failure(http.StatusUnauthorized, "A JSON web token could not be decoded")
	}
	now := h.opts.AuthNow()
	exp, expErr := claims.GetExpirationTime()
	iat, iatErr := claims.GetIssuedAt()
	switch {
	case expErr != nil || exp == nil:
		return principal{}, failure(http.StatusUnauthorized, "Missing 'exp' claim ('Expiration time')")
	case iatErr != nil || iat == nil:
		return principal{}, failure(http.StatusUnauthorized, "Missing 'iat' claim ('Issued at')")
	case !now.Before(exp.Time):
		return principal{}, failure(http.StatusUnauthorized, "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires")
	case exp.Sub(now) > 10*time.Minute:
		return principal{}, failure(http.StatusUnauthorized, "'Expiration time' claim ('exp') is too far in the future")
	case iat.Sub(now) > time.Minute:
		return principal{}, failure(http.StatusUnauthorized, "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued")
	}
	return principal{app: found, acct: found.bot}, nil
}

func (h *Hub) appOf(issuer string) *app {
	if id, err := strconv.ParseInt(issuer, 10, 64); err == nil {
		return h.apps[id]
	}
	for _, a := range h.apps {
		if a.clientID == issuer {
			return a
		}
	}
	return nil
}

// Token makes a personal token of a person, for "Authorization: Bearer …". It is "" for an unknown login.
func (h *Hub) Token(login string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	a := h.account(login)
	if a == nil || a.kind != "User" {
		return ""
	}
	plain := newToken("ghp_")
	t := &token{hash: hashToken(plain), person: a}
	h.tokens[t.hash] = t
	return plain
}

// tokenRequest is the body of access_tokens.
type tokenRequest struct {
	Repositories  []string          `json:"repositories"`
	RepositoryIDs []int64           `json:"repository_ids"`
	Permissions   map[string]string `json:"permissions"`
}

// createToken answers POST /app/installations/{installation_id}/access_tokens.
func createToken(c *call) (answer, error) {
	inst := c.installs[c.num("installation_id")]
	if inst == nil || inst.app != c.who.app {
		return answer{}, notFound()
	}
	if !inst.suspended.IsZero() {
		return answer{}, forbidden("This installation has been suspended")
	}
	var in tokenRequest
	if err := c.in(&in); err != nil { // "null" leaves it empty, as ghinstallation sends it
		return answer{}, err
	}
	t := &token{inst: inst, expires: c.opts.AuthNow().Add(time.Hour).Truncate(time.Second)}
	if err := t.narrowPermissions(in.Permissions); err != nil {
		return answer{}, err
	}
	repos, err := c.narrowRepos(t, in)
	if err != nil {
		return answer{}, err
	}
	plain := newToken("ghs_")
	t.hash = hashToken(plain)
	c.tokens[t.hash] = t
	body := map[string]any{
		"token": plain, "expires_at": stamp(t.expires), "permissions": t.perms, "repository_selection": selection(t.repos == nil && inst.all),
	}
	if len(repos) > 0 {
		body["repositories"] = list(repos, func(r *repo) any { return c.repoJSON(r) })
	}
	return created(body)
}

func selection(all bool) string {
	if all {
		return "all"
	}
	return "selected"
}

// narrowPermissions gives the token what was asked for, which the installation must have.
func (t *token) narrowPermissions(asked map[string]string) error {
	if len(asked) == 0 {
		t.perms = maps.Clone(t.inst.perms)
		return nil
	}
	t.perms = map[string]string{"metadata": "read"}
	for name, level := range asked {
		if !enough(t.inst.perms[name], level) {
			return unprocessable("The permissions requested are not granted to this installation.")
		}
		t.perms[name] = level
	}
	return nil
}

// enough says whether a held level covers the asked one.
func enough(held, asked string) bool {
	rank := map[string]int{"read": 1, "write": 2, "admin": 3}
	return rank[asked] > 0 && rank[held] >= rank[asked]
}

// narrowRepos limits the token to the repositories asked for; without any it has all of the installation's.
func (c *call) narrowRepos(t *token, in tokenRequest) ([]*repo, error) {
	if len(in.Repositories) == 0 && len(in.RepositoryIDs) == 0 {
		return nil, nil
	}
	t.repos = map[int64]bool{}
	var repos []*repo
	add := func(r *repo) error {
		if r == nil || !t.inst.covers(r) {
			return unprocessable("There is at least one repository that does not exist or is not accessible to the parent installation.")
		}
		if !t.repos[r.id] {
			t.repos[r.id] = true
			repos = append(repos, r)
		}
		return nil
	}
	for _, name := range in.Repositories {
		if err := add(c.Hub.repo(t.inst.acct.login, name)); err != nil {
			return nil, err
		}
	}
	for _, id := range in.RepositoryIDs {
		if err := add(c.repoIDs[id]); err != nil {
			return nil, err
		}
	}
	return repos, nil
}

// revokeToken answers DELETE /installation/token.
func revokeToken(c *call) (answer, error) {
	if c.who.tok == nil {
		return answer{}, forbidden("Resource not accessible by personal access token")
	}
	delete(c.tokens, c.who.tok.hash)
	return noContent()
}

// shortDigest names a value in a delivery or key without showing it.
func shortDigest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

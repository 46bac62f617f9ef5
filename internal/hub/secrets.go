package hub

import (
	"crypto/ecdh"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// namedIn says where a route's secrets or variables are: of an organization, a repository, or an environment.
type namedIn struct {
	store    string
	variable bool
	ofOrg    bool // reached through a repository, but the organization's
}

var goodName = regexp.MustCompile(`^[A-Z_][A-Z0-9_]*$`)

// setNamed makes or changes a secret or variable. updated_at moves also when the same value is saved again.
func (h *Hub) setNamed(into map[namedKey]*named, key namedKey, value, visibility string) bool {
	n := into[key]
	made := n == nil
	if made {
		n = &named{key: key, created: h.now(), visibility: visibility, selected: map[int64]bool{}}
		into[key] = n
	}
	n.updated = h.now()
	if key.variable {
		n.value = value
	}
	return made
}

// home finds the map that the route is about, and checks the environment.
func (c *call) home() (map[namedKey]*named, error) {
	if c.org != nil {
		return c.org.named, nil
	}
	if name, has := c.vars["environment_name"]; has {
		e := c.repo.envs[name]
		if e == nil {
			return nil, notFound()
		}
		return e.named, nil
	}
	return c.repo.named, nil
}

func sortedNamed(in map[namedKey]*named, want namedIn) []*named {
	all := slices.DeleteFunc(slices.Collect(maps.Values(in)), func(n *named) bool {
		return n.key.store != want.store || n.key.variable != want.variable
	})
	slices.SortFunc(all, func(a, b *named) int { return strings.Compare(a.key.name, b.key.name) })
	return all
}

// namedJSON is a secret by name, or a variable with its value; visibility is of organizations.
func (c *call) namedJSON(n *named) any {
	m := map[string]any{"name": n.key.name, "created_at": stamp(n.created), "updated_at": stamp(n.updated)}
	if n.key.variable {
		m["value"] = n.value
	}
	if c.org != nil {
		m["visibility"] = n.visibility
		if n.visibility == "selected" {
			m["selected_repositories_url"] = c.apiURL() + c.req.URL.EscapedPath() + "/repositories"
		}
	}
	return m
}

func listNamed(in namedIn) func(*call) (answer, error) {
	return func(c *call) (answer, error) {
		home, err := c.home()
		if err != nil {
			return answer{}, err
		}
		if in.ofOrg {
			home = map[namedKey]*named{}
			if o := c.repo.owner.org; o != nil {
				home = o.sharedWith(c.repo)
			}
		}
		all := sortedNamed(home, in)
		key := "secrets"
		if in.variable {
			key = "variables"
		}
		return ok(map[string]any{"total_count": len(all), key: each(c, all, c.namedJSON)})
	}
}

// sharedWith is what an organization lets a repository use.
func (o *org) sharedWith(r *repo) map[namedKey]*named {
	out := map[namedKey]*named{}
	for key, n := range o.named {
		if n.visibility == "all" || n.visibility == "private" && r.visibility != "public" || n.selected[r.id] {
			out[key] = n
		}
	}
	return out
}

// one finds the named thing of the path.
func (c *call) one(in namedIn) (map[namedKey]*named, namedKey, error) {
	home, err := c.home()
	if err != nil {
		return nil, namedKey{}, err
	}
	return home, namedKey{in.store, in.variable, strings.ToUpper(c.vars["name"])}, nil
}

func getNamed(in namedIn) func(*call) (answer, error) {
	return func(c *call) (answer, error) {
		home, key, err := c.one(in)
		if err != nil {
			return answer{}, err
		}
		if home[key] == nil {
			return answer{}, notFound()
		}
		return ok(c.namedJSON(home[key]))
	}
}

func deleteNamed(in namedIn) func(*call) (answer, error) {
	return func(c *call) (answer, error) {
		home, key, err := c.one(in)
		if err != nil {
			return answer{}, err
		}
		if home[key] == nil {
			return answer{}, notFound()
		}
		delete(home, key)
		c.tellNamed(in, key, "deleted")
		return noContent()
	}
}

func (c *call) tellNamed(in namedIn, key namedKey, what string) {
	kind := "secret."
	if in.variable {
		kind = "variable."
	}
	e := Event{Actor: c.actor(), Kind: kind + what, Text: key.name, Detail: map[string]string{"store": in.store, "name": key.name}}
	if c.repo != nil {
		e.Repo, e.URL = c.repo.full(), c.base+"/"+c.repo.full()
		if env := c.vars["environment_name"]; env != "" {
			e.Detail["environment"] = env
		}
	}
	c.happen(e)
}

func checkName(name string) error {
	if !goodName.MatchString(name) || strings.HasPrefix(name, "GITHUB_") {
		return unprocessable("Secret names can only contain alphanumeric characters ([a-z], [A-Z], [0-9]) or underscores (_). Spaces are not allowed. Must start with a letter ([a-z], [A-Z]) or underscores (_). Must not start with GITHUB_.")
	}
	return nil
}

type secretBody struct {
	Encrypted  *string `json:"encrypted_value"`
	KeyID      string  `json:"key_id"`
	Visibility string  `json:"visibility"`
	RepoIDs    []any   `json:"selected_repository_ids"`
}

// putSecret checks that a value was sealed for the right key, then drops it: the hub keeps no secret.
func putSecret(in namedIn) func(*call) (answer, error) {
	return func(c *call) (answer, error) {
		home, key, err := c.one(in)
		if err != nil {
			return answer{}, err
		}
		var body secretBody
		if err := c.in(&body); err != nil {
			return answer{}, err
		}
		if err := checkName(key.name); err != nil {
			return answer{}, err
		}
		if err := c.checkSealed(body); err != nil {
			return answer{}, err
		}
		if c.org != nil && !slices.Contains([]string{"all", "private", "selected"}, body.Visibility) {
			return answer{}, unprocessable("Invalid request.\n\n\"visibility\" wasn't supplied.")
		}
		made := c.setNamed(home, key, "", body.Visibility)
		if c.org != nil {
			home[key].visibility, home[key].selected = body.Visibility, selectedIDs(body.RepoIDs)
		}
		c.tellNamed(in, key, "changed")
		if made {
			return created(map[string]any{})
		}
		return noContent()
	}
}

func selectedIDs(items []any) map[int64]bool {
	out := map[int64]bool{}
	for _, item := range items {
		if n, isNumber := item.(float64); isNumber {
			out[int64(n)] = true
		}
	}
	return out
}

// sealOverhead is what a libsodium sealed box adds: an ephemeral public key and a tag.
const sealOverhead = 32 + 16

func (c *call) checkSealed(body secretBody) error {
	id, _ := c.publicKey()
	if body.Encrypted == nil {
		return unprocessable("Invalid request.\n\n\"encrypted_value\" wasn't supplied.")
	}
	sealed, err := base64.StdEncoding.DecodeString(*body.Encrypted)
	switch {
	case err != nil || len(sealed) < sealOverhead:
		return unprocessable("Bad request. The encrypted_value is not a sealed box.")
	case len(sealed) > 48*1024+sealOverhead:
		return unprocessable("Bad request. Secret value is too large.")
	case body.KeyID != id:
		return unprocessable("Bad request - encrypted_value is invalid: the key_id does not match.")
	}
	return nil
}

// publicKey is the Curve25519 key of the scope. Its private half is derived from the scope's id, and never used.
func (c *call) publicKey() (id, key string) {
	scope := "org"
	if c.repo != nil {
		scope = c.repo.full() + "/" + c.vars["environment_name"]
	} else if c.org != nil {
		scope = c.org.acct.login
	}
	seed := hashToken("hub secret key of " + scope)
	private, err := ecdh.X25519().NewPrivateKey(seed[:])
	if err != nil { // any 32 bytes make a key
		panic(fmt.Sprintf("hub: X25519 key of 32 bytes: %v", err))
	}
	public := private.PublicKey().Bytes()
	return shortDigest(public)[:18], base64.StdEncoding.EncodeToString(public)
}

func getPublicKey(c *call) (answer, error) {
	if _, err := c.home(); err != nil {
		return answer{}, err
	}
	id, key := c.publicKey()
	return ok(map[string]any{"key_id": id, "key": key})
}

// listSelectedRepos lists the repositories that an organization's secret is for.
func listSelectedRepos(in namedIn) func(*call) (answer, error) {
	return func(c *call) (answer, error) {
		home, key, err := c.one(in)
		if err != nil {
			return answer{}, err
		}
		n := home[key]
		if n == nil {
			return answer{}, notFound()
		}
		if n.visibility != "selected" {
			return answer{}, failure(http.StatusConflict, "The secret is not for selected repositories.")
		}
		var out []*repo
		for _, r := range sortedBy(c.repoIDs, func(r *repo) int64 { return r.id }) {
			if n.selected[r.id] {
				out = append(out, r)
			}
		}
		return ok(map[string]any{"total_count": len(out), "repositories": each(c, out, func(r *repo) any { return c.repoJSON(r) })})
	}
}

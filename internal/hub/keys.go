package hub

import (
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"
)

// keyJSON is "deploy-key".
func (c *call) keyJSON(k *deployKey) any {
	var by any
	if k.addedBy != nil {
		by = k.addedBy.login
	}
	return map[string]any{
		"id": k.id, "key": k.key, "url": fmt.Sprintf("%s/repos/%s/keys/%d", c.apiURL(), c.repo.full(), k.id), "title": k.title,
		"verified": true, "created_at": stamp(k.created), "read_only": k.readOnly, "added_by": by, "last_used": nil, "enabled": true,
	}
}

func (r *repo) sortedKeys() []*deployKey {
	return sortedBy(r.keys, func(k *deployKey) int64 { return k.id })
}

func listKeys(c *call) (answer, error) { return ok(each(c, c.repo.sortedKeys(), c.keyJSON)) }

func (c *call) key() (*deployKey, error) {
	if k := c.repo.keys[c.num("key_id")]; k != nil {
		return k, nil
	}
	return nil, notFound()
}

func getKey(c *call) (answer, error) {
	k, err := c.key()
	if err != nil {
		return answer{}, err
	}
	return ok(c.keyJSON(k))
}

// createKey refuses what is no public key, and a key that any repository has: a deploy key is one repository's.
func createKey(c *call) (answer, error) {
	var in struct {
		Title    string `json:"title"`
		Key      string `json:"key"`
		ReadOnly bool   `json:"read_only"`
	}
	if err := c.in(&in); err != nil {
		return answer{}, err
	}
	public, _, _, _, err := ssh.ParseAuthorizedKey([]byte(in.Key)) //nolint:dogsled // the comment, options and rest are dropped, as by GitHub
	if err != nil {
		return answer{}, invalid("PublicKey", "key", "custom", "key is invalid. You must supply a key in OpenSSH public key format")
	}
	// The comment after the key is not kept, as on GitHub.
	text := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public)))
	for _, r := range c.repoIDs {
		for _, k := range r.keys {
			if k.key == text {
				return answer{}, invalid("PublicKey", "key", "custom", "key is already in use")
			}
		}
	}
	k := &deployKey{id: c.nextID(), title: in.Title, key: text, readOnly: in.ReadOnly, addedBy: c.who.acct, created: c.now()}
	if k.title == "" {
		k.title = text[:min(40, len(text))]
	}
	c.repo.keys[k.id] = k
	c.tellAccess(c.repo, c.who.acct, "key.created", k.title, map[string]string{"key": itoa(k.id), "read_only": fmt.Sprint(k.readOnly)})
	c.hookRepo(c.repo, "deploy_key", "created", map[string]any{"key": c.keyJSON(k)}, c.who.acct)
	return created(c.keyJSON(k))
}

func deleteKey(c *call) (answer, error) {
	k, err := c.key()
	if err != nil {
		return answer{}, err
	}
	delete(c.repo.keys, k.id)
	c.tellAccess(c.repo, c.who.acct, "key.deleted", k.title, map[string]string{"key": itoa(k.id)})
	c.hookRepo(c.repo, "deploy_key", "deleted", map[string]any{"key": c.keyJSON(k)}, c.who.acct)
	return noContent()
}

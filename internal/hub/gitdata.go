package hub

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"unicode/utf8"

	"github.com/keyreeve/keyreeve/internal/hub/githost"
)

func getBlob(c *call) (answer, error) {
	sha := c.vars["file_sha"]
	data, err := c.repo.git.ReadBlob(sha)
	if err != nil {
		return answer{}, notFound()
	}
	if c.wantsRaw() {
		c.header.Set("Content-Type", "application/vnd.github.raw+json; charset=utf-8")
		return ok(data)
	}
	return ok(map[string]any{
		"sha": sha, "node_id": nodeID("Blob", c.repo.id) + sha[:8], "size": len(data), "encoding": "base64", "content": base64Lines(data),
		"url": c.apiURL() + "/repos/" + c.repo.full() + "/git/blobs/" + sha,
	})
}

func createBlob(c *call) (answer, error) {
	var in struct {
		Content  *string `json:"content"`
		Encoding string  `json:"encoding"`
	}
	if err := c.in(&in); err != nil {
		return answer{}, err
	}
	if c.repo.empty() {
		return answer{}, conflict(emptyRepo)
	}
	if in.Content == nil {
		return answer{}, unprocessable("Invalid request.\n\n\"content\" wasn't supplied.")
	}
	data := []byte(*in.Content)
	switch in.Encoding {
	case "", "utf-8":
	case "base64":
		var err error
		if data, err = decodeBase64(*in.Content); err != nil {
			return answer{}, unprocessable("content is not valid Base64")
		}
	default:
		return answer{}, unprocessable("encoding must be utf-8 or base64")
	}
	sha, err := c.repo.git.WriteBlob(data)
	if err != nil {
		return answer{}, fmt.Errorf("write blob: %w", err)
	}
	return created(map[string]any{"sha": sha, "url": c.apiURL() + "/repos/" + c.repo.full() + "/git/blobs/" + sha})
}

// getTree takes a tree's or commit's id, or a reference's name.
func getTree(c *call) (answer, error) {
	if c.repo.empty() {
		return answer{}, conflict(emptyRepo)
	}
	sha, err := c.treeOf(c.vars["tree_sha"])
	if err != nil {
		return answer{}, notFound()
	}
	return c.treeAnswer(http.StatusOK, sha, c.query("recursive") != "")
}

// treeOf finds the tree of a tree, commit or reference.
func (c *call) treeOf(name string) (string, error) {
	if commit, err := c.repo.git.Resolve(name); err == nil {
		read, err := c.repo.git.ReadCommit(commit)
		return read.Tree, err
	}
	_, err := c.repo.git.ReadTree(name, false)
	return name, err
}

func (c *call) treeAnswer(status int, sha string, recursive bool) (answer, error) {
	entries, err := c.repo.git.ReadTree(sha, recursive)
	if err != nil {
		return answer{}, fmt.Errorf("read tree: %w", err)
	}
	api := c.apiURL() + "/repos/" + c.repo.full() + "/git/"
	return answer{status, map[string]any{
		"sha": sha, "url": api + "trees/" + sha, "truncated": false,
		"tree": list(entries, func(e githost.Entry) any {
			m := map[string]any{"path": e.Path, "mode": e.Mode, "type": e.Type, "sha": e.SHA}
			switch e.Type {
			case "blob":
				m["size"], m["url"] = e.Size, api+"blobs/"+e.SHA
			case "tree":
				m["url"] = api + "trees/" + e.SHA
			}
			return m
		}),
	}}, nil
}

type treeEntryIn struct {
	Path    string          `json:"path"`
	Mode    string          `json:"mode"`
	Type    string          `json:"type"`
	SHA     json.RawMessage `json:"sha"` // null removes, absent takes content
	Content *string         `json:"content"`
}

func createTree(c *call) (answer, error) {
	var in struct {
		Base string        `json:"base_tree"`
		Tree []treeEntryIn `json:"tree"`
	}
	if err := c.in(&in); err != nil {
		return answer{}, err
	}
	if c.repo.empty() {
		return answer{}, conflict(emptyRepo)
	}
	if len(in.Tree) == 0 {
		return answer{}, unprocessable("Invalid tree info")
	}
	base := ""
	if in.Base != "" {
		var err error
		if base, err = c.treeOf(in.Base); err != nil {
			return answer{}, notFound()
		}
	}
	var entries []githost.Entry
	for _, e := range in.Tree {
		entry, err := c.treeEntry(e)
		if err != nil {
			return answer{}, err
		}
		entries = append(entries, entry)
	}
	sha, err := c.repo.git.WriteTree(base, entries)
	switch {
	case errors.Is(err, githost.ErrInvalid):
		return answer{}, unprocessable("tree.path contains a malformed path component")
	case errors.Is(err, githost.ErrNotFound):
		return answer{}, unprocessable("tree.sha is not a valid object")
	case err != nil:
		return answer{}, fmt.Errorf("write tree: %w", err)
	}
	return c.treeAnswer(http.StatusCreated, sha, false)
}

func (c *call) treeEntry(e treeEntryIn) (githost.Entry, error) {
	entry := githost.Entry{Path: e.Path, Mode: e.Mode, Type: e.Type}
	switch {
	case e.Path == "":
		return entry, unprocessable("tree.path must be supplied")
	case len(e.SHA) > 0 && string(e.SHA) == "null" && e.Content == nil:
		return entry, nil
	case len(e.SHA) > 0 && string(e.SHA) != "null":
		if err := json.Unmarshal(e.SHA, &entry.SHA); err != nil {
			return entry, unprocessable("tree.sha must be a string")
		}
	case e.Content != nil && utf8.ValidString(*e.Content):
		sha, err := c.repo.git.WriteBlob([]byte(*e.Content))
		if err != nil {
			return entry, fmt.Errorf("write %s: %w", e.Path, err)
		}
		entry.SHA = sha
	default:
		return entry, unprocessable("tree.sha or tree.content must be supplied")
	}
	if entry.Mode == "" {
		return entry, unprocessable("tree.mode must be supplied")
	}
	return entry, nil
}

func getGitCommit(c *call) (answer, error) {
	commit, err := c.repo.git.ReadCommit(c.vars["commit_sha"])
	if err != nil {
		return answer{}, notFound()
	}
	return ok(c.gitCommitJSON(c.repo, commit))
}

func createGitCommit(c *call) (answer, error) {
	var in struct {
		Message   string       `json:"message"`
		Tree      string       `json:"tree"`
		Parents   []string     `json:"parents"`
		Author    *signatureIn `json:"author"`
		Committer *signatureIn `json:"committer"`
	}
	if err := c.in(&in); err != nil {
		return answer{}, err
	}
	if c.repo.empty() {
		return answer{}, conflict(emptyRepo)
	}
	if in.Message == "" || in.Tree == "" {
		return answer{}, unprocessable("Invalid request.\n\n\"message\" and \"tree\" must be supplied.")
	}
	if _, err := c.repo.git.ReadTree(in.Tree, false); err != nil {
		return answer{}, unprocessable("Tree SHA does not exist")
	}
	for _, parent := range in.Parents {
		if _, err := c.repo.git.ReadCommit(parent); err != nil {
			return answer{}, unprocessable("Parent SHA does not exist or is not a commit object")
		}
	}
	author := c.signed(in.Author)
	committer := author
	if in.Committer != nil {
		committer = c.signed(in.Committer)
	}
	sha, err := c.repo.git.WriteCommit(githost.Commit{
		Tree: in.Tree, Parents: in.Parents, Author: author, Committer: committer, Message: in.Message,
	})
	if err != nil {
		return answer{}, fmt.Errorf("write commit: %w", err)
	}
	commit, err := c.repo.git.ReadCommit(sha)
	if err != nil {
		return answer{}, fmt.Errorf("read the commit back: %w", err)
	}
	return created(c.gitCommitJSON(c.repo, commit))
}

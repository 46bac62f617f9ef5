package hub

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/internal/hub/githost"
)

// getContents answers with a file, or the entries of a folder:
// https://docs.github.com/en/rest/repos/contents#get-repository-content.
func getContents(c *call) (answer, error) {
	ref := c.query("ref")
	if ref == "" {
		ref = c.repo.defBranch
		if c.repo.empty() {
			return answer{}, failure(http.StatusNotFound, "This repository is empty.")
		}
	}
	sha, err := c.repo.git.Resolve(ref)
	if err != nil {
		return answer{}, failure(http.StatusNotFound, "No commit found for the ref "+ref)
	}
	name := strings.Trim(c.vars["path"], "/")
	if name == "" {
		return c.folder(ref, "", sha)
	}
	entry, data, err := c.repo.git.File(sha, name)
	if errors.Is(err, githost.ErrNotFound) || errors.Is(err, githost.ErrInvalid) {
		return answer{}, notFound()
	}
	if err != nil {
		return answer{}, fmt.Errorf("read %s: %w", name, err)
	}
	if entry.Type == "tree" {
		return c.folder(ref, name, entry.SHA)
	}
	if entry.Type == "blob" && c.wantsRaw() {
		c.header.Set("Content-Type", "application/vnd.github.raw+json; charset=utf-8")
		return ok(data)
	}
	entry.Path, entry.Size = name, int64(len(data))
	return ok(c.fileJSON(ref, entry, data))
}

func (c *call) wantsRaw() bool {
	accept := c.req.Header.Get("Accept")
	return strings.Contains(accept, "application/vnd.github.raw") || strings.Contains(accept, ".raw+json") || strings.HasSuffix(accept, ".raw")
}

func (c *call) folder(ref, name, tree string) (answer, error) {
	entries, err := c.repo.git.ReadTree(tree, false)
	if err != nil {
		return answer{}, fmt.Errorf("read folder %q: %w", name, err)
	}
	return ok(list(entries, func(e githost.Entry) any {
		e.Path = path.Join(name, e.Path)
		return c.entryJSON(ref, e)
	}))
}

// contentType names what an entry is in the contents API.
func contentType(e githost.Entry) string {
	switch {
	case e.Type == "tree":
		return "dir"
	case e.Type == "commit":
		return "submodule"
	case e.Mode == "120000":
		return "symlink"
	default:
		return "file"
	}
}

// entryJSON is what files and folders' entries have in common.
func (c *call) entryJSON(ref string, e githost.Entry) map[string]any {
	api, escaped := c.apiURL()+"/repos/"+c.repo.full(), pathEscapeAll(e.Path)
	self := api + "/contents/" + escaped + "?ref=" + pathEscape(ref)
	kind, under := "blobs", "blob"
	if e.Type == "tree" {
		kind, under = "trees", "tree"
	}
	git := api + "/git/" + kind + "/" + e.SHA
	html := c.base + "/" + c.repo.full() + "/" + under + "/" + pathEscapeAll(ref) + "/" + escaped
	var download any
	if e.Type == "blob" {
		download = c.base + "/" + c.repo.full() + "/raw/" + pathEscapeAll(ref) + "/" + escaped
	}
	return map[string]any{
		"type": contentType(e), "name": path.Base(e.Path), "path": e.Path, "sha": e.SHA, "size": e.Size, "url": self, "git_url": git,
		"html_url": html, "download_url": download, "_links": map[string]any{"self": self, "git": git, "html": html},
	}
}

// fileJSON adds the content; of a file over 1 MB it is left out, with the encoding "none".
func (c *call) fileJSON(ref string, e githost.Entry, data []byte) map[string]any {
	m := c.entryJSON(ref, e)
	switch m["type"] {
	case "symlink":
		m["target"] = string(data)
	case "submodule":
		m["submodule_git_url"] = c.base + "/" + c.repo.full() + ".git"
	case "file":
		m["encoding"], m["content"] = "base64", base64Lines(data)
		if len(data) > 1<<20 {
			m["encoding"], m["content"] = "none", ""
		}
	}
	return m
}

// base64Lines encodes as GitHub does: lines of 60 characters, each with its end.
func base64Lines(data []byte) string {
	text := base64.StdEncoding.EncodeToString(data)
	var b strings.Builder
	for line := range slices.Chunk([]byte(text), 60) {
		b.Write(line)
		b.WriteByte('\n')
	}
	return b.String()
}

// decodeBase64 takes base64 with line breaks.
func decodeBase64(text string) ([]byte, error) {
	return base64.StdEncoding.DecodeString(strings.NewReplacer("\n", "", "\r", "", " ", "").Replace(text))
}

type signatureIn struct {
	Name  string     `json:"name"`
	Email string     `json:"email"`
	Date  *time.Time `json:"date"`
}

// signed is who the commit is by: what the body says, else the caller.
func (c *call) signed(in *signatureIn) githost.Signature {
	s := c.signature(c.who.acct)
	if in != nil {
		if in.Name != "" && in.Email != "" {
			s.Name, s.Email = in.Name, in.Email
		}
		if in.Date != nil {
			s.When = *in.Date
		}
	}
	return s
}

type contentBody struct {
	Message string       `json:"message"`
	Content *string      `json:"content"`
	SHA     string       `json:"sha"`
	Branch  string       `json:"branch"`
	Author  *signatureIn `json:"author"`
}

// changeContents reads and checks what PUT and DELETE have in common. It returns the branch's tip, "" for an empty
// repository, and the file as it is ("" when there is none).
func (c *call) changeContents(in *contentBody) (tip, fileSHA string, err error) {
	if err := c.in(in); err != nil {
		return "", "", err
	}
	name := c.vars["path"]
	if in.Message == "" {
		return "", "", unprocessable("Invalid request.\n\n\"message\" wasn't supplied.")
	}
	if in.Branch == "" {
		in.Branch = c.repo.defBranch
	}
	in.Branch = strings.TrimPrefix(in.Branch, "refs/heads/")
	if isWorkflow(name) && c.who.inst != nil && !c.who.has("workflows", true) {
		return "", "", notAccessible()
	}
	tip, err = c.repo.git.Resolve("refs/heads/" + in.Branch)
	if err != nil {
		if in.Branch == c.repo.defBranch && c.repo.empty() {
			return "", "", nil
		}
		return "", "", failure(http.StatusNotFound, "Branch "+in.Branch+" not found")
	}
	entry, _, err := c.repo.git.File(tip, name)
	switch {
	case errors.Is(err, githost.ErrInvalid):
		return "", "", unprocessable("path contains a malformed path component")
	case err != nil && !errors.Is(err, githost.ErrNotFound):
		return "", "", fmt.Errorf("read %s: %w", name, err)
	}
	return tip, entry.SHA, nil
}

func putContents(c *call) (answer, error) {
	var in contentBody
	tip, old, err := c.changeContents(&in)
	if err != nil {
		return answer{}, err
	}
	name := c.vars["path"]
	if in.Content == nil {
		return answer{}, unprocessable("Invalid request.\n\n\"content\" wasn't supplied.")
	}
	data, err := decodeBase64(*in.Content)
	if err != nil {
		return answer{}, unprocessable("content is not valid Base64")
	}
	switch {
	case old != "" && in.SHA == "":
		return answer{}, unprocessable("Invalid request.\n\n\"sha\" wasn't supplied.")
	case in.SHA != old:
		return answer{}, conflict(name + " does not match " + in.SHA)
	}
	sha, err := c.commitTo(in, tip, map[string]*[]byte{name: &data})
	if err != nil {
		return answer{}, err
	}
	entry, data, err := c.repo.git.File(sha, name)
	if err != nil {
		return answer{}, fmt.Errorf("read %s back: %w", name, err)
	}
	entry.Path, entry.Size = name, int64(len(data))
	status := http.StatusCreated
	if old != "" {
		status = http.StatusOK
	}
	return c.fileCommit(status, sha, c.entryJSON(in.Branch, entry))
}

func deleteContents(c *call) (answer, error) {
	var in contentBody
	tip, old, err := c.changeContents(&in)
	if err != nil {
		return answer{}, err
	}
	name := c.vars["path"]
	switch {
	case old == "":
		return answer{}, notFound()
	case in.SHA == "":
		return answer{}, unprocessable("Invalid request.\n\n\"sha\" wasn't supplied.")
	case in.SHA != old:
		return answer{}, conflict(name + " does not match " + in.SHA)
	}
	sha, err := c.commitTo(in, tip, map[string]*[]byte{name: nil})
	if err != nil {
		return answer{}, err
	}
	return c.fileCommit(http.StatusOK, sha, nil)
}

// commitTo commits files on the branch and tells everybody that it moved.
func (c *call) commitTo(in contentBody, tip string, files map[string]*[]byte) (string, error) {
	sha, err := c.repo.git.CommitFiles(in.Branch, files, c.signed(in.Author), in.Message)
	switch {
	case errors.Is(err, githost.ErrStale):
		return "", conflict("is at another commit than expected")
	case errors.Is(err, githost.ErrInvalid):
		return "", unprocessable("path contains a malformed path component")
	case err != nil:
		return "", fmt.Errorf("commit: %w", err)
	}
	c.refMoved(c.repo, "refs/heads/"+in.Branch, tip, sha, c.who)
	return sha, nil
}

// fileCommit is "file-commit".
func (c *call) fileCommit(status int, sha string, content any) (answer, error) {
	commit, err := c.repo.git.ReadCommit(sha)
	if err != nil {
		return answer{}, fmt.Errorf("read the commit back: %w", err)
	}
	return answer{status, map[string]any{"content": content, "commit": c.gitCommitJSON(c.repo, commit)}}, nil
}

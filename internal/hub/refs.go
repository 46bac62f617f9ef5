package hub

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/internal/hub/githost"
)

func (c *call) refJSON(ref githost.Ref) any {
	api := c.apiURL() + "/repos/" + c.repo.full() + "/git"
	kind := "commits"
	if ref.Type == "tag" {
		kind = "tags"
	}
	return map[string]any{
		"ref": ref.Name, "node_id": base64.StdEncoding.EncodeToString([]byte("Ref:" + ref.Name)),
		"url":    api + "/" + pathEscapeAll(ref.Name),
		"object": map[string]any{"sha": ref.SHA, "type": ref.Type, "url": api + "/" + kind + "/" + ref.SHA},
	}
}

// ref finds a reference by its full name.
func (c *call) ref(name string) (githost.Ref, bool) {
	refs, err := c.repo.git.Refs(name)
	if err != nil {
		return githost.Ref{}, false
	}
	at := slices.IndexFunc(refs, func(r githost.Ref) bool { return r.Name == name })
	if at < 0 {
		return githost.Ref{}, false
	}
	return refs[at], true
}

func getRef(c *call) (answer, error) {
	if c.repo.empty() {
		return answer{}, conflict(emptyRepo)
	}
	ref, found := c.ref("refs/" + c.vars["ref"])
	if !found {
		return answer{}, notFound()
	}
	return ok(c.refJSON(ref))
}

func matchingRefs(c *call) (answer, error) {
	refs, err := c.repo.git.Refs("refs/" + c.vars["ref"])
	if err != nil {
		return answer{}, fmt.Errorf("list references: %w", err)
	}
	return ok(each(c, refs, c.refJSON))
}

type refBody struct {
	Ref   string `json:"ref"`
	SHA   string `json:"sha"`
	Force bool   `json:"force"`
}

func createRef(c *call) (answer, error) {
	var in refBody
	if err := c.in(&in); err != nil {
		return answer{}, err
	}
	switch {
	case c.repo.empty():
		return answer{}, conflict(emptyRepo)
	case !strings.HasPrefix(in.Ref, "refs/") || strings.Count(in.Ref, "/") < 2:
		return answer{}, unprocessable("Reference name must start with 'refs/'")
	}
	if err := c.mayMoveTo(in.SHA); err != nil {
		return answer{}, err
	}
	if err := c.repo.git.SetRef(in.Ref, in.SHA, ""); err != nil {
		return answer{}, refError(err)
	}
	c.refMoved(c.repo, in.Ref, "", in.SHA, c.who)
	return c.refAnswer(http.StatusCreated, in.Ref)
}

func (c *call) refAnswer(status int, name string) (answer, error) {
	ref, found := c.ref(name)
	if !found {
		return answer{}, fmt.Errorf("%s is gone after it was set", name)
	}
	return answer{status, c.refJSON(ref)}, nil
}

func refError(err error) error {
	switch {
	case errors.Is(err, githost.ErrExists):
		return unprocessable("Reference already exists")
	case errors.Is(err, githost.ErrNotFound):
		return unprocessable("Object does not exist")
	case errors.Is(err, githost.ErrInvalid):
		return unprocessable("Reference name is invalid")
	case errors.Is(err, githost.ErrStale):
		return conflict("Reference cannot be updated")
	}
	return fmt.Errorf("set a reference: %w", err)
}

// mayMoveTo refuses commits that bring workflow changes by an App without the permission.
func (c *call) mayMoveTo(sha string) error {
	if c.who.inst == nil || c.who.has("workflows", true) {
		return nil
	}
	tip, err := c.repo.git.Resolve("refs/heads/" + c.repo.defBranch)
	if err != nil {
		return conflict(emptyRepo)
	}
	from, err := c.repo.git.MergeBase(tip, sha)
	if errors.Is(err, githost.ErrNotFound) {
		from = emptyTree // no common history, or an unknown commit, which is refused by name
	} else if err != nil {
		return fmt.Errorf("look for workflow changes: %w", err)
	}
	changes, err := c.repo.git.Diff(from, sha)
	if errors.Is(err, githost.ErrNotFound) {
		return unprocessable("Object does not exist")
	}
	if err != nil {
		return fmt.Errorf("look for workflow changes: %w", err)
	}
	if slices.ContainsFunc(changes, func(change githost.Change) bool { return isWorkflow(change.Path) || isWorkflow(change.Previous) }) {
		return notAccessible()
	}
	return nil
}

func updateRef(c *call) (answer, error) {
	var in refBody
	if err := c.in(&in); err != nil {
		return answer{}, err
	}
	name := "refs/" + c.vars["ref"]
	ref, found := c.ref(name)
	if !found {
		return answer{}, unprocessable("Reference does not exist")
	}
	if err := c.mayMoveTo(in.SHA); err != nil {
		return answer{}, err
	}
	forward, err := c.repo.git.IsAncestor(ref.SHA, in.SHA)
	switch {
	case errors.Is(err, githost.ErrNotFound):
		return answer{}, unprocessable("Object does not exist")
	case err != nil:
		return answer{}, fmt.Errorf("update %s: %w", name, err)
	case !forward && !in.Force:
		return answer{}, unprocessable("Update is not a fast forward")
	}
	if err := c.repo.git.SetRef(name, in.SHA, ref.SHA); err != nil {
		return answer{}, refError(err)
	}
	if ref.SHA != in.SHA {
		c.refMoved(c.repo, name, ref.SHA, in.SHA, c.who)
	}
	return c.refAnswer(http.StatusOK, name)
}

func deleteRef(c *call) (answer, error) {
	name := "refs/" + c.vars["ref"]
	ref, found := c.ref(name)
	switch {
	case !found:
		return answer{}, unprocessable("Reference does not exist")
	case name == "refs/heads/"+c.repo.defBranch:
		return answer{}, unprocessable("Cannot delete the default branch")
	}
	if err := c.repo.git.DeleteRef(name); err != nil {
		return answer{}, fmt.Errorf("delete %s: %w", name, err)
	}
	c.refMoved(c.repo, name, ref.SHA, "", c.who)
	return noContent()
}

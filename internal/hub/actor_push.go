package hub

import (
	"fmt"
	"net/http"
)

// Push commits files on a branch and pushes it; the branch is made from the default branch when it is new. An empty text
// deletes the file. It returns the new commit.
func (a Actor) Push(repo, branch string, files map[string]string, message string) (string, error) {
	return a.push(repo, branch, files, message, false)
}

// ForcePush makes a branch hold one commit with the files on top of the default branch, whatever it held. It returns the
// new commit.
func (a Actor) ForcePush(repo, branch string, files map[string]string, message string) (string, error) {
	return a.push(repo, branch, files, message, true)
}

func (a Actor) push(repo, branch string, files map[string]string, message string, force bool) (string, error) {
	h := a.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	r, acct := h.repoByFull(repo), h.account(a.login)
	switch {
	case acct == nil:
		return "", unknown("user", a.login)
	case r == nil:
		return "", unknown("repository", repo)
	case h.effective(acct, r) < levelWrite || r.archived:
		return "", &RefusedError{Actor: a.login, Act: "push to " + repo, Status: http.StatusForbidden, Message: "needs write access"}
	case force && branch == r.defBranch:
		return "", &RefusedError{Actor: a.login, Act: "push to " + repo, Status: http.StatusForbidden, Message: "the default branch takes no force"}
	}
	ref := "refs/heads/" + branch
	old, err := r.git.Resolve(ref)
	if err != nil {
		old = ""
	}
	if branch != r.defBranch && (old == "" || force) {
		if tip, err := r.git.Resolve("refs/heads/" + r.defBranch); err == nil {
			if err := r.git.SetRef(ref, tip, "*"); err != nil {
				return "", fmt.Errorf("%s: push to %s: %w", a.login, repo, err)
			}
		}
	}
	contents := contentsOf(files)
	for path, text := range files {
		if text == "" {
			contents[path] = nil
		}
	}
	sha, err := r.git.CommitFiles(branch, contents, h.signature(acct), message)
	if err != nil {
		return "", fmt.Errorf("%s: push to %s: %w", a.login, repo, err)
	}
	h.refMoved(r, ref, old, sha, principal{acct: acct})
	return sha, nil
}

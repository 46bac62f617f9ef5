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
	old, err := r.beginAt(ref, force)
	if err != nil {
		return "", fmt.Errorf("%s: push to %s: %w", a.login, repo, err)
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

// beginAt puts a reference that is new, or is to begin anew, on the default branch's tip, and returns where it was.
func (r *repo) beginAt(ref string, anew bool) (old string, err error) {
	if old, err = r.git.Resolve(ref); err != nil {
		old = ""
	}
	base := "refs/heads/" + r.defBranch
	if ref == base || old != "" && !anew {
		return old, nil
	}
	tip, err := r.git.Resolve(base)
	if err != nil {
		return old, nil //nolint:nilerr // an empty repository: the commit is its first
	}
	return old, r.git.SetRef(ref, tip, "*")
}

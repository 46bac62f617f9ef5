package githost

import (
	"fmt"
	"strings"
)

// MergeBase is the best common ancestor of two revisions; ErrNotFound when a
// revision does not exist or the histories have nothing in common.
func (r *Repo) MergeBase(a, b string) (string, error) {
	shas, err := r.resolve(a, b)
	if err != nil {
		return "", fmt.Errorf("merge base of %s and %s: %w", a, b, err)
	}
	out, err := r.git(nil, "merge-base", shas[0], shas[1])
	if status, _ := exited(err); status == 1 {
		return "", fmt.Errorf("merge base of %s and %s: %w", a, b, ErrNotFound)
	}
	if err != nil {
		return "", fmt.Errorf("merge base of %s and %s: %w", a, b, err)
	}
	return readSHA("merge-base", out)
}

// IsAncestor tells whether a is b or one of its ancestors; ErrNotFound when a
// revision does not exist.
func (r *Repo) IsAncestor(a, b string) (bool, error) {
	shas, err := r.resolve(a, b)
	if err != nil {
		return false, fmt.Errorf("is %s an ancestor of %s: %w", a, b, err)
	}
	_, err = r.git(nil, "merge-base", "--is-ancestor", shas[0], shas[1])
	if status, _ := exited(err); status == 1 {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("is %s an ancestor of %s: %w", a, b, err)
	}
	return true, nil
}

// Merge computes the commit that base would move to if head were merged by the
// method: merge (a commit with both parents), squash (one commit on base with
// all of head's changes) or rebase (head's own commits again on base, merges
// left out; message is not used). The author is also the committer; a rebased
// commit keeps its own author. No reference moves. When base already holds
// head, base itself is returned. ErrConflict when the sides do not merge or
// have no common history, ErrNotFound for an unknown revision, ErrInvalid for
// an unknown method.
func (r *Repo) Merge(base, head, method string, author Signature, message string) (string, error) {
	sha, err := r.merge(base, head, method, author, message)
	if err != nil {
		return "", fmt.Errorf("%s %s into %s: %w", method, head, base, err)
	}
	return sha, nil
}

func (r *Repo) merge(base, head, method string, author Signature, message string) (string, error) {
	shas, err := r.resolve(base, head)
	if err != nil {
		return "", err
	}
	base, head = shas[0], shas[1]
	if done, err := r.IsAncestor(head, base); err != nil || done {
		return base, err
	}
	c := Commit{Author: author, Committer: author, Message: message}
	switch method {
	case "merge":
		c.Parents = []string{base, head}
	case "squash":
		c.Parents = []string{base}
	case "rebase":
		return r.rebase(base, head, author)
	default:
		return "", ErrInvalid
	}
	if c.Tree, err = r.mergeTree(base, head); err != nil {
		return "", err
	}
	return r.WriteCommit(c)
}

// mergeTree merges two commits in memory and returns the tree (git-merge-tree(1)).
func (r *Repo) mergeTree(ours, theirs string) (string, error) {
	out, err := r.git(nil, "merge-tree", "--write-tree", "--no-messages", ours, theirs)
	status, complaint := exited(err)
	if status == 1 || strings.Contains(complaint, "unrelated histories") {
		return "", ErrConflict
	}
	if err != nil {
		return "", err
	}
	return readSHA("merge-tree", out)
}

// rebase replays the commits of base..head, oldest first, on base. A commit
// whose change is there already is left out, as git rebase does.
func (r *Repo) rebase(base, head string, committer Signature) (string, error) {
	out, err := r.git(nil, "rev-list", "--reverse", "--topo-order", "--no-merges", head, "^"+base, "--")
	if err != nil {
		return "", err
	}
	commits, err := r.readCommits(append(strings.Fields(string(out)), base))
	if err != nil {
		return "", err
	}
	onto := commits[len(commits)-1]
	for _, c := range commits[:len(commits)-1] {
		tree, err := r.pick(onto, c)
		if err != nil {
			return "", err
		}
		if tree == onto.Tree {
			continue
		}
		next := Commit{Tree: tree, Parents: []string{onto.SHA}, Author: c.Author, Committer: committer, Message: c.Message}
		if next.SHA, err = r.WriteCommit(next); err != nil {
			return "", err
		}
		onto = next
	}
	return onto.SHA, nil
}

// pick gives the tree of onto with c's own change. git 2.38 has no
// `merge-tree --merge-base`, so the base is arranged: a commit with onto's tree
// that stands on c's parent has exactly that parent in common with c.
func (r *Repo) pick(onto, c Commit) (string, error) {
	if len(c.Parents) == 0 {
		return "", ErrConflict // a root commit shares nothing with base
	}
	side, err := r.WriteCommit(Commit{Tree: onto.Tree, Parents: c.Parents, Author: c.Author, Committer: c.Committer, Message: "rebase"})
	if err != nil {
		return "", err
	}
	return r.mergeTree(side, c.SHA)
}

package githost

import (
	"fmt"
	"strings"
)

// Ref is one reference: its full name ("refs/heads/main"), what it points at,
// and the type of that object (commit, or tag for an annotated tag).
type Ref struct{ Name, SHA, Type string }

// Resolve turns a branch, a tag, a full reference, "HEAD" or an object id (whole,
// or at least 7 characters) into a commit's id; a branch wins over a tag.
// ErrNotFound when there is none.
func (r *Repo) Resolve(rev string) (string, error) {
	shas, err := r.resolve(rev)
	if err != nil {
		return "", err
	}
	return shas[0], nil
}

// resolve is Resolve for several revisions in one process.
func (r *Repo) resolve(revs ...string) ([]string, error) {
	var names []string
	var owner []int // the index in revs of each name
	for i, rev := range revs {
		for _, c := range candidates(rev) {
			names, owner = append(names, c+"^{commit}"), append(owner, i)
		}
	}
	got, err := r.check(names...)
	if err != nil {
		return nil, fmt.Errorf("resolve %q: %w", revs, err)
	}
	shas := make([]string, len(revs))
	for i, o := range got {
		if shas[owner[i]] == "" {
			shas[owner[i]] = o.sha
		}
	}
	for i, sha := range shas {
		if sha == "" {
			return nil, fmt.Errorf("resolve %q: %w", revs[i], ErrNotFound)
		}
	}
	return shas, nil
}

// Refs lists the references whose full name starts with prefix ("" for all),
// sorted by name. The prefix is compared as text, as in GitHub's matching-refs.
func (r *Repo) Refs(prefix string) ([]Ref, error) {
	out, err := r.git(nil, "for-each-ref", "--format=%(objectname) %(objecttype) %(refname)")
	if err != nil {
		return nil, fmt.Errorf("list references: %w", err)
	}
	var refs []Ref
	for line := range strings.SplitSeq(string(out), "\n") {
		f := strings.SplitN(line, " ", 3)
		if len(f) == 3 && strings.HasPrefix(f[2], prefix) {
			refs = append(refs, Ref{Name: f[2], SHA: f[0], Type: f[1]})
		}
	}
	return refs, nil
}

const zeroID = "0000000000000000000000000000000000000000"

// SetRef points the full reference at sha. The old value decides what must be
// there: "" nothing (else ErrExists), "*" anything or nothing, an object id
// exactly that (else ErrStale). ErrNotFound when sha is no object of this
// repository, ErrInvalid for a name that git refuses or a branch on something
// other than a commit.
func (r *Repo) SetRef(ref, sha, old string) error {
	if !validRef(ref) || !validSHA(sha) || old != "" && old != "*" && !validSHA(old) {
		return fmt.Errorf("set %q to %q: %w", ref, sha, ErrInvalid)
	}
	r.write.Lock()
	defer r.write.Unlock()
	got, err := r.check(sha, ref)
	if err != nil {
		return fmt.Errorf("set %s: %w", ref, err)
	}
	object, current := got[0], got[1]
	if err := mayMove(ref, old, object, current); err != nil {
		return fmt.Errorf("set %s to %s: %w", ref, sha, err)
	}
	expect := current.sha
	if expect == "" {
		expect = zeroID
	}
	_, err = r.git(nil, "update-ref", "--", ref, sha, expect)
	if _, complaint := exited(err); strings.Contains(complaint, "exists; cannot create") {
		err = ErrExists // refs/heads/a beside refs/heads/a/b
	}
	if err != nil {
		return fmt.Errorf("set %s to %s: %w", ref, sha, err)
	}
	return nil
}

// mayMove says why a reference may not be set from what it is now to an object.
func mayMove(ref, old string, to, now object) error {
	switch {
	case to.kind == "":
		return ErrNotFound
	case strings.HasPrefix(ref, "refs/heads/") && to.kind != "commit":
		return ErrInvalid
	case old == "" && now.sha != "":
		return ErrExists
	case validSHA(old) && now.sha != old:
		return ErrStale
	}
	return nil
}

// DeleteRef removes the full reference; ErrNotFound when it does not exist.
func (r *Repo) DeleteRef(ref string) error {
	if !validRef(ref) {
		return fmt.Errorf("delete %q: %w", ref, ErrNotFound)
	}
	r.write.Lock()
	defer r.write.Unlock()
	got, err := r.check(ref)
	if err == nil && got[0].sha == "" {
		err = ErrNotFound
	}
	if err == nil {
		_, err = r.git(nil, "update-ref", "-d", "--", ref, got[0].sha)
	}
	if err != nil {
		return fmt.Errorf("delete %s: %w", ref, err)
	}
	return nil
}

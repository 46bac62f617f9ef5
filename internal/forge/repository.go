package forge

import (
	"context"
	"crypto/sha1" //nolint:gosec // git's own name of a blob, not a protection
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/google/go-github/v60/github"

	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

type repository struct {
	ID            int64   `json:"id"`
	Name          string  `json:"name"`
	Owner         account `json:"owner"`
	DefaultBranch string  `json:"default_branch"`
}

func (f *Forge) repository(ctx context.Context, installation int64, repo identity.Repo) (repository, error) {
	s, err := f.at(installation, repo, seeRepo)
	if err != nil {
		return repository{}, err
	}
	var r repository
	if _, err := send(ctx, s.gh, http.MethodGet, repoPath(repo), nil, &r); err != nil {
		return repository{}, unwrapURL(err)
	}
	if repo.ID != 0 && r.ID != repo.ID {
		return repository{}, fmt.Errorf("another repository has taken its name: %w", workflow.ErrNotFound)
	}
	return r, nil
}

// Default implements workflow.Repositories.
func (f *Forge) Default(ctx context.Context, at workflow.Place) (workflow.Branch, error) {
	doing := "read the default branch of " + at.Repo.String()
	r, err := f.repository(ctx, at.Installation, at.Repo)
	if err != nil {
		return workflow.Branch{}, fail(doing, err)
	}
	sha, err := f.Tip(ctx, at, r.DefaultBranch)
	if err != nil {
		return workflow.Branch{}, err
	}
	return workflow.Branch{Name: r.DefaultBranch, SHA: sha}, nil
}

// Tip implements workflow.Repositories.
// https://docs.github.com/en/rest/git/refs#get-a-reference
func (f *Forge) Tip(ctx context.Context, at workflow.Place, branch string) (string, error) {
	doing := "read branch " + branch + " of " + at.Repo.String()
	s, err := f.at(at.Installation, at.Repo, readFiles)
	if err != nil {
		return "", fail(doing, err)
	}
	if branch == "" {
		return "", fail(doing, fmt.Errorf("it has no name: %w", workflow.ErrNotFound))
	}
	ref, _, err := s.gh.Git.GetRef(ctx, at.Repo.Owner, at.Repo.Name, "heads/"+branch)
	if err != nil {
		return "", fail(doing, err)
	}
	return ref.GetObject().GetSHA(), nil
}

var isHash = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// File implements workflow.Repositories. It walks git's trees rather than ask for the contents of a path, since GitHub
// follows a symlink there without saying so: what a symlink shows is owned by the owners of another path. Trees and
// blobs are named by their content, so those known already are not asked for again.
// https://docs.github.com/en/rest/git/trees#get-a-tree
func (f *Forge) File(ctx context.Context, at workflow.Place, ref, path string) (workflow.File, error) {
	doing := fmt.Sprintf("read %s of %s at %s", path, at.Repo, ref)
	s, err := f.at(at.Installation, at.Repo, readFiles)
	if err != nil {
		return workflow.File{}, fail(doing, err)
	}
	commit := ref
	if !isHash.MatchString(ref) {
		if commit, err = f.Tip(ctx, at, ref); err != nil {
			return workflow.File{}, fail(doing, err)
		}
	}
	sha, err := f.blobAt(ctx, s, at.Repo, commit, path)
	if err != nil {
		return workflow.File{}, fail(doing, err)
	}
	data, err := f.blob(ctx, s, at.Repo, sha)
	if err != nil {
		return workflow.File{}, fail(doing, err)
	}
	return workflow.File{Path: path, SHA: sha, Data: data}, nil
}

// blobAt finds the blob of a regular file.
func (f *Forge) blobAt(ctx context.Context, s *session, repo identity.Repo, commit, path string) (string, error) {
	tree, names := commit, strings.Split(path, "/")
	for i, name := range names {
		t, _, err := s.gh.Git.GetTree(ctx, repo.Owner, repo.Name, tree, false)
		if err != nil {
			return "", unwrapURL(err)
		}
		found := false
		for _, e := range t.Entries {
			if e.GetPath() != name {
				continue
			}
			if last := i == len(names)-1; last && !regular(e.GetMode()) || !last && e.GetType() != "tree" {
				return "", fmt.Errorf("%s has mode %s: %w", strings.Join(names[:i+1], "/"), e.GetMode(), workflow.ErrNotFound)
			}
			tree, found = e.GetSHA(), true
		}
		if !found && t.GetTruncated() {
			return "", fmt.Errorf("GitHub lists only a part of the directory of %s", name)
		}
		if !found {
			return "", fmt.Errorf("there is no %s: %w", strings.Join(names[:i+1], "/"), workflow.ErrNotFound)
		}
	}
	return tree, nil
}

// regular says whether a mode is a file's; 120000 is a symlink, 160000 a submodule.
func regular(mode string) bool { return mode == "100644" || mode == "100755" }

// blob reads a blob and checks that it is the one that was asked for.
// https://docs.github.com/en/rest/git/blobs#get-a-blob
func (f *Forge) blob(ctx context.Context, s *session, repo identity.Repo, sha string) ([]byte, error) {
	b, _, err := s.gh.Git.GetBlob(ctx, repo.Owner, repo.Name, sha)
	if err != nil {
		return nil, unwrapURL(err)
	}
	data := []byte(b.GetContent())
	if b.GetEncoding() == "base64" {
		if data, err = base64.StdEncoding.DecodeString(b.GetContent()); err != nil {
			return nil, fmt.Errorf("decode blob %s: %w", sha, err)
		}
	}
	if got := blobName(data, len(sha)); got != sha {
		return nil, fmt.Errorf("GitHub gave other content than blob %s", sha)
	}
	return data, nil
}

// blobName is git's name of a blob, by SHA-256 where names have 64 digits.
// https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
func blobName(data []byte, digits int) string {
	h := sha1.New() //nolint:gosec // see the import
	if digits == 64 {
		h = sha256.New()
	}
	fmt.Fprintf(h, "blob %d\x00", len(data))
	h.Write(data)
	return hex.EncodeToString(h.Sum(nil))
}

// CodeownersErrors implements workflow.Codeowners. GitHub answers 404 for a repository without the file.
// https://docs.github.com/en/rest/repos/repos#list-codeowners-errors
func (f *Forge) CodeownersErrors(ctx context.Context, at workflow.Place, ref string) ([]workflow.OwnersError, error) {
	doing := "read the CODEOWNERS errors of " + at.Repo.String()
	s, err := f.at(at.Installation, at.Repo, readFiles)
	if err != nil {
		return nil, fail(doing, err)
	}
	all, _, err := s.gh.Repositories.GetCodeownersErrors(ctx, at.Repo.Owner, at.Repo.Name, &github.GetCodeownersErrorsOptions{Ref: ref})
	if err != nil {
		if err = fail(doing, err); errors.Is(err, workflow.ErrNotFound) {
			return nil, nil
		}
		return nil, err
	}
	out := make([]workflow.OwnersError, 0, len(all.Errors))
	for _, e := range all.Errors {
		out = append(out, workflow.OwnersError{Path: e.Path, Line: e.Line, Column: e.Column, Kind: e.Kind, Source: e.Source, Message: e.Message})
	}
	return out, nil
}

// Tree implements workflow.Repositories. A commit never changes its tree, so each is asked once.
// https://docs.github.com/en/rest/git/commits#get-a-commit-object
func (f *Forge) Tree(ctx context.Context, at workflow.Place, commit string) (string, error) {
	doing := fmt.Sprintf("read the tree of %s at %s", at.Repo, commit)
	if !isHash.MatchString(commit) {
		return "", fail(doing, fmt.Errorf("%q is not a commit: %w", commit, workflow.ErrNotFound))
	}
	key := fmt.Sprintf("%d/%s@%s", at.Installation, strings.ToLower(at.Repo.String()), commit)
	if tree, ok := f.trees.get(key); ok {
		return tree, nil
	}
	s, err := f.at(at.Installation, at.Repo, readFiles)
	if err != nil {
		return "", fail(doing, err)
	}
	var c struct {
		Tree struct {
			SHA string `json:"sha"`
		} `json:"tree"`
	}
	if _, err := send(ctx, s.gh, http.MethodGet, repoPath(at.Repo)+"/git/commits/"+commit, nil, &c); err != nil {
		return "", fail(doing, err)
	}
	if !isHash.MatchString(c.Tree.SHA) {
		return "", fail(doing, fmt.Errorf("GitHub answers with the tree %q", c.Tree.SHA))
	}
	f.trees.put(key, c.Tree.SHA)
	return c.Tree.SHA, nil
}

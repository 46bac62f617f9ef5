package pages

import (
	"bytes"
	"cmp"
	"errors"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/keyreeve/keyreeve/internal/hub"
	"github.com/keyreeve/keyreeve/internal/hub/githost"
)

// maxBlob is how much of a file a page shows, in bytes.
const maxBlob = 512 << 10

// crumb is one part of a path with its address.
type crumb struct{ Name, Path string }

// codeData is a folder of a repository.
type codeData struct {
	Branch   string
	Branches []string
	Dir      string // "" for the root
	Crumbs   []crumb
	Up       string // the address of the folder above, "" at the root
	Entries  []codeEntry
	Last     *githost.Commit // on the branch
	Commits  int
	Readme   string // text of README.md in this folder
}

type codeEntry struct{ Name, Type, Path string }

func (s *server) code(r *request) (*page, error) {
	d := codeData{Branch: r.repo.DefaultBranch, Branches: branches(r.repo)}
	if rest := r.PathValue("rest"); rest != "" {
		d.Branch, d.Dir = splitBranch(r.repo, rest)
	}
	p := &page{Template: "code", Title: r.repo.FullName, Tab: "code", Live: true}
	if r.git == nil || !slices.Contains(d.Branches, d.Branch) && r.PathValue("rest") == "" {
		p.Data = d // an empty repository
		return p, nil
	}
	if err := d.read(r); err != nil {
		return nil, err
	}
	p.Data = d
	return p, nil
}

// read lists the folder.
func (d *codeData) read(r *request) error {
	folder, _, err := r.git.File(d.Branch, d.Dir)
	if err != nil {
		return err
	}
	if folder.Type != "tree" {
		return errNotFound
	}
	entries, err := r.git.ReadTree(folder.SHA, false)
	if err != nil {
		return err
	}
	d.Crumbs = crumbs(r, "tree", d.Branch, d.Dir)
	if d.Dir != "" {
		d.Up = r.path("tree", pathURL(path.Join(d.Branch, path.Dir(d.Dir))))
	}
	for _, e := range entries {
		verb := "blob"
		if e.Type == "tree" {
			verb = "tree"
		}
		d.Entries = append(d.Entries, codeEntry{Name: e.Path, Type: e.Type, Path: r.path(verb, pathURL(path.Join(d.Branch, d.Dir, e.Path)))})
		if strings.EqualFold(e.Path, "README.md") && e.Size <= maxBlob {
			data, err := r.git.ReadBlob(e.SHA)
			if err != nil {
				return err
			}
			d.Readme = string(data)
		}
	}
	slices.SortStableFunc(d.Entries, func(a, b codeEntry) int { // folders first
		return cmp.Compare(map[bool]int{true: 0, false: 1}[a.Type == "tree"], map[bool]int{true: 0, false: 1}[b.Type == "tree"])
	})
	log, err := r.git.Log(d.Branch, "", "", 1000)
	if err != nil {
		return err
	}
	if d.Commits = len(log); d.Commits > 0 {
		d.Last = &log[0]
	}
	return nil
}

// blobData is one file.
type blobData struct {
	Branch string
	Crumbs []crumb
	Name   string
	Size   int64
	Lines  []string
	Source string // markdown to be rendered, "" for all else
	Plain  string // the query of the other view of a markdown file
	Why    string // why there is nothing to show
}

func (s *server) blob(r *request) (*page, error) {
	if r.git == nil {
		return nil, errNotFound
	}
	branch, file := splitBranch(r.repo, r.PathValue("rest"))
	e, data, err := r.git.File(branch, file)
	if err != nil {
		return nil, err
	}
	switch e.Type {
	case "tree":
		return &page{Redirect: r.path("tree", pathURL(path.Join(branch, file)))}, nil
	case "commit":
		return nil, errNotFound
	}
	d := blobData{Branch: branch, Crumbs: crumbs(r, "tree", branch, file), Name: path.Base(file), Size: e.Size}
	switch {
	case len(data) > maxBlob:
		d.Why = "This file is too large to be shown."
	case !utf8.Valid(data) || bytes.ContainsRune(data, 0):
		d.Why = "This file is binary."
	case strings.HasSuffix(strings.ToLower(file), ".md") && r.URL.Query().Get("plain") != "1":
		d.Source, d.Plain = string(data), "?plain=1"
	default:
		d.Lines = strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	}
	return &page{Template: "blob", Title: file + " · " + r.repo.FullName, Tab: "code", Data: d}, nil
}

// commitData is one commit with its difference from its first parent.
type commitData struct {
	Commit         githost.Commit
	Files          []fileDiff
	Added, Deleted int
	Checks         []hub.CheckRun
}

func (s *server) commit(r *request) (*page, error) {
	if r.git == nil {
		return nil, errNotFound
	}
	sha, err := r.git.Resolve(r.PathValue("sha"))
	if err != nil {
		return nil, err
	}
	c, err := r.git.ReadCommit(sha)
	if err != nil {
		return nil, err
	}
	base := ""
	if len(c.Parents) > 0 {
		base = c.Parents[0]
	}
	changes, err := r.git.Diff(base, sha)
	if err != nil && !errors.Is(err, githost.ErrNotFound) {
		return nil, err
	}
	d := commitData{Commit: c, Checks: latestChecks(r.repo.CheckRuns, sha)}
	d.Files, d.Added, d.Deleted = diffOf(changes)
	return &page{Template: "commit", Title: firstLine(c.Message) + " · " + r.repo.FullName, Tab: "code", Data: d}, nil
}

const branchSpace = "refs/heads/"

func branches(repo *hub.Repo) []string {
	var list []string
	for _, ref := range repo.Refs {
		if name, ok := strings.CutPrefix(ref.Name, branchSpace); ok {
			list = append(list, name)
		}
	}
	return list
}

// splitBranch cuts "feature/x/docs/a.md" where the longest branch ends; without
// one the first part is a revision.
func splitBranch(repo *hub.Repo, rest string) (branch, file string) {
	rest = strings.Trim(rest, "/")
	for _, name := range branches(repo) {
		if (rest == name || strings.HasPrefix(rest, name+"/")) && len(name) > len(branch) {
			branch = name
		}
	}
	if branch == "" {
		branch, _, _ = strings.Cut(rest, "/")
	}
	return branch, strings.Trim(strings.TrimPrefix(rest, branch), "/")
}

// crumbs lead from the root to a path.
func crumbs(r *request, verb, branch, file string) []crumb {
	list := []crumb{{Name: r.repo.Name, Path: r.path(verb, pathURL(branch))}}
	so := branch
	for part := range strings.SplitSeq(file, "/") {
		if part == "" {
			break
		}
		so = path.Join(so, part)
		list = append(list, crumb{Name: part, Path: r.path(verb, pathURL(so))})
	}
	return list
}

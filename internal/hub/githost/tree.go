package githost

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Entry is one line of a tree: the path from the tree that was read, the mode
// as six octal digits (100644, 100755, 120000, 040000, 160000), the type
// (blob, tree or commit), the object id and, for a blob, its size in bytes.
type Entry struct {
	Path, Mode, Type, SHA string
	Size                  int64
}

// kindOfMode names the types of the five modes that GitHub accepts.
var kindOfMode = map[string]string{
	"100644": "blob", "100755": "blob", "120000": "blob", "040000": "tree", "160000": "commit",
}

// ReadTree lists the tree that sha (a tree, or a commit) names, with all below
// it, folders included, when recursive. ErrNotFound when there is none.
func (r *Repo) ReadTree(sha string, recursive bool) ([]Entry, error) {
	if !validSHA(sha) {
		return nil, fmt.Errorf("read tree %q: %w", sha, ErrNotFound)
	}
	args := []string{"ls-tree", "-z", "-l", "--full-tree"}
	if recursive {
		args = append(args, "-r", "-t")
	}
	out, err := r.git(nil, append(args, sha)...)
	if status, complaint := exited(err); status == 128 && (strings.Contains(complaint, "not a tree") || strings.Contains(complaint, "Not a valid object")) {
		return nil, fmt.Errorf("read tree %s: %w", sha, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("read tree %s: %w", sha, err)
	}
	return parseLsTree(out)
}

// parseLsTree reads `ls-tree -z -l`: "<mode> <type> <sha> <size>\t<path>\0".
func parseLsTree(out []byte) ([]Entry, error) {
	entries := []Entry{}
	for line := range strings.SplitSeq(string(out), "\x00") {
		if line == "" {
			continue
		}
		meta, name, ok := strings.Cut(line, "\t")
		f := strings.Fields(meta)
		if !ok || len(f) != 4 {
			return nil, fmt.Errorf("git ls-tree: line %.80q", line)
		}
		e := Entry{Path: name, Mode: f[0], Type: f[1], SHA: f[2]}
		if f[3] != "-" {
			size, err := strconv.ParseInt(f[3], 10, 64)
			if err != nil {
				return nil, fmt.Errorf("git ls-tree: line %.80q: %w", line, err)
			}
			e.Size = size
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// WriteTree stores the base tree ("" for an empty one) with the entries put
// over it and returns the new tree's id. Paths may be nested; an entry without
// SHA removes its path (a folder with all below it); an entry of mode 040000
// replaces a folder as a whole. ErrInvalid for a bad path or mode, ErrNotFound
// when the base or an object does not exist.
func (r *Repo) WriteTree(base string, entries []Entry) (string, error) {
	lines, err := r.indexLines(base, entries)
	if err != nil {
		return "", fmt.Errorf("write tree on %q: %w", base, err)
	}
	index, err := r.tempIndex()
	if err != nil {
		return "", fmt.Errorf("write tree: %w", err)
	}
	defer os.Remove(index)
	run := func(stdin []byte, args ...string) ([]byte, error) {
		return r.host.run(context.Background(), command{
			args: args, repo: r.Path(), stdin: bytes.NewReader(stdin), env: []string{"GIT_INDEX_FILE=" + index},
		})
	}
	if _, err := run(lines, "update-index", "-z", "--index-info"); err != nil {
		return "", fmt.Errorf("write tree: %w", err)
	}
	out, err := run(nil, "write-tree")
	if err != nil {
		return "", fmt.Errorf("write tree: %w", err)
	}
	sha, err := readSHA("write-tree", out)
	if err != nil {
		return "", fmt.Errorf("write tree: %w", err)
	}
	return sha, nil
}

// tempIndex names a file that does not exist yet: git refuses an empty index.
func (r *Repo) tempIndex() (string, error) {
	f, err := os.CreateTemp(filepath.Join(r.host.dir, tmpDir), "index-*")
	if err != nil {
		return "", err
	}
	name := f.Name()
	if err := f.Close(); err != nil {
		return "", err
	}
	return name, os.Remove(name)
}

// indexLines gives the whole wanted index in the form of `update-index
// --index-info`: base, overlaid by entries, folders resolved to their files.
func (r *Repo) indexLines(base string, entries []Entry) ([]byte, error) {
	files := map[string]Entry{}
	if base != "" {
		all, err := r.ReadTree(base, true)
		if err != nil {
			return nil, err
		}
		overlay(files, "", all)
	}
	if err := r.checkEntries(entries); err != nil {
		return nil, err
	}
	for _, e := range entries {
		remove(files, e.Path)
		switch {
		case e.SHA == "":
		case e.Mode == "040000":
			below, err := r.ReadTree(e.SHA, true)
			if err != nil {
				return nil, err
			}
			overlay(files, e.Path+"/", below)
		default:
			files[e.Path] = e
		}
	}
	var b bytes.Buffer
	for _, p := range sortedKeys(files) {
		fmt.Fprintf(&b, "%s %s\t%s\x00", files[p].Mode, files[p].SHA, p)
	}
	return b.Bytes(), nil
}

// checkEntries checks paths and modes, and in one process that every object
// exists with the type that its mode says.
func (r *Repo) checkEntries(entries []Entry) error {
	var named []Entry
	var shas []string
	for _, e := range entries {
		if !validPath(e.Path) || e.SHA != "" && (kindOfMode[e.Mode] == "" || !validSHA(e.SHA)) {
			return fmt.Errorf("entry %q %s %q: %w", e.Path, e.Mode, e.SHA, ErrInvalid)
		}
		if e.SHA != "" && e.Mode != "160000" { // a submodule's commit lives elsewhere
			named, shas = append(named, e), append(shas, e.SHA)
		}
	}
	got, err := r.check(shas...)
	if err != nil {
		return err
	}
	for i, o := range got {
		if o.kind == "" {
			return fmt.Errorf("entry %q: object %s: %w", named[i].Path, shas[i], ErrNotFound)
		}
		if o.kind != kindOfMode[named[i].Mode] {
			return fmt.Errorf("entry %q: %s is a %s, not mode %s: %w", named[i].Path, shas[i], o.kind, named[i].Mode, ErrInvalid)
		}
	}
	return nil
}

// overlay adds the files among entries, their paths below prefix.
func overlay(files map[string]Entry, prefix string, entries []Entry) {
	for _, e := range entries {
		if e.Type != "tree" {
			files[prefix+e.Path] = e
		}
	}
}

// remove takes a path away, with everything below it and, since a file cannot
// be a folder, any file that is one of its parents.
func remove(files map[string]Entry, p string) {
	delete(files, p)
	for other := range files {
		if strings.HasPrefix(other, p+"/") {
			delete(files, other)
		}
	}
	for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
		delete(files, dir)
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// parseRawTree reads a tree object: "<mode> <name>\0<20 bytes>" repeated.
func parseRawTree(data []byte) ([]Entry, error) {
	var entries []Entry
	for len(data) > 0 {
		head, rest, ok := bytes.Cut(data, []byte{0})
		mode, name, spaced := strings.Cut(string(head), " ")
		if !ok || !spaced || len(rest) < 20 {
			return nil, fmt.Errorf("tree object: cut short after %d entries", len(entries))
		}
		if len(mode) == 5 {
			mode = "0" + mode
		}
		kind := kindOfMode[mode]
		if kind == "" {
			kind = "blob" // 100664 of old histories
		}
		entries = append(entries, Entry{Path: name, Mode: mode, Type: kind, SHA: hex.EncodeToString(rest[:20])})
		data = rest[20:]
	}
	return entries, nil
}

// File reads one path at a revision, in one process. A folder ("" is the root)
// gives Type tree and nil data, a submodule Type commit and nil data.
// ErrNotFound when the revision or the path does not exist.
func (r *Repo) File(rev, file string) (Entry, []byte, error) {
	file = strings.Trim(file, "/")
	if file != "" && !validPath(file) {
		return Entry{}, nil, fmt.Errorf("read %q at %s: %w", file, rev, ErrNotFound)
	}
	dir := path.Dir(file)
	if dir == "." {
		dir = ""
	}
	var names []string
	for _, c := range candidates(rev) {
		names = append(names, c+"^{commit}", c+"^{commit}:"+dir, c+"^{commit}:"+file)
	}
	got, err := r.batch(names...)
	if err != nil {
		return Entry{}, nil, fmt.Errorf("read %s at %s: %w", file, rev, err)
	}
	for i := 0; i < len(got); i += 3 {
		commit, folder, found := got[i], got[i+1], got[i+2]
		if commit.sha == "" {
			continue
		}
		if file == "" {
			return Entry{Mode: "040000", Type: "tree", SHA: found.sha}, nil, nil
		}
		if folder.kind != "tree" {
			break
		}
		return entryIn(folder.data, file, found)
	}
	return Entry{}, nil, fmt.Errorf("read %s at %s: %w", file, rev, ErrNotFound)
}

// entryIn completes what was found at file with the mode that its folder says.
func entryIn(folder []byte, file string, found object) (Entry, []byte, error) {
	entries, err := parseRawTree(folder)
	if err != nil {
		return Entry{}, nil, fmt.Errorf("read %s: %w", file, err)
	}
	for _, e := range entries {
		if e.Path != path.Base(file) {
			continue
		}
		e.Path = file
		if e.Type == "blob" {
			e.Size = found.size
			return e, found.data, nil
		}
		return e, nil, nil
	}
	return Entry{}, nil, fmt.Errorf("read %s: %w", file, ErrNotFound)
}

package gitobj

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ErrNotRepository is returned (wrapped) for a folder that is no git repository.
var ErrNotRepository = errors.New("not a git repository")

// ErrNotFound is returned (wrapped) for an object that is in none of the stores.
var ErrNotFound = errors.New("the object is missing")

// ErrCorrupt is returned (wrapped) for data that is not what its format promises.
var ErrCorrupt = errors.New("corrupt")

// Type is the type of an object.
type Type byte

// The types, by their number in a pack.
const (
	Commit Type = 1
	Tree   Type = 2
	Blob   Type = 3
	Tag    Type = 4
)

func (t Type) String() string {
	switch t {
	case Commit:
		return "commit"
	case Tree:
		return "tree"
	case Blob:
		return "blob"
	case Tag:
		return "tag"
	}
	return "object"
}

// ID names an object: 20 bytes of SHA-1, or 32 of SHA-256 (the rest is zero for SHA-1). It is comparable.
type ID [32]byte

// Gap is something that could not be read, and is not to be passed over in silence.
type Gap struct {
	Subject string // a file or an object
	What    string
}

// Repo is an open repository. Its methods may be called concurrently.
type Repo struct {
	Dir    string // the git directory
	Hash   int    // 20 or 32: bytes in an object's name
	Gaps   []Gap  // what Open could not take in
	common string // where refs and objects are: another folder for a linked work tree
	stores []store
}

// store is one objects folder.
type store struct {
	dir   string
	packs []*pack
}

// maxAlternates bounds how many other stores a repository may lead to.
const maxAlternates = 64

// Open opens the repository of a work tree, or a bare one. Packs are mapped into memory until Close.
// A path that is no repository gives ErrNotRepository. What of the repository can't be read is in Gaps.
func Open(path string) (*Repo, error) {
	dir, err := gitDir(path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	r := &Repo{Dir: dir, Hash: 20, common: dir}
	if b, err := os.ReadFile(filepath.Join(dir, "commondir")); err == nil {
		r.common = resolve(dir, strings.TrimSpace(string(b)))
	}
	if err := r.readConfig(); err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	if err := r.openStores(filepath.Join(r.common, "objects")); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), r.Close())
	}
	if _, err := os.Stat(filepath.Join(r.common, "shallow")); err == nil {
		r.gap("shallow", "the history is cut off: this is a shallow clone")
	}
	return r, nil
}

// gitDir finds the git directory of a path: the path itself, its .git folder, or the folder that its .git file names.
func gitDir(path string) (string, error) {
	for _, dir := range []string{filepath.Join(path, ".git"), path} {
		info, err := os.Stat(dir)
		if err != nil {
			continue
		}
		if !info.IsDir() {
			b, err := os.ReadFile(dir)
			if err != nil {
				return "", err
			}
			to, ok := strings.CutPrefix(strings.TrimSpace(string(b)), "gitdir: ")
			if !ok {
				continue
			}
			dir = resolve(path, to)
		}
		if _, err := os.Stat(filepath.Join(dir, "HEAD")); err == nil {
			return dir, nil
		}
	}
	if _, err := os.Stat(path); err != nil {
		return "", err
	}
	return "", ErrNotRepository
}

func resolve(from, to string) string {
	if filepath.IsAbs(to) {
		return filepath.Clean(to)
	}
	return filepath.Join(from, to)
}

// readConfig reads the two extensions that change how objects are read; a config that is not there has none.
// https://git-scm.com/docs/git-config#Documentation/git-config.txt-extensions
func (r *Repo) readConfig() error {
	b, err := os.ReadFile(filepath.Join(r.common, "config"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	section := ""
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		line := strings.ToLower(strings.TrimSpace(s.Text()))
		if strings.HasPrefix(line, "[") {
			section = strings.Trim(line, "[] ")
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		key, value = strings.TrimSpace(key), strings.Trim(strings.TrimSpace(value), `"`)
		switch {
		case section != "extensions":
		case key == "objectformat" && value == "sha256":
			r.Hash = 32
		case key == "objectformat" && value != "sha1":
			return fmt.Errorf("object format %q: %w", value, errors.ErrUnsupported)
		case key == "partialclone":
			r.gap("config", "this is a partial clone: objects that were not fetched are not searched")
		case key == "refstorage" && value != "files":
			r.gap("config", "refs are kept as "+value+", which is not read: branches are not known")
		}
	}
	return nil
}

// openStores opens an objects folder and those that it borrows from, each once.
func (r *Repo) openStores(dir string) error {
	queue, seen := []string{filepath.Clean(dir)}, map[string]bool{}
	for len(queue) > 0 {
		dir, queue = queue[0], queue[1:]
		if seen[dir] {
			continue
		}
		if seen[dir] = true; len(seen) > maxAlternates {
			r.gap(dir, "more alternates than are followed")
			return nil
		}
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			if len(r.stores) == 0 {
				return fmt.Errorf("%s: %w", dir, ErrNotRepository)
			}
			r.gap(dir, "the alternate object store is missing")
			continue
		}
		r.stores = append(r.stores, store{dir: dir, packs: r.openPacks(dir)})
		b, err := os.ReadFile(filepath.Join(dir, "info", "alternates"))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(b)) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
				queue = append(queue, resolve(dir, line))
			}
		}
	}
	return nil
}

func (r *Repo) openPacks(dir string) (packs []*pack) {
	names, err := filepath.Glob(filepath.Join(dir, "pack", "*.pack"))
	if err != nil {
		return nil // the pattern is a constant
	}
	for _, name := range names {
		p, err := openPack(name, r.Hash)
		if err != nil {
			r.gap(filepath.Base(name), err.Error())
			continue
		}
		packs = append(packs, p)
	}
	return packs
}

func (r *Repo) gap(subject, what string) { r.Gaps = append(r.Gaps, Gap{Subject: subject, What: what}) }

// Close lets go of the packs.
func (r *Repo) Close() error {
	var all []error
	for _, s := range r.stores {
		for _, p := range s.packs {
			all = append(all, p.close())
		}
	}
	return errors.Join(all...)
}

// Name writes an id in hex.
func (r *Repo) Name(id ID) string { return hex.EncodeToString(id[:r.Hash]) }

// ParseID reads an id in hex.
func (r *Repo) ParseID(s string) (id ID, err error) {
	if len(s) != 2*r.Hash {
		return id, fmt.Errorf("%q is no object's name", s)
	}
	_, err = hex.Decode(id[:], []byte(s))
	return id, err
}

func (r *Repo) id(b []byte) (id ID) {
	copy(id[:], b[:r.Hash])
	return id
}

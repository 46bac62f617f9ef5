package gitobj

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Ref is a name that leads to an object.
type Ref struct {
	Name string // "refs/heads/main", "HEAD", "refs/stash@{1}"
	ID   ID
}

// Refs lists all refs, the heads of linked work trees and the stashes beneath the newest one included, sorted by name. A
// name that leads nowhere is a Gap.
// https://git-scm.com/docs/gitrepository-layout
func (r *Repo) Refs() ([]Ref, []Gap, error) {
	all := map[string]ID{}
	var gaps []Gap
	if err := r.packedRefs(all); err != nil {
		return nil, nil, err
	}
	symbolic := map[string]string{}
	for _, dir := range slices.Compact([]string{r.common, r.Dir}) {
		if err := r.looseRefs(dir, all, symbolic); err != nil {
			return nil, nil, err
		}
	}
	for name, to := range symbolic {
		for range 5 { // a name may lead to another one
			if next, ok := symbolic[to]; ok {
				to = next
			}
		}
		id, ok := all[to]
		switch {
		case ok:
			all[name] = id
		case name != "HEAD": // an empty repository's HEAD leads to a branch that is not there yet
			gaps = append(gaps, Gap{Subject: name, What: "it leads to " + to + ", which is not there"})
		}
	}
	r.stashes(all)
	out := make([]Ref, 0, len(all))
	for name, id := range all {
		out = append(out, Ref{name, id})
	}
	slices.SortFunc(out, func(a, b Ref) int { return strings.Compare(a.Name, b.Name) })
	return out, gaps, nil
}

func (r *Repo) packedRefs(all map[string]ID) error {
	b, err := os.ReadFile(filepath.Join(r.common, "packed-refs"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(b)) {
		name, ref, ok := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		if !ok || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "^") {
			continue
		}
		id, err := r.ParseID(name)
		if err != nil {
			return fmt.Errorf("packed-refs: %w: %w", ErrCorrupt, err)
		}
		all[ref] = id
	}
	return nil
}

// looseRefs reads the refs that have a file of their own, which come before packed ones, and the heads.
func (r *Repo) looseRefs(dir string, all map[string]ID, symbolic map[string]string) error {
	read := func(name, path string) {
		b, err := os.ReadFile(path)
		if err != nil || len(b) > 4096 {
			return
		}
		text := strings.TrimSpace(string(b))
		if to, ok := strings.CutPrefix(text, "ref: "); ok {
			symbolic[name] = to
			return
		}
		if id, err := r.ParseID(text); err == nil {
			all[name] = id
		}
	}
	for _, name := range []string{"HEAD", "ORIG_HEAD", "FETCH_HEAD", "MERGE_HEAD", "CHERRY_PICK_HEAD"} {
		if name != "FETCH_HEAD" { // a list of its own form, all of which is in refs as well or goes with the next fetch
			read(name, filepath.Join(dir, name))
		}
	}
	others, err := filepath.Glob(filepath.Join(dir, "worktrees", "*", "HEAD"))
	if err == nil {
		for _, head := range others {
			read("worktrees/"+filepath.Base(filepath.Dir(head))+"/HEAD", head)
		}
	}
	root := filepath.Join(dir, "refs")
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if d.Type().IsRegular() && !strings.HasSuffix(path, ".lock") {
			name, err := filepath.Rel(dir, path)
			if err != nil {
				return err
			}
			read(filepath.ToSlash(name), path)
		}
		return nil
	})
}

// stashes adds the stashes beneath the newest one, of which only the reflog knows.
func (r *Repo) stashes(all map[string]ID) {
	b, err := os.ReadFile(filepath.Join(r.common, "logs", "refs", "stash"))
	if err != nil {
		return
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	for i, line := range lines {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		if id, err := r.ParseID(fields[1]); err == nil && i < len(lines)-1 {
			all[fmt.Sprintf("refs/stash@{%d}", len(lines)-1-i)] = id
		}
	}
}

package scanners

import (
	"cmp"
	"context"
	neturl "net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/keyreeve/keyreeve/scanners/gitobj"
)

// commit is what attribution needs of a commit.
type commit struct {
	id, tree  gitobj.ID
	parents   []gitobj.ID
	author    string
	at        time.Time
	reachable bool // from a ref
	notes     bool // from a ref of notes and no other
}

// history is all commits of a repository, and of its trees those that lead to a hit.
type history struct {
	*search
	mu      sync.Mutex
	commits map[gitobj.ID]*commit
	tags    map[gitobj.ID]gitobj.ID // what annotated tags point at

	place   map[gitobj.ID]int32 // of trees, by the order in which they were seen
	parents [][2]int32          // of folders: the folder, and the tree that has it
	start   map[int32]bool      // trees that hold a hit themselves

	inside map[gitobj.ID][]child // of each tree on the way to a hit: what leads there, by name
}

// child is an entry of a tree that is a hit, or leads to one.
type child struct {
	name string
	id   gitobj.ID
	tree bool
	hits []hit // in the name
}

func newHistory(s *search) *history {
	return &history{
		search: s, commits: map[gitobj.ID]*commit{}, tags: map[gitobj.ID]gitobj.ID{}, place: map[gitobj.ID]int32{},
		start: map[int32]bool{}, inside: map[gitobj.ID][]child{},
	}
}

// history reads all commits and trees, in two passes in the order of the pack: the first finds which trees lead to a hit,
// the second the names on the way. Trees are many and a random read of one is dear.
func (s *search) history(ctx context.Context) (*history, error) {
	h := newHistory(s)
	skip := func(t gitobj.Type) bool { return t == gitobj.Blob }
	_, err := s.repo.Walk(ctx, gitobj.WalkOptions{Workers: s.o.Workers, Skip: skip}, func(_ int, o *gitobj.Object) error {
		switch o.Type {
		case gitobj.Commit:
			h.commit(o)
		case gitobj.Tag:
			if to, err := s.repo.TagTarget(o.Data); err == nil {
				h.mu.Lock()
				defer h.mu.Unlock()
				h.tags[o.ID] = to
			}
		case gitobj.Tree:
			h.tree(o)
		case gitobj.Blob:
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	leads := h.closure()
	skip = func(t gitobj.Type) bool { return t != gitobj.Tree }
	_, err = s.repo.Walk(ctx, gitobj.WalkOptions{Workers: s.o.Workers, Skip: skip}, func(_ int, o *gitobj.Object) error {
		if leads[h.place[o.ID]] {
			h.names(o, leads)
		}
		return nil
	})
	h.parents = nil
	return h, err
}

func (h *history) commit(o *gitobj.Object) {
	info, err := h.repo.ParseCommit(o.Data)
	if err != nil {
		h.gap(Gap{Subject: h.repo.Name(o.ID), What: err.Error()})
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.commits[o.ID] = &commit{id: o.ID, tree: info.Tree, parents: info.Parents, author: info.Author, at: info.Time}
}

// tree notes a tree, its folders, and whether it holds a hit.
func (h *history) tree(o *gitobj.Object) {
	var folders []gitobj.ID
	hit := len(h.search.names[o.ID]) > 0
	// What can't be read of it was told when its names were looked at.
	_ = h.repo.EachEntry(o.Data, func(mode gitobj.Mode, _ []byte, id gitobj.ID) bool {
		if mode.IsTree() {
			folders = append(folders, id)
		} else if len(h.hits[id]) > 0 && !mode.IsLink() {
			hit = true
		}
		return true
	})
	h.mu.Lock()
	defer h.mu.Unlock()
	at := h.number(o.ID)
	for _, f := range folders {
		h.parents = append(h.parents, [2]int32{h.number(f), at})
	}
	if hit {
		h.start[at] = true
	}
}

func (h *history) number(id gitobj.ID) int32 {
	n, ok := h.place[id]
	if !ok {
		n = int32(len(h.place)) //nolint:gosec // a pack has at most 2^30 objects
		h.place[id] = n
	}
	return n
}

// closure says which trees hold a hit or lead to one that does.
func (h *history) closure() map[int32]bool {
	slices.SortFunc(h.parents, func(a, b [2]int32) int { return cmp.Compare(a[0], b[0]) })
	leads := map[int32]bool{}
	var todo []int32
	for n := range h.start {
		leads[n] = true
		todo = append(todo, n)
	}
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		i, _ := slices.BinarySearchFunc(h.parents, n, func(p [2]int32, n int32) int { return cmp.Compare(p[0], n) })
		for ; i < len(h.parents) && h.parents[i][0] == n; i++ {
			if up := h.parents[i][1]; !leads[up] {
				leads[up] = true
				todo = append(todo, up)
			}
		}
	}
	return leads
}

// names keeps what of a tree is on the way to a hit.
func (h *history) names(o *gitobj.Object, leads map[int32]bool) {
	var inside []child
	for e, err := range h.repo.Entries(o.Data) {
		if err != nil {
			break
		}
		c := child{name: e.Name, id: e.ID, tree: e.Mode.IsTree()}
		for _, n := range h.search.names[o.ID] {
			if n.name == e.Name {
				c.hits = append(c.hits, n.hit)
			}
		}
		n, known := h.place[e.ID]
		if len(c.hits) > 0 || c.tree && known && leads[n] || !c.tree && len(h.hits[e.ID]) > 0 {
			inside = append(inside, c)
		}
	}
	slices.SortFunc(inside, func(a, b child) int { return strings.Compare(a.name, b.name) })
	h.mu.Lock()
	defer h.mu.Unlock()
	h.inside[o.ID] = inside
}

// reach marks the commits that refs lead to.
func (h *history) reach(refs []gitobj.Ref) {
	mark := func(notes bool) {
		var todo []gitobj.ID
		for _, r := range refs {
			if strings.HasPrefix(r.Name, "refs/notes/") == notes {
				todo = append(todo, r.ID)
			}
		}
		for len(todo) > 0 {
			id := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			if to, ok := h.tags[id]; ok {
				todo = append(todo, to)
			}
			if c := h.commits[id]; c != nil && !c.reachable {
				c.reachable, c.notes = true, notes
				todo = append(todo, c.parents...)
			}
		}
	}
	mark(false)
	mark(true)
}

// order lists the commits from the oldest to the newest: each after its parents, and otherwise by time.
func (h *history) order() []*commit {
	waits, children := map[gitobj.ID]int{}, map[gitobj.ID][]*commit{}
	var ready []*commit
	for _, c := range h.commits {
		n := 0
		for _, p := range c.parents {
			if h.commits[p] != nil {
				n++
				children[p] = append(children[p], c)
			}
		}
		if waits[c.id] = n; n == 0 {
			ready = append(ready, c)
		}
	}
	older := func(a, b *commit) int { return cmp.Or(a.at.Compare(b.at), slices.Compare(a.id[:], b.id[:])) }
	slices.SortFunc(ready, older)
	out := make([]*commit, 0, len(h.commits))
	for len(ready) > 0 {
		c := ready[0]
		ready = ready[1:]
		out = append(out, c)
		for _, k := range children[c.id] {
			if waits[k.id]--; waits[k.id] == 0 {
				i, _ := slices.BinarySearchFunc(ready, k, older)
				ready = slices.Insert(ready, i, k)
			}
		}
	}
	return out
}

func itoa(n int) string { return strconv.Itoa(n) }

// escapePath writes a path for a URL.
func escapePath(path string) string { return (&neturl.URL{Path: path}).EscapedPath() }

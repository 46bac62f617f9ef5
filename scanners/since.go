package scanners

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/scanners/gitobj"
)

// increment is a scan of what came since another one.
type increment struct {
	*search
	h      *history
	since  map[gitobj.ID]bool
	fresh  map[gitobj.ID][]child // of new trees: the entries that are new in them
	seen   map[gitobj.ID]bool    // blobs that were looked at
	buffer buffer
	counts gitobj.Counts
}

// mostFresh bounds an increment, in commits: what it reads it reads one by one, and a scan of the whole in the order of its
// packs is faster from about here on.
const mostFresh = 2000

// increment scans what the commits brought that refs lead to and Options.Since does not, and returns these commits as a
// history; nil where they are so many that the whole repository was scanned.
func (s *search) increment(ctx context.Context, refs []gitobj.Ref) (gitobj.Counts, *history, error) {
	n := &increment{
		search: s, h: newHistory(s), since: map[gitobj.ID]bool{}, fresh: map[gitobj.ID][]child{}, seen: map[gitobj.ID]bool{},
	}
	for _, name := range s.o.Since {
		id, err := s.repo.ParseID(name)
		if err != nil {
			return n.counts, nil, fmt.Errorf("the tip of an earlier scan: %w", err)
		}
		n.since[id] = true
	}
	commits, err := n.commits(ctx, refs)
	if err != nil {
		return n.counts, nil, err
	}
	if len(commits) > mostFresh {
		counts, err := s.objects(ctx)
		return counts, nil, err
	}
	for _, c := range commits {
		if err := ctx.Err(); err != nil {
			return n.counts, nil, err
		}
		parents := make([]gitobj.ID, 0, len(c.parents))
		for _, p := range c.parents {
			if known := n.read(p); known != nil {
				parents = append(parents, known.tree)
			}
		}
		n.tree(ctx, c.tree, parents, 0)
	}
	n.ways()
	return n.counts, n.h, nil
}

// get reads an object; one that is not there is a gap, and nil.
func (n *increment) get(id gitobj.ID) (gitobj.Type, []byte) {
	kind, data, err := n.repo.Object(id)
	if err != nil {
		n.gap(Gap{Subject: n.repo.Name(id), What: err.Error()})
		return 0, nil
	}
	return kind, data
}

// scan looks for keys in one object.
func (n *increment) scan(ctx context.Context, id gitobj.ID, kind gitobj.Type, data []byte) {
	n.counts.Objects++
	n.counts.Bytes += int64(len(data))
	n.counts.Fresh += int64(len(data))
	if o := (&gitobj.Object{ID: id, Type: kind, Data: data, All: true}); n.suspicious(o, &n.buffer) {
		n.look(ctx, o)
	}
}

// colored is a commit that is to be visited, and whether an earlier scan had it.
type colored struct {
	*commit
	old bool
}

// byTime is a heap, the newest commit first.
type byTime []colored

func (q byTime) Len() int           { return len(q) }
func (q byTime) Less(i, j int) bool { return q[i].at.After(q[j].at) }
func (q byTime) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *byTime) Push(x any)        { *q = append(*q, x.(colored)) } //nolint:forcetypeassert // heap hands on what was pushed
func (q *byTime) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

// The tips of the earlier scan may be many thousands, and most often each line of new commits ends at one of them: where there
// are more than fewTips, they are read only if patience new commits did not end so.
const (
	fewTips    = 1000
	patience   = 256
	mostColors = 50_000 // commits that are visited, old and new: then what is not known to be old counts as new
)

// commits finds the new commits, and scans them and the tags on the way.
func (n *increment) commits(ctx context.Context, refs []gitobj.Ref) ([]*commit, error) {
	f := &frontier{colors: map[gitobj.ID]bool{}}
	for _, r := range refs {
		if n.since[r.ID] {
			continue
		}
		if id, ok := n.peel(ctx, r.ID); ok && !n.since[id] {
			n.push(f, id, false)
		}
	}
	if err := n.color(ctx, f); err != nil {
		return nil, err
	}
	var out []*commit
	for id, old := range f.colors {
		if old {
			continue
		}
		c := n.read(id)
		n.h.commits[id] = c
		if out = append(out, c); len(out) > mostFresh {
			return out, nil
		}
		if kind, data := n.get(id); data != nil {
			n.scan(ctx, id, kind, data)
		}
	}
	slices.SortFunc(out, func(a, b *commit) int { return slices.Compare(a.id[:], b.id[:]) })
	return out, nil
}

// frontier is a walk from new and old tips at once, the newest commit first, until all that is left is old.
type frontier struct {
	queue  byTime
	colors map[gitobj.ID]bool // visited; true is old
	fresh  int                // new ones in the queue
}

// push visits a commit; one that was new may turn out to be old.
func (n *increment) push(f *frontier, id gitobj.ID, old bool) {
	was, visited := f.colors[id]
	if visited && (was || !old) {
		return
	}
	if c := n.read(id); c != nil {
		f.colors[id] = old
		heap.Push(&f.queue, colored{c, old})
		if !old {
			f.fresh++
		}
	}
}

// color walks the frontier down.
func (n *increment) color(ctx context.Context, f *frontier) error {
	wait := 0
	if len(n.since) > fewTips {
		wait = patience
	}
	for visited := 0; f.fresh > 0 && len(f.colors) < mostColors; visited++ {
		if visited%256 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if visited == wait {
			for id := range n.since {
				if to, ok := n.peel(ctx, id); ok {
					n.push(f, to, true)
				}
			}
		}
		next, _ := heap.Pop(&f.queue).(colored)
		if !next.old {
			f.fresh--
		}
		old := f.colors[next.id]
		for _, p := range next.parents {
			if !n.since[p] || old {
				n.push(f, p, old)
			}
		}
	}
	return nil
}

// read reads a commit; nil is one that is not there, or is none.
func (n *increment) read(id gitobj.ID) *commit {
	kind, data, err := n.repo.Object(id)
	switch {
	case errors.Is(err, gitobj.ErrNotFound) && n.shallow(): // told already
		return nil
	case err != nil:
		n.gap(Gap{Subject: n.repo.Name(id), What: err.Error()})
		return nil
	case kind != gitobj.Commit:
		return nil
	}
	info, err := n.repo.ParseCommit(data)
	if err != nil {
		n.gap(Gap{Subject: n.repo.Name(id), What: err.Error()})
		return nil
	}
	return &commit{id: id, tree: info.Tree, parents: info.Parents, author: info.Author, at: info.Time}
}

func (n *increment) shallow() bool {
	return slices.ContainsFunc(n.repo.Gaps, func(g gitobj.Gap) bool { return g.Subject == "shallow" })
}

// peel follows tags to what they point at, and scans the new ones. ok is false for what is no commit: a new tree or file that
// a ref leads to is scanned by itself.
func (n *increment) peel(ctx context.Context, id gitobj.ID) (to gitobj.ID, ok bool) {
	for range 10 {
		if n.since[id] {
			if kind, _, err := n.repo.Object(id); err != nil || kind == gitobj.Commit {
				return id, err == nil
			}
		}
		kind, data := n.get(id)
		switch kind {
		case gitobj.Commit:
			return id, true
		case gitobj.Tag:
			target, err := n.repo.TagTarget(data)
			if !n.since[id] && n.h.tags[id] != target {
				n.h.tags[id] = target
				n.scan(ctx, id, kind, data)
			}
			if err != nil {
				n.gap(Gap{Subject: n.repo.Name(id), What: err.Error()})
				return id, false
			}
			id = target
		case gitobj.Tree:
			n.tree(ctx, id, nil, 0)
			return id, false
		case gitobj.Blob:
			n.blob(ctx, id)
			return id, false
		default: // it is not there, and told
			return id, false
		}
	}
	n.gap(Gap{Subject: n.repo.Name(id), What: "tags of tags deeper than 10"})
	return id, false
}

// tree scans what is in a tree and in none of the trees at the same path of the parents.
func (n *increment) tree(ctx context.Context, id gitobj.ID, parents []gitobj.ID, depth int) {
	if _, done := n.fresh[id]; done || slices.Contains(parents, id) || depth > maxDepth || ctx.Err() != nil {
		return
	}
	kind, data := n.get(id)
	if kind != gitobj.Tree {
		return
	}
	n.fresh[id] = nil
	n.counts.Objects++
	n.counts.Bytes += int64(len(data))
	old := make([]map[string]gitobj.ID, 0, len(parents))
	for _, p := range parents {
		old = append(old, n.entries(p))
	}
	var fresh []child
	err := n.repo.EachEntry(data, func(mode gitobj.Mode, name []byte, entry gitobj.ID) bool {
		var before []gitobj.ID
		for _, o := range old {
			if was, ok := o[string(name)]; ok {
				before = append(before, was)
			}
		}
		if slices.Contains(before, entry) {
			return true
		}
		if len(before) == 0 {
			n.name(ctx, id, name, entry)
		}
		fresh = append(fresh, child{name: string(name), id: entry, tree: mode.IsTree()})
		if mode.IsTree() {
			n.tree(ctx, entry, before, depth+1)
		} else if !mode.IsLink() {
			n.blob(ctx, entry)
		}
		return true
	})
	if err != nil {
		n.gap(Gap{Subject: n.repo.Name(id), What: err.Error()})
	}
	n.fresh[id] = fresh
}

// blob scans a file once.
func (n *increment) blob(ctx context.Context, id gitobj.ID) {
	if n.seen[id] || n.since[id] {
		return
	}
	n.seen[id] = true
	if kind, data := n.get(id); data != nil {
		n.scan(ctx, id, kind, data)
	}
}

// entries lists a tree of a parent; what is no tree has none.
func (n *increment) entries(id gitobj.ID) map[string]gitobj.ID {
	out := map[string]gitobj.ID{}
	kind, data, err := n.repo.Object(id)
	if err != nil || kind != gitobj.Tree {
		return out // what can't be compared with counts as new
	}
	_ = n.repo.EachEntry(data, func(_ gitobj.Mode, name []byte, entry gitobj.ID) bool { // what comes behind an error is new
		out[string(name)] = entry
		return true
	})
	return out
}

// ways keeps of the new trees what is a hit, or a new tree.
func (n *increment) ways() {
	for id, entries := range n.fresh {
		var inside []child
		for _, c := range entries {
			for _, named := range n.names[id] {
				if named.name == c.name {
					c.hits = append(c.hits, named.hit)
				}
			}
			if _, fresh := n.fresh[c.id]; len(c.hits) > 0 || c.tree && fresh || !c.tree && len(n.hits[c.id]) > 0 {
				inside = append(inside, c)
			}
		}
		slices.SortFunc(inside, func(a, b child) int { return strings.Compare(a.name, b.name) })
		n.h.inside[id] = inside
	}
}

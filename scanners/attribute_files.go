package scanners

import (
	"context"
	"slices"

	"github.com/keyreeve/keyreeve/scanners/gitobj"
)

// The bounds of the search for where a hit came from: entries of trees that are looked at, places that are told apart, and
// folders in each other. A tree of ten entries, each of which is the same tree of ten, has more paths than anybody can list.
const (
	mostSteps  = 50_000_000
	mostPlaces = 100_000
	maxDepth   = 1000
)

// change is what became of one path between a commit and its parent: in each of them a hit, or nil.
type change struct {
	path          string
	before, after *child
}

// files goes through the commits from the oldest to the newest, and looks at what each changed of the paths with a hit. At
// the end it looks at what the last commits of all lines have: a version at the tip of a branch is shown before all.
func (a *attribution) files(ctx context.Context, h *history) error {
	followed := map[gitobj.ID]bool{}
	order := h.order()
	for n, c := range order {
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		parents := 0
		for _, id := range c.parents {
			if p := h.commits[id]; p != nil {
				parents++
				followed[id] = true
				a.compare(h, p.tree, c.tree, func(d change) { a.changed(d, p, c) })
			}
		}
		if parents == 0 {
			a.compare(h, gitobj.ID{}, c.tree, func(d change) { a.changed(d, nil, c) })
		}
	}
	for _, c := range order {
		if tips := a.branches[c.id]; !followed[c.id] || len(tips) > 0 {
			a.compare(h, gitobj.ID{}, c.tree, func(d change) { a.ends(d, c, tips) })
		}
	}
	return nil
}

// compare calls visit for each path with a hit that differs between two trees. The zero tree is empty.
func (a *attribution) compare(h *history, before, after gitobj.ID, visit func(change)) {
	a.descend(h, "", before, after, 0, visit)
	if a.steps < 0 || len(a.found) > mostPlaces {
		a.steps = -1
		a.missed[Gap{Subject: a.o.Name, What: "what was found is in more places than are listed"}] = 1
	}
}

func (a *attribution) descend(h *history, prefix string, before, after gitobj.ID, depth int, visit func(change)) {
	if before == after || a.steps < 0 {
		return
	}
	if depth > maxDepth || len(a.found) > mostPlaces {
		a.steps = -1
		return
	}
	old, now := h.inside[before], h.inside[after]
	a.shown[after] = true
	a.steps -= len(old) + len(now)
	for len(old) > 0 || len(now) > 0 {
		var d change
		if d, old, now = next(prefix, old, now); d.before != nil && d.after != nil && d.before.id == d.after.id && d.before.tree == d.after.tree {
			continue
		}
		visit(d)
		a.descend(h, d.path+"/", folder(d.before), folder(d.after), depth+1, visit)
	}
}

// next takes the next path in the order of names from two lists of entries, of which one may be empty.
func next(prefix string, old, now []child) (d change, restOld, restNow []child) {
	if len(now) == 0 || len(old) > 0 && old[0].name <= now[0].name {
		d.path, d.before, restOld = prefix+old[0].name, &old[0], old[1:]
	} else {
		restOld = old
	}
	if d.before == nil || len(now) > 0 && now[0].name == d.before.name {
		d.path, d.after, restNow = prefix+now[0].name, &now[0], now[1:]
	} else {
		restNow = now
	}
	return d, restOld, restNow
}

// folder is the tree that an entry is; the zero one where it is none.
func folder(c *child) gitobj.ID {
	if c == nil || !c.tree {
		return gitobj.ID{}
	}
	return c.id
}

// version is one place as one commit has it.
type version struct {
	place
	hits []hit
}

// versions lists what is at a path: hits in the file, and in the path's name.
func (a *attribution) versions(path string, e *child, c *commit) (out []version) {
	if e == nil {
		return nil
	}
	where := InBlob
	if c.notes {
		where = InNote
	}
	if !e.tree {
		for _, one := range apart(a.hits[e.id]) {
			out = append(out, version{place{key: one[0].key, class: one[0].class, where: where, path: path}, one})
		}
	}
	for _, one := range apart(e.hits) {
		out = append(out, version{place{key: one[0].key, class: one[0].class, where: InPath, path: path}, one})
	}
	return out
}

// changed takes in what a commit changed at one path. parent is nil for a commit without one.
func (a *attribution) changed(d change, parent, c *commit) {
	now := a.versions(d.path, d.after, c)
	for _, v := range now {
		a.shown[d.after.id] = true
		a.see(v.place, c, d.after.id, v.hits)
	}
	if parent == nil {
		return
	}
	for _, v := range a.versions(d.path, d.before, parent) {
		same := func(n version) bool { return n.place == v.place }
		if at := a.found[v.place]; at != nil && !slices.ContainsFunc(now, same) && (parent.reachable || !at.reachable) {
			at.last = parent
		}
	}
}

// ends takes in what the last commit of a line has at one path. tips are the branches that end with it.
func (a *attribution) ends(d change, c *commit, tips []string) {
	for _, v := range a.versions(d.path, d.after, c) {
		at := a.found[v.place]
		if at == nil || !c.reachable && at.reachable {
			continue
		}
		if at.last = c; len(tips) > 0 || len(at.branches) == 0 {
			at.object, at.holder, at.hits = d.after.id, c, v.hits
		}
		at.branches = append(at.branches, tips...)
	}
}

// apart splits the hits of an object by key and class.
func apart(hits []hit) (out [][]hit) {
	for _, h := range hits {
		i := slices.IndexFunc(out, func(o []hit) bool { return o[0].key == h.key && o[0].class == h.class })
		if i < 0 {
			out = append(out, []hit{h})
			continue
		}
		out[i] = append(out[i], h)
	}
	return out
}

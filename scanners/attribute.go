package scanners

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/scanners/gitobj"
)

// place is where one key was found, over all versions of a file.
type place struct {
	key   int
	class Class
	where Where
	path  string // of the file; the name of a ref; "" for a message
	id    gitobj.ID
}

// sighting is what is known of a place.
type sighting struct {
	first, last *commit
	object      gitobj.ID // that holds it in its newest version
	holder      *commit   // a commit with that version
	hits        []hit     // in that version
	reachable   bool
	branches    []string // at whose tips it is
}

// attribute works out where the keys were found: in which files, since which commit, and whether they are still there.
// It reads the history only where something was found.
//
// h is what is known of the history; nil lets it be read.
func (s *search) attribute(ctx context.Context, refs []gitobj.Ref, h *history) ([]Finding, error) {
	a := &attribution{
		search: s, found: map[place]*sighting{}, branches: map[gitobj.ID][]string{}, shown: map[gitobj.ID]bool{}, steps: mostSteps,
	}
	a.refNames(ctx, refs)
	if len(s.hits)+len(s.names) > 0 {
		if h == nil {
			var err error
			if h, err = s.history(ctx); err != nil {
				return nil, err
			}
		}
		h.reach(refs)
		for _, r := range refs {
			if isBranch(r.Name) {
				a.branches[r.ID] = append(a.branches[r.ID], r.Name)
			}
		}
		if err := a.files(ctx, h); err != nil {
			return nil, err
		}
		a.messages(h, refs)
		a.rest(h)
	}
	return a.findings(), nil
}

type attribution struct {
	*search
	found    map[place]*sighting
	branches map[gitobj.ID][]string // by the commit at their tip
	shown    map[gitobj.ID]bool     // blobs and trees that some commit leads to
	steps    int                    // that may still be taken
}

// isBranch says whether what a ref leads to is what people take from the repository.
func isBranch(name string) bool {
	return name == "HEAD" || strings.HasPrefix(name, "refs/heads/") || strings.HasPrefix(name, "refs/remotes/")
}

// see notes that a commit has a place, in a version that its parent did not have.
func (a *attribution) see(p place, c *commit, object gitobj.ID, hits []hit) *sighting {
	at := a.found[p]
	if at == nil {
		at = &sighting{first: c}
		a.found[p] = at
	}
	if !at.reachable && c != nil && c.reachable { // what leads nowhere is no first appearance of what is in the history
		at.first, at.last, at.reachable = c, nil, true
	}
	if c == nil || c.reachable || !at.reachable {
		at.object, at.holder, at.hits = object, c, hits
	}
	return at
}

// messages finds the commits and tags that hold a key themselves.
func (a *attribution) messages(h *history, refs []gitobj.Ref) {
	for id, hits := range a.hits {
		c := h.commits[id]
		where, target := InCommitMessage, c
		if c == nil {
			tag, ok := h.tags[id]
			if !ok {
				continue
			}
			where, target = InTagMessage, h.commits[tag]
		}
		for _, one := range apart(hits) {
			at := a.see(place{key: one[0].key, class: one[0].class, where: where, id: id}, target, id, one)
			at.reachable = target != nil && target.reachable || slices.ContainsFunc(refs, func(r gitobj.Ref) bool { return r.ID == id })
		}
	}
}

// rest takes in what no commit holds: blobs and trees that nothing leads to.
func (a *attribution) rest(h *history) {
	for id, hits := range a.hits {
		if _, tag := h.tags[id]; a.shown[id] || h.commits[id] != nil || tag {
			continue
		}
		for _, one := range apart(hits) {
			a.see(place{key: one[0].key, class: one[0].class, where: InBlob, id: id}, nil, id, one)
		}
	}
	for tree, names := range a.names {
		if a.shown[tree] {
			continue
		}
		for _, n := range names {
			a.see(place{key: n.key, class: n.class, where: InPath, path: n.name, id: tree}, nil, n.id, []hit{n.hit})
		}
	}
}

// refNames looks at the names of refs.
func (a *attribution) refNames(ctx context.Context, refs []gitobj.Ref) {
	for _, r := range refs {
		matches, _ := a.m.ScanBytes(ctx, []byte(r.Name))
		for _, m := range matches {
			at := a.see(place{key: m.Key, class: m.Class, where: InRef, path: r.Name}, &commit{id: r.ID, reachable: true}, gitobj.ID{},
				[]hit{{key: m.Key, class: m.Class, encoding: m.Encoding, column: m.Start + 1}})
			at.reachable = true
		}
	}
}

// findings writes down all places, each line of the newest version as one.
func (a *attribution) findings() (out []Finding) {
	for p, at := range a.found {
		for _, h := range at.hits {
			out = append(out, a.finding(p, at, h))
		}
	}
	slices.SortFunc(out, func(x, y Finding) int {
		return cmp.Or(cmp.Compare(x.Credential, y.Credential), cmp.Compare(x.Class, y.Class), cmp.Compare(x.Where, y.Where),
			cmp.Compare(x.Path, y.Path), cmp.Compare(x.Line, y.Line), cmp.Compare(x.Column, y.Column), cmp.Compare(x.Object, y.Object),
			cmp.Compare(x.Encoding, y.Encoding))
	})
	return out
}

// mostBranches bounds how many branches one finding names.
const mostBranches = 20

func (a *attribution) finding(p place, at *sighting, h hit) Finding {
	f := Finding{
		Credential: a.m.Label(p.key), Class: p.class, Repository: a.o.Name, Where: p.where, Path: p.path, Line: h.line, Column: h.column,
		Encoding: h.encoding, AtHead: len(at.branches) > 0, Unreachable: !at.reachable,
	}
	if p.where != InRef {
		f.Object = a.repo.Name(at.object)
	}
	if at.first != nil {
		f.Commit, f.Author = a.repo.Name(at.first.id), at.first.author
		if !at.first.at.IsZero() {
			f.Date = at.first.at.UTC().Format(time.RFC3339)
		}
	}
	if at.last != nil && !f.AtHead && p.where == InBlob {
		f.Last = a.repo.Name(at.last.id)
	}
	slices.Sort(at.branches)
	at.branches = slices.Compact(at.branches)
	f.Branches = at.branches[:min(len(at.branches), mostBranches)]
	f.Permalink = a.permalink(p, at, h)
	return f
}

// permalink leads to what was found as it was, whatever becomes of the branch.
func (a *attribution) permalink(p place, at *sighting, h hit) string {
	if a.o.BaseURL == "" || at.holder == nil || !at.reachable {
		return ""
	}
	name := a.repo.Name(at.holder.id)
	switch p.where {
	case InBlob:
		link := a.o.BaseURL + "/blob/" + name + "/" + escapePath(p.path)
		if h.line > 0 {
			link += "#L" + itoa(h.line)
		}
		return link
	case InCommitMessage:
		return a.o.BaseURL + "/commit/" + name
	case InPath:
		return a.o.BaseURL + "/tree/" + name + "/" + escapePath(p.path)
	case InTagMessage, InNote, InRef:
	}
	return ""
}

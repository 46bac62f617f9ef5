package scanners

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/keyreeve/keyreeve/scanners/gitobj"
)

// search is one scan of a repository.
type search struct {
	repo *gitobj.Repo
	m    *Matcher
	o    Options

	mu     sync.Mutex
	hits   map[gitobj.ID][]hit      // of blobs, commits and tags
	names  map[gitobj.ID][]namedHit // of trees: in the names of their entries
	missed map[Gap]int
}

// hit is one occurrence in an object.
type hit struct {
	key      int
	class    Class
	encoding Encoding
	line     int // from 1 in a blob; in a message from its first line, 0 before it
	column   int
}

// namedHit is one occurrence in the name of a tree's entry.
type namedHit struct {
	hit
	name string
	id   gitobj.ID
}

// mostHits bounds how many occurrences of one object are kept.
const mostHits = 1000

func (s *search) gap(g Gap) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.missed[Gap{Subject: g.Subject, What: g.What}] += max(1, g.Count)
}

func (s *search) gaps() (out []Gap) {
	for g, n := range s.missed {
		g.Count = n
		out = append(out, g)
	}
	slices.SortFunc(out, func(a, b Gap) int { return cmp.Or(cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.What, b.What)) })
	return out
}

// objects matches every object. Only what is new against its base is matched: if that could hold a key, or the base does,
// the object is looked at as a whole.
func (s *search) objects(ctx context.Context) (gitobj.Counts, error) {
	o := gitobj.WalkOptions{
		Widen: s.m.near(), Workers: s.o.Workers,
		Problem: func(g gitobj.Gap) { s.gap(Gap{Subject: g.Subject, What: g.What}) },
	}
	if s.o.Progress != nil {
		o.Progress = func(done, all int) { s.o.Progress(Progress{done, all}) }
	}
	buffers := make([]buffer, s.o.Workers)
	return s.repo.Walk(ctx, o, func(worker int, obj *gitobj.Object) error {
		if s.suspicious(obj, &buffers[worker]) {
			s.look(ctx, obj)
		}
		return nil
	})
}

// buffer is what one worker uses again.
type buffer struct {
	matches []Match
	gaps    []Gap
}

// suspicious says whether an object could hold a key. It errs on the side of yes: the ends of a part that is matched may
// look like the ends of a word.
func (s *search) suspicious(obj *gitobj.Object, b *buffer) bool {
	if obj.Type == gitobj.Blob && s.m.Whole(obj.Data[:min(len(obj.Data), 64)]) {
		return true
	}
	if obj.All {
		return s.fragment(obj, obj.Data, b)
	}
	far := s.m.Context() - s.m.near()
	for _, f := range obj.Fresh {
		if start, end := widen(obj.Data, f, far); s.fragment(obj, obj.Data[start:end], b) {
			return true
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.hits[obj.Base])+len(s.names[obj.Base]) > 0
}

// near is by how many bytes what is new is widened in any case: twice the longest key, in which it fits as it is, in base64,
// over a line's end with its indent, in hex, and in UTF-16. What takes more of a text is written without a space: see widen.
func (m *Matcher) near() int {
	const indent = 32
	return min(2*m.longest+shortLen+indent, m.Context())
}

// widen makes a part longer at both edges, by far at most, as long as there is neither a space nor a quote: a key that is
// escaped, in \u0041 or %41 or &#65;, reaches no further. This halves what is to be matched in most histories.
func widen(data []byte, f gitobj.Region, far int) (start, end int) {
	in := func(c byte) bool { return c > ' ' && c != '"' && c != '\'' && c != '`' }
	start, end = f.Start, f.End
	for low := max(0, start-far); start > low && in(data[start-1]); {
		start--
	}
	for high := min(len(data), end+far); end < high && in(data[end]); {
		end++
	}
	return start, end
}

// fragment says whether a part of an object could hold a key.
func (s *search) fragment(obj *gitobj.Object, part []byte, b *buffer) bool {
	b.matches, b.gaps = s.m.FragmentGaps(b.matches[:0], b.gaps[:0], part)
	if len(b.matches) > 0 {
		return true // it is looked at as a whole, and the gaps are told then
	}
	for _, g := range b.gaps {
		g.Subject = s.repo.Name(obj.ID)
		s.gap(g)
	}
	return false
}

// look matches an object as a whole and keeps what it holds.
func (s *search) look(ctx context.Context, obj *gitobj.Object) {
	if obj.Type == gitobj.Tree {
		s.lookAtNames(ctx, obj)
		return
	}
	matches, gaps := s.m.ScanBytes(ctx, obj.Data)
	for _, g := range gaps {
		g.Subject = s.repo.Name(obj.ID)
		s.gap(g)
	}
	if len(matches) == 0 {
		return
	}
	begin := 0
	switch obj.Type {
	case gitobj.Commit, gitobj.Tag:
		if i := bytes.Index(obj.Data, []byte("\n\n")); i >= 0 {
			begin = i + 2
		}
	case gitobj.Blob, gitobj.Tree:
	}
	hits := locate(obj.Data, begin, matches)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hits[obj.ID] = hits
}

// locate turns matches into hits, with line and column counted from begin.
func locate(data []byte, begin int, matches []Match) (hits []hit) {
	slices.SortStableFunc(matches, func(a, b Match) int { return cmp.Compare(a.Start, b.Start) })
	line, lineStart, at := 1, begin, begin
	for _, m := range matches {
		if len(hits) == mostHits {
			break
		}
		h := hit{key: m.Key, class: m.Class, encoding: m.Encoding}
		if m.Start >= begin {
			for i := bytes.IndexByte(data[at:m.Start], '\n'); i >= 0; i = bytes.IndexByte(data[at:m.Start], '\n') {
				at += i + 1
				line, lineStart = line+1, at
			}
			h.line, h.column = line, m.Start-lineStart+1
		}
		if !slices.Contains(hits, h) {
			hits = append(hits, h)
		}
	}
	return hits
}

// lookAtNames matches the names of a tree's entries, each by itself.
func (s *search) lookAtNames(ctx context.Context, obj *gitobj.Object) {
	err := s.repo.EachEntry(obj.Data, func(_ gitobj.Mode, name []byte, id gitobj.ID) bool {
		s.name(ctx, obj.ID, name, id)
		return true
	})
	if err != nil {
		s.gap(Gap{Subject: s.repo.Name(obj.ID), What: err.Error()})
	}
}

// name matches the name of one entry of a tree.
func (s *search) name(ctx context.Context, tree gitobj.ID, name []byte, id gitobj.ID) {
	matches, gaps := s.m.ScanBytes(ctx, name)
	for _, g := range gaps {
		g.Subject = s.repo.Name(tree)
		s.gap(g)
	}
	if len(matches) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range matches {
		n := namedHit{hit: hit{key: m.Key, class: m.Class, encoding: m.Encoding}, name: string(name), id: id}
		if !slices.Contains(s.names[tree], n) {
			s.names[tree] = append(s.names[tree], n)
		}
	}
}

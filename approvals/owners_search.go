package approvals

import (
	"slices"
	"strings"
)

// search is the state of one walk through a matcher. It is used again, and by one goroutine at a time.
type search struct {
	*matcher

	// above is the entry that is of no interest any more, with all before it.
	above int32
	// most is how many entries are wanted of each list, in their order; 0 wants the greatest entry of all.
	most  int
	found []int32

	path         []string
	done         int // segments of path behind the nodes that are active
	active, next []int32
	// seen has the round in which a node behind "**" was entered: it stays active, and is entered once.
	seen  []uint32
	round uint32
}

// last returns the greatest entry that matches path, which is of segments parted by "/"; -1 when none does.
func (m *matcher) last(path string) int {
	s := m.begin(path)
	defer m.scratch.Put(s)
	s.above, s.most = -1, 0
	s.walk()
	return int(s.above)
}

// all returns entries that match path: those from the entry from on, ascending, the first most of them.
func (m *matcher) all(path string, from, most int) []int32 {
	s := m.begin(path)
	defer m.scratch.Put(s)
	s.above, s.most, s.found = int32(from)-1, most, nil //nolint:gosec // an index of an entry
	s.walk()
	slices.Sort(s.found)
	s.found = slices.Compact(s.found)
	return s.found[:min(most, len(s.found))]
}

func (m *matcher) begin(path string) *search {
	s, _ := m.scratch.Get().(*search)
	s.matcher = m
	s.path = s.path[:0]
	for rest, more := path, true; more; {
		var segment string
		segment, rest, more = strings.Cut(rest, "/")
		s.path = append(s.path, segment)
	}
	s.active, s.next, s.done = s.active[:0], s.next[:0], 0
	if s.round++; s.round == 0 { // after 2³² searches the marks of the first would look new
		clear(s.seen)
		s.round = 1
	}
	return s
}

// walk goes through the segments of the path with all nodes that are active.
func (s *search) walk() {
	s.enter(0)
	s.active, s.next = s.next, s.active
	for i, segment := range s.path {
		s.done = i + 1
		s.next = s.next[:0]
		for _, at := range s.active {
			s.step(at, segment)
		}
		if len(s.next) == 0 {
			return
		}
		s.active, s.next = s.next, s.active
	}
}

// step enters what a segment leads to from an active node.
func (s *search) step(at int32, segment string) {
	n := &s.nodes[at]
	if n.top <= s.above {
		return
	}
	if n.loop > 0 {
		s.next = append(s.next, at)
		s.end(n)
	}
	if n.named {
		if to, ok := s.literals[edge{at, segment}]; ok {
			s.enter(to)
		}
	}
	if n.any > 0 && segment != "" {
		s.enter(n.any)
	}
	if n.wild != nil {
		s.wildcards(n.wild, segment)
	}
}

// enter makes a node active, and the one that a "**" for no segment leads to.
func (s *search) enter(at int32) {
	n := &s.nodes[at]
	if n.top <= s.above {
		return
	}
	if n.loop > 0 {
		if s.seen[n.loop] == s.round {
			return
		}
		s.seen[n.loop] = s.round
	}
	s.next = append(s.next, at)
	s.end(n)
	if n.deep > 0 {
		s.enter(n.deep)
	}
}

// end takes the entries that match the path by what ends at a node.
func (s *search) end(n *node) {
	if n.tree > 0 {
		s.take(n.tree)
	}
	if s.done == len(s.path) {
		if n.exact > 0 {
			s.take(n.exact)
		}
		return
	}
	if n.below > 0 && s.path[s.done] != "" {
		s.take(n.below)
	}
}

func (s *search) take(list int32) {
	entries := s.lists[list]
	if s.most == 0 {
		s.above = max(s.above, entries[len(entries)-1])
		return
	}
	from, _ := slices.BinarySearch(entries, s.above+1)
	s.found = append(s.found, entries[from:min(from+s.most, len(entries))]...)
}

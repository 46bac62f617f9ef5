package approvals

import (
	"strings"
	"sync"
)

// matcher finds, of many globs, those that match a path. It is a trie by path segments, walked like an automaton: all
// the nodes that the segments so far lead to are active at once.
//
//   - A segment without wildcards is found by one look into a hash table.
//   - "*.js" is found by the end of the path's segment, "test_*" by its beginning, "*core*" by what is in it.
//   - "**" leads to a node that stays active, whatever comes.
//
// It is not changed after newMatcher, so it may be used concurrently.
type matcher struct {
	nodes    []node
	literals map[edge]int32
	lists    [][]int32 // entries that end at a node, ascending; list 0 is empty
	loops    int32     // how many nodes are behind a "**"
	scratch  sync.Pool // of *search
}

// edge leads from a node by a segment. "/" is in no segment, so while the trie is built a wildcard's edge is told from a
// literal's by a "/" after it.
type edge struct {
	from    int32
	segment string
}

// node is where a glob has come to after some segments. 0 stands for no node but the root, to which nothing leads.
type node struct {
	exact, tree, below int32 // lists of the entries that match here; here and below; below only
	top                int32 // the greatest entry at this node or beyond
	deep               int32 // the node behind "**"
	any                int32 // the node behind "*"
	loop               int32 // from 1, for a node behind "**"
	named              bool  // literals lead on
	wild               *wilds
}

// newMatcher compiles entries 0 to n-1, each of which matches what any of its globs matches.
func newMatcher(n int, globs func(int) []glob) *matcher {
	m := &matcher{nodes: make([]node, 1, 2*n+1), literals: make(map[edge]int32, 2*n), lists: make([][]int32, 1, n+1)}
	m.nodes[0].top = -1
	b := builder{matcher: m, wild: map[edge]int32{}}
	for i := range n {
		for _, g := range globs(i) {
			b.add(g, int32(i))
		}
	}
	for i := range m.nodes {
		if w := m.nodes[i].wild; w != nil {
			w.arrange(m.nodes)
		}
	}
	m.scratch.New = func() any { return &search{seen: make([]uint32, m.loops+1)} }
	return m
}

// builder holds what only building needs.
type builder struct {
	*matcher

	wild map[edge]int32
}

// add puts a glob into the trie. The ends of globs become kinds of end, since nearly all end so: "**" is tree, and "*", "**"
// is below.
func (b *builder) add(g glob, entry int32) {
	last := len(g)
	for last > 0 && g[last-1] == anything {
		last--
	}
	tree := last < len(g)
	below := tree && last > 0 && g[last-1] == one
	if below {
		last--
	}
	at := int32(0)
	b.reach(at, entry)
	for _, segment := range g[:last] {
		at = b.step(at, segment)
		b.reach(at, entry)
	}
	n := &b.nodes[at]
	switch {
	case below:
		b.end(&n.below, entry)
	case tree:
		b.end(&n.tree, entry)
	default:
		b.end(&n.exact, entry)
	}
}

// reach notes that an entry lies at or beyond a node; entries come in ascending order.
func (b *builder) reach(at, entry int32) { b.nodes[at].top = entry }

func (b *builder) end(list *int32, entry int32) {
	if *list == 0 {
		*list = int32(len(b.lists)) //nolint:gosec // at most one for each glob
		b.lists = append(b.lists, nil)
	}
	if l := b.lists[*list]; len(l) == 0 || l[len(l)-1] != entry {
		b.lists[*list] = append(l, entry)
	}
}

// step returns the node that a segment of a glob leads to, which it makes where it is new.
func (b *builder) step(from int32, segment string) int32 {
	switch {
	case segment == anything && b.nodes[from].loop > 0:
		return from // "**/**" is "**"
	case segment == anything:
		if b.nodes[from].deep == 0 {
			to := b.grow()
			b.loops++
			b.nodes[to].loop, b.nodes[from].deep = b.loops, to
		}
		return b.nodes[from].deep
	case segment == one:
		if b.nodes[from].any == 0 {
			to := b.grow()
			b.nodes[from].any = to
		}
		return b.nodes[from].any
	case strings.ContainsAny(segment, "*?"):
		return b.stepWild(from, segment)
	}
	key := edge{from, unescape(segment)}
	to, ok := b.literals[key]
	if !ok {
		to = b.grow()
		b.literals[key], b.nodes[from].named = to, true
	}
	return to
}

func (b *builder) stepWild(from int32, segment string) int32 {
	key := edge{from, segment}
	to, ok := b.wild[key]
	if !ok {
		to = b.grow()
		b.wild[key] = to
		if b.nodes[from].wild == nil {
			b.nodes[from].wild = &wilds{}
		}
		w := b.nodes[from].wild
		w.try = append(w.try, wild{segment, to})
	}
	return to
}

func (b *builder) grow() int32 {
	b.nodes = append(b.nodes, node{top: -1})
	return int32(len(b.nodes) - 1) //nolint:gosec // at most one for each byte of a file of 3 MB
}

// unescape takes the backslashes out of a segment without wildcards.
func unescape(segment string) string {
	if !strings.Contains(segment, `\`) {
		return segment
	}
	var b strings.Builder
	escaped := false
	for i := range len(segment) {
		if escaped = segment[i] == '\\' && !escaped; !escaped {
			b.WriteByte(segment[i])
		}
	}
	return b.String()
}

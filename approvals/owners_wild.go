package approvals

import (
	"slices"
	"strings"
)

// wild is a segment with wildcards, and the node that it leads to.
type wild struct {
	segment string
	to      int32
}

// wilds are the segments with wildcards that lead on from one node. Those with a literal part are found by it, once there
// are too many to try them all.
type wilds struct {
	try   []wild // these are tried; the one with the greatest entry comes first
	parts *wildParts
}

// wildParts are segments by what they must begin with, end with, or hold.
type wildParts struct {
	prefix, suffix, infix literalParts
}

// literalParts are segments by a literal part of theirs.
type literalParts struct {
	by      map[string][]wild
	lengths []int // of the parts, in bytes, ascending
}

// fewWilds are as quickly tried as looked up.
const fewWilds = 8

// arrange puts first what can decide most, so that a search that has found a later entry may stop, and makes the index.
func (w *wilds) arrange(nodes []node) {
	slices.SortFunc(w.try, func(a, b wild) int { return int(nodes[b.to].top) - int(nodes[a.to].top) })
	if len(w.try) <= fewWilds {
		return
	}
	all := w.try
	w.try, w.parts = nil, &wildParts{}
	for _, e := range all {
		w.add(e)
	}
}

// add files a segment under the longest of its literal parts.
func (w *wilds) add(e wild) {
	prefix, infix, suffix := literals(e.segment)
	switch longest := max(len(prefix), len(infix), len(suffix)); longest {
	case 0:
		w.try = append(w.try, e)
	case len(prefix):
		w.parts.prefix.add(prefix, e)
	case len(suffix):
		w.parts.suffix.add(suffix, e)
	default:
		w.parts.infix.add(infix, e)
	}
}

func (l *literalParts) add(part string, e wild) {
	if l.by == nil {
		l.by = map[string][]wild{}
	}
	l.by[part] = append(l.by[part], e)
	if i, found := slices.BinarySearch(l.lengths, len(part)); !found {
		l.lengths = slices.Insert(l.lengths, i, len(part))
	}
}

// literals returns what all that a segment matches begins with, holds and ends with. The segment has a wildcard. A "*"
// after a backslash is read as a wildcard too: what is returned is then less than it could be, and as true.
func literals(segment string) (prefix, infix, suffix string) {
	const special = `*?\`
	first, last := strings.IndexAny(segment, special), strings.LastIndexAny(segment, special)
	for part := range strings.FieldsFuncSeq(segment[first:last], func(r rune) bool { return strings.ContainsRune(special, r) }) {
		if len(part) > len(infix) {
			infix = part
		}
	}
	return segment[:first], infix, segment[last+1:]
}

// wildcards tries what a segment of the path could match.
func (s *search) wildcards(w *wilds, segment string) {
	s.try(w.try, segment)
	if w.parts == nil {
		return
	}
	for _, n := range upTo(w.parts.prefix.lengths, segment) {
		s.try(w.parts.prefix.by[segment[:n]], segment)
	}
	for _, n := range upTo(w.parts.suffix.lengths, segment) {
		s.try(w.parts.suffix.by[segment[len(segment)-n:]], segment)
	}
	for _, n := range upTo(w.parts.infix.lengths, segment) {
		for at := range len(segment) - n + 1 {
			part := segment[at : at+n]
			if strings.Index(segment, part) == at { // else it was looked up before
				s.try(w.parts.infix.by[part], segment)
			}
		}
	}
}

// upTo returns those of the lengths that a segment has.
func upTo(lengths []int, segment string) []int {
	i, _ := slices.BinarySearch(lengths, len(segment)+1)
	return lengths[:i]
}

func (s *search) try(list []wild, segment string) {
	for _, e := range list {
		if s.nodes[e.to].top <= s.above {
			return // and so are those after it
		}
		if matchSegment(e.segment, segment) {
			s.enter(e.to)
		}
	}
}

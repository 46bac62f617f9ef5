package scanners

import (
	"fmt"
	"slices"
)

// Answer is what an index knows of a key.
type Answer uint8

// The answers.
const (
	// AnswerNo: the key stands nowhere in what was indexed, as a word of its own and in plain text. It may still be
	// there glued to other text or encoded, which only a scan finds.
	AnswerNo Answer = iota
	// AnswerMaybe: it is there, or, once in about a million, something of the same hash.
	AnswerMaybe
	// AnswerUnknown: the index can't tell, since the key does not look like what is indexed or was made under another
	// pepper than the index.
	AnswerUnknown
)

// String implements fmt.Stringer.
func (a Answer) String() string {
	return [...]string{"no", "maybe", "unknown"}[a]
}

// An Index holds a keyed hash of everything in a repository's history that looks like a name, an id or a value, so that
// a key that is retired later is asked of it without reading the history again. What looks so is decided for each
// class on its own (see the functions like…): one gate for all would let through either too much or too few ids and
// names. It may be used concurrently; it tells nothing to whoever has not the pepper.
type Index struct {
	pepper string     // its id
	hashes [3][]entry // for names, ids and values: sorted, each once
}

// An entry is the upper 40 bits of a hash.
type entry uint64

const (
	entryBits = 40
	entryLen  = entryBits / 8
)

func toEntry(hash uint64) entry { return entry(hash >> (64 - entryBits)) }

// The places of the classes in an index.
const (
	indexNames = iota
	indexIDs
	indexValues
)

const publicID = "00000000"

// publicPepper keys the index where there is no pepper: then it only knows names and ids, and hides neither.
func publicPepper() Pepper {
	p, err := derive([]byte("no pepper: names and ids alone"))
	if err != nil {
		panic(err) // HKDF fails for lengths that no caller can ask for
	}
	p.id = publicID
	return p
}

// Ask answers for each key that m was compiled of, in their order, in 100 to 200 ns each. A key of several classes is
// maybe there if one of them is, and unknown if none is and one is unknown.
func (m *Matcher) Ask(x *Index) []Answer {
	answers := make([]Answer, m.keys)
	var pepper Pepper
	at, listed := m.peppers.by(x.pepper)
	known := listed || x.pepper == publicID
	switch {
	case listed:
		pepper = m.peppers[at]
	case known:
		pepper = publicPepper()
	}
	for i := range m.patterns {
		p := &m.patterns[i]
		answer := AnswerUnknown
		if known {
			answer = x.ask(p, &pepper, listed && p.pepper == at)
		}
		for _, k := range p.keys {
			answers[k] = combine(answers[k], answer)
		}
	}
	return answers
}

// combine is Maybe if one is, else Unknown if one is.
func combine(a, b Answer) Answer {
	switch {
	case a == AnswerMaybe || b == AnswerMaybe:
		return AnswerMaybe
	case a == AnswerUnknown || b == AnswerUnknown:
		return AnswerUnknown
	}
	return AnswerNo
}

func (x *Index) ask(p *pattern, pepper *Pepper, samePepper bool) Answer {
	switch {
	case p.class == ByName && likeName([]byte(p.text)):
		return x.has(indexNames, pepper.text([]byte(p.text)))
	case p.class == ByID && likeID([]byte(p.text)):
		return x.has(indexIDs, pepper.text([]byte(p.text)))
	case p.class == ByValue && samePepper && p.mark.indexed:
		return x.has(indexValues, p.mark.window)
	}
	return AnswerUnknown
}

// has looks a hash up: hashes are spread evenly, so where it would be is known to a few places.
func (x *Index) has(class int, hash uint64) Answer {
	all, want := x.hashes[class], toEntry(hash)
	i := int(uint64(want) * uint64(len(all)) >> entryBits)
	step := 1
	low, high := i, i
	for low > 0 && (low >= len(all) || all[low] > want) {
		low, step = max(0, low-step), step*2
	}
	step = 1
	for high < len(all) && all[high] < want {
		high, step = min(len(all), high+step), step*2
	}
	if _, found := slices.BinarySearch(all[low:min(len(all), high+1)], want); found {
		return AnswerMaybe
	}
	return AnswerNo
}

// Merge returns an index of what is in either. Both have to be made under the same pepper.
func (x *Index) Merge(other *Index) (*Index, error) {
	if x.pepper != other.pepper {
		return nil, fmt.Errorf("merge an index of pepper %s with one of pepper %s: build it anew", x.pepper, other.pepper)
	}
	sum := &Index{pepper: x.pepper}
	for class := range sum.hashes {
		sum.hashes[class] = union(x.hashes[class], other.hashes[class])
	}
	return sum, nil
}

func union(a, b []entry) []entry {
	all := make([]entry, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] < b[0]:
			all, a = append(all, a[0]), a[1:]
		case a[0] > b[0]:
			all, b = append(all, b[0]), b[1:]
		default:
			all, a, b = append(all, a[0]), a[1:], b[1:]
		}
	}
	return slices.Clip(append(append(all, a...), b...))
}

// Pepper returns the id of the pepper that the index was made under.
func (x *Index) Pepper() string { return x.pepper }

// Len returns how many hashes the index holds.
func (x *Index) Len() int {
	return len(x.hashes[indexNames]) + len(x.hashes[indexIDs]) + len(x.hashes[indexValues])
}

package scanners

import (
	"encoding/binary"
	"slices"
)

// IndexContext is by how many bytes a fragment of new bytes is to be widened at both edges so that every word which
// touches a new byte is in it whole.
const IndexContext = likeMax + 1

// The bounds of what looks like a name, an id or a value.
const (
	likeMax      = 200 // bytes; longer runs are data
	likeNameMin  = 6
	likeIDMin    = 16
	likeValueMin = windowLen
)

// Indexer gathers the hashes of an index from the texts of a repository. It is used by one goroutine; the indexes of
// several are merged.
type Indexer struct {
	pepper Pepper
	values bool
	hashes [3][]entry
	sorted [3]int // how many of the hashes were there when they were last sorted
}

// NewIndexer begins an index under the current pepper, or of names and ids alone where there is none.
func NewIndexer(p Peppers) *Indexer {
	if len(p) == 0 {
		return &Indexer{pepper: publicPepper()}
	}
	return &Indexer{pepper: p[0], values: true}
}

// Add indexes a text, or a fragment that is widened by IndexContext. As in runs, most words of eight bytes are passed
// at once: those without an underscore that are within no run of sixteen characters.
func (x *Indexer) Add(b []byte) {
	passed, named := 0, 0 // where the last run and the last name ended
	for i := 0; i+8 <= len(b); i += 8 {
		v := binary.LittleEndian.Uint64(b[i:])
		if inRun(v) == tops && longEnough(b, i) && i >= passed {
			passed = x.run(b, i, passed)
		}
		if under := v ^ ones*'_'; (under-ones)&^under&tops != 0 {
			named = x.names(b, i, i+8, named)
		}
	}
	x.names(b, len(b)&^7, len(b), named)
}

// names indexes the names that have an underscore within b[start:end], from named on, and returns where the last of
// them ends.
func (x *Indexer) names(b []byte, start, end, named int) int {
	for i := max(start, named); i < end; i++ {
		if b[i] != '_' || i > 0 && charKind[b[i-1]] == isLower || i+1 < len(b) && charKind[b[i+1]] == isLower {
			continue
		}
		from, to := i, i
		for from > named && word(b[from-1]) {
			from--
		}
		for to < len(b) && word(b[to]) {
			to++
		}
		if likeName(b[from:to]) {
			x.add(indexNames, x.pepper.text(b[from:to]))
		}
		named, i = to, to
	}
	return named
}

// run indexes what stands in the run around b[i], which begins no sooner than passed, and returns where it ends: its
// parts between what can't be in a value as values, and those between what is no letter or digit as ids.
func (x *Indexer) run(b []byte, i, passed int) int {
	start, end := i, i
	for start > passed && runClass[b[start-1]] != 0 {
		start--
	}
	for end < len(b) && runClass[b[end]] != 0 {
		end++
	}
	value, id := start, start
	for i := start; i <= end; i++ {
		if i == end || !runs(b[i]) {
			if x.values && likeValue(b[value:i]) {
				_, window := x.pepper.hashes(b[value:i], middle(b[value:i]))
				x.add(indexValues, window)
			}
			value = i + 1
		}
		if i == end || !alnum(b[i]) {
			if likeID(b[id:i]) {
				x.add(indexIDs, x.pepper.text(b[id:i]))
			}
			id = i + 1
		}
	}
	return end
}

// add keeps a hash. The same come again and again: they are thrown out whenever their number has doubled.
func (x *Indexer) add(class int, hash uint64) {
	all := x.hashes[class]
	all = append(all, toEntry(hash))
	if len(all) > 2*x.sorted[class]+1<<12 {
		slices.Sort(all)
		all = slices.Compact(all)
		x.sorted[class] = len(all)
	}
	x.hashes[class] = all
}

// Index returns the index of all that was added so far. The Indexer goes on.
func (x *Indexer) Index() *Index {
	done := &Index{pepper: x.pepper.id}
	for class, all := range x.hashes {
		all = slices.Clone(all)
		slices.Sort(all)
		done.hashes[class] = slices.Clip(slices.Compact(all))
	}
	return done
}

// text is a keyed 64-bit hash of a text of any length.
func (p *Pepper) text(b []byte) uint64 {
	hash := uint64(len(b))
	for len(b) > 0 {
		var block [16]byte
		b = b[copy(block[:], b):]
		hash = p.hash(hash^binary.LittleEndian.Uint64(block[:]), binary.LittleEndian.Uint64(block[8:])+hash)
	}
	return hash
}

// The kinds of characters in runs.
const (
	isLower = 1 << iota
	isUpper
	isDigit
	isUnderscore
	isMark // '+' or '/'
	isOther
)

var charKind = func() (t [256]byte) {
	for c := range t {
		switch b := byte(c); {
		case b >= 'a' && b <= 'z':
			t[c] = isLower
		case b >= 'A' && b <= 'Z':
			t[c] = isUpper
		case b >= '0' && b <= '9':
			t[c] = isDigit
		case b == '_':
			t[c] = isUnderscore
		case b == '+' || b == '/':
			t[c] = isMark
		default:
			t[c] = isOther
		}
	}
	return t
}()

func kindsOf(b []byte) (kinds byte) {
	for _, c := range b {
		kinds |= charKind[c]
	}
	return kinds
}

// likeName: capitals with an underscore, as GitHub writes the names of secrets.
// https://docs.github.com/en/actions/reference/security/secrets
func likeName(w []byte) bool {
	if len(w) < likeNameMin || len(w) > likeMax || w[0] >= '0' && w[0] <= '9' {
		return false
	}
	kinds := kindsOf(w)
	return kinds&^(isUpper|isDigit|isUnderscore) == 0 && kinds&isUnderscore != 0 && kinds&isUpper != 0
}

// likeID: at least 16 letters and digits, which are all capitals or mixed as random ones are, and no digest.
func likeID(w []byte) bool {
	if len(w) < likeIDMin || len(w) > likeMax {
		return false
	}
	kinds := kindsOf(w)
	if kinds&^(isUpper|isLower|isDigit) != 0 || digest(w) {
		return false
	}
	return kinds&isLower == 0 && kinds&isUpper != 0 || mixed(w)
}

// likeValue: at least 16 characters, mixed as random ones are, and no digest.
func likeValue(run []byte) bool {
	return len(run) >= likeValueMin && len(run) <= likeMax && kindsOf(run)&isOther == 0 && mixed(run) && !digest(run)
}

// mixed says whether letters and digits take turns as in random text: at least three times.
// Sixteen random characters of base64 do so four or five times, of hexadecimal digits seven, and a name with a number
// in it twice.
func mixed(w []byte) bool {
	turns, digits := 0, 0
	for i, c := range w {
		if c >= '0' && c <= '9' {
			digits++
		}
		if i > 0 && (charKind[c] == isDigit) != (charKind[w[i-1]] == isDigit) {
			turns++
		}
	}
	return turns >= 3 && digits >= 2
}

// digest: hexadecimal digits as many as a commit or a checksum has. Histories are full of them.
func digest(w []byte) bool {
	switch len(w) {
	case 32, 40, 64, 96, 128:
	default:
		return false
	}
	for _, c := range w {
		if runClass[c]&inHex == 0 {
			return false
		}
	}
	return true
}

// middle returns where a run's window begins, as anchor chooses it for a value whose last long run this is.
func middle(run []byte) int { return (len(run) - windowLen) / 2 }

// indexable says whether the window at an offset is the middle of one of the value's runs, which looks like a value.
func indexable(value []byte, offset int) bool {
	if len(value) < windowLen {
		return false
	}
	start, end := offset, offset+windowLen
	for start > 0 && runs(value[start-1]) {
		start--
	}
	for end < len(value) && runs(value[end]) {
		end++
	}
	run := value[start:end]
	for _, c := range run {
		if !runs(c) {
			return false
		}
	}
	return likeValue(run) && start+middle(run) == offset
}

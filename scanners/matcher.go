package scanners

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"hash"
)

// ScanBytes finds every occurrence of the keys in one whole text of any bytes: as they are, and in all encodings and
// containers that are known (see the constants Enc…), nested up to DepthMax. Matches come in the order of their Start.
// Gaps say what was not looked at; their Subject is empty, for the caller to fill in. When ctx ends, the rest of
// what is encoded is left and a gap says so.
func (m *Matcher) ScanBytes(ctx context.Context, b []byte) ([]Match, []Gap) {
	s := m.begin(ctx, len(b))
	defer m.end(s)
	found := s.text(nil, b, 0, true)
	return found, s.takeGaps()
}

// Fragment appends to dst the occurrences in a fragment of a text: as they are, and in the encodings that stand in the
// midst of a text. Containers are opened where they are within such an encoding, and not where b is one: see Whole. It
// allocates nothing where nothing is found.
//
// A match that touches an end of b may be of a longer word: who cuts a text by Context looks at the whole of it
// before he believes a match.
//
// What is not decoded since it goes over a bound is not told: see FragmentGaps.
func (m *Matcher) Fragment(dst []Match, b []byte) []Match {
	s := m.begin(context.Background(), len(b))
	defer m.end(s)
	return s.text(dst, b, 0, false)
}

// FragmentGaps is Fragment, and appends to gaps what was not looked at.
func (m *Matcher) FragmentGaps(dst []Match, gaps []Gap, b []byte) ([]Match, []Gap) {
	s := m.begin(context.Background(), len(b))
	defer m.end(s)
	dst = s.text(dst, b, 0, false)
	return dst, append(gaps, s.takeGaps()...)
}

// Context returns by how many bytes a fragment of new bytes is to be widened at both edges so that Fragment finds every
// key that touches a new byte, in each encoding: six bytes of text stand for one in the longest, \u0041. What is much longer
// than a token is not looked for with each of its bytes encoded so.
func (m *Matcher) Context() int {
	const token = 256
	return widest*min(m.longest, token) + 2*max(m.longest-token, 0) + shortLen
}

const widest = 6

// Whole says whether a text that begins with these bytes (8 are enough, fewer do if the text has no more) is a
// container or in UTF-16, and so goes through ScanBytes as a whole.
func (m *Matcher) Whole(prefix []byte) bool { return container(prefix) != "" || byteOrderMark(prefix) }

// A scan is what one call needs while it runs. Scans are used again.
type scan struct {
	m        *Matcher
	ctx      context.Context //nolint:containedctx // of one call: a scan lives no longer
	macs     []hash.Hash     // one for each pepper
	sum      [macLen]byte
	hashed   int // bytes that values were hashed of, to confirm
	allowed  int // the most that they may be
	decoded  int // bytes that were decoded
	bound    int // the most that they may be
	opened   int // bytes that were unpacked
	openable int // the most that they may be
	buffers  [DepthMax + 1][]byte
	tiny     [8]byte
	joined   []byte // lines that were joined, and
	points   []int  // where each of their bytes came from
	gaps     []Gap
}

// begin takes a scan for a text of that size.
func (m *Matcher) begin(ctx context.Context, size int) *scan {
	s, _ := m.scans.Get().(*scan)
	if s == nil {
		s = &scan{m: m, macs: make([]hash.Hash, len(m.peppers))}
		for i := range m.peppers {
			s.macs[i] = hmac.New(sha256.New, m.peppers[i].mac)
		}
	}
	s.ctx, s.hashed, s.decoded, s.opened = ctx, 0, 0, 0
	s.allowed = hashedRatio*size + hashedMin
	s.bound = decodedRatio*size + decodedMin
	s.openable = unpackedRatio*size + unpackedMax
	return s
}

func (m *Matcher) end(s *scan) {
	s.ctx = nil
	s.gaps = s.gaps[:0]
	for i, b := range s.buffers {
		if cap(b) > 4<<20 {
			s.buffers[i] = nil // one large text must not hold the memory for ever
		}
	}
	m.scans.Put(s)
}

// gap counts what was not looked at.
func (s *scan) gap(what string) {
	for i := range s.gaps {
		if s.gaps[i].What == what {
			s.gaps[i].Count++
			return
		}
	}
	s.gaps = append(s.gaps, Gap{What: what, Count: 1})
}

func (s *scan) takeGaps() []Gap {
	if len(s.gaps) == 0 {
		return nil
	}
	return append([]Gap(nil), s.gaps...)
}

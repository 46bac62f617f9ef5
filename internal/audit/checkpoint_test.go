package audit

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const origin = "keyreeve.example/log"

// key makes a key for a log: its signer, and its verifier key.
func key(t testing.TB, name string) (note.Signer, string) {
	t.Helper()
	secret, public, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	return s, public
}

// grown is a log of n entries, with all that a store keeps of it.
type grown struct {
	raws   [][]byte
	hashes stored
	tree   Range
}

func grow(t testing.TB, n int) *grown {
	t.Helper()
	var g grown
	raws, leaves, _ := log(t, n)
	g.raws = raws
	for _, h := range leaves {
		g.hashes = g.tree.Add(g.hashes, h)
	}
	return &g
}

func (g *grown) head(t testing.TB, size int64) Checkpoint {
	t.Helper()
	root, err := tlog.TreeHash(size, g.hashes)
	if err != nil {
		t.Fatal(err)
	}
	return Checkpoint{origin, size, root}
}

func TestCheckpoint(t *testing.T) {
	g := grow(t, 5)
	s, public := key(t, origin)
	second, public2 := key(t, origin)
	_, stranger := key(t, origin)
	c := g.head(t, 5)
	signed, err := c.Sign(s, second)
	if err != nil {
		t.Fatal(err)
	}
	for _, keys := range [][]string{{public}, {public2}, {stranger, public + "\n"}} {
		if got, err := OpenCheckpoint(signed, keys...); err != nil || got != c {
			t.Errorf("by %v: %+v, %v", keys, got, err)
		}
	}
	// What others make of it.
	v, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	theirs, _, err := torchwood.VerifyCheckpoint(signed, torchwood.ThresholdPolicy(2, torchwood.OriginPolicy(origin), torchwood.SingleVerifierPolicy(v)))
	if err != nil || theirs.N != 5 || theirs.Hash != c.Root || theirs.Origin != origin {
		t.Errorf("torchwood: %+v, %v", theirs, err)
	}
	if got, err := UnverifiedCheckpoint(signed); err != nil || got != c {
		t.Errorf("unverified: %+v, %v", got, err)
	}
	other, otherPublic := key(t, "elsewhere.example/log")
	if _, err := c.Sign(other); err == nil {
		t.Error("another log's key signed")
	}
	if _, err := c.Sign(); err == nil {
		t.Error("signed without a key")
	}
	// A witness of another name signs it too: without the log's own signature that is not enough.
	byOther, err := note.Sign(&note.Note{Text: c.String()}, other)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"changed":            bytes.Replace(signed, []byte("\n5\n"), []byte("\n6\n"), 1),
		"another key alone":  byOther,
		"not signed":         []byte(c.String()),
		"nothing":            nil,
		"too long":           append(bytes.Clone(signed), bytes.Repeat([]byte("x"), maxCheckpoint)...),
		"a size with a zero": note5(t, s, origin+"\n05\n"+strings.Split(c.String(), "\n")[2]+"\n"),
		"no root":            note5(t, s, origin+"\n5\nAAAA\n"),
		"two lines":          note5(t, s, origin+"\n5\n"),
		"another's origin":   note5(t, s, strings.Replace(c.String(), origin, "elsewhere.example/log", 1)),
	} {
		if got, err := OpenCheckpoint(b, public, otherPublic); !errors.Is(err, ErrCheckpoint) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if _, err := OpenCheckpoint(signed, "no key"); err == nil || errors.Is(err, ErrCheckpoint) {
		t.Errorf("a key that is none: %v", err)
	}
}

func note5(t *testing.T, s note.Signer, text string) []byte {
	t.Helper()
	signed, err := note.Sign(&note.Note{Text: text}, s)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func TestProof(t *testing.T) {
	s, public := key(t, origin)
	v, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1, 2, 7, 64} {
		g := grow(t, n)
		signed, err := g.head(t, int64(n)).Sign(s)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			path, err := tlog.ProveRecord(int64(n), int64(i), g.hashes)
			if err != nil {
				t.Fatal(err)
			}
			text := Proof{g.raws[i], int64(i), path, signed}.String()
			p, err := ParseProof(text)
			if err != nil {
				t.Fatal(err)
			}
			if c, err := p.Verify(public); err != nil || c.Size != int64(n) || !bytes.Equal(p.Entry, g.raws[i]) {
				t.Errorf("entry %d of %d: %+v, %v", i, n, c, err)
			}
			policy := torchwood.ThresholdPolicy(2, torchwood.OriginPolicy(origin), torchwood.SingleVerifierPolicy(v))
			if err := torchwood.VerifyProof(policy, Hash(g.raws[i]), []byte(text)); err != nil {
				t.Errorf("torchwood: entry %d of %d: %v", i, n, err)
			}
		}
	}
}

func TestProofTampered(t *testing.T) {
	g := grow(t, 9)
	s, public := key(t, origin)
	signed, err := g.head(t, 9).Sign(s)
	if err != nil {
		t.Fatal(err)
	}
	path, err := tlog.ProveRecord(9, 4, g.hashes)
	if err != nil {
		t.Fatal(err)
	}
	good := Proof{g.raws[4], 4, path, signed}
	for name, tt := range map[string]struct {
		p    Proof
		want error
	}{
		"another entry":       {Proof{g.raws[5], 4, path, signed}, ErrEntry},
		"a changed entry":     {Proof{bytes.Replace(g.raws[4], []byte("step 4"), []byte("step X"), 1), 4, path, signed}, ErrProof},
		"another place":       {Proof{g.raws[4], 5, path, signed}, ErrEntry},
		"a shorter path":      {Proof{g.raws[4], 4, path[1:], signed}, ErrProof},
		"another checkpoint":  {Proof{g.raws[4], 4, path, bytes.Replace(signed, []byte("\n9\n"), []byte("\n8\n"), 1)}, ErrCheckpoint},
		"a path of zeros":     {Proof{g.raws[4], 4, make(tlog.RecordProof, len(path)), signed}, ErrProof},
		"an entry not there":  {Proof{bytes.Replace(g.raws[8], []byte(`"seq":8`), []byte(`"seq":9`), 1), 9, path, signed}, ErrProof},
		"space in the entry":  {Proof{append([]byte(" "), g.raws[4]...), 4, path, signed}, ErrEntry},
		"a checkpoint of one": {Proof{g.raws[4], 4, nil, signed}, ErrProof},
	} {
		if _, err := tt.p.Verify(public); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	text := good.String()
	for _, bad := range []string{
		"", text[:40], strings.Replace(text, "@v1", "@v2", 1), strings.Replace(text, "index 4", "index 04", 1), strings.Replace(text, "index 4", "index -4", 1),
		strings.Replace(text, "extra ", "extra !", 1), strings.Replace(text, "index 4\n", "index 4\nAAAA\n", 1), strings.Replace(text, "index 4\n", "", 1),
		strings.Replace(text, "index 4\n", "index 4\n"+strings.Repeat(good.Path[0].String()+"\n", 64), 1),
	} {
		if _, err := ParseProof(bad); !errors.Is(err, ErrProof) {
			t.Errorf("%.60q: %v", bad, err)
		}
	}
}

func FuzzParseProof(f *testing.F) {
	g := grow(f, 3)
	s, public := key(f, origin)
	signed, err := g.head(f, 3).Sign(s)
	if err != nil {
		f.Fatal(err)
	}
	path, err := tlog.ProveRecord(3, 1, g.hashes)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(Proof{g.raws[1], 1, path, signed}.String())
	f.Add(proofHead + "\nextra \nindex 0\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParseProof(text)
		if err != nil {
			return
		}
		again, err := ParseProof(p.String())
		if err != nil || again.String() != p.String() {
			t.Fatalf("%q is read as %q: %v", text, p, err)
		}
		if _, err := p.Verify(public); err == nil && !bytes.Equal(p.Entry, g.raws[p.Index]) {
			t.Fatalf("%q is proven", p.Entry)
		}
	})
}

func TestConsistency(t *testing.T) {
	g := grow(t, 20)
	s, public := key(t, origin)
	sign := func(c Checkpoint) []byte {
		signed, err := c.Sign(s)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	for _, sizes := range [][2]int64{{0, 0}, {0, 20}, {1, 20}, {7, 20}, {16, 17}, {20, 20}} {
		var path tlog.TreeProof
		if sizes[0] > 0 {
			var err error
			if path, err = tlog.ProveTree(sizes[1], sizes[0], g.hashes); err != nil {
				t.Fatal(err)
			}
		}
		raw, err := json.Marshal(NewConsistency(sign(g.head(t, sizes[0])), sign(g.head(t, sizes[1])), path))
		if err != nil {
			t.Fatal(err)
		}
		var c Consistency
		if err := json.Unmarshal(raw, &c); err != nil {
			t.Fatal(err)
		}
		if earlier, later, err := c.Verify(public); err != nil || earlier.Size != sizes[0] || later.Size != sizes[1] {
			t.Errorf("%v: %v %v %v", sizes, earlier, later, err)
		}
		c.Format = "other"
		if _, _, err := c.Verify(public); !errors.Is(err, ErrProof) {
			t.Errorf("another format: %v", err)
		}
	}
	path, err := tlog.ProveTree(20, 7, g.hashes)
	if err != nil {
		t.Fatal(err)
	}
	seven, twenty := g.head(t, 7), g.head(t, 20)
	rewritten := seven
	rewritten.Root[0] ^= 1
	elsewhere := twenty
	elsewhere.Origin = "elsewhere"
	for name, err := range map[string]error{
		"cut":          Consistent(twenty, seven, path),
		"written anew": Consistent(rewritten, twenty, path),
		"two logs":     Consistent(seven, elsewhere, path),
		"no proof":     Consistent(seven, twenty, nil),
		"not empty":    Consistent(Checkpoint{Origin: origin}, twenty, nil),
	} {
		if !errors.Is(err, ErrProof) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := Consistent(seven, twenty, path); err != nil {
		t.Error(err)
	}
}

func TestTilePaths(t *testing.T) {
	for _, tile := range []tlog.Tile{
		{H: 8, L: 0, N: 0, W: 256},
		{H: 8, L: 1, N: 1234067, W: 5},
		{H: 8, L: -1, N: 5, W: 256},
		{H: 8, L: -1, N: 1000, W: 255},
		{H: 8, L: 5, N: 2, W: 1},
	} {
		path := TilePath(tile)
		if theirs := torchwood.TilePath(tile); path != theirs {
			t.Errorf("%+v: %s, torchwood says %s", tile, path, theirs)
		}
		if back, err := ParseTilePath(path); err != nil || back != tile {
			t.Errorf("%s: %+v, %v", path, back, err)
		}
	}
	for _, bad := range []string{"", "tile/", "tile/0", "tile/0/0", "tile/data/000", "tile/8/0/000", "tile/0/000.p/256", "tile/0/000.p/0", "/tile/0/000", "tile/entries/", "tile/0/../000"} {
		if tile, err := ParseTilePath(bad); err == nil {
			t.Errorf("%q is %+v", bad, tile)
		}
	}
	for _, tt := range []struct {
		path string
		size int64
		want bool
	}{
		{"tile/0/000", 256, true},
		{"tile/0/000", 255, false},
		{"tile/0/000.p/3", 3, true},
		{"tile/0/000.p/4", 3, false},
		{"tile/0/001.p/1", 257, true},
		{"tile/1/000.p/1", 256, true},
		{"tile/1/000.p/1", 255, false},
		{"tile/entries/000.p/3", 3, true},
		{"tile/entries/001.p/1", 256, false},
		{"tile/63/000.p/1", 1 << 62, false},
	} {
		tile, err := ParseTilePath(tt.path)
		if err != nil || InTree(tile, tt.size) != tt.want {
			t.Errorf("%s in %d: %v, %v", tt.path, tt.size, InTree(tile, tt.size), err)
		}
	}
}

func FuzzParseTilePath(f *testing.F) {
	for _, s := range []string{"tile/0/x001/067", "tile/1/000.p/5", "tile/entries/000", "tile/0/x999/x999/999.p/9"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		if tile, err := ParseTilePath(path); err == nil && TilePath(tile) != path {
			t.Fatalf("%q is %+v, which is %q", path, tile, TilePath(tile))
		}
	})
}

func TestBundle(t *testing.T) {
	var bundle []byte
	var err error
	long := bytes.Repeat([]byte("x"), MaxEntry)
	for _, e := range [][]byte{[]byte("a"), {}, long} {
		if bundle, err = AppendBundle(bundle, e); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range [][]byte{[]byte("a"), {}, long} {
		theirs, _, err := torchwood.ReadTileEntry(bundle)
		if err != nil || !bytes.Equal(theirs, want) {
			t.Errorf("torchwood: %d bytes, %v", len(theirs), err)
		}
		got, rest, err := CutBundle(bundle)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		bundle = rest
	}
	if len(bundle) != 0 {
		t.Errorf("%d bytes are left", len(bundle))
	}
	if _, err := AppendBundle(nil, append(long, 'x')); err == nil {
		t.Error("an entry that is too long")
	}
	for _, bad := range [][]byte{nil, {0}, {0, 2, 1}} {
		if _, _, err := CutBundle(bad); err == nil {
			t.Errorf("%v: no error", bad)
		}
	}
}

func TestBounded(t *testing.T) {
	data, err := json.Marshal(map[string]string{"error": strings.Repeat("x", 100_000)})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := Entry{Seq: 3, What: strings.Repeat("ä\x01", 100_000), Subject: "s", Data: data}.Bounded()
	if err != nil || len(raw) > MaxEntry || check(raw, 3) != nil {
		t.Fatalf("%d bytes, %v", len(raw), err)
	}
	for _, want := range []string{`"omittedBytes":100012`, `"omittedSHA256":"`, "… (300000 bytes)", `"subject":"s"`} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("%s is not in it", want)
		}
	}
	small := Entry{Seq: 1, What: "x", Data: json.RawMessage(`{"a":1}`)}
	got, err := small.Bounded()
	want, err2 := small.Canonical()
	if err != nil || err2 != nil || !bytes.Equal(got, want) {
		t.Errorf("a small one: %s (%v, %v)", got, err, err2)
	}
}

func ExampleCheckpoint_String() {
	var empty Range
	fmt.Print(Checkpoint{Origin: "keyreeve.example/log", Root: empty.Root()})
	// Output:
	// keyreeve.example/log
	// 0
	// 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=
}

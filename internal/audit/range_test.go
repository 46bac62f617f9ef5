package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/keyreeve/keyreeve/internal/identity"
)

// stored is a whole tree in memory, by tlog's own functions: what Range is compared with.
type stored []tlog.Hash

func (s stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		if at < 0 || at >= int64(len(s)) {
			return nil, fmt.Errorf("no stored hash %d", at)
		}
		out[i] = s[at]
	}
	return out, nil
}

func TestRange(t *testing.T) {
	var all stored
	var tree Range
	for n := range int64(300) {
		root, err := tlog.TreeHash(n, all)
		if err != nil {
			t.Fatal(err)
		}
		if tree.Root() != root || tree.Size() != n {
			t.Fatalf("%d entries: root %s of %d, want %s", n, tree.Root(), tree.Size(), root)
		}
		peaks, err := all.ReadHashes(RangeIndexes(n))
		if err != nil {
			t.Fatal(err)
		}
		again, err := NewRange(n, peaks)
		if err != nil || again.Root() != root {
			t.Fatalf("%d entries: from its edge %v, %v", n, again, err)
		}
		leaf := Hash(fmt.Appendf(nil, "entry %d", n))
		want, err := tlog.StoredHashesForRecordHash(n, leaf, all)
		if err != nil {
			t.Fatal(err)
		}
		got := tree.Add(nil, leaf)
		if fmt.Sprint(got) != fmt.Sprint(want) || fmt.Sprint(again.Add(nil, leaf)) != fmt.Sprint(want) {
			t.Fatalf("entry %d stores %v, want %v", n, got, want)
		}
		all = append(all, want...)
	}
	for _, bad := range []struct {
		size  int64
		peaks int
	}{{-1, 0}, {0, 1}, {3, 1}, {4, 2}} {
		if _, err := NewRange(bad.size, make([]tlog.Hash, bad.peaks)); err == nil {
			t.Errorf("%d entries from %d hashes: no error", bad.size, bad.peaks)
		}
	}
}

// TestStrict: what strict calls canonical Canonicalize leaves as it is, and an entry as it is written is let through.
func TestStrict(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := Entry{
			Seq: rapid.Int64Range(0, 1<<50).Draw(t, "seq"), Step: Decided,
			What: rapid.String().Draw(t, "what"), Subject: rapid.StringMatching(`[ -~]*`).Draw(t, "subject"),
		}
		raw, err := e.Canonical()
		if err != nil {
			t.Fatal(err)
		}
		seq, yes := strict(raw)
		if !yes || seq != e.Seq {
			t.Fatalf("%s: %d, %v", raw, seq, yes)
		}
		at := rapid.IntRange(0, len(raw)-1).Draw(t, "at")
		raw[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		agrees(t, raw)
	})
}

func agrees(t interface {
	Fatalf(format string, args ...any)
}, raw []byte,
) {
	if _, yes := strict(raw); !yes {
		return
	}
	if once, err := Canonicalize(raw); err != nil || !bytes.Equal(once, raw) {
		t.Fatalf("strict lets %q through, which is canonically %q (%v)", raw, once, err)
	}
}

func FuzzStrict(f *testing.F) {
	for _, s := range []string{
		`{"a":[1,2,"x\u0000\n"],"b":{"c":null,"d":true},"seq":5}`, `{"a":-0}`, `{"a":01}`, `{"b":1,"a":2}`, `{"a":1,"a":2}`, `{"a":"\u001F"}`, `{"a":"é"}`, "{\"a\":\"\xff\"}", `{"a":"\/"}`, `{}`, `{"a":1e3}`, `{"a":"\u000a"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) { agrees(t, raw) })
}

// TestEncode: the fast way writes what the slow one does, wherever it writes anything.
func TestEncode(t *testing.T) {
	fast := 0
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[ -~]*`), rapid.SampledFrom([]string{"", "a\xffb", "\x00\n\"\\<é>"}))
		e := Entry{
			Seq: rapid.Int64().Draw(t, "seq"), Installation: rapid.Int64().Draw(t, "installation"), Step: Step(text.Draw(t, "step")),
			At:      time.Unix(rapid.Int64Range(-1<<36, 1<<38).Draw(t, "at"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).In(time.FixedZone("x", 3600)),
			Subject: text.Draw(t, "subject"), What: text.Draw(t, "what"), Ref: text.Draw(t, "ref"), Controls: rapid.SliceOf(text).Draw(t, "controls"),
			Data: rapid.SampledFrom([]json.RawMessage{nil, json.RawMessage(`{"a":1,"b":"x"}`), json.RawMessage(`{"b":1, "a":2.50}`), json.RawMessage(`[1]`)}).Draw(t, "data"),
		}
		if rapid.Bool().Draw(t, "by") {
			e.Actor = &identity.Person{ID: rapid.Int64().Draw(t, "id"), Login: text.Draw(t, "login")}
		}
		got, ok := e.encode()
		if !ok {
			return
		}
		fast++
		want, err := e.canonical()
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%s\nwant %s (%v)", got, want, err)
		}
	})
	if fast == 0 {
		t.Error("the fast way was never taken")
	}
}

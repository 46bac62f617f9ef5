package gitobj

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzApply: a delta never panics, makes no more than it says, and says no more is new than there is.
func FuzzApply(f *testing.F) {
	f.Add([]byte("hello world"), []byte{11, 5, 0x90, 5})
	f.Add([]byte("hello world"), []byte{11, 8, 3, 'a', 'b', 'c', 0x91, 6, 5})
	f.Add([]byte{}, []byte{0, 0})
	f.Add([]byte("x"), []byte{1, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x80})
	f.Fuzz(func(t *testing.T, base, delta []byte) {
		out, fresh, err := apply(nil, nil, base, delta, 4)
		if err != nil {
			return
		}
		last := 0
		for _, r := range fresh {
			if r.Start < last || r.End < r.Start || r.End > len(out) {
				t.Fatalf("fresh %v of %d", fresh, len(out))
			}
			last = r.End
		}
	})
}

// FuzzEntry: the head of a packed object never panics.
func FuzzEntry(f *testing.F) {
	f.Add([]byte{0x35, 'x'})
	f.Add([]byte{0xe5, 0x80, 0x80, 1})
	f.Add(append([]byte{0x75}, bytes.Repeat([]byte{7}, 20)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		p := &pack{hash: 20, data: append(append([]byte("PACK\x00\x00\x00\x02\x00\x00\x00\x01"), b...), make([]byte, 20)...), offs: []uint64{12}}
		e, err := p.entry(0)
		if err == nil && len(e.data) > len(b) {
			t.Fatalf("%d bytes of %d", len(e.data), len(b))
		}
		if err == nil && e.size < 1<<20 {
			var i inflater
			_, _ = i.into(nil, e.data, e.size) // it may fail
		}
	})
}

// FuzzParse: trees and commits never panic, and a tree's entries end.
func FuzzParse(f *testing.F) {
	f.Add([]byte("100644 a\x00aaaaaaaaaaaaaaaaaaaa"))
	f.Add([]byte("tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor A <a> 1 +0100\n\nm"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := &Repo{Hash: 20}
		n := 0
		for range r.Entries(b) {
			if n++; n > len(b) {
				t.Fatal("more entries than bytes")
			}
		}
		if c, err := r.ParseCommit(b); err == nil && (c.Message < 0 || c.Message > len(b)) {
			t.Fatalf("the message begins at %d of %d", c.Message, len(b))
		}
		_, _ = r.TagTarget(b)
	})
}

// FuzzPack: a pack and its index, whatever is in them, are walked to the end without a panic.
func FuzzPack(f *testing.F) {
	dir := f.TempDir()
	for _, args := range [][]string{
		{"init", "-q"},
		{"-c", "user.name=a", "-c", "user.email=a@x", "commit", "-q", "--allow-empty", "-m", "one"},
		{"-c", "user.name=a", "-c", "user.email=a@x", "commit", "-q", "--allow-empty", "-m", "one more"},
		{"repack", "-adfq"},
	} {
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			f.Fatalf("%v: %s", err, out)
		}
	}
	names, err := filepath.Glob(filepath.Join(dir, ".git/objects/pack/*.pack"))
	if err != nil || len(names) != 1 {
		f.Fatalf("packs %v, %v", names, err)
	}
	data, err := os.ReadFile(names[0])
	if err != nil {
		f.Fatal(err)
	}
	index, err := os.ReadFile(strings.TrimSuffix(names[0], ".pack") + ".idx")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data, index)
	f.Fuzz(func(t *testing.T, data, index []byte) {
		p := &pack{name: "x.pack", hash: 20, data: data, index: index}
		if p.readHeader() != nil || p.readIndex() != nil || p.sortOffsets() != nil {
			return
		}
		r := &Repo{Hash: 20, stores: []store{{dir: t.TempDir(), packs: []*pack{p}}}}
		counts, err := r.Walk(t.Context(), WalkOptions{Widen: 8, Workers: 1}, func(_ int, o *Object) error {
			for _, region := range o.Fresh {
				_ = o.Data[region.Start:region.End]
			}
			return nil
		})
		if err != nil || counts.Objects > p.count {
			t.Fatalf("%d objects of %d, %v", counts.Objects, p.count, err)
		}
		for n := range p.count {
			_, _, _ = r.Object(p.oid(p.order[n])) // it may fail
		}
	})
}

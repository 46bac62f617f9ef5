package inflate_test

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/keyreeve/keyreeve/scanners/inflate"
)

func deflate(t testing.TB, data []byte, level int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := zlib.NewWriterLevel(&b, level)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// texts are inputs of many kinds: codes of all lengths, short and long matches, stored blocks.
func texts() map[string][]byte {
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 200_000)
	skewed := make([]byte, 300_000)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	for i := range skewed { // so that rare bytes get the longest codes
		for random.IntN(2) == 0 && skewed[i] < 255 {
			skewed[i]++
		}
	}
	var words strings.Builder
	for range 20_000 {
		fmt.Fprintf(&words, "word%d ", random.IntN(3000))
	}
	return map[string][]byte{
		"empty": {}, "one": {'x'}, "few": []byte("hello, hello, hello"), "run": bytes.Repeat([]byte{'a'}, 100_000),
		"far":   append(append(bytes.Clone(noise[:32_000]), noise[32_000:40_000]...), noise[:30_000]...),
		"noise": noise, "skewed": skewed, "words": []byte(words.String()),
		"short period": bytes.Repeat([]byte("abcdefg"), 9000), "period 8": bytes.Repeat([]byte("abcdefgh"), 9000),
	}
}

func TestZlib(t *testing.T) {
	var d inflate.Decoder
	for name, text := range texts() {
		for _, level := range []int{zlib.HuffmanOnly, zlib.NoCompression, 1, 6, 9} {
			packed := deflate(t, text, level)
			for _, slack := range []int{0, 1, 7, 8, 30} {
				got := make([]byte, len(text))
				n, err := d.Zlib(got, append(bytes.Clone(packed), make([]byte, slack)...))
				if err != nil || n != len(packed) || !bytes.Equal(got, text) {
					t.Fatalf("%s at level %d with %d bytes more: %d of %d, %v", name, level, slack, n, len(packed), err)
				}
			}
			for _, size := range []int{len(text) - 1, len(text) + 1} {
				if size < 0 {
					continue
				}
				if _, err := d.Zlib(make([]byte, size), packed); err == nil {
					t.Errorf("%s at level %d inflates to %d as well", name, level, size)
				}
			}
		}
	}
}

// TestZlibCutOff: no front of a stream is a stream.
func TestZlibCutOff(t *testing.T) {
	var d inflate.Decoder
	text := texts()["words"][:3000]
	for _, level := range []int{0, 1, 9} {
		packed := deflate(t, text, level)
		for n := range packed {
			if _, err := d.Zlib(make([]byte, len(text)), packed[:n]); err == nil {
				t.Fatalf("the first %d of %d bytes are enough", n, len(packed))
			}
		}
	}
}

// FuzzZlib: the decoder takes what compress/zlib takes, makes the same of it, and never panics.
func FuzzZlib(f *testing.F) {
	for _, text := range texts() {
		for _, level := range []int{zlib.HuffmanOnly, 0, 6} {
			packed := deflate(f, text[:min(len(text), 2000)], level)
			f.Add(packed, len(text[:min(len(text), 2000)]))
		}
	}
	f.Add([]byte{0x78, 0x9c, 5, 0x80, 0, 0}, 3)
	f.Fuzz(func(t *testing.T, packed []byte, size int) {
		if size < 0 || size > 1<<20 {
			return
		}
		var d inflate.Decoder
		got := make([]byte, size)
		n, err := d.Zlib(got, packed)

		var want []byte
		in := bytes.NewReader(packed)
		z, wantErr := zlib.NewReader(in)
		if wantErr == nil {
			want, wantErr = io.ReadAll(io.LimitReader(z, 1<<21))
		}
		good := wantErr == nil && len(want) == size
		if good != (err == nil) {
			t.Fatalf("we say %v, compress/zlib %v with %d of %d bytes", err, wantErr, len(want), size)
		}
		if good && (!bytes.Equal(got, want) || n != len(packed)-in.Len()) {
			t.Fatalf("it differs: %d bytes read, and %d", n, len(packed)-in.Len())
		}
	})
}

// BenchmarkZlib inflates objects as small as most of a pack, and a large one.
func BenchmarkZlib(b *testing.B) {
	words := texts()["words"]
	for _, size := range []int{300, 3000, 100_000} {
		packed := append(deflate(b, words[:size], 6), make([]byte, 8)...)
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			var d inflate.Decoder
			out := make([]byte, size)
			b.SetBytes(int64(size))
			for b.Loop() {
				if _, err := d.Zlib(out, packed); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

package scanners

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// indexOf indexes texts under the tests' pepper.
func indexOf(t testing.TB, texts ...string) *Index {
	t.Helper()
	x := NewIndexer(peppers(t))
	for _, text := range texts {
		x.Add([]byte(text))
	}
	return x.Index()
}

func TestIndex(t *testing.T) {
	const token = "ghp_" + "0a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R"
	x := indexOf(t, "a: ${{ secrets.PAYMENTS_API_KEY }}\nid = "+testID+"\n", "v=\""+testValue+"\"; t='"+token+"' and hunter2!x")
	for _, c := range []struct {
		name string
		key  Key
		want Answer
	}{
		{"a name", Key{Name: testName}, AnswerMaybe},
		{"another name", Key{Name: "PAYMENTS_API_KEYS"}, AnswerNo},
		{"a name that is not indexed", Key{Name: "payments"}, AnswerUnknown},
		{"an id", Key{ID: testID}, AnswerMaybe},
		{"another id", Key{ID: "AKIA" + "QWERTYUIOPASDFGX"}, AnswerNo},
		{"an id that is not indexed", Key{ID: "123456"}, AnswerUnknown},
		{"a value", Key{Fingerprint: fingerprint(t, testValue)}, AnswerMaybe},
		{"a token", Key{Fingerprint: fingerprint(t, token)}, AnswerMaybe},
		{"another value", Key{Fingerprint: fingerprint(t, "s3cr3t-Zq8vN2wLy7Rb4Tk9Yd")}, AnswerNo},
		{"a value of words", Key{Fingerprint: fingerprint(t, testPhrase)}, AnswerUnknown},
		{"a short value", Key{Fingerprint: fingerprint(t, "hunter2!x")}, AnswerUnknown},
		{"a digest as a value", Key{Fingerprint: fingerprint(t, strings.Repeat("0af1", 10))}, AnswerUnknown},
		{"a name, and another value", Key{Name: testName, Fingerprint: fingerprint(t, "s3cr3t-Zq8vN2wLy7Rb4Tk9Yd")}, AnswerMaybe},
		{"another name, and a value of words", Key{Name: "OTHER_KEY", Fingerprint: fingerprint(t, testPhrase)}, AnswerUnknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := compile(t, c.key).Ask(x); !slices.Equal(got, []Answer{c.want}) {
				t.Errorf("Ask = %v, want %v", got, c.want)
			}
		})
	}
}

// An index of another pepper knows nothing, and one without a pepper knows names and ids.
func TestIndexOfOtherPeppers(t *testing.T) {
	text := []byte(testName + " " + testID + " " + testValue)
	m := compile(t, Key{Name: testName}, Key{ID: testID}, Key{Fingerprint: fingerprint(t, testValue)}, Key{Name: "OTHER_KEY"})
	for _, c := range []struct {
		name    string
		peppers Peppers
		want    []Answer
	}{
		{"the same", peppers(t), []Answer{AnswerMaybe, AnswerMaybe, AnswerMaybe, AnswerNo}},
		{"another", peppers(t, olderPepper), []Answer{AnswerUnknown, AnswerUnknown, AnswerUnknown, AnswerUnknown}},
		{"none", nil, []Answer{AnswerMaybe, AnswerMaybe, AnswerUnknown, AnswerNo}},
	} {
		x := NewIndexer(c.peppers)
		x.Add(text)
		if got := m.Ask(x.Index()); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	// After a rotation, what is known of the index's pepper is still asked under it.
	both, err := Compile([]Key{{Label: "v", Fingerprint: fingerprint(t, testValue)}, {Label: "n", Name: testName}}, peppers(t, olderPepper, pepperText))
	if err != nil {
		t.Fatal(err)
	}
	if got := both.Ask(indexOf(t, string(text))); !slices.Equal(got, []Answer{AnswerMaybe, AnswerMaybe}) {
		t.Errorf("after a rotation: %v", got)
	}
}

// What the index says no to, a scan does not find between separators.
func TestIndexNeverSaysNoToWhatIsThere(t *testing.T) {
	p := peppers(t)
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.OneOf(rapid.StringMatching(`[A-Za-z0-9+/_.:@-]{8,60}`), rapid.StringMatching(`[a-z]{2,4}_[A-Za-z0-9]{16,80}`), rapid.StringMatching(`[ -~]{8,40}`)).Draw(t, "value")
		name := rapid.StringMatching(`[A-Za-z_][A-Za-z0-9_]{3,30}`).Draw(t, "name")
		id := rapid.StringMatching(`[A-Za-z0-9:-]{6,40}`).Draw(t, "id")
		f, err := p.Fingerprint([]byte(value))
		if err != nil {
			t.Skip(err.Error())
		}
		m, err := Compile([]Key{{Label: "n", Name: name}, {Label: "i", ID: id}, {Label: "v", Fingerprint: f}}, p)
		if err != nil {
			t.Fatal(err)
		}
		x := NewIndexer(p)
		x.Add([]byte("x: \"" + value + "\"\n${" + name + "} (" + id + ")"))
		for i, answer := range m.Ask(x.Index()) {
			if answer == AnswerNo {
				t.Fatalf("no to key %d of %q", i, []string{name, id, value})
			}
		}
	})
}

// Fragments, in any order and merged, make the index of the whole.
func TestIndexMerge(t *testing.T) {
	a, b := "AA_KEY="+testValue+"\n", "BB_KEY="+testID+" "+testValue+"\n"
	whole := indexOf(t, a, b)
	sum, err := indexOf(t, b).Merge(indexOf(t, a))
	if err != nil || sum.Len() != whole.Len() || fmt.Sprint(sum.hashes) != fmt.Sprint(whole.hashes) {
		t.Errorf("Merge = %v, %v, want %v", sum, err, whole)
	}
	if _, err := whole.Merge(NewIndexer(nil).Index()); err == nil {
		t.Error("indexes of different peppers are merged")
	}
}

func TestIndexFile(t *testing.T) {
	x := indexOf(t, string(sourceText(t, 1<<20)))
	var file bytes.Buffer
	if n, err := x.WriteTo(&file); err != nil || n != int64(file.Len()) {
		t.Fatalf("WriteTo = %d of %d, %v", n, file.Len(), err)
	}
	back, err := ReadIndex(bytes.NewReader(file.Bytes()))
	if err != nil || fmt.Sprint(back) != fmt.Sprint(x) {
		t.Fatalf("ReadIndex: %v; %d hashes of %d", err, back.Len(), x.Len())
	}
	for i := 0; i < file.Len(); i += 1 + file.Len()/300 {
		broken := bytes.Clone(file.Bytes())
		broken[i] ^= 1
		if _, err := ReadIndex(bytes.NewReader(broken)); !errors.Is(err, ErrIndex) {
			t.Fatalf("with a wrong byte at %d: %v", i, err)
		}
		if _, err := ReadIndex(bytes.NewReader(file.Bytes()[:i])); !errors.Is(err, ErrIndex) {
			t.Fatalf("cut off at %d: %v", i, err)
		}
	}
	t.Logf("%d bytes for a MB of Go's sources", file.Len())
}

func FuzzReadIndex(f *testing.F) {
	var file bytes.Buffer
	_, _ = indexOf(f, testName+" "+testID+" "+testValue).WriteTo(&file)
	f.Add(file.Bytes())
	f.Add([]byte(indexMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := ReadIndex(bytes.NewReader(b))
		if err != nil {
			return
		}
		var again bytes.Buffer
		if _, err := x.WriteTo(&again); err != nil || !bytes.Equal(again.Bytes(), b) {
			t.Errorf("it is written as %q", again.Bytes())
		}
	})
}

func BenchmarkIndexer(b *testing.B) {
	text := sourceText(b, 8<<20)
	b.SetBytes(int64(len(text)))
	size := 0
	for b.Loop() {
		x := NewIndexer(peppers(b))
		x.Add(text)
		size = x.Index().Len() * entryLen
	}
	b.ReportMetric(float64(size)/8, "bytes/MB")
}

func BenchmarkAsk(b *testing.B) {
	x := NewIndexer(peppers(b))
	x.Add(sourceText(b, 32<<20))
	index := x.Index()
	m, err := Compile(manyKeys(b, 10_000), peppers(b))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		m.Ask(index)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10_000, "ns/key")
}

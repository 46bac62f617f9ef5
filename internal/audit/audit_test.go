package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/keyreeve/keyreeve/internal/identity"
)

func TestCanonicalEntry(t *testing.T) {
	e := Entry{
		Seq: 7, At: time.Date(2026, 3, 1, 12, 0, 0, 5_000_000, time.FixedZone("CET", 3600)), Step: Verified,
		Installation: 42, Subject: "access:github/acme/payments/user:deploy-bot",
		Actor: &identity.Person{ID: 9_007_199_254_740_993, Login: "olga"}, What: `grant <write> & "more"`,
		Data: json.RawMessage(`{ "b": 1.50, "a": [true, null] }`), Controls: []string{"x"},
	}
	got, err := e.Canonical()
	if err != nil {
		t.Fatal(err)
	}
	want := `{"actor":{"id":9007199254740993,"login":"olga"},"at":"2026-03-01T11:00:00.005Z","controls":["x"],` +
		`"data":{"a":[true,null],"b":1.5},"installation":42,"seq":7,"step":"verified",` +
		`"subject":"access:github/acme/payments/user:deploy-bot","what":"grant <write> & \"more\""}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if _, err := (Entry{Data: json.RawMessage(`{"a":`)}).Canonical(); err == nil {
		t.Error("broken data was accepted")
	}
}

func TestCanonicalize(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		// The example of RFC 8785, section 3.2.2, its numbers within what is allowed here.
		{
			`{"numbers":[333333333.33333329, 4.50, 2e-3, 0.000000000000000000000000001],
			  "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null, true, false]}`,
			`{"literals":[null,true,false],"numbers":[333333333.3333333,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
		},
		// Section 3.2.3: U+FB33 sorts after the surrogates of U+1F600.
		{`{"\ufb33":1,"\ud83d\ude00":2,"\u20ac":3,"\r":4,"1":5,"\u0080":6,"\u00f6":7}`, "{\"\\r\":4,\"1\":5,\"\u0080\":6,\"ö\":7,\"€\":3,\"😀\":2,\"\ufb33\":1}"},
		{`[-0, -0.0, 1e3, 9223372036854775807, 1.0]`, `[0,0,1000,9223372036854775807,1]`},
		{` "<&>  \u2028" `, "\"<&>  \u2028\""},
		{`"\ud800"`, `"` + "\ufffd" + `"`},
		{`{"a":1,"a":2}`, `{"a":2}`},
		{`{}`, `{}`},
		{`[]`, `[]`},
		{`9223372036854775808`, ""},
		{`1e400`, ""},
		{`1e20`, ""},
		{`{} {}`, ""},
		{`{} x`, ""},
		{``, ""},
		{`{"a":[1e99]}`, ""},
	} {
		got, err := Canonicalize([]byte(tt.in))
		if tt.want == "" {
			if err == nil {
				t.Errorf("%s: got %s, want an error", tt.in, got)
			}
			continue
		}
		if err != nil || string(got) != tt.want {
			t.Errorf("%s:\n got %s (%v)\nwant %s", tt.in, got, err, tt.want)
		}
	}
}

func TestCanonicalizeKeepsTheValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.MapOf(rapid.String(), rapid.OneOf(
			rapid.Custom(func(t *rapid.T) any { return rapid.String().Draw(t, "s") }),
			rapid.Custom(func(t *rapid.T) any { return rapid.Float64Range(-1e15, 1e15).Draw(t, "f") }),
			rapid.Custom(func(t *rapid.T) any { return float64(rapid.Int32().Draw(t, "i")) }),
		)).Draw(t, "in")
		raw, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		once, err := Canonicalize(raw)
		if err != nil {
			t.Fatal(err)
		}
		twice, err := Canonicalize(once)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("not stable: %s then %s (%v)", once, twice, err)
		}
		var out map[string]any
		if err := json.Unmarshal(once, &out); err != nil {
			t.Fatal(err)
		}
		for k, v := range in {
			if s, ok := v.(string); ok {
				v = strings.ToValidUTF8(s, "\ufffd")
			}
			if f, ok := v.(float64); ok && f == 0 {
				v = math.Abs(f)
			}
			if out[strings.ToValidUTF8(k, "\ufffd")] != v {
				t.Fatalf("%q: got %v, want %v", k, out[k], v)
			}
		}
	})
}

func FuzzCanonicalize(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5,"x\u0000"]}`, `"\ud83d"`, `1e1000`, `[[[`, `{"":{"":null}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		once, err := Canonicalize(raw)
		if err != nil {
			return
		}
		if !json.Valid(once) {
			t.Fatalf("%q gave invalid JSON %q", raw, once)
		}
		if twice, err := Canonicalize(once); err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%q: %q then %q (%v)", raw, once, twice, err)
		}
	})
}

func TestControls(t *testing.T) {
	for _, s := range []Step{Received, Decided, Intended, Applied, Failed, Verified, Changed, IsStuck, Archived} {
		list := Controls(s)
		if len(list) == 0 {
			t.Errorf("step %s is evidence for nothing", s)
		}
		for _, id := range list {
			if catalogue, control, ok := strings.Cut(id, "/"); !ok || catalogue == "" || control == "" {
				t.Errorf("step %s: %q is not catalogue/control", s, id)
			}
		}
		list[0] = "overwritten"
		if slices.Contains(Controls(s), "overwritten") {
			t.Errorf("step %s: the table can be written through", s)
		}
	}
	if got := Controls("dreamt"); got != nil {
		t.Errorf("unknown step: %v", got)
	}
}

// log returns n canonical entries, their leaf hashes, and the root of their tree.
func log(t testing.TB, n int) (raws [][]byte, leaves []tlog.Hash, root tlog.Hash) {
	t.Helper()
	var all Range
	for i := range n {
		raw, err := Entry{Seq: int64(i), At: time.Unix(int64(i), 0), Step: Decided, What: fmt.Sprint("step ", i)}.Canonical()
		if err != nil {
			t.Fatal(err)
		}
		raws, leaves = append(raws, raw), append(leaves, Hash(raw))
		all.Add(nil, Hash(raw))
	}
	return raws, leaves, all.Root()
}

func each(raws [][]byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, raw := range raws {
			if !yield(raw, nil) {
				return
			}
		}
	}
}

func TestVerify(t *testing.T) {
	for _, n := range []int{0, 1, 2, 7, 64, 100} {
		raws, leaves, root := log(t, n)
		if bad, err := Verify(each(raws), root); bad != -1 || err != nil {
			t.Errorf("%d good entries: %d, %v", n, bad, err)
		}
		if bad, err := VerifyLeaves(each(raws), leaves, root); bad != -1 || err != nil {
			t.Errorf("%d good entries, leaves: %d, %v", n, bad, err)
		}
	}
}

func TestVerifyTampered(t *testing.T) {
	failed := errors.New("disk gone")
	for _, tt := range []struct {
		name    string
		tamper  func([][]byte) [][]byte
		bad     int64 // by Verify
		err     error
		badLeaf int64 // by VerifyLeaves
	}{
		{"changed", func(r [][]byte) [][]byte { r[3] = bytes.Replace(r[3], []byte("step 3"), []byte("step X"), 1); return r }, -1, ErrRoot, 3},
		{"renumbered", func(r [][]byte) [][]byte {
			r[3] = bytes.Replace(r[3], []byte(`"seq":3`), []byte(`"seq":4`), 1)
			return r
		}, 3, ErrEntry, 3},
		{"space added", func(r [][]byte) [][]byte { r[5] = append([]byte(" "), r[5]...); return r }, 5, ErrEntry, 5},
		{"not JSON", func(r [][]byte) [][]byte { r[5] = []byte("{"); return r }, 5, ErrEntry, 5},
		{"no number", func(r [][]byte) [][]byte { r[0] = []byte("{}"); return r }, 0, ErrEntry, 0},
		{"removed", func(r [][]byte) [][]byte { return slices.Delete(r, 2, 3) }, 2, ErrEntry, 2},
		{"removed at the end", func(r [][]byte) [][]byte { return r[:9] }, -1, ErrRoot, 9},
		{"swapped", func(r [][]byte) [][]byte { r[4], r[6] = r[6], r[4]; return r }, 4, ErrEntry, 4},
		{"added", func(r [][]byte) [][]byte {
			return append(r, bytes.Replace(r[9], []byte(`"seq":9`), []byte(`"seq":10`), 1))
		}, -1, ErrRoot, 10},
		{"all gone", func([][]byte) [][]byte { return nil }, -1, ErrRoot, 0},
	} {
		raws, leaves, root := log(t, 10)
		raws = tt.tamper(raws)
		if bad, err := Verify(each(raws), root); bad != tt.bad || !errors.Is(err, tt.err) {
			t.Errorf("%s: Verify gives %d, %v; want %d, %v", tt.name, bad, err, tt.bad, tt.err)
		}
		if bad, err := VerifyLeaves(each(raws), leaves, root); bad != tt.badLeaf || !errors.Is(err, ErrEntry) {
			t.Errorf("%s: VerifyLeaves gives %d, %v; want %d", tt.name, bad, err, tt.badLeaf)
		}
	}
	raws, leaves, root := log(t, 10)
	leaves[3][0] ^= 1
	if bad, err := VerifyLeaves(each(raws), leaves, root); bad != -1 || !errors.Is(err, ErrRoot) {
		t.Errorf("leaves tampered: %d, %v", bad, err)
	}
	broken := func(yield func([]byte, error) bool) { _ = yield(raws[0], nil) && yield(nil, failed) }
	if bad, err := Verify(broken, root); bad != 1 || !errors.Is(err, failed) {
		t.Errorf("unreadable: %d, %v", bad, err)
	}
}

func ExampleEntry_Canonical() {
	raw, _ := Entry{At: time.Unix(0, 0), Step: Received, What: "issues"}.Canonical()
	fmt.Println(string(raw))
	// Output: {"at":"1970-01-01T00:00:00Z","installation":0,"seq":0,"step":"received","subject":"","what":"issues"}
}

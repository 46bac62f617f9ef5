package scanners

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"html"
	neturl "net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"pgregory.net/rapid"
)

const (
	testName   = "PAYMENTS_API_KEY"
	testID     = "AKIA" + "QWERTYUIOPASDFGH"
	testValue  = "s3cr3t-Zq8vN2wLx7Rb4Tk9Yd"
	testPhrase = "correct horse; \"battery\" $taple/<&> é"
)

func testKeys(t testing.TB) []Key {
	t.Helper()
	return []Key{{Label: "n", Name: testName}, {Label: "i", ID: testID}, {Label: "v", Fingerprint: fingerprint(t, testValue)}, {Label: "p", Fingerprint: fingerprint(t, testPhrase)}}
}

// An encoder writes a text in an encoding as programs do.
type encoder struct {
	name string
	want Encoding
	into func(string) string
}

func encoders() []encoder {
	wrap := func(s, newline string, n int) string {
		return strings.Join(slices.Collect(func(yield func(string) bool) {
			for len(s) > n {
				if !yield(s[:n]) {
					return
				}
				s = s[n:]
			}
			yield(s)
		}), newline)
	}
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	each := func(format string) func(string) string {
		return func(s string) string {
			var out strings.Builder
			for _, c := range []byte(s) {
				fmt.Fprintf(&out, format, c)
			}
			return out.String()
		}
	}
	return []encoder{
		{"base64", EncBase64, b64},
		{"base64, unpadded", EncBase64, func(s string) string { return base64.RawStdEncoding.EncodeToString([]byte(s)) }},
		{"base64url", EncBase64, func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }},
		{"base64, one byte in", EncBase64, func(s string) string { return b64(";" + s) }},
		{"base64, two bytes in", EncBase64, func(s string) string { return b64(";;" + s) }},
		{"base64 of a line", EncBase64, func(s string) string { return b64("A_KEY=" + s + "\nB=1\n") }},
		{"base64, wrapped", EncBase64, func(s string) string { return wrap(b64(strings.Repeat("0123456789 ", 5)+s), "\n", 64) }},
		{"base64, wrapped in YAML", EncBase64, func(s string) string { return "\n    " + wrap(b64(strings.Repeat("0123456789 ", 5)+s), "\n    ", 76) }},
		{"base64, wrapped at an odd place", EncBase64, func(s string) string { return wrap(b64("a longer beginning of it "+s), "\r\n", 30) }},
		{"base64 in a URL's path", EncBase64, func(s string) string { return "https://host/x/" + base64.RawURLEncoding.EncodeToString([]byte(s)) }},
		{"base64 after an escape", EncBase64, func(s string) string { return `\n` + b64(s) }},
		{"hex", EncHex, func(s string) string { return hex.EncodeToString([]byte(s)) }},
		{"HEX", EncHex, func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) }},
		{"hex with 0x", EncHex, func(s string) string { return "0x" + hex.EncodeToString([]byte(s)) }},
		{"\\x", EncEscape, each(`\x%02x`)},
		{"\\u", EncEscape, func(s string) string {
			var out strings.Builder
			for _, c := range utf16.Encode([]rune(s)) {
				fmt.Fprintf(&out, `\u%04X`, c)
			}
			return out.String()
		}},
		{"octal", EncEscape, each(`\%03o`)},
		{"percent", EncPercent, each("%%%02X")},
		{"HTML, decimal", EncHTML, func(s string) string {
			var out strings.Builder
			for _, c := range s {
				fmt.Fprintf(&out, "&#%d;", c)
			}
			return out.String()
		}},
		{"HTML, hexadecimal", EncHTML, func(s string) string {
			var out strings.Builder
			for _, c := range s {
				fmt.Fprintf(&out, "&#x%x;", c)
			}
			return out.String()
		}},
		{"base64 of base64", EncBase64 + "+" + EncBase64, func(s string) string { return b64("x: " + b64(s)) }},
		{"base64 of gzip", EncBase64 + "+" + EncGzip, func(s string) string { return b64(gzipped(s)) }},
		{"base64 of zlib", EncBase64 + "+" + EncZlib, func(s string) string { return b64(zlibbed(s)) }},
	}
}

func gzipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

func zlibbed(s string) string {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

func zipped(t testing.TB, files ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i, s := range files {
		f, err := w.Create(fmt.Sprint("file-", i))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = f.Write([]byte(s))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func utf16Text(s string, order binary.AppendByteOrder) string {
	var b []byte
	for _, c := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, c)
	}
	return string(b)
}

// Each class is found in each encoding, in a whole text and in a fragment.
func TestEncodings(t *testing.T) {
	m := compile(t, testKeys(t)...)
	for _, e := range encoders() {
		for i, secret := range []string{testName, testID, testValue, testPhrase} {
			text := "first: line\nx: \"" + e.into(secret) + "\"\nlast"
			for _, fragment := range []bool{false, true} {
				var got []Match
				if fragment {
					got = m.Fragment(nil, []byte(text))
				} else {
					got, _ = m.ScanBytes(context.Background(), []byte(text))
				}
				if len(got) != 1 || got[0].Key != i || got[0].Encoding != e.want {
					t.Errorf("%s of %s (fragment: %v): %+v, want key %d in %s, in\n%q", e.name, secret, fragment, got, i, e.want, text)
				}
			}
		}
	}
}

// Whole texts in an encoding or a container.
func TestContainers(t *testing.T) {
	m := compile(t, testKeys(t)[:3]...)
	lines := "first\nA=" + testName + " " + testID + "\n" + testValue + "\nlast\n"
	for _, c := range []struct {
		name, text string
		want       Encoding
		whole      bool
	}{
		{"UTF-16LE", utf16Text(lines, binary.LittleEndian), EncUTF16, false},
		{"UTF-16BE", utf16Text(lines, binary.BigEndian), EncUTF16, false},
		{"UTF-16LE with a mark", "\xff\xfe" + utf16Text(lines, binary.LittleEndian), EncUTF16, true},
		{"UTF-16BE with a mark", "\xfe\xff" + utf16Text(lines, binary.BigEndian), EncUTF16, true},
		{"gzip", gzipped(lines), EncGzip, true},
		{"zlib", zlibbed(lines), EncZlib, true},
		{"zip", zipped(t, "other", lines), EncZip, true},
		{"zip behind a script", "#!/bin/sh\nexec unzip $0\n" + zipped(t, "other", lines), EncZip, false},
		{"zip of gzip of base64", zipped(t, gzipped(base64.StdEncoding.EncodeToString([]byte(lines)))), EncZip + "+" + EncGzip + "+" + EncBase64, true},
		{"gzip of gzip of gzip of gzip", gzipped(gzipped(gzipped(gzipped(lines)))), "gzip+gzip+gzip+gzip", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, gaps := m.ScanBytes(t.Context(), []byte(c.text))
			if len(gaps) > 0 {
				t.Errorf("gaps: %v", gaps)
			}
			var classes []string
			for _, f := range got {
				if f.Encoding != c.want {
					t.Errorf("%+v, want it in %s", f, c.want)
				}
				classes = append(classes, string(f.Class))
			}
			slices.Sort(classes)
			if !slices.Equal(classes, []string{"id", "name", "value"}) {
				t.Errorf("found %v", got)
			}
			if got := m.Whole([]byte(c.text)[:8]); got != c.whole {
				t.Errorf("Whole = %v, want %v", got, c.whole)
			}
		})
	}
}

// What is encoded in part, as programs do it.
func TestEncodedInPart(t *testing.T) {
	m := compile(t, testKeys(t)...)
	for _, c := range []struct {
		name, text, want string
	}{
		{"percent", "?p=" + neturl.QueryEscape(strings.ReplaceAll(testPhrase, " ", "\x00")), ""},
		{"percent, of a path", "/" + neturl.PathEscape(testPhrase), "value:" + neturl.PathEscape(testPhrase) + " (percent)"},
		{"HTML", "<b>" + html.EscapeString(testPhrase) + "</b>", "value:" + html.EscapeString(testPhrase) + " (html)"},
		{"JSON", fmt.Sprintf("{%q: %q}", "a", testPhrase), `value:correct horse; \"battery\" $taple/<&> é (escape)`},
		{"JSON of JSON", fmt.Sprintf("%q", fmt.Sprintf("{%q: %q}", "a", testPhrase)), `value:correct horse; \\\"battery\\\" $taple/<&> é (escape+escape)`},
		{"a name behind an escape", `"a\nPAYMENTS_API_KEY=\n"`, "name:PAYMENTS_API_KEY (escape)"},
		{"plain beside escapes", `"\tPAYMENTS_API_KEYS", "\n PAYMENTS_API_KEY\n"`, "name:PAYMENTS_API_KEY"},
		{"a line that goes on", "PAYMENTS_\\\nAPI_KEY", "name:PAYMENTS_\\\nAPI_KEY (escape)"},
		{"folded in quotes", "a: \"PAYMENTS_\\\n    API_KEY\"", "name:PAYMENTS_\\\n    API_KEY (escape)"},
		{"joined by +", "a = \"PAYMENTS_\" +\n  \"API_KEY\";", "name:PAYMENTS_\" +\n  \"API_KEY (joined)"},
		{"joined by nothing", "a = 'PAYMENTS_' 'API_KEY';", "name:PAYMENTS_' 'API_KEY (joined)"},
		{"joined thrice", "a = 's3cr3t' . '-Zq8vN2w' . 'Lx7Rb4Tk9Yd';", "value:s3cr3t' . '-Zq8vN2w' . 'Lx7Rb4Tk9Yd (joined)"},
		{"in a list", "a = ['PAYMENTS_', 'API_KEY'];", ""},
		{"indented", "    s3cr3t-\n    Zq8vN2wLx7Rb4Tk9Yd\n", "value:s3cr3t-\n    Zq8vN2wLx7Rb4Tk9Yd (lines)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var want []string
			if c.want != "" {
				want = []string{c.want}
			}
			if got := found(t, m, c.text); !slices.Equal(got, want) {
				t.Errorf("found %q in %q, want %q", got, c.text, want)
			}
		})
	}
}

// A private key, as it was fingerprinted and as it stands in files.
func TestLinesOfAValue(t *testing.T) {
	lines := []string{"-----BEGIN X KEY-----", "MIIEowIBAAKCAQEA0Zq8vN2wLx7Rb4Tk9Yd1", "Zq8vN2wLx7Rb4Tk9YdMIIEowIBAAKCAQEA02", "c2hvcnQ=", "-----END X KEY-----"}
	unix, windows := strings.Join(lines, "\n"), strings.Join(lines, "\r\n")
	m := compile(t, Key{Fingerprint: fingerprint(t, unix)}, Key{Fingerprint: fingerprint(t, windows)})
	for _, c := range []struct {
		name, text string
		want       []Encoding
	}{
		{"unix", unix, []Encoding{"", EncLines}},
		{"windows", windows, []Encoding{EncLines, ""}},
		{"YAML", "key: |\n  " + strings.Join(lines, "\n  ") + "\n", []Encoding{EncLines, EncLines}},
		{"JSON", fmt.Sprintf("%q", unix), []Encoding{EncEscape, EncEscape + "+" + EncLines}},
		{"joined", `"` + strings.Join(lines, "\\n\" +\n\t\"") + `"`, []Encoding{EncEscape + "+" + EncJoined, EncEscape + "+" + EncJoined + "+" + EncLines}},
		{"base64", base64.StdEncoding.EncodeToString([]byte(unix)), []Encoding{EncBase64, EncBase64 + "+" + EncLines}},
		{"its first half", unix[:len(unix)/2], nil},
		{"another one with the same window", strings.Replace(unix, "MIIEo", "MIIEp", 1), nil},
	} {
		got, _ := m.ScanBytes(t.Context(), []byte(c.text))
		slices.SortFunc(got, func(a, b Match) int { return a.Key - b.Key })
		var encodings []Encoding
		for i, f := range got {
			if f.Key != i {
				t.Errorf("%s: %+v", c.name, got)
			}
			encodings = append(encodings, f.Encoding)
			if n := strings.Count(c.text[f.Start:f.End], "END X KEY"); n != 1 && c.name != "base64" {
				t.Errorf("%s: it is said to be %q", c.name, c.text[f.Start:f.End])
			}
		}
		if !slices.Equal(encodings, c.want) {
			t.Errorf("%s: %q, want %q", c.name, encodings, c.want)
		}
	}
}

// Where an encoded occurrence is said to be: its own characters, and no more than the encoding's group around them.
func TestEncodedPlace(t *testing.T) {
	m := compile(t, testKeys(t)...)
	before, after := strings.Repeat("line of text\n", 4), "\nand more of it"
	for _, c := range []struct{ name, text string }{
		{"base64", base64.StdEncoding.EncodeToString([]byte(before + testName + after))},
		{"hex", hex.EncodeToString([]byte(before + testName + after))},
	} {
		got, _ := m.ScanBytes(t.Context(), []byte(c.text))
		if len(got) != 1 {
			t.Fatalf("%s: %+v", c.name, got)
		}
		part := c.text[got[0].Start:got[0].End]
		var decoded []byte
		var err error
		if c.name == "hex" {
			decoded, err = hex.DecodeString(part)
		} else {
			decoded, err = base64.RawStdEncoding.DecodeString(part)
		}
		if err != nil || !strings.Contains(string(decoded), testName) || len(decoded) > len(testName)+4 {
			t.Errorf("%s: %q is %q, %v", c.name, part, decoded, err)
		}
	}
}

// Texts that would take a search far longer which looked at everything again and again.
func TestHostileTexts(t *testing.T) {
	m := compile(t, append(testKeys(t), Key{Fingerprint: fingerprint(t, strings.Repeat("long and longer 0123456789abcdef ", 1000))})...)
	window := testValue[8:24]
	units := []string{
		"H4sI", "UEsDBBQ", "QQ==", "QUJD\n", strings.Repeat("A", 16) + "\n", "\\", "\\n", "\\u0041", "%41", "%", "&#65;", "&amp;", "\"\"", "\" + \"", "'", "\x00", "A\x00",
		"\x00\x00A", "PK\x03\x04", "\x1f\x8b\x08", testName, testName + "\n", testName + "\\n", "a" + window, window + "\n", "0af1", "deadbeef\n", "0123456789abcdef", "0123456789abcdef\n",
		"%25", "\\\\", "&amp;amp;", base64.StdEncoding.EncodeToString([]byte(testName)) + " ", hex.EncodeToString([]byte(testName)) + " ",
	}
	for _, unit := range units {
		text := []byte(strings.Repeat(unit, (256<<10)/len(unit)))
		start := time.Now()
		m.ScanBytes(t.Context(), text)
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("256 KiB of %q take %v", unit, took)
		}
		if testing.Verbose() {
			t.Logf("%8.1f ms for %q", float64(time.Since(start).Microseconds())/1000, unit)
		}
	}
}

// What is not looked at is said.
func TestGaps(t *testing.T) {
	m := compile(t, testKeys(t)...)
	deep := testName
	for range DepthMax + 1 {
		deep = gzipped(deep)
	}
	for _, c := range []struct {
		name, text, want string
	}{
		{"too deep", deep, "nested deeper than 4"},
		{"a bomb", gzipped(strings.Repeat("\x00", 80<<20)), "a gzip unpacks to more than 64 MiB or 250 times its size: the rest was not looked at"},
		{"cut off", gzipped(strings.Repeat(testName, 99))[:30], "the gzip can't be read to its end"},
		{"no archive", "PK\x03\x04 and then nothing", "the zip can't be read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, gaps := m.ScanBytes(t.Context(), []byte(c.text))
			if len(gaps) != 1 || gaps[0].What != c.want || gaps[0].Count != 1 {
				t.Errorf("gaps = %v, want %q", gaps, c.want)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, gaps := m.ScanBytes(ctx, []byte(gzipped(testName))); len(gaps) != 1 {
		t.Errorf("a search that was ended has gaps %v", gaps)
	}
}

// A key is found whatever stands around it, in any encoding, where a fragment is cut out around it.
func TestFragmentsFindWhatWholesFind(t *testing.T) {
	m := compile(t, testKeys(t)...)
	rapid.Check(t, func(t *rapid.T) {
		e := rapid.SampledFrom(encoders()).Draw(t, "encoder")
		secret := rapid.SampledFrom([]string{testName, testID, testValue, testPhrase}).Draw(t, "secret")
		noise := rapid.OneOf(rapid.StringMatching(`[ -~\n]{0,300}`), rapid.StringMatching(`[A-Za-z0-9+/]{0,300}`))
		before, after := noise.Draw(t, "before")+"\n- ", rapid.SampledFrom([]string{"\n", "\nEOF\n"}).Draw(t, "end")+":\n"+noise.Draw(t, "after")
		text := []byte(before + e.into(secret) + after)
		whole, _ := m.ScanBytes(context.Background(), text)
		place := func(f Match) bool { return f.End > len(before) && f.Start < len(text)-len(after) }
		if !slices.ContainsFunc(whole, place) {
			t.Fatalf("%s: not found: %+v", e.name, whole)
		}
		if strings.Contains(string(e.want), "+") {
			return // a container that is cut is not looked at
		}
		// One new byte within what was found, widened.
		f := whole[slices.IndexFunc(whole, place)]
		at := rapid.IntRange(len(before), len(text)-len(after)-1).Draw(t, "new byte")
		fragment := text[max(0, at-m.Context()):min(len(text), at+1+m.Context())]
		got := m.Fragment(nil, fragment)
		if !slices.ContainsFunc(got, func(g Match) bool { return g.Key == f.Key }) {
			t.Fatalf("%s: not in the fragment %q", e.name, fragment)
		}
	})
}

// No word of a run is passed over.
func TestWordsOfRuns(t *testing.T) {
	for c := range 256 {
		word := []byte("AAAAAAAA")
		for i := range word {
			word[i] = byte(c)
			in := noStop(binary.LittleEndian.Uint64(word))
			if got := in>>(8*i)&0x80 != 0; runClass[c] != 0 && !got || (c < '+' || c == '.' || c == ',' || c >= 0x80) && got || in|0x80<<(8*i) != tops {
				t.Errorf("noStop of %q = %x", word, in)
			}
			word[i] = 'z'
		}
	}
}

// Nothing is found in what holds nothing, and nothing ends the search.
func FuzzScanBytes(f *testing.F) {
	m := compile(f, testKeys(f)...)
	for _, e := range encoders() {
		f.Add([]byte(e.into(testName)))
	}
	f.Add([]byte(zipped(f, testValue)))
	f.Add([]byte(gzipped(testValue)))
	f.Add([]byte(utf16Text(testID, binary.LittleEndian)))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, _ := m.ScanBytes(context.Background(), b)
		for i, k := range got {
			if k.Start < 0 || k.End > len(b) || k.Start >= k.End || i > 0 && k.Start < got[i-1].Start {
				t.Fatalf("%+v of %d bytes", k, len(b))
			}
			if k.Class == ByName && k.Encoding == "" && string(b[k.Start:k.End]) != testName {
				t.Fatalf("%q is no name", b[k.Start:k.End])
			}
		}
	})
}

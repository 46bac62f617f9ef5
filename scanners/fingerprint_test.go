package scanners

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const olderPepper = "an older pepper of the tests, 9876543210"

func TestFingerprint(t *testing.T) {
	const value = "s3cr3t-Zq8vN2wLx7Rb4Tk9Yd"
	f := fingerprint(t, value)
	// The pattern of docs/schema/identity.schema.json.
	if !regexp.MustCompile(`^[a-z0-9-]{1,32}:[A-Za-z0-9+/=_-]{8,128}$`).MatchString(f) {
		t.Errorf("the registry's schema refuses %q", f)
	}
	if again := fingerprint(t, value); again != f {
		t.Errorf("the same value has two fingerprints: %s and %s", f, again)
	}
	if id, err := FingerprintPepper(f); err != nil || id != peppers(t)[0].ID() {
		t.Errorf("FingerprintPepper = %q, %v, want %q", id, err, peppers(t)[0].ID())
	}
	// Frozen: a change here makes every fingerprint that was ever recorded useless.
	const frozen = "kr1-87a9bfe4:PG4FuP_NiMb6utMypnwgFim_EUgF8bWRLWxCCXrlwM8FDgDiNIhTY1v0p-t2KHR2zYPSxWK_PsY7"
	if f != frozen {
		t.Errorf("the fingerprint is %s, and was %s", f, frozen)
	}
}

func TestFingerprintRefuses(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"too short", "hunter2", "the value has 7 bytes: one with fewer than 8 can be guessed, and is found everywhere"},
		{"empty", "", "the value has 0 bytes: one with fewer than 8 can be guessed, and is found everywhere"},
		{"too long", strings.Repeat("abcdefgh", 6145), "the value has 49160 bytes, and GitHub keeps secrets of at most 49152"},
		{"one letter", "aaaaaaaaaaaaaaaaaaaa", "the value has only 1 different characters: it can be guessed, and is found everywhere"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if f, err := peppers(t).Fingerprint([]byte(c.value)); err == nil || err.Error() != c.want {
				t.Errorf("Fingerprint = %q, %v, want %s", f, err, c.want)
			}
		})
	}
	if _, err := Peppers(nil).Fingerprint([]byte("a value long enough")); !errors.Is(err, ErrNoPepper) {
		t.Errorf("without a pepper: %v", err)
	}
}

// A fingerprint in which any one character was changed is refused, since it would search for nothing.
func TestFingerprintMistyped(t *testing.T) {
	f := fingerprint(t, "s3cr3t-Zq8vN2wLx7Rb4Tk9Yd")
	for i := range f {
		for _, c := range "Aa0-" {
			bad := f[:i] + string(c) + f[i+1:]
			if bad == f {
				continue
			}
			if _, err := Compile([]Key{{Label: "a", Fingerprint: bad}}, peppers(t)); err == nil {
				t.Fatalf("with %c at %d it is accepted: %s", c, i, bad)
			}
		}
		if _, err := Compile([]Key{{Label: "a", Fingerprint: f[:i]}}, peppers(t)); err == nil && i > 0 {
			t.Fatalf("cut off at %d it is accepted", i)
		}
	}
}

// Two fingerprints show nothing in common that their values have, and nothing of their lengths.
func TestFingerprintHides(t *testing.T) {
	_, a, _ := split(fingerprint(t, "the same window of 16 b, 1"))
	_, b, _ := split(fingerprint(t, "the same window of 16 b, 2"))
	for i := 0; i+4 <= len(a); i++ {
		if slices.Equal(a[i:i+4], b[i:i+4]) {
			t.Errorf("bytes %d to %d are the same", i, i+4)
		}
	}
}

// The pepper is rotated by a new first line: what was made under the old one is found as long as that is listed.
func TestPepperRotation(t *testing.T) {
	const value = "s3cr3t-Zq8vN2wLx7Rb4Tk9Yd"
	older, err := peppers(t, olderPepper).Fingerprint([]byte(value))
	if err != nil {
		t.Fatal(err)
	}
	both := peppers(t, pepperText, olderPepper)
	newer, err := both.Fingerprint([]byte(value))
	if err != nil {
		t.Fatal(err)
	}
	if newer != fingerprint(t, value) || newer == older {
		t.Errorf("the first pepper makes fingerprints: %s, and under the older one %s", newer, older)
	}
	m, err := Compile([]Key{{Label: "made before", Fingerprint: older}, {Label: "made after", Fingerprint: newer}}, both)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := m.ScanBytes(t.Context(), []byte("x="+value))
	want := []Match{{Key: 0, Class: ByValue, Start: 2, End: 27}, {Key: 1, Class: ByValue, Start: 2, End: 27}}
	slices.SortFunc(got, func(a, b Match) int { return a.Key - b.Key })
	if !slices.Equal(got, want) {
		t.Errorf("ScanBytes = %+v, want %+v", got, want)
	}
	_, err = Compile([]Key{{Label: "made before", Fingerprint: older}}, peppers(t))
	bad := BadKeys(err)
	if len(bad) != 1 || !strings.Contains(bad[0].What, "pepper "+both[1].ID()+", which is not given") {
		t.Errorf("without the older pepper: %v", err)
	}
}

func TestReadPeppers(t *testing.T) {
	p, err := ReadPeppers(strings.NewReader("# the pepper of 2026\n\n  " + pepperText + "  \r\n" + olderPepper + "\n"))
	if err != nil || len(p) != 2 || p[0].ID() != peppers(t)[0].ID() {
		t.Errorf("ReadPeppers = %v, %v", p, err)
	}
	for _, c := range []struct{ name, text, want string }{
		{"empty", "# none\n", "there is no pepper in it"},
		{"short", "\nhunter2", "line 2: a pepper has at least 32 bytes, and this one 7"},
		{"long", strings.Repeat(pepperText, 40), "line 1: a pepper has at most 1024 bytes, and this one 1560"},
		{"not random", strings.Repeat("ab", 20), "line 1: a pepper is random, and this one has only 2 different characters"},
		{"twice", pepperText + "\n" + pepperText, "line 2: this pepper (" + peppers(t)[0].ID() + ") is there already"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := ReadPeppers(strings.NewReader(c.text)); err == nil || err.Error() != c.want {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
}

func TestPepperNeverShows(t *testing.T) {
	p := peppers(t)
	want := "[pepper " + p[0].ID() + "]"
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		if got := fmt.Sprintf(verb, []Pepper(p)); !strings.Contains(got, p[0].ID()) || len(got) > len(want)+40 {
			t.Errorf("%s prints %s", verb, got)
		}
	}
}

func TestOpenPeppers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pepper")
	if err := os.WriteFile(path, []byte(GeneratePepper()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, warning, err := OpenPeppers(path)
	if err != nil || len(p) != 1 || warning != "" {
		t.Errorf("OpenPeppers = %v, %q, %v", p, warning, err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, warning, err = OpenPeppers(path); err != nil || !strings.HasSuffix(warning, "chmod 600 "+path) {
		t.Errorf("a file that all can read: %q, %v", warning, err)
	}
	if _, _, err := OpenPeppers(path + ".none"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// Where the window lies is what the search depends on: for any value it is within it.
func TestAnchor(t *testing.T) {
	for _, c := range []struct{ value, want string }{
		{"12345678", "12345678"},
		{"a token of words, and then nothing long", "words, and then "},
		{"ghp_0123456789abcdefghijklmnop", "3456789abcdefghi"},
		{"-----BEGIN X KEY-----\nMIIEowIBAAKCAQEA0123\nend==\n-----END X KEY-----", "IEowIBAAKCAQEA01"},
	} {
		v := []byte(c.value)
		at := anchor(v)
		if got := string(v[at:min(len(v), at+windowLen)]); got != c.want {
			t.Errorf("the window of %q is %q, want %q", c.value, got, c.want)
		}
	}
}

// Whatever the value and whatever stands around it, it is found where it stands.
func TestValueIsFound(t *testing.T) {
	p := peppers(t)
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.SliceOfN(rapid.Byte(), ValueMin, 200).Draw(t, "value")
		f, err := p.Fingerprint(value)
		if err != nil {
			t.Skip(err.Error())
		}
		before := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "before")
		after := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "after")
		m, err := Compile([]Key{{Label: "a", Fingerprint: f}}, p)
		if err != nil {
			t.Fatal(err)
		}
		text := slices.Concat(before, value, after)
		want := Match{Class: ByValue, Start: len(before), End: len(before) + len(value)}
		if got, _ := m.ScanBytes(t.Context(), text); !slices.Contains(got, want) {
			t.Errorf("ScanBytes = %+v, want %+v among them", got, want)
		}
	})
}

func FuzzFingerprint(f *testing.F) {
	f.Add("kr1-00000000:AAAA")
	f.Add("hmac-sha256:9f86d081884c7d65")
	good, _ := ReadPeppers(strings.NewReader(pepperText))
	seed, _ := good.Fingerprint([]byte("s3cr3t-Zq8vN2wLx7Rb4Tk9Yd"))
	f.Add(seed)
	f.Fuzz(func(t *testing.T, s string) {
		_, err := Compile([]Key{{Label: "a", Fingerprint: s}}, good)
		if err == nil && s != "" && s != seed {
			t.Errorf("%q is accepted", s)
		}
	})
}

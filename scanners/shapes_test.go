package scanners

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"
)

// The credentials here are made up, and put together at run time lest a
// scanner of this repository takes them for real ones.
func sample(prefix string, n int) string {
	const body = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0"
	return prefix + strings.Repeat(body, n/len(body)+1)[:n]
}

func token(header, payload, signature string) string {
	e := base64.RawURLEncoding.EncodeToString
	return e([]byte(header)) + "." + e([]byte(payload)) + "." + signature
}

var (
	jwtSample = token(`{"alg":"RS256","typ":"JWT"}`, `{"iss":"1"}`, "c2lnbmF0dXJl_-")
	pemSample = pemBlock("RSA ")
)

func pemBlock(kind string) string {
	return "-----BEGIN " + kind + "PRIVATE KEY-----\nMIIEow==\n-----END " + kind + "PRIVATE KEY-----"
}

func TestRedact(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"nothing", "an ordinary line: ghp_ is a prefix, AKIA too", "an ordinary line: ghp_ is a prefix, AKIA too"},
		{"personal token", "x " + sample("ghp_", 36) + " y", "x [redacted github-token] y"},
		{"OAuth token", sample("gho_", 36), "[redacted github-token]"},
		{"user token", sample("ghu_", 36), "[redacted github-token]"},
		{"refresh token", sample("ghr_", 76), "[redacted github-token]"},
		{"installation token in a URL", "https://x-access-token:" + sample("ghs_", 36) + "@github.com/a/b", "https://x-access-token:[redacted github-token]@github.com/a/b"},
		{"installation token with a JWT in it", sample("ghs_", 6) + "_" + jwtSample, "[redacted github-token]"},
		{"at the end of a sentence", "It is " + sample("ghs_", 36) + ".", "It is [redacted github-token]."},
		{"fine-grained token", "t=" + sample("github_pat_", 22) + "_" + sample("", 59), "t=[redacted github-token]"},
		{"too short", sample("ghp_", 35), sample("ghp_", 35)},
		{"glued to a word", "token" + sample("ghp_", 36), "token[redacted github-token]"},
		{"two", sample("ghp_", 36) + "," + sample("gho_", 36), "[redacted github-token],[redacted github-token]"},
		{"AWS", "id=" + "AKIA" + "IOSFODNN7EXAMPLE\n", "id=[redacted aws-access-key-id]\n"},
		{"AWS, temporary", "ASIA" + "IOSFODNN7EXAMPLE", "[redacted aws-access-key-id]"},
		{"AWS, longer", "AKIA" + "IOSFODNN7EXAMPLES", "AKIA" + "IOSFODNN7EXAMPLES"},
		{"AWS, within a word", "XAKIA" + "IOSFODNN7EXAMPLE", "XAKIA" + "IOSFODNN7EXAMPLE"},
		{"AWS, lower case", "AKIA" + "iosfodnn7example", "AKIA" + "iosfodnn7example"},
		{"AWS, next to another", "AKIA" + "IOSFODNN7EXAMPLE" + sample("ghp_", 36), "[redacted aws-access-key-id][redacted github-token]"},
		{"Slack bot", "xoxb-" + "123456789012-123456789012-" + sample("", 24), "[redacted slack-token]"},
		{"Slack app", "xapp-" + "1-A0123456789-" + sample("", 24), "[redacted slack-token]"},
		{"Slack, rotated", "xoxe.xoxp-" + "1-" + sample("", 40), "xoxe.[redacted slack-token]"},
		{"Slack in words", "xoxb-is-the-prefix-of-slack-bots", "xoxb-is-the-prefix-of-slack-bots"},
		{"Slack webhook", "https://hooks.slack.com/services/" + sample("T", 8) + "/" + sample("B", 8) + "/" + sample("", 24), "https://[redacted slack-webhook]"},
		{"Stripe", sample("sk_live_", 24) + " " + sample("rk_test_", 24), "[redacted stripe-key] [redacted stripe-key]"},
		{"Stripe, public", sample("pk_live_", 24), sample("pk_live_", 24)},
		{"Google", "key=" + sample("AIza", 35), "key=[redacted google-api-key]"},
		{"Google, within a word", "x" + sample("AIza", 35), "x" + sample("AIza", 35)},
		{"npm", "//registry.example/:_authToken=" + sample("npm_", 36), "//registry.example/:_authToken=[redacted npm-token]"},
		{"PyPI", sample("pypi-"+"AgEIcHlwaS5vcmc", 80), "[redacted pypi-token]"},
		{"JWT", "Bearer " + jwtSample + ", next", "Bearer [redacted jwt], next"},
		{"JWT without a signature", token(`{"alg":"none"}`, "{}", ""), "[redacted jwt]"},
		{"JWE", jwtSample + ".YQ.Yg", "[redacted jwt]"},
		{"three parts without alg", token(`{"typ":"JWT"}`, "{}", "c2ln"), token(`{"typ":"JWT"}`, "{}", "c2ln")},
		{"two parts", strings.Join(strings.Split(jwtSample, ".")[:2], "."), strings.Join(strings.Split(jwtSample, ".")[:2], ".")},
		{"RSA key", "a\n" + pemSample + "\nb", "a\n[redacted private-key]\nb"},
		{"PKCS #8 key", pemBlock(""), "[redacted private-key]"},
		{"OpenSSH key", pemBlock("OPENSSH "), "[redacted private-key]"},
		{"OpenPGP key", "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nx\n-----END PGP PRIVATE KEY BLOCK-----!", "[redacted private-key]!"},
		{"a key cut off", "a " + pemSample[:40], "a [redacted private-key]"},
		{"a key in JSON", strings.ReplaceAll(pemSample, "\n", `\n`) + `"`, `[redacted private-key]"`},
		{"public key", "-----BEGIN PUBLIC KEY-----\nMII\n-----END PUBLIC KEY-----", "-----BEGIN PUBLIC KEY-----\nMII\n-----END PUBLIC KEY-----"},
		{"certificate", "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----", "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----"},
		{"a digest and a commit", "sha256:" + strings.Repeat("0af1", 16) + " " + strings.Repeat("ab12", 10), "sha256:" + strings.Repeat("0af1", 16) + " " + strings.Repeat("ab12", 10)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Redact(c.in); got != c.want {
				t.Errorf("Redact(%q)\n = %q\nwant %q", c.in, got, c.want)
			}
		})
	}
}

func TestFindSaysWhere(t *testing.T) {
	text := "a " + sample("ghp_", 36) + " b " + jwtSample
	want := []Hit{{"github-token", 2, 42}, {"jwt", 45, len(text)}}
	if got := Find([]byte(text)); !slices.Equal(got, want) {
		t.Errorf("Find = %v, want %v", got, want)
	}
}

func TestKinds(t *testing.T) {
	want := []string{
		"aws-access-key-id", "github-token", "google-api-key", "jwt", "npm-token", "private-key", "pypi-token", "slack-token", "slack-webhook", "stripe-key",
	}
	if got := Kinds(); !slices.Equal(got, want) {
		t.Errorf("Kinds = %v, want %v", got, want)
	}
}

// hostile are texts that would be slow for a matcher that goes back.
func hostile(n int) map[string]string {
	texts := map[string]string{}
	for _, unit := range []string{
		"ghp_", "ghs_.", "eyJ", "eyJ.", "eyJhbGciOiJub25lIn0.", "eyJhbGciOiJub25lIn0 ", "-----BEGIN ", "-----BEGIN PRIVATE KEY", "-----BEGIN PRIVATE KEY-----",
		"AKIA", "AKIAAAAAAAAAAAAAAAAA", "xoxb-1", "AIza", "sk_live_", "a", "-", pemSample, jwtSample + " ", sample("ghp_", 35) + " ",
	} {
		texts[unit] = strings.Repeat(unit, n/len(unit))
	}
	return texts
}

// A matcher that goes back would take minutes for a megabyte; the limit leaves room for a busy machine.
func TestLinear(t *testing.T) {
	for unit, text := range hostile(1 << 20) {
		start := time.Now()
		Find([]byte(text))
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("%d bytes of %.20q: %v", len(text), unit, took)
		}
	}
}

func FuzzRedact(f *testing.F) {
	for _, text := range hostile(300) {
		f.Add(text)
	}
	f.Add("AKIA" + "IOSFODNN7EXAMPLE" + sample("ghp_", 36))
	f.Add(sample("ghs_", 36) + "." + jwtSample + pemSample)
	f.Fuzz(func(t *testing.T, s string) {
		last := 0
		for _, h := range Find([]byte(s)) {
			if h.Start < last || h.End <= h.Start || h.End > len(s) || !slices.Contains(Kinds(), h.Kind) {
				t.Fatalf("%+v after %d in %d bytes", h, last, len(s))
			}
			last = h.End
		}
		once := Redact(s)
		if hits := Find([]byte(once)); len(hits) > 0 {
			t.Fatalf("%q still holds %v", once, hits)
		}
		if Redact(once) != once {
			t.Fatal("redacting again changes it")
		}
	})
}

func BenchmarkFind(b *testing.B) {
	line := `time=2026-03-01T12:00:00Z level=INFO msg="walked" subject=acme/identities#12 delivery=72d3162e-cc78-11e3-81ab-4c9367dc0958 took=12ms` + "\n"
	text := []byte(strings.Repeat(line, 1000) + sample("ghp_", 36))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		Find(text)
	}
}

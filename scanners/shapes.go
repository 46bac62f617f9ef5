package scanners

import (
	"slices"
)

// Hit is a place in a text that has the shape of a credential.
type Hit struct {
	Kind       string // "github-token", one of Kinds
	Start, End int    // the bytes text[Start:End]
}

// A shape is how one kind of credential is recognised: a prefix that its
// publisher reserved, and after it one run of characters of a fixed set.
type shape struct {
	kind   string
	prefix string
	body   charset
	least  int // the length of the shortest run
	// apart is set for a prefix that is a word of its own, lest it be found within other words.
	apart bool
	// fixed is set where the run has exactly least characters and no letter or digit after it.
	fixed bool
}

type charset func(c byte) bool

func alnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func base32(c byte) bool { return c >= 'A' && c <= 'Z' || c >= '2' && c <= '7' }
func word(c byte) bool   { return alnum(c) || c == '_' }
func url(c byte) bool    { return word(c) || c == '-' }
func dotted(c byte) bool { return url(c) || c == '.' }
func path(c byte) bool   { return alnum(c) || c == '/' }

// shapes lists what is known, each with where its publisher says so.
func shapes() []shape {
	var list []shape
	add := func(kind string, body charset, least int, prefixes ...string) {
		for _, p := range prefixes {
			list = append(list, shape{kind: kind, prefix: p, body: body, least: least})
		}
	}
	// https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github#githubs-token-formats
	// What follows ghs_ may also be a JWT.
	add("github-token", word, 36, "ghp_", "gho_", "ghu_", "ghr_")
	add("github-token", dotted, 36, "ghs_")
	add("github-token", word, 50, "github_pat_")
	// https://docs.slack.dev/authentication/tokens : after the prefix comes a number
	for d := range byte(10) {
		digit := string('0' + d)
		add("slack-token", url, 20, "xoxb-"+digit, "xoxp-"+digit, "xoxa-"+digit, "xoxr-"+digit, "xoxs-"+digit, "xoxe-"+digit, "xapp-"+digit)
	}
	add("slack-webhook", path, 40, "hooks.slack.com/services/", "hooks.slack.com/workflows/")
	// https://docs.stripe.com/keys
	add("stripe-key", alnum, 20, "sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_")
	// https://github.blog/security/application-security/introducing-npms-new-access-token-format/
	add("npm-token", alnum, 36, "npm_")
	// https://pypi.org/help/#apitoken : a macaroon in base64url, which names its issuer (pypi.org, test.pypi.org) first
	add("pypi-token", url, 50, "pypi-AgEIcHlwaS5vcmc", "pypi-AgENdGVzdC5weXBpLm9yZw")
	return append(list,
		// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
		shape{kind: "aws-access-key-id", prefix: "AKIA", body: base32, least: 16, apart: true, fixed: true},
		shape{kind: "aws-access-key-id", prefix: "ASIA", body: base32, least: 16, apart: true, fixed: true},
		// https://cloud.google.com/docs/authentication/api-keys
		shape{kind: "google-api-key", prefix: "AIza", body: url, least: 35, apart: true},
	)
}

// Kinds lists the kinds that Find knows.
func Kinds() []string {
	var kinds []string
	for _, s := range shapes() {
		kinds = append(kinds, s.kind)
	}
	kinds = append(kinds, jwtKind, pemKind)
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

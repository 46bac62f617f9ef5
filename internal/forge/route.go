package forge

import (
	"regexp"
	"strings"

	"github.com/keyreeve/keyreeve/scanners"
)

// words are the path segments of GitHub's API that a route keeps; all others are names or numbers.
var words = func() map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(`access_tokens app apps blobs branches check-runs codeowners collaborators comments
		commits contents errors files git graphql heads installation installations invitations issues labels members
		memberships merge orgs permission pulls reactions ref refs repos repositories reviews teams trees users`) {
		m[w] = true
	}
	return m
}()

// route names what a call is about, in a bounded number of spellings and without a name in it, for metrics and logs:
// "GET /repos/{}/{}/issues/{}". A file's path or a branch counts as one name.
func route(method, path string) string {
	var b strings.Builder
	b.WriteString(method)
	run := 0
	for s := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		if words[s] {
			b.WriteString("/" + s)
			run = 0
		} else if run++; run <= 2 {
			b.WriteString("/{}")
		}
	}
	return strings.Replace(b.String(), method, method+" ", 1)
}

var urlQuery = regexp.MustCompile(`(https?://[^\s?#"]+)[?#][^\s"]*`)

// redact takes credentials and the queries of URLs out of a text that comes from elsewhere, and cuts it at 500 characters.
func redact(s string) string {
	s = urlQuery.ReplaceAllString(scanners.Redact(s), "$1")
	if r := []rune(s); len(r) > 500 {
		s = string(r[:500]) + "…"
	}
	return s
}

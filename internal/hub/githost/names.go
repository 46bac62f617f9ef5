package githost

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

var (
	ownerName = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,98})$`)
	repoName  = regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}$`)
	objectID  = regexp.MustCompile(`^[0-9a-f]{40}$`)
	shortID   = regexp.MustCompile(`^[0-9a-f]{7,40}$`)
	gitVer    = regexp.MustCompile(`git version (\d+)\.(\d+)`)
)

// recentGit tells whether the answer of `git version` names 2.38 or newer.
func recentGit(version string) bool {
	m := gitVer.FindStringSubmatch(version)
	if m == nil {
		return false
	}
	var major, minor int
	if _, err := fmt.Sscan(m[1]+" "+m[2], &major, &minor); err != nil {
		return false
	}
	return major > 2 || major == 2 && minor >= 38
}

// validName tells whether owner and name may be a repository on GitHub; both
// become names of folders, so this is also what keeps a path inside the host.
func validName(owner, name string) bool {
	return ownerName.MatchString(owner) && repoName.MatchString(name) &&
		name != "." && name != ".." && !strings.HasSuffix(strings.ToLower(name), ".git")
}

// validRef follows `git check-ref-format`, and wants the full name.
func validRef(ref string) bool {
	if !strings.HasPrefix(ref, "refs/") || strings.Count(ref, "/") < 2 || len(ref) > 250 || !utf8.ValidString(ref) {
		return false
	}
	for _, bad := range []string{"..", "@{", "//"} {
		if strings.Contains(ref, bad) {
			return false
		}
	}
	if strings.ContainsFunc(ref, notInRef) || strings.HasSuffix(ref, "/") || strings.HasSuffix(ref, ".") {
		return false
	}
	for part := range strings.SplitSeq(ref, "/") {
		if strings.HasPrefix(part, ".") || strings.HasPrefix(part, "-") || strings.HasSuffix(part, ".lock") {
			return false
		}
	}
	return true
}

func notInRef(c rune) bool { return c <= ' ' || c == 0x7f || strings.ContainsRune(`~^:?*[\`, c) }

// validPath accepts a file's path inside a tree: relative, no empty part, no
// "." or "..", nothing called .git in any case, no control byte.
func validPath(path string) bool {
	if path == "" || len(path) > 4096 || !utf8.ValidString(path) || strings.ContainsFunc(path, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		return false
	}
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." || part == ".." || strings.EqualFold(part, ".git") {
			return false
		}
	}
	return true
}

func validSHA(sha string) bool { return objectID.MatchString(sha) }

// candidates lists, best first, what a revision may mean, in a form that is
// safe to hand to git: an object id, HEAD, a full reference, a branch, a tag.
func candidates(rev string) []string {
	switch {
	case rev == "HEAD":
		return []string{"HEAD"}
	case validSHA(rev):
		return []string{rev}
	}
	var out []string
	if validRef(rev) {
		out = append(out, rev)
	}
	for _, space := range []string{"refs/heads/", "refs/tags/"} {
		if validRef(space + rev) {
			out = append(out, space+rev)
		}
	}
	// GitHub also takes "heads/main" and "tags/v1".
	if (strings.HasPrefix(rev, "heads/") || strings.HasPrefix(rev, "tags/")) && validRef("refs/"+rev) {
		out = append(out, "refs/"+rev)
	}
	if shortID.MatchString(rev) {
		out = append(out, rev)
	}
	return out
}

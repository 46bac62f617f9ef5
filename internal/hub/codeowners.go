package hub

import (
	"errors"
	"fmt"
	"strings"

	"github.com/keyreeve/keyreeve/internal/hub/githost"
)

// codeownersPaths are where GitHub looks, in order.
var codeownersPaths = []string{".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"}

// maxCodeowners is the size above which GitHub does not load the file.
const maxCodeowners = 3 << 20

// ownerError is one line of a CODEOWNERS file that does not count.
type ownerError struct {
	Line       int     `json:"line"`
	Column     int     `json:"column"`
	Kind       string  `json:"kind"`
	Source     string  `json:"source"`
	Suggestion *string `json:"suggestion"`
	Message    string  `json:"message"`
	Path       string  `json:"path"`
}

// codeownersErrors answers GET …/codeowners/errors for the first file that there is.
func codeownersErrors(c *call) (answer, error) {
	ref := c.query("ref")
	if ref == "" {
		ref = c.repo.defBranch
	}
	sha, err := c.repo.git.Resolve(ref)
	if err != nil {
		return answer{}, notFound()
	}
	for _, path := range codeownersPaths {
		entry, data, err := c.repo.git.File(sha, path)
		if errors.Is(err, githost.ErrNotFound) || err == nil && entry.Type != "blob" {
			continue
		}
		if err != nil {
			return answer{}, fmt.Errorf("read %s: %w", path, err)
		}
		found := checkCodeowners(path, string(data), c.ownerKnown)
		return ok(map[string]any{"errors": nonNil(found)})
	}
	return answer{}, notFound()
}

// ownerKnown says whether an owner exists and may write: what GitHub calls an unknown owner otherwise.
func (c *call) ownerKnown(owner string) bool {
	name, isHandle := strings.CutPrefix(owner, "@")
	if !isHandle {
		return c.accountOfEmail(owner) != nil
	}
	if orgLogin, slug, isTeam := strings.Cut(name, "/"); isTeam {
		t, err := c.team(orgLogin, strings.ToLower(slug))
		return err == nil && t.org == c.repo.owner && t.grants[c.repo.id] >= levelWrite
	}
	a := c.account(name)
	return a != nil && c.granted(a, c.repo) >= levelWrite
}

// checkCodeowners finds the errors of a file: https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners#codeowners-syntax.
// It is pure: known answers for the owners.
func checkCodeowners(path, text string, known func(owner string) bool) []ownerError {
	if len(text) > maxCodeowners {
		return []ownerError{{Line: 1, Column: 1, Kind: "File too large", Path: path, Message: "CODEOWNERS file is over 3 MB and is not loaded"}}
	}
	var out []ownerError
	line := 0
	for source := range strings.SplitSeq(text, "\n") {
		line++
		source = strings.TrimSuffix(source, "\r")
		add := func(column int, kind, suggestion string) {
			message := fmt.Sprintf("%s on line %d", kind, line)
			e := ownerError{Line: line, Column: column, Kind: kind, Source: source, Path: path}
			if suggestion != "" {
				e.Suggestion, message = &suggestion, message+": "+suggestion
			}
			e.Message = message + "\n\n  " + source + "\n  " + strings.Repeat(" ", column-1) + "^"
			out = append(out, e)
		}
		checkOwnersLine(source, known, add)
	}
	return out
}

// word is a field of a line and the column where it starts, from 1.
type word struct {
	text   string
	column int
}

// fields splits at blanks that no backslash escapes, up to a comment.
func ownersFields(line string) []word {
	var out []word
	var b strings.Builder
	start := 0
	flush := func() {
		if b.Len() > 0 {
			out = append(out, word{b.String(), start})
			b.Reset()
		}
	}
	runes := []rune(line)
	for i := 0; i < len(runes); i++ {
		switch r := runes[i]; {
		case r == ' ' || r == '\t':
			flush()
		case r == '#' && b.Len() == 0:
			return out
		default:
			if b.Len() == 0 {
				start = i + 1
			}
			b.WriteRune(r)
			if r == '\\' && i+1 < len(runes) {
				i++
				b.WriteRune(runes[i])
			}
		}
	}
	flush()
	return out
}

func checkOwnersLine(line string, known func(string) bool, add func(column int, kind, suggestion string)) {
	words := ownersFields(line)
	if len(words) == 0 {
		return
	}
	pattern := words[0]
	switch {
	case strings.HasPrefix(pattern.text, "!"):
		add(pattern.column, "Invalid pattern", "Negated patterns are not supported")
		return
	case strings.ContainsAny(pattern.text, "[]"):
		add(pattern.column, "Invalid pattern", "Character ranges are not supported")
		return
	case strings.HasPrefix(pattern.text, `\#`):
		add(pattern.column, "Invalid pattern", `Escaping a leading # is not supported`)
		return
	case strings.Contains(pattern.text, "***"):
		add(pattern.column, "Invalid pattern", "Did you mean "+strings.ReplaceAll(pattern.text, "***", "**")+"?")
		return
	}
	for _, owner := range words[1:] {
		if !isOwner(owner.text) {
			add(owner.column, "Invalid owner", "")
			return
		}
	}
	for _, owner := range words[1:] {
		if !known(owner.text) {
			add(owner.column, "Unknown owner", fmt.Sprintf("make sure %s exists and has write access to the repository", owner.text))
		}
	}
}

// isOwner says whether a word has the form of a @user, @org/team or e-mail address.
func isOwner(s string) bool {
	name, handle := strings.CutPrefix(s, "@")
	if !handle {
		local, domain, found := strings.Cut(s, "@")
		return found && local != "" && strings.Contains(domain, ".") && !strings.ContainsAny(domain, "@/")
	}
	login, slug, isTeam := strings.Cut(name, "/")
	return isLogin(login) && (!isTeam || isLogin(strings.ReplaceAll(slug, "_", "-")))
}

func isLogin(s string) bool {
	if s == "" {
		return false
	}
	for _, r := range s {
		if r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return false
		}
	}
	return true
}

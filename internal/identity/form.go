package identity

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// The headings of the access request form, which are the labels of its fields.
const (
	HeadingIdentity     = "Identity"
	HeadingRepository   = "Repository"
	HeadingPermission   = "Permission"
	HeadingEnvironment  = "Environment"
	HeadingDuration     = "Duration"
	HeadingPromptedBy   = "Prompted by"
	HeadingReason       = "Reason"
	HeadingConfirmation = "Confirmation"
)

// ConfirmationLabel is the label of the form's one checkbox.
const ConfirmationLabel = "I am accountable for this access until it ends, and I do not approve it myself."

// LongestReason bounds a reason, in characters.
const LongestReason = 2000

// What GitHub writes for a field that was left empty: into text fields, and for dropdowns.
const (
	noResponse = "_No response_"
	noChoice   = "None"
)

// Headings lists the form's headings in the form's order.
func Headings() []string {
	return []string{HeadingIdentity, HeadingRepository, HeadingPermission, HeadingEnvironment, HeadingDuration, HeadingPromptedBy, HeadingReason, HeadingConfirmation}
}

// HeadingOf returns the heading under which the form asks for a field of a grant ("resource" → "Repository"), or field
// itself where it asks for none.
func HeadingOf(field string) string {
	if heading, ok := map[string]string{
		"identity": HeadingIdentity, "resource": HeadingRepository, "permission": HeadingPermission,
		"environment": HeadingEnvironment, "duration": HeadingDuration, "promptedBy": HeadingPromptedBy, "reason": HeadingReason,
	}[field]; ok {
		return heading
	}
	return field
}

// Form is a filled-in access request form, as it was written: Grant reads the values. Texts are trimmed, and lines end in
// "\n".
type Form struct {
	Identity    string
	Repository  string
	Permission  string
	Environment string
	Duration    string
	PromptedBy  string // "" where nobody prompted an agent
	Reason      string
	Confirmed   bool // the box of ConfirmationLabel is ticked

	lines map[string]int // the line of each heading's value, from 1
}

// value returns where the text under a heading is kept, nil for HeadingConfirmation.
func (f *Form) value(heading string) *string {
	switch heading {
	case HeadingIdentity:
		return &f.Identity
	case HeadingRepository:
		return &f.Repository
	case HeadingPermission:
		return &f.Permission
	case HeadingEnvironment:
		return &f.Environment
	case HeadingDuration:
		return &f.Duration
	case HeadingPromptedBy:
		return &f.PromptedBy
	case HeadingReason:
		return &f.Reason
	}
	return nil
}

// optional reports whether a field may be left empty, and its heading be missing: forms from before it was there lack it.
func optional(heading string) bool { return heading == HeadingPromptedBy }

// same compares what two forms say.
func (f *Form) same(g *Form) bool {
	for _, h := range Headings() {
		if v, w := f.value(h), g.value(h); v != nil && *v != *w {
			return false
		}
	}
	return f.Confirmed == g.Confirmed
}

// Body returns the issue body that GitHub makes of the form as filled in: "### Label", an empty line, the value.
// https://docs.github.com/en/communities/using-templates-to-encourage-useful-issues-and-pull-requests/syntax-for-githubs-form-schema
func (f Form) Body() string {
	var b strings.Builder
	for _, h := range Headings() {
		answer := "- [ ] " + ConfirmationLabel
		if f.Confirmed {
			answer = "- [x] " + ConfirmationLabel
		}
		if v := f.value(h); v != nil {
			answer = *v
			switch dropdown := h == HeadingPermission || h == HeadingEnvironment; {
			case answer == "" && dropdown:
				answer = noChoice
			case answer == "":
				answer = noResponse
			}
		}
		if b.Len() > 0 {
			b.WriteString("\n\n")
		}
		b.WriteString("### " + h + "\n\n" + answer)
	}
	return b.String()
}

// LooksLikeForm reports whether an issue's body was made by the access request form, whatever became of it since: at least
// three of its headings stand on lines of their own.
func LooksLikeForm(body string) bool {
	seen := map[string]bool{}
	for line := range strings.SplitSeq(newlines(body), "\n") {
		if heading, ok := strings.CutPrefix(line, "### "); ok && slices.Contains(Headings(), strings.TrimSpace(heading)) {
			seen[strings.TrimSpace(heading)] = true
		}
	}
	return len(seen) >= 3
}

// Grant reads the form's values into a grant. id is GrantID's, origin Origin's of the issue, requester its author. Every
// problem names its heading in Field and its line in the body; where there is one, the grant is the zero value. Whether the
// grant may be given is CheckGrant's to say.
func (f Form) Grant(id string, requester Person, origin string) (Grant, []Problem) {
	var out []Problem
	g := Grant{
		Version: RecordVersion, ID: id, Identity: f.Identity, Provider: GitHub, Resource: f.Repository,
		Environment: f.Environment, Reason: f.Reason, Requester: requester, Origin: origin,
	}
	say := func(heading, what, hint string) {
		out = append(out, Problem{Line: f.lines[heading], Field: heading, What: what, Hint: hint})
	}
	shape := func(heading, def, value string) {
		say(heading, quoted(value)+" "+shapes[def][0], shapes[def][1])
	}
	if app, name, ok := strings.Cut(f.Identity, "/"); !ok || !validSegment(app) || !validSegment(name) {
		shape(HeadingIdentity, "identityName", f.Identity)
	}
	if _, err := ParseRepo(f.Repository); err != nil {
		shape(HeadingRepository, "repository", f.Repository)
	}
	roles := permissionNames[Read:]
	if i := slices.Index(roles, f.Permission); i >= 0 {
		g.Permission = Read + Permission(i)
	} else {
		say(HeadingPermission, quoted(f.Permission)+" is not a repository role", "use "+list(roles, "or"))
	}
	if !validEnvironment(f.Environment) {
		shape(HeadingEnvironment, "environment", f.Environment)
	}
	switch d, err := ParseDuration(f.Duration); {
	case err == nil:
		g.Duration = d
	case errors.Is(err, errNotDuration):
		shape(HeadingDuration, "duration", f.Duration)
	default:
		say(HeadingDuration, fmt.Sprintf("%s is %s", quoted(f.Duration), err), shapes["duration"][1])
	}
	if g.PromptedBy = strings.TrimPrefix(f.PromptedBy, "@"); g.PromptedBy != "" && !validLogin(g.PromptedBy) {
		shape(HeadingPromptedBy, "login", f.PromptedBy)
	}
	checkReason(say, f.Reason)
	if !f.Confirmed {
		say(HeadingConfirmation, "the box is not ticked", "tick it in the issue, if you agree")
	}
	if len(out) > 0 {
		return Grant{}, sorted(out)
	}
	return g, nil
}

func checkReason(say func(heading, what, hint string), reason string) {
	switch n := utf8.RuneCountInString(reason); {
	case n > LongestReason:
		say(HeadingReason, fmt.Sprintf("the reason has %d characters, more than %d", n, LongestReason), "shorten it, or link to the details")
	case strings.TrimSpace(reason) == "":
		say(HeadingReason, "there is no reason", "say what the access is for")
	}
}

// validLogin is the pattern of the schemas' login.
func validLogin(s string) bool {
	return len(s) <= 100 && onlyBytes(lower(s), "-_") && s[0] != '-' && s[0] != '_'
}

// validEnvironment is the pattern of the schemas' environment.
func validEnvironment(s string) bool {
	if s == "" || len(s) > 100 || !onlyBytes(lower(s), " ._/-") {
		return false
	}
	return onlyBytes(lower(s[:1]), "") && onlyBytes(lower(s[len(s)-1:]), "")
}

// newlines ends every line in "\n": GitHub's web editor writes "\r\n", and Markdown takes a lone "\r" for a line's end.
func newlines(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

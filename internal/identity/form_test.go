package identity_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyreeve/keyreeve/internal/identity"
)

// filled is a form with nothing wrong, and the lines at which GitHub puts its headings: 1, 5, 9, 13, 17, 21, 25.
func filled() identity.Form {
	return identity.Form{
		Identity: "payments/deploy-bot", Repository: "acme/payments", Permission: "write", Environment: "production",
		Duration: "8h", Reason: "Ship the fix", Confirmed: true,
	}
}

const goldenBody = `### Identity

payments/deploy-bot

### Repository

acme/payments

### Permission

write

### Environment

production

### Duration

8h

### Prompted by

_No response_

### Reason

Ship the fix

### Confirmation

- [x] I am accountable for this access until it ends, and I do not approve it myself.`

func TestBodyIsWhatGitHubPosts(t *testing.T) {
	if got := filled().Body(); got != goldenBody {
		t.Errorf("body is\n%s", got)
	}
	empty := identity.Form{}.Body()
	if strings.Count(empty, "_No response_") != 5 || strings.Count(empty, "\n\nNone\n") != 2 || !strings.Contains(empty, "- [ ] I am") {
		t.Errorf("empty body is\n%s", empty)
	}
}

// plainBody is a form of before it asked who prompted an agent.
var plainBody = strings.Replace(goldenBody, "### Prompted by\n\n_No response_\n\n", "", 1)

func TestParseForm(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		want string // problems, one a line
	}{
		"as GitHub posts it":      {plainBody, ""},
		"CRLF":                    {strings.ReplaceAll(plainBody, "\n", "\r\n"), ""},
		"a lone CR ends a line":   {strings.ReplaceAll(plainBody, "\n", "\r"), ""},
		"capital X":               {strings.Replace(plainBody, "[x]", "[X]", 1), ""},
		"space at the ends":       {"\n\n" + strings.ReplaceAll(plainBody, "\n\n", "  \n\n\n") + "\n\n", ""},
		"closing sequence":        {strings.Replace(plainBody, "### Reason", "### Reason ###", 1), ""},
		"comment beside a value":  {strings.Replace(plainBody, "\nproduction", "\nproduction <!-- x -->", 1), ""},
		"comment on its own":      {strings.Replace(plainBody, "\nproduction", "\n<!-- a\nb -->\n\nproduction", 1), ""},
		"comment before all":      {"<!-- hello -->\n\n" + plainBody, ""},
		"markdown in the reason":  {strings.Replace(plainBody, "Ship the fix", "* a\n* b\n\n> ### Duration\n\n```\n### Duration\n<!-- kept -->\n```\n\n| a | b |\n|---|---|", 1), ""},
		"order does not matter":   {reordered(), ""},
		"an empty body":           {"", missing("Confirmation", "Duration", "Environment", "Identity", "Permission", "Reason", "Repository")},
		"prose":                   {"Please give me access", "line 1: there is text before the first heading: remove it, or move it into the reason\n" + "*"},
		"a heading deleted":       {strings.Replace(plainBody, "### Duration\n\n", "", 1), missing("Duration") + "Environment (line 15): the answer is not one plain line: write the value alone\n"},
		"a heading renamed":       {strings.Replace(plainBody, "### Duration", "### How long", 1), missing("Duration") + unknown(17)},
		"another level":           {strings.Replace(plainBody, "### Duration", "## Duration", 1), missing("Duration") + unknown(17)},
		"another case":            {strings.Replace(plainBody, "### Duration", "### duration", 1), missing("Duration") + unknown(17)},
		"no heading any more":     {strings.Replace(plainBody, "### Duration", "###Duration", 1), missing("Duration") + "Environment (line 15): the answer is not one plain line: write the value alone\n"},
		"a heading repeated":      {plainBody + "\n\n### Duration\n\n30d", "Duration (line 29): the heading is there twice: keep one; an answer can't hold a heading of the form\n"},
		"heading in the reason":   {strings.Replace(plainBody, "Ship the fix", "Ship\n\n### Duration\n\n30d", 1), "Duration (line 25): the heading is there twice: keep one; an answer can't hold a heading of the form\n"},
		"unknown in the reason":   {strings.Replace(plainBody, "Ship the fix", "Ship\n\n# Why\n\nso", 1), unknown(25)},
		"underlined in reason":    {strings.Replace(plainBody, "Ship the fix", "Ship the fix\n---", 1), "line 23: there is a heading that the form does not have: answers can't hold headings; restore the form's own where one was changed\nReason (line 21): there is no answer: edit the issue and write one below the heading\n"},
		"open fence":              {strings.Replace(plainBody, "Ship the fix", "```\nShip", 1), missing("Confirmation")},
		"open comment":            {strings.Replace(plainBody, "8h", "8h\n\n<!-- ", 1), missing("Confirmation", "Reason")},
		"heading in a comment":    {strings.Replace(plainBody, "### Duration", "<!--\n### Duration\n-->", 1), missing("Duration") + "Environment (line 15): the answer is not one plain line: write the value alone\n"},
		"no response":             {strings.Replace(plainBody, "8h", "_No response_", 1), "Duration (line 19): there is no answer: edit the issue and write one below the heading\n"},
		"no choice":               {strings.Replace(plainBody, "\nwrite", "\nNone", 1), "Permission (line 11): there is no answer: edit the issue and write one below the heading\n"},
		"nothing":                 {strings.Replace(plainBody, "8h", "", 1), "Duration (line 17): there is no answer: edit the issue and write one below the heading\n"},
		"a comment only":          {strings.Replace(plainBody, "8h", "<!-- 8h -->", 1), "Duration (line 17): there is no answer: edit the issue and write one below the heading\n"},
		"two lines":               {strings.Replace(plainBody, "8h", "8h\n30d", 1), "Duration (line 19): the answer is not one plain line: write the value alone\n"},
		"two paragraphs":          {strings.Replace(plainBody, "8h", "8h\n\n30d", 1), "Duration (line 19): the answer is not one plain line: write the value alone\n"},
		"a quote":                 {strings.Replace(plainBody, "8h", "> 8h", 1), "Duration (line 19): the answer is not one plain line: write the value alone\n"},
		"code":                    {strings.Replace(plainBody, "8h", "    8h", 1), "Duration (line 19): the answer is not one plain line: write the value alone\n"},
		"a list":                  {strings.Replace(plainBody, "8h", "- 8h", 1), "Duration (line 19): the answer is not one plain line: write the value alone\n"},
		"not ticked":              {strings.Replace(plainBody, "[x]", "[ ]", 1), "Confirmation (line 27): the box is not ticked: tick it in the issue, if you agree\n"},
		"another box":             {strings.Replace(plainBody, "and I do not approve it myself", "and more", 1), notTheBox},
		"two boxes":               {plainBody + "\n- [x] more", notTheBox},
		"box in code":             {strings.Replace(plainBody, "- [x]", "    - [x]", 1), notTheBox},
		"box in a comment":        {strings.Replace(plainBody, "- [x]", "<!-- - [x]", 1) + "-->", strings.Replace(notTheBox, "27", "25", 1)},
		"hidden character":        {strings.Replace(plainBody, "Ship", "Sh\u202eip", 1), "line 23: the text holds a character that people can't see: remove it\n"},
		"NUL":                     {strings.Replace(plainBody, "Ship", "Sh\x00ip", 1), "line 23: the text holds a character that people can't see: remove it\n"},
		"comment hides a comment": {strings.Replace(plainBody, "Ship", "<!<!-- -->-- x --> Ship", 1), "Reason (line 23): the answer reads differently without its HTML comments: remove the comments\n"},
		"comment hides a heading": {strings.Replace(plainBody, "Ship", "<!-- -->### Duration", 1), "Reason (line 23): the answer reads differently without its HTML comments: remove the comments\n"},
		"too long":                {plainBody + strings.Repeat("é", identity.LargestBody), fmt.Sprintf("the text has %d characters, more than 65536: shorten it\n", identity.LargestBody+len(plainBody))},
		"several":                 {strings.NewReplacer("8h", "None", "[x]", "[ ]", "### Reason", "### Why").Replace(plainBody), missing("Reason") + unknown(21) + "Duration (line 19): there is no answer: edit the issue and write one below the heading\nConfirmation (line 27): the box is not ticked: tick it in the issue, if you agree\n"},
	} {
		t.Run(name, func(t *testing.T) {
			form, problems := identity.ParseForm(c.body)
			got := identity.Report(problems)
			if rest, found := strings.CutSuffix(c.want, "*"); found {
				if !strings.Contains(got, rest) {
					t.Errorf("problems:\n%s", got)
				}
				return
			}
			if sortLines(got) != sortLines(c.want) {
				t.Errorf("problems:\n%swant:\n%s", got, c.want)
			}
			if c.want == "" && (form.Duration != "8h" || form.Environment != "production" || !form.Confirmed || form.Reason == "") {
				t.Errorf("form is %+v", form)
			}
		})
	}
}

const notTheBox = "Confirmation (line 27): this is not the form's checkbox: restore the line \"- [x] " + identity.ConfirmationLabel + "\"\n"

func missing(headings ...string) string {
	var b strings.Builder
	for _, h := range headings {
		fmt.Fprintf(&b, "%s: the heading is missing: restore the line %q, and close code blocks and comments above it\n", h, "### "+h)
	}
	return b.String()
}

func unknown(line int) string {
	return fmt.Sprintf("line %d: there is a heading that the form does not have: answers can't hold headings; restore the form's own where one was changed\n", line)
}

func sortLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		for j := range i {
			if lines[i] < lines[j] {
				lines[i], lines[j] = lines[j], lines[i]
			}
		}
	}
	return strings.Join(lines, "\n")
}

func reordered() string {
	parts := strings.Split(plainBody, "### ")
	return "### " + parts[3] + "### " + parts[2] + "### " + parts[1] + "### " + strings.Join(parts[4:], "### ")
}

func TestMarkdownOfTheReasonIsKept(t *testing.T) {
	const reason = "* a\n* b <b>\n\n> ### Duration\n\n```\n### Duration\n<!-- kept -->\n```\n\n`<!-- kept too -->` and [x]: y"
	form, problems := identity.ParseForm(strings.Replace(plainBody, "Ship the fix", reason+" <!-- gone -->", 1))
	if len(problems) > 0 || form.Reason != reason {
		t.Errorf("%sreason is %q", identity.Report(problems), form.Reason)
	}
}

func TestLooksLikeForm(t *testing.T) {
	for body, want := range map[string]bool{
		plainBody: true,
		strings.ReplaceAll(plainBody, "\n", "\r\n"):              true,
		"### Identity\n\nx\n\n### Reason \n\ny\n\n### Duration":  true,
		"### Identity\n\nx\n\n### Identity\n\ny\n\n### Identity": false,
		"### Identity\n\n### Reason":                             false,
		"":                                                       false,
		"## Identity\n## Reason\n## Duration\n## Permission":     false,
		"a ### Identity\nb ### Reason\nc ### Duration":           false,
		"### Steps to reproduce\n\nx\n\n### Environment\n\ny\n\n### Reason\n\nbug": false,
	} {
		if got := identity.LooksLikeForm(body); got != want {
			t.Errorf("%q: %t", body, got)
		}
	}
}

func TestFormToGrant(t *testing.T) {
	form, problems := identity.ParseForm(strings.Replace(plainBody, "Ship the fix", goldenGrant().Reason, 1))
	if len(problems) > 0 {
		t.Fatal(identity.Report(problems))
	}
	origin, err := identity.ParseRepo("Acme/identities")
	if err != nil {
		t.Fatal(err)
	}
	g, problems := form.Grant(identity.GrantID(origin, 12), goldenGrant().Requester, "acme/identities#12")
	if len(problems) > 0 || g != goldenGrant() {
		t.Errorf("%sgrant is %+v", identity.Report(problems), g)
	}
	for name, c := range map[string]struct {
		change func(*identity.Form)
		want   string
	}{
		"identity":        {func(f *identity.Form) { f.Identity = "Payments/deploy-bot" }, `Identity: "Payments/deploy-bot" is not an identity's name: write it as app/name, in lower-case letters, digits and hyphens`},
		"identity's path": {func(f *identity.Form) { f.Identity = "../../x" }, `Identity: "../../x" is not an identity's name: write it as app/name, in lower-case letters, digits and hyphens`},
		"repository":      {func(f *identity.Form) { f.Repository = "https://github.com/acme/payments" }, `Repository: "https://github.com/acme/payments" is not a repository: write it as owner/name`},
		"pasted secret":   {func(f *identity.Form) { f.Repository = strings.Repeat("s3cret", 8) }, `Repository: the value (48 characters, not shown) is not a repository: write it as owner/name`},
		"permission":      {func(f *identity.Form) { f.Permission = "push" }, `Permission: "push" is not a repository role: use read, triage, write, maintain or admin`},
		"no permission":   {func(f *identity.Form) { f.Permission = "none" }, `Permission: "none" is not a repository role: use read, triage, write, maintain or admin`},
		"environment":     {func(f *identity.Form) { f.Environment = "*" }, `Environment: "*" is not an environment: write one environment's name: there are no wildcards or lists`},
		"environments":    {func(f *identity.Form) { f.Environment = "production, staging" }, `Environment: "production, staging" is not an environment: write one environment's name: there are no wildcards or lists`},
		"duration":        {func(f *identity.Form) { f.Duration = "3 weeks" }, `Duration: "3 weeks" is not a duration: write it as 30m, 8h or 5d`},
		"no duration":     {func(f *identity.Form) { f.Duration = "0h" }, `Duration: "0h" is no time at all: write it as 30m, 8h or 5d`},
		"long duration":   {func(f *identity.Form) { f.Duration = "400d" }, `Duration: "400d" is longer than 365d: write it as 30m, 8h or 5d`},
		"long reason":     {func(f *identity.Form) { f.Reason = strings.Repeat("é", 2001) }, `Reason: the reason has 2001 characters, more than 2000: shorten it, or link to the details`},
		"no reason":       {func(f *identity.Form) { f.Reason = "" }, `Reason: there is no reason: say what the access is for`},
		"not confirmed":   {func(f *identity.Form) { f.Confirmed = false }, `Confirmation: the box is not ticked: tick it in the issue, if you agree`},
	} {
		f := filled()
		c.change(&f)
		g, problems := f.Grant("x-1", identity.Person{ID: 1, Login: "a"}, "a/b#1")
		if got := identity.Report(problems); got != c.want+"\n" || g != (identity.Grant{}) {
			t.Errorf("%s: %+v\n%swant\n%s", name, g, got, c.want)
		}
	}
}

func TestGrantProblemsKnowTheirLine(t *testing.T) {
	form, problems := identity.ParseForm(strings.NewReplacer("8h", "soon", "\nwrite", "\n\n\npush").Replace(plainBody))
	if len(problems) > 0 {
		t.Fatal(identity.Report(problems))
	}
	_, problems = form.Grant("x-1", identity.Person{ID: 1, Login: "a"}, "")
	got := identity.Report(problems)
	if !strings.HasPrefix(got, `Permission (line 13): "push" is not`) || !strings.Contains(got, `Duration (line 21): "soon" is not`) {
		t.Error(got)
	}
}

// TestFormsGrantIsARecord: what a form asks for without a problem can be written and read as a record.
func TestFormsGrantIsARecord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := genGrant().Draw(t, "grant")
		f := identity.Form{
			Identity: want.Identity, Repository: want.Resource, Permission: want.Permission.String(), Environment: want.Environment,
			Duration: want.Duration.String(), Reason: want.Reason, Confirmed: true,
		}
		form, problems := identity.ParseForm(f.Body())
		if len(problems) > 0 {
			return // a heading in the reason, or the like
		}
		g, problems := form.Grant(want.ID, want.Requester, want.Origin)
		if len(problems) > 0 {
			return
		}
		back, problems := identity.ParseGrant(g.Path(), identity.Encode(g))
		if len(problems) > 0 || back != g || back.Digest() != g.Digest() {
			t.Fatalf("%s%s", identity.Report(problems), identity.Encode(g))
		}
	})
}

func TestHeadingOf(t *testing.T) {
	for _, p := range identity.CheckGrant(identity.Policy{}, identity.Identity{}, identity.UseCase{}, identity.Grant{Provider: "github"}, time.Now()) {
		heading := identity.HeadingOf(p.Field)
		found := false
		for _, h := range identity.Headings() {
			found = found || h == heading
		}
		if !found {
			t.Errorf("%q has no heading in the form", p.Field)
		}
	}
	if got := identity.HeadingOf("provider"); got != "provider" {
		t.Errorf("provider is asked for under %q", got)
	}
}

func FuzzParseForm(f *testing.F) {
	f.Add(plainBody)
	f.Add(strings.Replace(plainBody, "Ship", "<!<!-- -->-- x --> `a` <!-- b -->\n> ### Reason\n~~~", 1))
	f.Add("### Identity\r\n\r\n<!-- x\n### Reason\n===\n\n- [x] a\n    ### Duration")
	f.Add(identity.Form{}.Body())
	f.Fuzz(func(t *testing.T, body string) {
		form, problems := identity.ParseForm(body)
		identity.LooksLikeForm(body)
		if len(problems) > 0 {
			last := 1 + strings.Count(strings.ReplaceAll(strings.ReplaceAll(body, "\r\n", "\n"), "\r", "\n"), "\n")
			for _, p := range problems {
				if p.What == "" || p.Line < 0 || p.Line > last {
					t.Errorf("problem %+v of %d lines", p, last)
				}
			}
			return
		}
		again, problems := identity.ParseForm(form.Body())
		if len(problems) > 0 || again.Body() != form.Body() {
			t.Errorf("%q becomes %q: %v", form.Body(), again.Body(), problems)
		}
	})
}

// TestPromptedBy: who prompted an agent may be left out of a form, with its heading too, and not out of an agent's request.
func TestPromptedBy(t *testing.T) {
	older := strings.Replace(goldenBody, "### Prompted by\n\n_No response_\n\n", "", 1)
	for body, want := range map[string]string{
		goldenBody: "", older: "",
		strings.Replace(goldenBody, "_No response_", "@gus", 1): "gus",
		strings.Replace(goldenBody, "_No response_", "gus", 1):  "gus",
	} {
		form, problems := identity.ParseForm(body)
		if len(problems) > 0 {
			t.Fatalf("%q: %v", body, problems)
		}
		g, problems := form.Grant("acme-identities-1", identity.Person{ID: 1, Login: "dana"}, "acme/identities#1")
		if len(problems) > 0 || g.PromptedBy != want {
			t.Errorf("%q: prompted by %q, %v", body, g.PromptedBy, problems)
		}
	}
	for _, bad := range []string{"gus and erin", "-gus", "gus/erin", "a\n\nb"} {
		form, problems := identity.ParseForm(strings.Replace(goldenBody, "_No response_", bad, 1))
		if _, more := form.Grant("acme-identities-1", identity.Person{ID: 1, Login: "dana"}, ""); len(problems)+len(more) == 0 {
			t.Errorf("prompted by %q is taken", bad)
		}
	}
}

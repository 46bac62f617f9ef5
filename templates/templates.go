// Package templates holds every text that a person reads from the bot: comments, pull requests, check runs. Each text
// is a file under text/ with one typed function here, and a golden test; text that users wrote goes through Text, which
// takes its teeth out. The registry starter's files are in package templates/starter.
package templates

import (
	"embed"
	"fmt"
	"strings"
	"text/template"
	"time"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/lifecycle"
)

//go:embed text
var files embed.FS

// words holds one sentence for each reason code; texts the texts that use them.
var (
	words = template.Must(template.New("").Funcs(quoting).ParseFS(files, "text/reasons.words"))
	texts = template.Must(template.New("").Funcs(quoting).Funcs(saying).ParseFS(files, "text/*.tmpl"))
)

// quoting holds what shows a user's text without its teeth.
var quoting = template.FuncMap{
	"text": func(s string) string { return Text(s, 400) },
	"code": Code,
}

// saying holds what turns typed values into words.
var saying = template.FuncMap{
	"people":  people,
	"owners":  owners,
	"subject": subject,
	"reason":  Reason,
	"when":    when,
	"digest":  shortDigest,
	"short":   func(sha string) string { return sha[:min(len(sha), 7)] },
	"span":    func(d time.Duration) string { return identity.Duration(d).String() },
	"held":    func(l lifecycle.Lease) bool { return l.State == lifecycle.Active },
	"problem": Problem,
}

// longest is what GitHub takes as a body, in characters, with room for the note that says where it was cut.
const longest = 65_536 - 200

// Status is the state of a request, as its one comment shows it.
type Status struct {
	ID        string // the request's id, in the hidden marker
	State     string // a workflow.RequestState
	Grant     *identity.Grant
	Identity  *identity.Identity
	Digest    string
	Problems  []identity.Problem
	Decision  *approvals.Decision
	Leases    []lifecycle.Lease
	Issue     string       // "acme/identities#1", "" for a pull request of somebody's own
	Pull      string       // "acme/identities#2", "" before there is one
	Registry  string       // "acme/identities"
	Path      string       // the record's path in the registry
	OnPull    bool         // the comment is on the pull request, not on the issue
	Voided    int          // how many votes were given for another content
	Changes   []Difference // what is different now from what they were given for
	Expires   time.Time    // when it expires unanswered; zero where it never does
	Review    string       // where the override is reviewed ("acme/identities#9"), "" where there is none yet
	Reviewer  string       // who closed that review
	FormURL   string       // where a fresh form is to be had
	Unmerged  bool         // merged by somebody before it was approved
	LastError string       // of the lease's last attempt, safe to show
}

// Marker is the first line of every status comment; together with the
// comment's author it tells the bot which comment is its own.
func Marker(id string) string { return "<!-- keyreeve:status " + id + " -->" }

// StatusComment renders the request's one comment, at most 65,536 characters.
func StatusComment(s Status) string { return render("status.md.tmpl", s) }

// Pull is what the pull request of a request says.
type Pull struct {
	Grant  identity.Grant
	Issue  string // "acme/identities#1"
	Path   string
	Digest string
}

// PullTitle is the title of the registry pull request, and of its merge commit.
func PullTitle(g identity.Grant) string {
	return fmt.Sprintf("Grant %s %s on %s for %s", g.Identity, g.Permission, g.Resource, g.Duration)
}

// PullBody renders the body of the registry pull request.
func PullBody(p Pull) string { return render("pull.md.tmpl", p) }

// CommitMessage renders the message of the commit that brings the record.
func CommitMessage(p Pull) string { return render("commit.txt.tmpl", p) }

// MergeMessage renders the merge commit's message: who approved which digest.
func MergeMessage(d approvals.Decision) string { return render("merge.txt.tmpl", d) }

// ApprovalsSummary renders the summary of the check run "keyreeve / approvals".
func ApprovalsSummary(d approvals.Decision) string { return render("approvals.md.tmpl", d) }

// ApprovalsTitle says the state of the approvals in one line.
func ApprovalsTitle(d approvals.Decision) string {
	return render("approvals-title.txt.tmpl", newTally(d))
}

// RecordsSummary renders the summary of the check run "keyreeve / records".
func RecordsSummary(problems []identity.Problem) string { return render("records.md.tmpl", problems) }

// Reason renders one typed reason as a sentence. A code without words is shown as itself.
func Reason(r approvals.Reason) string {
	if words.Lookup(string(r.Code)) == nil {
		return string(r.Code)
	}
	return execute(words, string(r.Code), r)
}

// Problem renders one problem as a sentence without its place; what the user wrote in it is neutralized.
func Problem(p identity.Problem) string {
	s := Text(p.What, 300)
	if p.Hint != "" {
		s += ": " + Text(p.Hint, 300)
	}
	return s
}

func render(name string, data any) string { return execute(texts, name, data) }

func execute(set *template.Template, name string, data any) string {
	var b strings.Builder
	if err := set.ExecuteTemplate(&b, name, data); err != nil {
		// The data are typed and every template is rendered by a test; what is
		// left is a bug, which must not pass for an answer.
		panic(fmt.Sprintf("template %s: %v", name, err))
	}
	return Cut(strings.TrimSpace(b.String()), longest, "\n\n*This text was cut: it is longer than GitHub takes.*")
}

// tally counts the needs that are met, for a title.
type tally struct {
	approvals.Decision
	Met, All int
}

func newTally(d approvals.Decision) tally {
	t := tally{Decision: d, All: len(d.Needs)}
	for _, n := range d.Needs {
		if n.Met {
			t.Met++
		}
	}
	return t
}

func people(list []identity.Person) string {
	if len(list) == 0 {
		return "–"
	}
	const most = 8
	names := make([]string, 0, len(list))
	for i, p := range list {
		if i == most {
			names = append(names, fmt.Sprintf("%d more", len(list)-most))
			break
		}
		names = append(names, Code(p.Login))
	}
	return strings.Join(names, ", ")
}

func owners(list []string) string {
	if len(list) == 0 {
		return "–"
	}
	quoted := make([]string, len(list))
	for i, o := range list {
		quoted[i] = Code(o)
	}
	return strings.Join(quoted, " or ")
}

func subject(n approvals.Need) string {
	switch n.Kind {
	case approvals.Path:
		return "the record " + Code(n.Subject)
	case approvals.Resource:
		return "access to " + Code(n.Subject)
	case approvals.PolicyRule:
		return "the policy's rule " + Code(n.Subject)
	}
	return Code(n.Subject)
}

func when(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// shortDigest shortens "sha256:<64 hex digits>" to what a person compares.
func shortDigest(d string) string {
	_, hex, ok := strings.Cut(d, ":")
	if !ok {
		hex = d
	}
	return hex[:min(len(hex), 12)]
}

package pages

import (
	"fmt"
	"html/template"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/internal/hub"
)

// parseTemplates makes one set for each page: the layout, the shared parts and
// the page's own "content".
func parseTemplates() map[string]*template.Template {
	base := template.Must(template.New("").Funcs((&server{}).functions(&request{})).ParseFS(files, "templates/layout.html", "templates/parts.html"))
	sets := map[string]*template.Template{}
	for _, name := range []string{"message", "home", "owner", "code", "blob", "commit", "list", "conversation", "access", "run"} {
		sets[name] = template.Must(template.Must(base.Clone()).ParseFS(files, "templates/"+name+".html"))
	}
	return sets
}

// functions are what templates can call; some depend on the request.
func (s *server) functions(r *request) template.FuncMap {
	full := ""
	if r.repo != nil {
		full = r.repo.FullName
	}
	return template.FuncMap{
		"comment":   func(text string) template.HTML { return renderMarkdown(text, full, true) },
		"document":  func(text string) template.HTML { return renderMarkdown(text, full, false) },
		"ago":       func(t time.Time) string { return ago(r.world.At, t) },
		"stamp":     func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"short":     short,
		"initial":   initial,
		"hue":       hue,
		"plural":    pluralAny,
		"firstline": firstLine,
		"lower":     strings.ToLower,
		"words":     func(text string) string { return strings.ReplaceAll(strings.ToLower(text), "_", " ") },
		"icon":      icon,
		"emoji":     emoji,
		"pathurl":   pathURL,
		"base":      path.Base,
		"tally":     tally,
		"inc":       func(n int) int { return n + 1 },
		"bind":      func(repo *hub.Repo, e entry) bound { return bound{repo, e} },
	}
}

// bound is an entry with what stands around it: a template takes one value.
type bound struct {
	Repo  *hub.Repo
	Entry entry
}

// ago is the time between two moments in GitHub's words.
func ago(now, t time.Time) string {
	d := now.Sub(t)
	for _, step := range []struct {
		unit time.Duration
		name string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		if n := int(d / step.unit); n > 30 && step.name == "day" {
			return "on " + t.UTC().Format("Jan 2, 2006")
		} else if n > 0 {
			return plural(n, step.name) + " ago"
		}
	}
	return "now"
}

func plural[N int | int64](n N, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// pluralAny is plural for a template, whose numbers come in two types.
func pluralAny(n any, word string) string {
	if long, ok := n.(int64); ok {
		return plural(long, word)
	}
	count, _ := n.(int)
	return plural(count, word)
}

func short(sha string) string { return sha[:min(len(sha), 7)] }

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// initial is the letter that stands for an avatar.
func initial(login string) string {
	for _, c := range login {
		return strings.ToUpper(string(c))
	}
	return "?"
}

// hue gives a login one of eight colours, always the same.
func hue(login string) int {
	sum := 0
	for _, c := range login {
		sum = sum*31 + int(c)
	}
	return (sum%8 + 8) % 8
}

// pathURL escapes a path for a link, its slashes kept.
func pathURL(p string) string { return (&url.URL{Path: p}).EscapedPath() }

// emoji shows a reaction.
func emoji(content string) string {
	shown := map[string]string{
		"+1": "👍", "-1": "👎", "laugh": "😄", "confused": "😕", "heart": "❤️", "hooray": "🎉", "rocket": "🚀", "eyes": "👀",
	}
	if e, ok := shown[content]; ok {
		return e
	}
	return content
}

// reactions of one kind.
type reactions struct {
	Content string
	Count   int
	Who     string
}

// tally groups reactions by kind, in the order of their first.
func tally(list []hub.Reaction) []reactions {
	var out []reactions
	at := map[string]int{}
	for _, r := range list {
		i, ok := at[r.Content]
		if !ok {
			i = len(out)
			at[r.Content] = i
			out = append(out, reactions{Content: r.Content})
		}
		out[i].Count++
		out[i].Who = strings.TrimPrefix(out[i].Who+", "+r.User, ", ")
	}
	return out
}

// icon draws one of a few signs in the colour of its text; it says nothing to a
// screen reader, since words stand beside it.
func icon(name string) template.HTML {
	shapes := map[string]string{
		"issue":    `<circle cx="8" cy="8" r="6.5"/><circle cx="8" cy="8" r="1.5" fill="currentColor" stroke="none"/>`,
		"done":     `<circle cx="8" cy="8" r="6.5"/><path d="M5 8.2l2 2 4-4.2"/>`,
		"pull":     `<circle cx="4" cy="3.5" r="1.7"/><circle cx="4" cy="12.5" r="1.7"/><circle cx="12" cy="12.5" r="1.7"/><path d="M4 5.2v5.6M12 10.8V7a3 3 0 0 0-3-3H7.5"/>`,
		"merge":    `<circle cx="4" cy="3.5" r="1.7"/><circle cx="4" cy="12.5" r="1.7"/><circle cx="12" cy="8.5" r="1.7"/><path d="M4 5.2v5.6M4 5.5c1 2.4 3 3 6.2 3"/>`,
		"commit":   `<circle cx="8" cy="8" r="3"/><path d="M.5 8H5M11 8h4.5"/>`,
		"success":  `<path d="M3 8.5l3.2 3.2L13 4.8"/>`,
		"failure":  `<path d="M4 4l8 8M12 4l-8 8"/>`,
		"wait":     `<circle cx="8" cy="8" r="3.5" fill="currentColor"/>`,
		"attend":   `<circle cx="8" cy="8" r="6.5"/><path d="M8 4.5v4.2M8 11v.6"/>`,
		"neutral":  `<rect x="4.5" y="4.5" width="7" height="7" rx="1"/>`,
		"folder":   `<path d="M1.5 3.5h4.5l1.5 2h7v7.5h-13z" fill="currentColor"/>`,
		"file":     `<path d="M3.5 1.5h6l3 3v10h-9zM9.5 1.5v3h3"/>`,
		"repo":     `<path d="M3 13V2.5A1 1 0 0 1 4 1.5h9v10H4.2A1.4 1.4 0 0 0 3 13a1.5 1.5 0 0 0 1.5 1.5H13v-3"/>`,
		"review":   `<path d="M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8z"/><circle cx="8" cy="8" r="1.8"/>`,
		"lock":     `<rect x="3.5" y="7" width="9" height="7" rx="1"/><path d="M5.5 7V4.5a2.5 2.5 0 0 1 5 0V7"/>`,
		"branch":   `<circle cx="5" cy="3" r="1.6"/><circle cx="5" cy="13" r="1.6"/><circle cx="11" cy="5" r="1.6"/><path d="M5 4.6v6.8M11 6.6c0 2-3 2.4-6 3"/>`,
		"person":   `<circle cx="8" cy="5" r="2.7"/><path d="M2.8 14c.4-3 2.4-4.5 5.2-4.5s4.8 1.5 5.2 4.5"/>`,
		"people":   `<circle cx="6" cy="5.5" r="2.2"/><path d="M1.8 13c.3-2.5 1.9-3.8 4.2-3.8s3.9 1.3 4.2 3.8M10.5 3.6a2.1 2.1 0 0 1 0 4M12 9.6c1.3.5 2 1.7 2.2 3.4"/>`,
		"envelope": `<rect x="1.5" y="3.5" width="13" height="9" rx="1"/><path d="M2 4l6 5 6-5"/>`,
		"key":      `<circle cx="5" cy="11" r="2.8"/><path d="M7 9l6-6M11 5l2 2"/>`,
	}
	return template.HTML(`<svg class="icon i-` + template.HTMLEscapeString(name) + //nolint:gosec // our own shapes
		`" viewBox="0 0 16 16" width="16" height="16" fill="none" stroke="currentColor" stroke-width="1.5" aria-hidden="true">` + shapes[name] + `</svg>`)
}

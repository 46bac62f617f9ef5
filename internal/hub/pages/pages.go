// Package pages shows the simulated GitHub to a person with a browser: read
// only HTML of its organizations, repositories, issues and pull requests, laid
// out as GitHub lays them out, with a banner that says it is none.
//
//	h.HandlePages(pages.Handler(h, git))
//
// Everything is made from one hub.Snapshot and, for files, commits and
// differences, from the git repositories themselves. A page holds no script:
// pages of a conversation load themselves anew every two seconds, which
// ?refresh=off ends. Text that people wrote is markdown, its raw HTML shown as
// text and its images as links; a strict Content-Security-Policy stands behind
// that.
package pages

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"

	"github.com/keyreeve/keyreeve/internal/hub"
	"github.com/keyreeve/keyreeve/internal/hub/githost"
)

// World is where the state comes from: a *hub.Hub.
type World interface{ Snapshot() hub.World }

// Git finds the git repository of owner/name. It may be called concurrently.
type Git func(owner, name string) (*githost.Repo, bool)

//go:embed templates/*.html templates/style.css
var files embed.FS

// errNotFound makes a page of status 404.
var errNotFound = errors.New("page not found")

// server holds what every page needs; it is never written after Handler.
type server struct {
	world     World
	git       Git
	templates map[string]*template.Template
	style     template.CSS
	policy    string
}

// Handler serves the pages. git may be nil, in which case pages have no files,
// commits and differences. The handler may be used concurrently.
func Handler(world World, git Git) http.Handler {
	style, err := files.ReadFile("templates/style.css")
	if err != nil {
		panic(err) // embedded: cannot be missing
	}
	if git == nil {
		git = func(string, string) (*githost.Repo, bool) { return nil, false }
	}
	sum := sha256.Sum256(style)
	s := &server{
		world: world, git: git, templates: parseTemplates(),
		style: template.CSS(style), //nolint:gosec // our own file
		policy: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
			"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	}
	mux := http.NewServeMux()
	for pattern, view := range map[string]viewFunc{
		"/{$}":                                 s.home,
		"/{owner}":                             s.owner,
		"/orgs/{owner}/teams/{team}":           s.owner,
		"/{owner}/{repo}":                      s.code,
		"/{owner}/{repo}/tree/{rest...}":       s.code,
		"/{owner}/{repo}/blob/{rest...}":       s.blob,
		"/{owner}/{repo}/commit/{sha}":         s.commit,
		"/{owner}/{repo}/issues":               s.issues,
		"/{owner}/{repo}/issues/{number}":      s.issue,
		"/{owner}/{repo}/pulls":                s.pulls,
		"/{owner}/{repo}/pull/{number}":        s.pull,
		"/{owner}/{repo}/pull/{number}/{part}": s.pull,
		"/{owner}/{repo}/runs/{run}":           s.run,
		"/{owner}/{repo}/settings/access":      s.access,
	} {
		mux.Handle("GET "+pattern, s.serve(view))
	}
	mux.Handle("GET /", s.serve(func(*request) (*page, error) { return nil, errNotFound }))
	return mux
}

// request is one request with the world as it was when it came.
type request struct {
	*http.Request
	world hub.World
	repo  *hub.Repo     // of the path, nil when it names none
	git   *githost.Repo // of repo, nil when there is none
}

// page is what a template shows. Data is the page's own.
type page struct {
	Template string
	Title    string
	Tab      string // code, issues, pulls, access
	Live     bool   // may load itself anew
	Redirect string // instead of a page
	Data     any

	World   hub.World
	Repo    *hub.Repo
	Refresh bool
	Pause   string // the query that ends or starts the refresh
	Style   template.CSS
	Open    struct{ Issues, Pulls int }
}

type viewFunc func(*request) (*page, error)

// serve makes a handler of a view: finds the repository, renders into memory
// and only then answers.
func (s *server) serve(view viewFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		req := &request{Request: r, world: s.world.Snapshot()}
		p, err := s.view(view, req)
		status := http.StatusOK
		switch {
		case errors.Is(err, errNotFound), errors.Is(err, githost.ErrNotFound):
			status, p = http.StatusNotFound, &page{Template: "message", Title: "Page not found", Data: "There is nothing here, or it was deleted."}
		case err != nil:
			status, p = http.StatusInternalServerError, &page{Template: "message", Title: "Something went wrong", Data: err.Error()}
		case p.Redirect != "":
			http.Redirect(w, r, p.Redirect, http.StatusFound)
			return
		}
		body, err := s.render(p, req)
		if err != nil {
			http.Error(w, "render the page: "+err.Error(), http.StatusInternalServerError)
			return
		}
		header := w.Header()
		header.Set("Content-Type", "text/html; charset=utf-8")
		header.Set("Content-Security-Policy", s.policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		w.Write(body) //nolint:errcheck // the browser went away
	})
}

func (s *server) view(view viewFunc, r *request) (*page, error) {
	if name := r.PathValue("repo"); name != "" {
		if r.repo = findRepo(r.world, r.PathValue("owner"), name); r.repo == nil {
			return nil, errNotFound
		}
		if git, ok := s.git(r.repo.Owner, r.repo.Name); ok {
			r.git = git
		}
	}
	return view(r)
}

// findRepo ignores case, as GitHub's addresses do.
func findRepo(w hub.World, owner, name string) *hub.Repo {
	for i := range w.Repos {
		if strings.EqualFold(w.Repos[i].FullName, owner+"/"+name) {
			return &w.Repos[i]
		}
	}
	return nil
}

func (s *server) render(p *page, r *request) ([]byte, error) {
	p.World, p.Repo, p.Style = r.world, r.repo, s.style
	p.Refresh = p.Live && r.URL.Query().Get("refresh") != "off"
	if p.Refresh {
		p.Pause = "?refresh=off"
	}
	if r.repo != nil {
		for i := range r.repo.Issues {
			if r.repo.Issues[i].State == "open" {
				p.Open.Issues++
			}
		}
		for i := range r.repo.Pulls {
			if r.repo.Pulls[i].State == "open" {
				p.Open.Pulls++
			}
		}
	}
	tmpl, err := s.templates[p.Template].Clone()
	if err != nil {
		return nil, fmt.Errorf("page %s: %w", p.Template, err)
	}
	var b bytes.Buffer
	if err := tmpl.Funcs(s.functions(r)).ExecuteTemplate(&b, "layout.html", p); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// number reads the {number} of the path.
func (r *request) number() int {
	n, err := strconv.Atoi(r.PathValue("number"))
	if err != nil || n < 1 {
		return 0
	}
	return n
}

// path is the address of something in the repository.
func (r *request) path(parts ...string) string {
	return "/" + r.repo.FullName + "/" + strings.Join(parts, "/")
}

package pages

import (
	"crypto/sha256"
	"encoding/base64"
	"flag"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func get(h http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w
}

// plainText is what a reader sees, tags taken out and blanks joined.
func plainText(page string) string {
	page = regexp.MustCompile(`(?s)<(style|title|svg).*?</(style|title|svg)>`).ReplaceAllString(page, "")
	page = regexp.MustCompile(`<[^>]*>`).ReplaceAllString(page, " ")
	return strings.Join(strings.Fields(page), " ")
}

func TestPages(t *testing.T) {
	world, git := sample(t)
	h := Handler(world, git)
	for _, c := range []struct {
		path string
		// text that a reader sees, markup that is there, markup that must not be
		text, has, not []string
	}{
		{
			path: "/",
			text: []string{"Simulated GitHub.", "acme 3 members, 1 team", "identities private 2 issues · 1 pull request", "keyreeve[bot] bot", "keyreeve issues.opened acme/identities 202 g-first", "keyreeve ping queued g-second (again)"},
		},
		{path: "/acme", text: []string{"acme organization", "identities private", "@acme/delivery O olivia maintainer", "acme/identities write", "base permission: none", "olivia owner"}},
		{path: "/Dana", text: []string{"dana user"}},
		{path: "/orgs/acme/teams/delivery", text: []string{"@acme/delivery"}, not: []string{"Repositories</h2>"}},
		{
			path: "/acme/identities",
			text: []string{"Who and what may reach our repositories", "policy.yaml", "2 commits", "Allow 90 days", "keyreeve/request-1", "Access: ci-deployer to storefront #1", "Request push on acme/storefront #2"},
			has:  []string{`href="/acme/identities/tree/main/use-cases"`, `href="/acme/identities/blob/main/policy.yaml"`, `type="checkbox"`},
		},
		{path: "/ACME/Identities", text: []string{"policy.yaml"}},
		{path: "/acme/empty", text: []string{"This repository is empty."}},
		{path: "/acme/identities/tree/keyreeve/request-1/identities", text: []string{"ci-deployer.yaml", ".. (the folder above)"}, has: []string{`href="/acme/identities/blob/keyreeve/request-1/identities/ci-deployer.yaml"`}},
		{path: "/acme/identities/blob/keyreeve/request-1/policy.yaml", text: []string{"4 lines", "resource: 2 # &lt;i&gt;more&lt;/i&gt;"}, has: []string{`id="L4"`}, not: []string{"<i>more"}},
		{path: "/acme/identities/blob/main/README.md", text: []string{"Identities Who and what", "Show the source"}, has: []string{"<h1>Identities</h1>"}},
		{path: "/acme/identities/blob/main/README.md?plain=1", text: []string{"# Identities"}},
		{path: "/acme/identities/blob/main/logo.bin", text: []string{"This file is binary."}},
		{path: "/acme/identities/commit/main", text: []string{"Allow 90 days", "1 changed file"}, has: []string{`<tr class="add">`}},
		{path: "/acme/identities/issues", text: []string{"1 open", "1 closed", "#1 opened 30 minutes ago by dana", "Closed &lt;em&gt;one&lt;/em&gt;", "access-request"}},
		{path: "/acme/identities/pulls", text: []string{"1 open", "#2 opened 26 minutes ago by keyreeve[bot]"}},
		{
			path: "/acme/identities/issues/1",
			text: []string{"Access: ci-deployer to storefront #1", "Open", "Access request: waiting for approval", "member", "edited by dana", "This comment was hidden.", "&#43;1 by dana, olivia: 2", "Participants"},
			has: []string{
				`<meta http-equiv="refresh" content="2">`, `id="issuecomment-204"`, `href="/acme/identities/issues/2">#2</a>`,
				"Deploys from the pipeline.<br>", "<sub>This one comment is kept up to date.</sub>", `<th>Owners</th>`,
			},
			not: []string{"keyreeve:status"},
		},
		{path: "/acme/identities/issues/1?refresh=off", text: []string{"This page stands still."}, not: []string{`http-equiv="refresh"`}},
		{path: "/acme/identities/issues/3", text: []string{"Closed &lt;em&gt;one&lt;/em&gt;", "Closed as completed 5 minutes ago", "No description provided."}},
		{
			path: "/acme/identities/pull/2",
			text: []string{
				"keyreeve[bot] wants to merge 2 commits into main from keyreeve/request-1", "erik requested changes at", "Why two ?", "olivia approved these changes",
				"keyreeve[bot] added Request push on acme/storefront for ci-deployer", "keyreeve / records success: 1 record is valid", "in progress: 1 of 2 approvals",
				"warning policy.yaml:3-4 · Policy raises &lt;resource&gt; approvals.resource: 2", "identities/ci-deployer.yaml added +7 −0", "3 - resource: 1", "3 + resource: 2 # &lt;i&gt;more&lt;/i&gt;",
				"This branch has not been merged.", "erik changes requested", "olivia approved", "mia asked", "acme/delivery asked",
			},
			has: []string{`<meta http-equiv="refresh" content="2">`, `id="check-402"`, `title="Counts as a comment">Approve</span>`, `id="pullrequestreview-302"`, `class="language-yaml"`},
			not: []string{"check-400", "<b>the reason"},
		},
		{path: "/acme/identities/pull/2/files", text: []string{"resource: 2"}, not: []string{`class="timeline"`, `id="check-402"`}},
		{path: "/acme/identities/pull/2/commits", text: []string{"Note &lt;b&gt;the reason&lt;/b&gt;"}, not: []string{`class="timeline"`, `class="lines"`}},
		{path: "/acme/identities/pull/2/checks", text: []string{"The record is valid ."}, not: []string{`class="timeline"`, `class="lines"`}},
		{path: "/acme/identities/runs/401", text: []string{"keyreeve / records", "On the head of Request push on acme/storefront #2"}},
		{
			path: "/acme/identities/settings/access",
			text: []string{"dana read", "@acme/delivery olivia write", "mia invited by keyreeve[bot] 9 days ago , expired triage", "&lt;deploy&gt; added by olivia 1 hour ago read", "NPM_TOKEN secret, actions", "DEPLOY secret of production", "olivia owner admin"},
		},
	} {
		t.Run(c.path, func(t *testing.T) {
			w := get(h, c.path)
			if w.Code != http.StatusOK {
				t.Fatalf("status %d: %s", w.Code, plainText(w.Body.String()))
			}
			page := w.Body.String()
			text := plainText(page)
			for _, want := range c.text {
				if !strings.Contains(text, want) {
					t.Errorf("no text %q in\n%s", want, text)
				}
			}
			for _, want := range c.has {
				if !strings.Contains(page, want) {
					t.Errorf("no markup %q", want)
				}
			}
			for _, bad := range c.not {
				if strings.Contains(page, bad) {
					t.Errorf("markup %q is there", bad)
				}
			}
			checkSafe(t, w)
		})
	}
}

// checkSafe holds a page against what no page may have.
func checkSafe(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	page := w.Body.String()
	for _, bad := range []string{"<script", "<img", "<iframe", "<form", "href=\"javascript:", " onclick=\"", " onerror=\"", "<div onclick", " style=\"", "ZgotmplZ", "<no value>", "hidden remark"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	if !strings.Contains(page, "Simulated GitHub") || !strings.Contains(page, `lang="en"`) {
		t.Error("the page does not say what it is")
	}
	_, style, _ := strings.Cut(page, "<style>")
	style, _, _ = strings.Cut(style, "</style>")
	sum := sha256.Sum256([]byte(style))
	policy := w.Header().Get("Content-Security-Policy")
	if want := "style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.HasPrefix(policy, "default-src 'none'; ") || !strings.Contains(policy, want) {
		t.Errorf("policy %q lacks %s", policy, want)
	}
}

func TestNotFoundAndRedirects(t *testing.T) {
	world, git := sample(t)
	h := Handler(world, git)
	for path, want := range map[string]int{
		"/nobody": 404, "/acme/none": 404, "/acme/identities/issues/9": 404, "/acme/identities/issues/x": 404, "/acme/identities/pull/9": 404,
		"/acme/identities/pull/2/other": 404, "/acme/identities/blob/main/none": 404, "/acme/identities/tree/none": 404, "/acme/identities/tree/main/policy.yaml": 404,
		"/acme/identities/blob/--help/x": 404, "/acme/identities/commit/none": 404, "/acme/identities/runs/9": 404, "/orgs/acme/teams/none": 404, "/a/b/c/d": 404,
		"/acme/empty/blob/main/x": 404, "/%3Cscript%3E": 404,
	} {
		w := get(h, path)
		if w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
		checkSafe(t, w)
	}
	for path, want := range map[string]string{
		"/acme/identities/issues/2":            "/acme/identities/pull/2",
		"/acme/identities/pull/1":              "/acme/identities/issues/1",
		"/acme/identities/blob/main/use-cases": "/acme/identities/tree/main/use-cases",
	} {
		if w := get(h, path); w.Code != http.StatusFound || w.Header().Get("Location") != want {
			t.Errorf("%s: %d to %q, want %q", path, w.Code, w.Header().Get("Location"), want)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("POST", "/acme/identities/issues/1", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
}

// Without git repositories the conversations are still there.
func TestWithoutGit(t *testing.T) {
	world, _ := sample(t)
	h := Handler(world, nil)
	w := get(h, "/acme/identities/pull/2")
	if text := plainText(w.Body.String()); w.Code != 200 || !strings.Contains(text, "olivia approved these changes") || !strings.Contains(text, "wants to merge 0 commits") {
		t.Errorf("%d: %s", w.Code, text)
	}
	if w := get(h, "/acme/identities"); w.Code != 200 {
		t.Errorf("code: %d", w.Code)
	}
}

// A merged pull request still shows its own commits and files, for each method.
func TestMerged(t *testing.T) {
	for _, method := range []string{"merge", "squash", "rebase"} {
		world, git := sample(t)
		repo, _ := git("acme", "identities")
		pull := &world.world.Repos[0].Pulls[0]
		sha, err := repo.Merge("main", pull.Head, method, signature("olivia"), "merge")
		if err != nil {
			t.Fatal(err)
		}
		if err := repo.SetRef("refs/heads/main", sha, "*"); err != nil {
			t.Fatal(err)
		}
		pull.Merged, pull.MergedAt, pull.MergedBy, pull.MergeCommit, pull.State = true, ptr(at(28)), "keyreeve[bot]", sha, "closed"
		text := plainText(get(Handler(world, git), "/acme/identities/pull/2").Body.String())
		for _, want := range []string{"Merged keyreeve[bot] merged 2 commits into main", "keyreeve[bot] merged commit " + sha[:7], "Files changed 2", "Pull request merged and closed."} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in\n%s", method, want, text)
			}
		}
	}
}

var look = flag.String("look", "", "serve the sample world on this address, to be looked at in a browser")

// TestLook serves the sample until the test's time is over:
// go test ./internal/hub/pages -run TestLook -look 127.0.0.1:8099
func TestLook(t *testing.T) {
	if *look == "" {
		t.Skip("no -look address")
	}
	world, git := sample(t)
	t.Log(http.ListenAndServe(*look, Handler(world, git))) //nolint:gosec // for one's own browser
}

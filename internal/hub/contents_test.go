package hub

import (
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func TestContents(t *testing.T) {
	w := newWorld(t)
	tok := w.token("")
	file := w.call(tok, "GET", registry+"/contents/README.md", nil).want(200).is("content", "aGVsbG8K\n").is("encoding", "base64").is("type", "file").is("size", 6)
	if raw := w.unchecked(tok, "GET", registry+"/contents/README.md", nil, "Accept", "application/vnd.github.raw+json").want(200); string(raw.body) != "hello\n" {
		t.Errorf("the raw file is %q", raw.body)
	}
	w.call(tok, "GET", registry+"/contents/.github", nil).want(200).is("0.path", ".github/CODEOWNERS").is("0.type", "file").is("0.size", 17)
	w.call(tok, "GET", registry+"/contents/", nil).want(200).is("0.type", "dir").is("1.name", "README.md")
	w.call(tok, "GET", registry+"/contents/nope", nil).want(404)
	w.call(tok, "GET", registry+"/contents/README.md?ref=nope", nil).want(404)

	path := registry + "/contents/grants/a b.yaml"
	path = strings.ReplaceAll(path, " ", "%20")
	made := w.call(tok, "PUT", path, map[string]any{"message": "add", "content": b64("a: 1\n")}).want(201)
	made.is("content.path", "grants/a b.yaml").is("commit.message", "add").is("commit.author.name", "keyreeve[bot]")
	w.call(tok, "PUT", path, map[string]any{"message": "again", "content": b64("a: 2\n")}).want(422)
	w.unchecked(tok, "PUT", path, map[string]any{"message": "stale", "content": b64("a: 2\n"), "sha": file.str("sha")}).want(409)
	w.call(tok, "PUT", path, map[string]any{"message": "change", "content": b64("a: 2\n"), "sha": made.str("content.sha")}).want(200)
	w.call(tok, "PUT", path, map[string]any{"message": "m", "content": "***", "sha": made.str("content.sha")}).want(422)
	w.call(tok, "PUT", registry+"/contents/x", map[string]any{"message": "m", "content": b64("x"), "branch": "nope"}).want(404)
	w.refused(422, tok, "PUT", registry+"/contents/x", map[string]any{"content": b64("x")})
	w.call(tok, "PUT", registry+"/contents/.github/workflows/ci.yml", map[string]any{"message": "m", "content": b64("on: push\n")}).want(403)
	now := w.call(tok, "GET", path, nil).want(200).str("sha")
	w.call(tok, "DELETE", path, map[string]any{"message": "rm", "sha": made.str("content.sha")}).want(409)
	w.call(tok, "DELETE", path, map[string]any{"message": "rm", "sha": now}).want(200).is("content", nil)
	w.call(tok, "GET", path, nil).want(404)

	must(t, w.AddRepo("acme", "empty", nil))
	w.call(tok, "GET", "/repos/acme/empty/contents/x", nil).want(404)
	w.call(tok, "GET", "/repos/acme/empty/commits", nil).want(409).is("message", "Git Repository is empty.")
	w.call(tok, "GET", "/repos/acme/empty/git/ref/heads/main", nil).want(409)
	w.call(tok, "PUT", "/repos/acme/empty/contents/x", map[string]any{"message": "first", "content": b64("x")}).want(201)
	w.call(tok, "GET", "/repos/acme/empty/commits", nil).want(200).is("0.commit.message", "first").is("1", nil)
}

func TestGitData(t *testing.T) {
	w := newWorld(t)
	tok := w.token("")
	main := w.call(tok, "GET", registry+"/git/ref/heads/main", nil).want(200).str("object.sha")
	w.call(tok, "GET", registry+"/git/ref/heads/mai", nil).want(404)
	w.call(tok, "GET", registry+"/git/matching-refs/heads/ma", nil).want(200).is("0.ref", "refs/heads/main")
	blob := w.call(tok, "POST", registry+"/git/blobs", map[string]any{"content": b64("data"), "encoding": "base64"}).want(201).str("sha")
	w.call(tok, "GET", registry+"/git/blobs/"+blob, nil).want(200).is("content", "ZGF0YQ==\n").is("size", 4)
	w.call(tok, "GET", registry+"/git/blobs/"+strings.Repeat("0", 40), nil).want(404)
	tree := w.call(tok, "POST", registry+"/git/trees", map[string]any{"base_tree": main, "tree": []any{
		map[string]any{"path": "d/data", "mode": "100644", "type": "blob", "sha": blob},
		map[string]any{"path": "README.md", "mode": "100644", "type": "blob", "sha": nil},
	}}).want(201).str("sha")
	listed := w.call(tok, "GET", registry+"/git/trees/"+tree+"?recursive=1", nil).want(200)
	var paths []string
	for i := range 10 {
		if p := listed.str(fmt.Sprintf("tree.%d.path", i)); p != "" {
			paths = append(paths, p)
		}
	}
	if want := []string{".github", ".github/CODEOWNERS", "d", "d/data"}; !slices.Equal(paths, want) {
		t.Errorf("the tree holds %v, want %v", paths, want)
	}
	w.call(tok, "GET", registry+"/git/trees/main", nil).want(200).is("truncated", false)
	w.refused(422, tok, "POST", registry+"/git/commits", map[string]any{"message": "m", "tree": strings.Repeat("0", 40)})
	w.refused(422, tok, "POST", registry+"/git/commits", map[string]any{"message": "m", "tree": tree, "parents": []string{strings.Repeat("0", 40)}})
	commit := w.call(tok, "POST", registry+"/git/commits", map[string]any{
		"message": "m", "tree": tree, "parents": []string{main}, "author": map[string]any{"name": "A", "email": "a@example.org", "date": "2020-01-02T03:04:05Z"},
	}).want(201)
	commit.is("author.date", "2020-01-02T03:04:05Z").is("parents.0.sha", main)
	sha := commit.str("sha")
	w.call(tok, "GET", registry+"/git/commits/"+sha, nil).want(200).is("tree.sha", tree)
	w.call(tok, "GET", registry+"/commits/"+sha, nil).want(200).is("author", nil).is("stats.deletions", 1).is("files.0.status", "removed")

	w.call(tok, "POST", registry+"/git/refs", map[string]any{"ref": "refs/heads/x", "sha": sha}).want(201)
	w.call(tok, "POST", registry+"/git/refs", map[string]any{"ref": "refs/heads/x", "sha": sha}).want(422).is("message", "Reference already exists")
	w.call(tok, "POST", registry+"/git/refs", map[string]any{"ref": "x", "sha": sha}).want(422)
	w.call(tok, "POST", registry+"/git/refs", map[string]any{"ref": "refs/heads/y", "sha": strings.Repeat("0", 40)}).want(422)
	w.call(tok, "PATCH", registry+"/git/refs/heads/x", map[string]any{"sha": main}).want(422).is("message", "Update is not a fast forward")
	w.call(tok, "PATCH", registry+"/git/refs/heads/x", map[string]any{"sha": main, "force": true}).want(200).is("object.sha", main)
	w.call(tok, "PATCH", registry+"/git/refs/heads/none", map[string]any{"sha": main}).want(422)
	w.call(tok, "PATCH", registry+"/git/refs/heads/x", map[string]any{"sha": sha}).want(200)
	w.call(tok, "GET", registry+"/compare/main...x", nil).want(200).is("status", "ahead").is("ahead_by", 1).is("files.1.filename", "d/data")
	w.call(tok, "GET", registry+"/compare/x...main", nil).want(200).is("status", "behind").is("total_commits", 0)
	w.call(tok, "GET", registry+"/compare/main...nope", nil).want(404)
	w.call(tok, "GET", registry+"/branches", nil).want(200).is("1.name", "x")
	w.call(tok, "GET", registry+"/branches/x", nil).want(200).is("commit.sha", sha)
	w.call(tok, "GET", registry+"/branches/none", nil).want(404)
	w.call(tok, "GET", registry+"/commits?sha=x&path=d/data", nil).want(200).is("0.sha", sha).is("1", nil)
	w.call(tok, "GET", registry+"/commits/nope", nil).want(422)
	w.call(tok, "DELETE", registry+"/git/refs/heads/x", nil).want(204)
	w.call(tok, "DELETE", registry+"/git/refs/heads/x", nil).want(422)
	w.call(tok, "DELETE", registry+"/git/refs/heads/main", nil).want(422)
}

func TestWorkflowsNeedTheirPermission(t *testing.T) {
	w := newWorld(t)
	must(t, w.AddCollaborator("acme", "identities", "dana", "write"))
	_, err := w.As("dana").Push("acme/identities", "ci", map[string]string{".github/workflows/ci.yml": "on: push\n"}, "ci")
	must(t, err)
	_, err = w.As("dana").OpenPull("acme/identities", "CI", "", "ci", "main")
	must(t, err)
	tok := w.token("")
	w.call(tok, "PUT", registry+"/pulls/1/merge", nil).want(403)
	sha := w.call(tok, "GET", registry+"/branches/ci", nil).want(200).str("commit.sha")
	w.call(tok, "PATCH", registry+"/git/refs/heads/main", map[string]any{"sha": sha}).want(403)
	must(t, w.As("rory").MergePull("acme/identities", 1))
}

func TestCodeownersErrors(t *testing.T) {
	w := newWorld(t)
	tok := w.token("")
	w.call(tok, "GET", registry+"/codeowners/errors", nil).want(200).is("errors", []any{})
	w.call(tok, "GET", "/repos/acme/app/codeowners/errors", nil).want(404)
	_, err := w.As("rory").Push("acme/identities", "bad", map[string]string{".github/CODEOWNERS": "* @acme/security\n!x @rory\n*.go nobody # c\n*.md @acme/ghosts @rory\n"}, "bad")
	must(t, err)
	res := w.call(tok, "GET", registry+"/codeowners/errors?ref=bad", nil).want(200)
	res.is("errors.0.kind", "Invalid pattern").is("errors.0.line", 2).is("errors.1.kind", "Invalid owner").is("errors.1.column", 6)
	res.is("errors.2.kind", "Unknown owner").is("errors.2.line", 4).is("errors.2.column", 6).is("errors.3", nil)
	w.call(tok, "GET", registry+"/codeowners/errors?ref=nope", nil).want(404)
}

func TestCheckCodeowners(t *testing.T) {
	everybody := func(string) bool { return true }
	for _, tc := range []struct{ name, line, kind string }{
		{"fine", "*.go @a @b/c d@example.org", ""},
		{"no owner", "*.go", ""},
		{"comment", "# x", ""},
		{"comment after", "*.go @a # x !", ""},
		{"escaped blank", `a\ b @a`, ""},
		{"slash only", "/ @a", ""},
		{"carriage return", "*.go @a\r", ""},
		{"negation", "!a @a", "Invalid pattern"},
		{"range", "a[bc] @a", "Invalid pattern"},
		{"escaped hash", `\#a @a`, "Invalid pattern"},
		{"three stars", "***/a @a", "Invalid pattern"},
		{"no handle", "*.go a", "Invalid owner"},
		{"bad handle", "*.go @a_b", "Invalid owner"},
		{"lone at", "*.go @", "Invalid owner"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := checkCodeowners("CODEOWNERS", tc.line, everybody)
			switch {
			case tc.kind == "" && len(got) != 0:
				t.Errorf("%q: %+v", tc.line, got)
			case tc.kind != "" && (len(got) != 1 || got[0].Kind != tc.kind):
				t.Errorf("%q: %+v, want one %q", tc.line, got, tc.kind)
			}
		})
	}
}

func FuzzCheckCodeowners(f *testing.F) {
	for _, seed := range []string{"* @a\n", "/ @a", `a\`, "!x", "\xff @a", "a\tb\r\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, e := range checkCodeowners("CODEOWNERS", text, func(string) bool { return false }) {
			if e.Line < 1 || e.Line > strings.Count(text, "\n")+1 || e.Column < 1 || e.Kind == "" || e.Message == "" {
				t.Errorf("%q: %+v", text, e)
			}
		}
	})
}

// TestGitOverHTTP clones and pushes with git itself.
func TestGitOverHTTP(t *testing.T) {
	w := newWorld(t)
	w.hooks()
	dir := t.TempDir()
	git := func(in string, args ...string) (string, error) {
		cmd := exec.Command("git", args...)
		cmd.Dir = in
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0",
			"GIT_AUTHOR_NAME=Rory", "GIT_AUTHOR_EMAIL=rory@example.org", "GIT_COMMITTER_NAME=Rory", "GIT_COMMITTER_EMAIL=rory@example.org")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	must(t, w.SetEmail("rory", "rory@example.org"))
	remote := func(token string) string {
		return strings.Replace(w.URL(), "http://", "http://x-access-token:"+token+"@", 1) + "/acme/identities.git"
	}
	if out, err := git(dir, "clone", "-q", w.URL()+"/acme/identities.git", "anonymous"); err == nil {
		t.Fatalf("nobody cloned a private repository: %s", out)
	}
	if out, err := git(dir, "clone", "-q", remote(w.Token("sam")), "stranger"); err == nil {
		t.Fatalf("a stranger cloned a private repository: %s", out)
	}
	if out, err := git(dir, "clone", "-q", remote(w.Token("rory")), "work"); err != nil {
		t.Fatalf("clone: %s", out)
	}
	work := filepath.Join(dir, "work")
	must(t, os.WriteFile(filepath.Join(work, "x"), []byte("x\n"), 0o600))
	for _, args := range [][]string{{"add", "x"}, {"commit", "-qm", "by git"}, {"push", "-q", "origin", "HEAD:main"}} {
		if out, err := git(work, args...); err != nil {
			t.Fatalf("git %v: %s", args, out)
		}
	}
	sameNames(t, hookNames(w.hooks()), "push")
	tok := w.token("")
	w.call(tok, "GET", registry+"/commits", nil).want(200).is("0.commit.message", "by git").is("0.author.login", "rory")
	if out, err := git(dir, "clone", "-q", remote(tok), "bot"); err != nil {
		t.Fatalf("the App's clone: %s", out)
	}
	if out, err := git(work, "push", "-q", remote(w.Token("dana")), "HEAD:refs/heads/dana"); err == nil {
		t.Fatalf("a reader pushed: %s", out)
	}
	read := w.token(`{"permissions":{"contents":"read"}}`)
	if out, err := git(work, "push", "-q", remote(read), "HEAD:refs/heads/read"); err == nil {
		t.Fatalf("a token that reads pushed: %s", out)
	}
}

// TestBase64Lines: what GitHub's line breaks carry is the same data.
func TestBase64Lines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOf(rapid.Byte()).Draw(t, "data")
		text := base64Lines(data)
		back, err := decodeBase64(text)
		if err != nil || string(back) != string(data) {
			t.Fatalf("%q decodes to %q, %v", text, back, err)
		}
		for line := range strings.Lines(text) {
			if len(line) > 61 {
				t.Fatalf("line %q is too long", line)
			}
		}
	})
}

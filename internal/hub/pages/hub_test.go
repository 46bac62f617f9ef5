package pages_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/keyreeve/keyreeve/internal/hub"
	"github.com/keyreeve/keyreeve/internal/hub/githost"
	"github.com/keyreeve/keyreeve/internal/hub/pages"
)

// The pages of a real hub, as a browser gets them: every html_url that the hub
// gives for an issue, a pull request and a repository leads to one.
func TestOnTheHub(t *testing.T) {
	dir := t.TempDir()
	h, err := hub.New(hub.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	git := func(owner, name string) (*githost.Repo, bool) {
		host, err := githost.Open(dir) // a second look at the hub's own repositories
		if err != nil {
			t.Error(err)
			return nil, false
		}
		return host.Repo(owner, name)
	}
	h.HandlePages(pages.Handler(h, git))
	url, err := h.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(h.AddOrg("acme"))
	_, err = h.AddUser("dana")
	check(err)
	check(h.AddMember("acme", "dana", "member"))
	check(h.AddRepo("acme", "identities", map[string]string{"README.md": "# Registry\n"}))
	check(h.AddCollaborator("acme", "identities", "dana", "write"))
	dana := h.As("dana")
	issue, err := dana.OpenIssue("acme/identities", "Access, please", "Since *I* need it")
	check(err)
	_, err = dana.Comment("acme/identities", issue, "A remark")
	check(err)
	_, err = dana.Push("acme/identities", "topic", map[string]string{"new.yaml": "kind: machine\n"}, "Add a record")
	check(err)
	pull, err := dana.OpenPull("acme/identities", "Add a record", "", "topic", "main")
	check(err)

	world := h.Snapshot()
	repo := world.Repo("acme/identities")
	for address, want := range map[string]string{
		url + "/":                     "acme",
		repo.URL:                      "Registry",
		repo.Issue(issue).URL:         "Since <em>I</em> need it",
		repo.Pull(pull).URL:           "kind: machine",
		repo.URL + "/issues":          "Access, please",
		repo.URL + "/settings/access": "dana",
	} {
		req, err := http.NewRequest("GET", address, nil)
		check(err)
		req.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
		res, err := http.DefaultClient.Do(req)
		check(err)
		body, err := io.ReadAll(res.Body)
		check(err)
		res.Body.Close()
		if res.StatusCode != 200 || !strings.Contains(string(body), want) {
			t.Errorf("%s: %d without %q", address, res.StatusCode, want)
		}
	}
}

package identity_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/keyreeve/keyreeve/internal/identity"
)

// goodRegistry is a registry without a problem.
func goodRegistry() map[string]string {
	return map[string]string{
		".github/CODEOWNERS": "* @acme/security\n",
		"README.md":          "anything",
		"use-cases/.gitkeep": "",
		"keyreeve.yaml": `version: 1
environments: [production, staging]
grants: {minDuration: 15m, maxDuration: 30d}
`,
		"use-cases/deploy.yaml": `version: 1
name: deploy
owner: "@acme/security"
purpose: Deploys
kinds: [machine-user]
ceiling:
  - provider: github
    resource: acme/pay*
    permission: write
    environments: [production]
`,
		"identities/payments/deploy-bot.yaml": `version: 1
name: payments/deploy-bot
kind: machine-user
owner: "@acme/payments"
purpose: Deploys payments
useCase: deploy
environment: production
expires: 2027-03-31
status: active
account: {user: deploy-bot}
entitlements:
  - provider: github
    resource: acme/payments
    permission: write
    environment: production
`,
		"grants/payments/deploy-bot/acme-identities-12.yaml": string(identity.Encode(goldenGrant())),
		"grants/payments/deploy-bot/acme-identities-13.yaml": strings.Replace(string(identity.Encode(goldenGrant())), "id: acme-identities-12", "id: acme-identities-13", 1),
	}
}

func load(files map[string]string) (identity.Registry, string) {
	fsys := fstest.MapFS{}
	for path, text := range files {
		fsys[path] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	r, problems := identity.LoadRegistry(fsys)
	return r, identity.Report(problems)
}

func TestLoadRegistry(t *testing.T) {
	r, problems := load(goodRegistry())
	if problems != "" {
		t.Fatal(problems)
	}
	id, ok := r.Identity("payments/deploy-bot")
	uc, bounded := r.UseCaseOf(id)
	if !ok || !bounded || uc.Name != "deploy" || id.Owner != "@acme/payments" {
		t.Errorf("identity %+v, use case %+v", id, uc)
	}
	grants := r.GrantsOf("payments/deploy-bot")
	if len(grants) != 2 || grants[0] != goldenGrant() || grants[1].ID != "acme-identities-13" || len(r.GrantsOf("a/b")) != 0 {
		t.Errorf("grants %+v", grants)
	}
	if names := r.Names(); len(names) != 1 || names[0] != "payments/deploy-bot" {
		t.Errorf("names %q", names)
	}
}

func TestRegistryProblems(t *testing.T) {
	const id = "identities/payments/deploy-bot.yaml"
	replace := func(path, from, to string) func(map[string]string) {
		return func(f map[string]string) {
			if !strings.Contains(f[path], from) {
				panic(path + " does not hold " + from)
			}
			f[path] = strings.Replace(f[path], from, to, 1)
		}
	}
	for name, c := range map[string]struct {
		change func(map[string]string)
		want   string
	}{
		"no policy":     {func(f map[string]string) { delete(f, "keyreeve.yaml") }, "keyreeve.yaml: the file is missing: every registry has one: `keyreeve init` writes it\n"},
		"no CODEOWNERS": {func(f map[string]string) { delete(f, ".github/CODEOWNERS") }, ".github/CODEOWNERS: the file is missing: it says who may approve what; without it nobody can\n"},
		"no use case": {
			func(f map[string]string) { delete(f, "use-cases/deploy.yaml") },
			id + ":6:10: there is no use case \"deploy\": its record would be use-cases/deploy.yaml\n",
		},
		"mistyped use case": {replace(id, "useCase: deploy", "useCase: depoly"), id + ":6:10: there is no use case \"depoly\": did you mean \"deploy\"?\n"},
		"broken use case is said once": {
			replace("use-cases/deploy.yaml", "permission: write", "permission: wirte"),
			"use-cases/deploy.yaml:9:17: \"wirte\" is not a known permission: did you mean \"write\"? Use read, triage, write, maintain or admin\n",
		},
		"broken policy is said once": {replace("keyreeve.yaml", "version: 1", "version: 7"), "keyreeve.yaml:1:10: \"version\" must be 1\n"},
		"kind":                       {replace(id, "kind: machine-user", "kind: api-key"), id + ":3:7: the use case \"deploy\" is not for kind \"api-key\": use-cases/deploy.yaml lists the kinds\n"},
		"entitlement's permission": {
			replace(id, "permission: write", "permission: admin"),
			id + ":14:17: the permission \"admin\" exceeds the use case \"deploy\": see the ceiling in use-cases/deploy.yaml\n",
		},
		"entitlement's resource": {
			replace(id, "resource: acme/payments", "resource: acme/site"),
			id + ":13:15: the resource \"acme/site\" exceeds the use case \"deploy\": see the ceiling in use-cases/deploy.yaml\n",
		},
		"entitlement's environment": {
			replace(id, "    environment: production", "    environment: staging"),
			id + ":15:18: the environment \"staging\" exceeds the use case \"deploy\": see the ceiling in use-cases/deploy.yaml\n",
		},
		"identity's environment": {replace(id, "environment: production", "environment: prodution"), id + ":7:14: \"prodution\" is not an environment of keyreeve.yaml: did you mean \"production\"?\n"},
		"ceiling's environment": {
			replace("use-cases/deploy.yaml", "[production]", "[production, test]"),
			"use-cases/deploy.yaml:10:32: \"test\" is not an environment of keyreeve.yaml: it has production and staging\n",
		},
		"grant for nobody": {
			func(f map[string]string) { delete(f, id) },
			"grants/payments/deploy-bot/acme-identities-12.yaml:4:11: there is no identity \"payments/deploy-bot\": its record would be identities/payments/deploy-bot.yaml\n" +
				"grants/payments/deploy-bot/acme-identities-13.yaml:4:11: there is no identity \"payments/deploy-bot\": its record would be identities/payments/deploy-bot.yaml\n",
		},
		"one id twice": {
			func(f map[string]string) {
				f["identities/web/bot.yaml"] = strings.ReplaceAll(f[id], "payments/deploy-bot", "web/bot")
				f["grants/web/bot/acme-identities-12.yaml"] = strings.ReplaceAll(f["grants/payments/deploy-bot/acme-identities-12.yaml"], "payments/deploy-bot", "web/bot")
			},
			"grants/web/bot/acme-identities-12.yaml:3:5: there is another grant \"acme-identities-12\": its record is grants/payments/deploy-bot/acme-identities-12.yaml\n",
		},
		"other files": {
			func(f map[string]string) {
				f["use-cases/notes.txt"], f["use-cases/Deploy.yaml"], f["identities/bot.yaml"], f["grants/a/b/c.yml"] = "", "", "", ""
			},
			"grants/a/b/c.yml: this is not a record: grants holds grants/<app>/<name>/<id>.yaml only, in lower case\n" +
				"identities/bot.yaml: this is not a record: identities holds identities/<app>/<name>.yaml only, in lower case\n" +
				"use-cases/Deploy.yaml: this is not a record: use-cases holds use-cases/<name>.yaml only, in lower case\n" +
				"use-cases/notes.txt: this is not a record: use-cases holds use-cases/<name>.yaml only, in lower case\n",
		},
		"too large": {
			func(f map[string]string) { f["use-cases/large.yaml"] = strings.Repeat("#", 1<<20) },
			"use-cases/large.yaml: the file is larger than 256 KiB: no record needs that much\n",
		},
		"empty": {func(f map[string]string) { clear(f) }, ".github/CODEOWNERS: the file is missing: it says who may approve what; without it nobody can\nkeyreeve.yaml: the file is missing: every registry has one: `keyreeve init` writes it\n"},
	} {
		t.Run(name, func(t *testing.T) {
			files := goodRegistry()
			c.change(files)
			if _, got := load(files); got != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
		})
	}
}

// TestSymbolicLinksAreNotFollowed: a link in a pull request must not read what lies outside the checkout.
func TestSymbolicLinksAreNotFollowed(t *testing.T) {
	dir, outside := t.TempDir(), filepath.Join(t.TempDir(), "secret.yaml")
	for path, text := range goodRegistry() {
		path = filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(outside, []byte(goodRegistry()["use-cases/deploy.yaml"]), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, link := range []string{"use-cases/deploy.yaml", "keyreeve.yaml", ".github/CODEOWNERS"} {
		path := filepath.Join(dir, filepath.FromSlash(link))
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(outside, path); err != nil {
			t.Skip(err)
		}
	}
	r, problems := identity.LoadRegistry(os.DirFS(dir))
	got := identity.Report(problems)
	if len(r.UseCases) != 0 || r.Policy.Version != 0 {
		t.Errorf("read through a link: %+v", r)
	}
	for _, want := range []string{"use-cases/deploy.yaml: this is not a record", "keyreeve.yaml: this is not a regular file", ".github/CODEOWNERS: this is not a regular file"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}

func TestRecordAt(t *testing.T) {
	for path, want := range map[string]string{
		"keyreeve.yaml": "policy ", "use-cases/deploy.yaml": "use-case deploy", "identities/a/b.yaml": "identity a/b", "grants/a/b/x_1.2.yaml": "grant x_1.2",
		"a/keyreeve.yaml": " ", "use-cases/a/b.yaml": " ", "use-cases/Deploy.yaml": " ", "use-cases/deploy.yml": " ", "use-cases/.yaml": " ", "identities/a.yaml": " ",
		"identities/../b.yaml": " ", "identities/a/-b.yaml": " ", "grants/a/b.yaml": " ", "grants/a/b/.yaml": " ", "grants/a/b/...yaml": " ", "grants/a/b/c/d.yaml": " ",
		"/use-cases/deploy.yaml": " ", "": " ", "README.md": " ",
	} {
		if kind, name := identity.RecordAt(path); string(kind)+" "+name != want {
			t.Errorf("%q: got %q %q", path, kind, name)
		}
	}
	if kind, id := identity.RecordAt(goldenGrant().Path()); kind != identity.GrantRecord || id != goldenGrant().ID {
		t.Errorf("%s is %q %q", goldenGrant().Path(), kind, id)
	}
}

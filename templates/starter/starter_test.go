package starter_test

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/templates/starter"
)

var update = flag.Bool("update", false, "write golden files")

var today = time.Date(2026, 11, 24, 9, 30, 0, 0, time.UTC)

func starterFiles(t *testing.T, o starter.Options) map[string][]byte {
	t.Helper()
	files, err := starter.Files(o)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func registryOf(t *testing.T, files map[string][]byte) identity.Registry {
	t.Helper()
	fsys := fstest.MapFS{}
	for path, data := range files {
		fsys[path] = &fstest.MapFile{Data: data, Mode: 0o644}
	}
	r, problems := identity.LoadRegistry(fsys)
	if len(problems) > 0 {
		t.Fatalf("the starter has problems:\n%s", identity.Report(problems))
	}
	return r
}

func TestStarterIsARegistryWithoutProblems(t *testing.T) {
	for name, o := range map[string]starter.Options{
		"ordinary":          {Org: "acme", Owners: "@acme/security", Environments: []string{"production", "staging"}, Today: today},
		"defaults":          {Org: "acme", Owners: "@octocat", Today: today},
		"words of YAML":     {Org: "acme", Owners: "@a/b", Environments: []string{"on", "2027", "1.5", "Preview EU", "2027-01-01", "null", "0x1"}, Today: today},
		"one environment":   {Org: "A-1", Owners: "@A-1/x.y_z", Environments: []string{"p"}, Today: today},
		"late in the night": {Org: "acme", Owners: "@a", Today: time.Date(2027, 2, 28, 23, 59, 59, 0, time.FixedZone("", -11*3600))},
	} {
		t.Run(name, func(t *testing.T) {
			r := registryOf(t, starterFiles(t, o))
			if len(r.Names()) != 1 || len(r.UseCases) != 1 || len(r.Policy.Rules) != 2 {
				t.Errorf("unexpected registry: %+v", r)
			}
			id, _ := r.Identity("example/deploy-bot")
			if want := o.Environments; len(want) > 0 && (id.Environment != want[0] || !slices.Equal(r.Policy.Environments, want)) {
				t.Errorf("environments are %q and %q, want %q", id.Environment, r.Policy.Environments, want)
			}
			if d := id.Expires.Sub(o.Today); d < 178*24*time.Hour || d > 181*24*time.Hour {
				t.Errorf("expires %s, %s from today", id.Expires, d)
			}
		})
	}
}

// TestPolicyTest runs the starter's own cases, whatever the organization, owners and environments are called.
func TestPolicyTest(t *testing.T) {
	for name, o := range map[string]starter.Options{
		"ordinary":      {Org: "acme", Owners: "@acme/security", Today: today},
		"a user owns":   {Org: "acme", Owners: "@octocat", Today: today},
		"words of YAML": {Org: "A-1", Owners: "@a/b", Environments: []string{"on", "2027"}, Today: today},
	} {
		t.Run(name, func(t *testing.T) {
			files := starterFiles(t, o)
			r := registryOf(t, files)
			owners := approvals.OwnersFile{Path: identity.CodeownersPath, Rules: approvals.ParseCodeowners(files[identity.CodeownersPath])}
			if len(r.Test.Cases) < 4 {
				t.Fatalf("%d cases", len(r.Test.Cases))
			}
			for _, c := range r.Test.Cases {
				got := approvals.Rehearse(r, owners, c, r.Test.Today.Time)
				for _, d := range got.Differs(c.Expect) {
					t.Errorf("%s: %s is %s, want %s", c.Name, d.Field, d.Got, d.Want)
				}
			}
		})
	}
}

// TestWhatIsCommentedOut uses all that the policy shows behind #, as a reader would.
func TestWhatIsCommentedOut(t *testing.T) {
	text := string(starterFiles(t, starter.Options{Org: "acme", Owners: "@acme/security", Today: today})[identity.PolicyPath])
	head, more, _ := strings.Cut(text, "# What more there is")
	var b strings.Builder
	b.WriteString(head)
	for line := range strings.Lines(more) {
		line, comment := strings.CutPrefix(line, "# ")
		key, _, _ := strings.Cut(line, ":")
		if comment && (strings.HasPrefix(line, "  ") || slices.Contains([]string{"risks", "requests", "breakGlass", "extensions", "revokers"}, key)) {
			b.WriteString(line)
		}
	}
	p, problems := identity.ParsePolicy(identity.PolicyPath, []byte(b.String()))
	if len(problems) > 0 {
		t.Fatalf("%s\n%s", identity.Report(problems), &b)
	}
	if len(p.Risks) != 2 || p.Requests.ExpireAfter == 0 || p.BreakGlass == nil || p.Extensions.Max == 0 || len(p.Revokers) != 1 {
		t.Errorf("%+v", p)
	}
}

// TestExampleCanBeGrantedAccess walks from the form that GitHub makes of the starter to a grant that nothing is wrong with.
func TestExampleCanBeGrantedAccess(t *testing.T) {
	r := registryOf(t, starterFiles(t, starter.Options{Org: "acme", Owners: "@acme/security", Today: today}))
	body := identity.Form{
		Identity: "example/deploy-bot", Repository: "acme/payments", Permission: "write", Environment: "production",
		Duration: "8h", Reason: "Ship the fix", Confirmed: true,
	}.Body()
	form, problems := identity.ParseForm(body)
	if len(problems) > 0 {
		t.Fatal(identity.Report(problems))
	}
	grant, problems := form.Grant("acme-identities-1", identity.Person{ID: 7, Login: "octocat"}, "acme/identities#1")
	if len(problems) > 0 {
		t.Fatal(identity.Report(problems))
	}
	id, _ := r.Identity(grant.Identity)
	uc, _ := r.UseCaseOf(id)
	if problems := identity.CheckGrant(r.Policy, id, uc, grant, today); len(problems) > 0 {
		t.Fatal(identity.Report(problems))
	}
}

// TestIssueForm holds the form against GitHub's schema for issue forms, as far as it is used, and against what ParseForm
// expects.
// https://docs.github.com/en/communities/using-templates-to-encourage-useful-issues-and-pull-requests/syntax-for-githubs-form-schema
func TestIssueForm(t *testing.T) {
	files := starterFiles(t, starter.Options{Org: "acme", Owners: "@acme/security", Environments: []string{"production", "on"}, Today: today})
	var form struct {
		Name, Description, Title string
		Labels                   []string
		Body                     []struct {
			Type, ID   string
			Attributes struct {
				Label, Description, Placeholder, Value string
				Options                                yaml.Node
			}
			Validations struct{ Required bool }
		}
	}
	if err := yaml.Load(files[".github/ISSUE_TEMPLATE/access-request.yml"], &form, yaml.WithKnownFields()); err != nil {
		t.Fatal(err)
	}
	if form.Name == "" || form.Description == "" || form.Title == "" || !slices.Equal(form.Labels, []string{"access-request"}) {
		t.Errorf("head of the form: %+v", form)
	}
	var labels []string
	ids := map[string]bool{}
	for _, field := range form.Body {
		if field.Type == "markdown" {
			continue
		}
		labels = append(labels, field.Attributes.Label)
		if ids[field.ID] || field.ID == "" {
			t.Errorf("id %q is empty or twice there", field.ID)
		}
		ids[field.ID] = true
		if field.Type != "checkboxes" && field.Validations.Required == (field.ID == "prompted-by") {
			t.Errorf("%s is required: %v", field.ID, field.Validations.Required)
		}
		switch field.ID {
		case "permission":
			assertOptions(t, field.Attributes.Options, []string{"read", "triage", "write", "maintain", "admin"})
		case "environment":
			assertOptions(t, field.Attributes.Options, []string{"production", "on"})
		case "confirmation":
			var boxes []struct {
				Label    string
				Required bool
			}
			if err := field.Attributes.Options.Load(&boxes); err != nil {
				t.Fatal(err)
			}
			if len(boxes) != 1 || boxes[0].Label != identity.ConfirmationLabel || !boxes[0].Required {
				t.Errorf("checkboxes: %+v", boxes)
			}
		}
	}
	if !slices.Equal(labels, identity.Headings()) {
		t.Errorf("labels are %q, ParseForm reads %q", labels, identity.Headings())
	}
}

func assertOptions(t *testing.T, n yaml.Node, want []string) {
	t.Helper()
	var got []string
	for _, o := range n.Content {
		if o.ShortTag() != "!!str" {
			t.Errorf("option %q is read as %s", o.Value, o.ShortTag())
		}
		got = append(got, o.Value)
	}
	if !slices.Equal(got, want) {
		t.Errorf("options are %q, want %q", got, want)
	}
}

func TestOptionsThatAreRefused(t *testing.T) {
	_, err := starter.Files(starter.Options{Org: "ac me", Owners: "security", Environments: []string{"prod*", "None", "a", "A", "ok"}})
	if err == nil {
		t.Fatal("accepted")
	}
	want := []string{`"ac me"`, `"security"`, "today", `"prod*"`, `"None"`, `"A" is given twice`}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != len(want) {
		t.Errorf("%d errors, want %d: %v", len(lines), len(want), err)
	}
	for i, w := range want {
		if i < len(lines) && !strings.Contains(lines[i], w) {
			t.Errorf("error %d is %q, want it to hold %q", i, lines[i], w)
		}
	}
}

// TestGoldenTree compares all files with testdata/acme, where they can be read as they come out.
func TestGoldenTree(t *testing.T) {
	files := starterFiles(t, starter.Options{Org: "acme", Owners: "@acme/security", Environments: []string{"production", "staging"}, Today: today})
	root := filepath.Join("testdata", "acme")
	if *update {
		if err := os.RemoveAll(root); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, path := range slices.Sorted(maps.Keys(files)) {
		if strings.HasPrefix(path, identity.SchemaDir) {
			continue // those are docs/schema's, byte by byte
		}
		got = append(got, path)
		file := filepath.Join(root, filepath.FromSlash(path))
		if *update {
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, files[path], 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if string(files[path]) != string(want) {
			t.Errorf("%s differs from its golden file (run with -update to accept):\n%s", path, files[path])
		}
	}
	want := []string{
		".github/CODEOWNERS", ".github/ISSUE_TEMPLATE/access-request.yml", ".github/ISSUE_TEMPLATE/config.yml",
		"README.md", "identities/example/deploy-bot.yaml", "keyreeve.test.yaml", "keyreeve.yaml", "use-cases/deploy.yaml",
	}
	if !slices.Equal(got, want) {
		t.Errorf("files are %q, want %q", got, want)
	}
}

// TestSchemaLines follows the first line of each record to the schema that it names.
func TestSchemaLines(t *testing.T) {
	files := starterFiles(t, starter.Options{Org: "acme", Owners: "@acme/security", Today: today})
	records := 0
	for path, data := range files {
		kind, _ := identity.RecordAt(path)
		if path == identity.PolicyTestPath {
			kind = "policy-test" // no record, but read by a schema as these are
		}
		if kind == identity.NoRecord {
			continue
		}
		records++
		first, _, _ := strings.Cut(string(data), "\n")
		relative, ok := strings.CutPrefix(first, "# yaml-language-server: $schema=")
		target := filepath.ToSlash(filepath.Join(filepath.Dir(path), relative))
		if _, there := files[target]; !ok || !there || target != identity.SchemaDir+"/"+string(kind)+".schema.json" {
			t.Errorf("%s names the schema %q", path, target)
		}
	}
	if records != 4 {
		t.Errorf("%d records", records)
	}
}

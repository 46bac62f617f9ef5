package refs_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyreeve/keyreeve/scanners/refs"
)

// show writes a reference as "LINE:COLUMN kind name", and what else is known of it.
func show(r refs.Reference) string {
	s := fmt.Sprintf("%d:%d %s %s", r.Line, r.Column, r.Kind, r.Name)
	if r.Any {
		s += "*"
	}
	for _, part := range []struct{ name, value string }{{"job", r.Job}, {"env", r.Environment}, {"at", r.Context}, {"uses", r.Uses}} {
		if part.value != "" {
			s += " " + part.name + "=" + part.value
		}
	}
	return s
}

func check(t *testing.T, path, content string, want ...string) {
	t.Helper()
	found, gaps := refs.Find(path, []byte(content))
	if len(gaps) > 0 {
		t.Errorf("%s: gaps %v", path, gaps)
	}
	var got []string
	for _, r := range found {
		if r.Path != path {
			t.Errorf("path %q, want %q", r.Path, path)
		}
		lines := strings.Split(content, "\n")
		if !r.Any && !strings.HasPrefix(lines[r.Line-1][r.Column-1:], r.Name) {
			t.Errorf("%s is not at its place, where the file has %q", show(r), lines[r.Line-1][r.Column-1:])
		}
		got = append(got, show(r))
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n%s\nwant\n%s", path, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

const workflow = `on:
  workflow_call:
    secrets:
      DEPLOY_KEY:
        required: true
env:
  REGION: ${{ vars.REGION }}
jobs:
  build:
    runs-on: ubuntu-latest
    environment: staging
    if: vars.ON == 'yes' && needs.secrets.result
    steps:
      - run: echo "é" ${{ secrets.A }} ${{ Secrets['B'] || secrets.C }}
      - uses: acme/login@v1
        with: {token: "${{ secrets.D }}"}
      # ${{ secrets.IN_A_COMMENT }}
      - run: |
          first
          echo '${{ format('}} secrets.NO {0}',
            secrets.E) }}'
  deploy:
    environment: {name: production}
    uses: ./.github/workflows/deploy.yml
    secrets: inherit
  each:
    uses: acme/flows/.github/workflows/x.yml@v1
    secrets:
      TOKEN: ${{ secrets.F }}
  any:
    steps:
      - env:
          ALL: ${{ toJSON(secrets) }}
          ONE: ${{ secrets[format('KEY_{0}', matrix.x)] }}
          STAR: ${{ join(secrets.*) }}
          BROKEN: ${{ secrets.G ~ }}
`

func TestWorkflow(t *testing.T) {
	check(
		t, ".github/workflows/ci.yml", workflow,
		"4:7 secret DEPLOY_KEY at=on.workflow_call.secrets",
		"7:20 variable REGION at=env.REGION",
		"12:14 variable ON job=build env=staging at=jobs.build.if",
		"14:36 secret A job=build env=staging at=jobs.build.steps[0].run",
		"14:54 secret B job=build env=staging at=jobs.build.steps[0].run",
		"14:69 secret C job=build env=staging at=jobs.build.steps[0].run",
		"16:36 secret D job=build env=staging at=jobs.build.steps[1].with.token uses=acme/login@v1",
		"21:21 secret E job=build env=staging at=jobs.build.steps[2].run",
		"25:14 secret * job=deploy env=production at=jobs.deploy.secrets uses=./.github/workflows/deploy.yml",
		"29:26 secret F job=each at=jobs.each.secrets.TOKEN uses=acme/flows/.github/workflows/x.yml@v1",
		"33:27 secret * job=any at=jobs.any.steps[0].env.ALL",
		"34:20 secret * job=any at=jobs.any.steps[0].env.ONE",
		"35:26 secret * job=any at=jobs.any.steps[0].env.STAR",
		"36:19 secret * job=any at=jobs.any.steps[0].env.BROKEN",
	)
}

func TestWorkflowAliases(t *testing.T) {
	check(
		t, ".github/workflows/ci.yml", `jobs:
  a: {steps: [&s {run: "${{ secrets.A }}"}]}
  b: {environment: prod, steps: [*s]}
`,
		"2:37 secret A job=a at=jobs.a.steps[0].run",
		"2:37 secret A job=b env=prod at=jobs.b.steps[0].run",
	)
}

func TestOtherFiles(t *testing.T) {
	check(
		t, "actions/login/action.yml", "inputs:\n  token:\n    required: true\nruns:\n  using: composite\n  steps:\n    - run: x ${{ inputs.token }}\n      if: inputs.on\n",
		"2:3 input token at=inputs", "7:25 input token at=runs.steps[0].run", "8:18 input on at=runs.steps[0].if",
	)
	check(
		t, "app/.env.local", "# A=1\nexport A_KEY = 'x'\r\nB=${C}$D$$E\n9=1\nnot a line\n",
		"2:8 environment-variable A_KEY", "3:1 environment-variable B", "3:5 environment-variable C", "3:8 environment-variable D",
	)
	check(
		t, "infra/main.tf", "variable \"api_key\" {\n}\nresource \"github_actions_secret\" \"x\" {\n  secret_name = \"API_KEY\"\n  plaintext_value = var.api_key\n}\n# var.no\nx = local.var.no\nvariables = 1\n",
		"1:11 terraform-variable api_key at=variable", "4:18 secret API_KEY at=secret_name", "5:25 terraform-variable api_key at=var",
	)
	check(t, "prod.tfvars", "api_key = \"x\"\n", "1:1 terraform-variable api_key")
	check(
		t, "k8s/app.yaml", `apiVersion: v1
kind: Secret
metadata: {name: payments}
data:
  API_KEY: eA==
---
apiVersion: apps/v1
kind: Deployment
spec:
  containers:
    - env:
        - name: KEY
          valueFrom: {secretKeyRef: {name: payments, key: "API_KEY"}}
      envFrom: [{secretRef: {name: all}}]
  volumes: [{name: v, secret: {secretName: files}}]
  imagePullSecrets: [{name: pull}]
`,
		"3:18 kubernetes-secret payments at=metadata.name",
		"5:3 kubernetes-secret-key API_KEY at=data",
		"12:17 environment-variable KEY at=spec.containers[0].env[0].name",
		"13:44 kubernetes-secret payments at=spec.containers[0].env[0].valueFrom.secretKeyRef.name",
		"13:60 kubernetes-secret-key API_KEY at=spec.containers[0].env[0].valueFrom.secretKeyRef.key",
		"14:36 kubernetes-secret all at=spec.containers[0].envFrom[0].secretRef.name",
		"15:44 kubernetes-secret files at=spec.volumes[0].secret.secretName",
		"16:29 kubernetes-secret pull at=spec.imagePullSecrets[0].name",
	)
	check(
		t, "docker-compose.prod.yml", `services:
  app:
    image: app:${TAG}
    environment: [A=1, B]
    secrets: [db, {source: api}]
  web:
    environment:
      C: "x ${D:-y}"
secrets:
  db: {environment: DB_PASSWORD}
`,
		"3:18 environment-variable TAG at=services.app.image",
		"4:19 environment-variable A at=services.app.environment[0]",
		"4:24 environment-variable B at=services.app.environment[1]",
		"5:15 compose-secret db at=services.app.secrets[0]",
		"5:28 compose-secret api at=services.app.secrets[1].source",
		"8:7 environment-variable C at=services.web.environment",
		"8:15 environment-variable D at=services.web.environment.C",
		"10:3 compose-secret db at=secrets",
		"10:21 environment-variable DB_PASSWORD at=secrets.db.environment",
	)
	check(t, "README.md", "${{ secrets.A }}")
	check(t, "values.yaml", "a: ${{ secrets.A }}\n")
}

func TestConcerns(t *testing.T) {
	for _, c := range []struct {
		r    refs.Reference
		name string
		want bool
	}{
		{refs.Reference{Name: "api_key", Kind: refs.Secret}, "API_KEY", true},
		{refs.Reference{Name: "API_KEY2"}, "API_KEY", false},
		{refs.Reference{Any: true}, "API_KEY", true},
		{refs.Reference{Name: "TF_VAR_api_key", Kind: refs.Environment}, "api_key", true},
		{refs.Reference{Name: "api_key", Kind: refs.Terraform}, "TF_VAR_api_key", true},
		{refs.Reference{Name: "TF_VAR_"}, "", false},
	} {
		if got := c.r.Concerns(c.name); got != c.want {
			t.Errorf("%+v concerns %q: %v", c.r, c.name, got)
		}
	}
}

// TestBounds: what could cost much is refused, fast, and is a gap.
func TestBounds(t *testing.T) {
	bomb := "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
	for i := range 12 {
		bomb += fmt.Sprintf("a%d: &a%d [%s]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*a%d,", i), 9))
	}
	for name, content := range map[string]string{
		"aliases":      bomb + "jobs: *a12\n",
		"aliased text": "a: &a \"" + strings.Repeat("${{ secrets.A }}", 30_000) + "\"\nb: [" + strings.Repeat("*a,", 5000) + "]\n",
		"itself":       "a: &a [*a]\n",
		"deep":         strings.Repeat("[", 5000),
		"large":        strings.Repeat("#", refs.Largest+1),
		"binary":       "a\x00",
		"broken":       "a: [",
		"many":         strings.Repeat("- ${{ secrets.A }}\n", 20_000),
		"one line":     "[" + strings.Repeat("é,\"${{ secrets.A}}\",", 20_000) + "]",
		"marks":        strings.Repeat("-:", 150_000),
	} {
		begin := time.Now()
		_, gaps := refs.Find(".github/workflows/x.yml", []byte(content))
		if len(gaps) == 0 {
			t.Errorf("%s: no gap", name)
		}
		if took := time.Since(begin); took > 15*time.Second { // far from it, but for a busy machine with the race detector
			t.Errorf("%s: %v", name, took)
		}
	}
}

func FuzzFind(f *testing.F) {
	for i, path := range fuzzed() {
		f.Add(i, []byte(workflow))
		f.Add(i, []byte("apiVersion: v1\nkind: Secret\ndata: {A: \"$B\"}\nvariable \"a\" {\nA=${B}"))
		_ = path
	}
	f.Add(0, []byte("a: &a [*a]\nb: \"\\x24{{ secrets.A }}\""))
	f.Fuzz(func(t *testing.T, which int, content []byte) {
		paths := fuzzed()
		path := paths[(which%len(paths)+len(paths))%len(paths)]
		begin := time.Now()
		found, _ := refs.Find(path, content)
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("%d bytes took %v", len(content), took)
		}
		lines := strings.Count(string(content), "\n") + 1
		for _, r := range found {
			if r.Line < 1 || r.Line > lines || r.Column < 1 || r.Column > len(content)+1 || (r.Name == "") != r.Any {
				t.Errorf("%q: %+v in %d lines", path, r, lines)
			}
		}
	})
}

func fuzzed() []string {
	return []string{".github/workflows/a.yml", "action.yml", ".env", "a.tf", "a.tfvars", "a.yaml", "compose.yaml"}
}

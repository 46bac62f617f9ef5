// Package refs finds the places in a repository's files that ask for a secret by its name, without holding any value of
// it: workflows and composite actions, .env files, Terraform, Kubernetes manifests and Compose files.
//
//	refs, gaps := refs.Find(".github/workflows/deploy.yml", content)
//	// refs[0]: {Name: "PAYMENTS_API_KEY", Kind: "secret", Line: 12, Column: 27, Job: "deploy", Environment: "production"}
//
// A search for the name as text finds most of these as well, and many that mean something else. What it can't find is a
// workflow that hands over all of its secrets (`secrets: inherit`, `toJSON(secrets)`, `secrets[format(…)]`): it
// may use any of them, and is a Reference with Any.
package refs

import (
	"bytes"
	"cmp"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/keyreeve/keyreeve/scanners"
)

// Kind says as what something is asked for.
type Kind string

// The kinds of reference.
const (
	// Secret is a secret of GitHub: secrets.X in a workflow, or github_actions_secret in Terraform.
	Secret Kind = "secret"
	// Variable is a configuration variable of GitHub: vars.X.
	Variable Kind = "variable"
	// Input is an input through which a composite action or a reusable workflow is given a secret.
	Input Kind = "input"
	// Environment is an environment variable: of an .env file, a container, a Compose service.
	Environment Kind = "environment-variable"
	// Terraform is an input variable of Terraform: variable "x", var.x, x = … in a .tfvars file.
	Terraform Kind = "terraform-variable"
	// Kubernetes is a Secret of Kubernetes, and KubernetesKey one key within it.
	Kubernetes    Kind = "kubernetes-secret"
	KubernetesKey Kind = "kubernetes-secret-key"
	// Compose is a secret of a Compose file.
	Compose Kind = "compose-secret"
)

// Reference is one place that asks for a secret by its name.
type Reference struct {
	Name   string `json:"name"` // as it is written; "" with Any
	Kind   Kind   `json:"kind"`
	Path   string `json:"path"`
	Line   int    `json:"line"`   // from 1
	Column int    `json:"column"` // from 1, in bytes
	// Job is the id of the workflow's job, Environment the name of the job's environment as it is written there.
	Job         string `json:"job,omitempty"`
	Environment string `json:"environment,omitempty"`
	// Any says that all secrets are handed over, or one whose name is only known when the workflow runs.
	Any bool `json:"any,omitempty"`
	// Context is the place within the file: "jobs.deploy.steps[2].env.TOKEN".
	Context string `json:"context,omitempty"`
	// Uses is the reusable workflow or the action that is given it: "./.github/workflows/deploy.yml".
	Uses string `json:"uses,omitempty"`
}

// Concerns reports whether the reference asks, or may ask, for what is stored under name. Like GitHub it takes upper and
// lower case for the same; a Terraform variable is also known as TF_VAR_name.
func (r Reference) Concerns(name string) bool {
	if r.Any {
		return true
	}
	if strings.EqualFold(r.Name, name) {
		return true
	}
	bare, isVar := cutPrefixFold(r.Name, "TF_VAR_")
	other, otherIsVar := cutPrefixFold(name, "TF_VAR_")
	return (isVar || otherIsVar) && strings.EqualFold(bare, other)
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) > len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
		return s[len(prefix):], true
	}
	return s, false
}

// Largest is the size of a file, in bytes, up to which it is read.
const Largest = 1 << 20

// most bounds the references of one file.
const most = 10_000

// Find returns the references in a file, by line and column. filePath is its path in the repository, with slashes; it
// says which kind of file it is, and of other kinds nothing is read. What could not be read is a gap and
// never silent. It takes any bytes, in time linear in their number, and may be called concurrently.
func Find(filePath string, content []byte) ([]Reference, []scanners.Gap) {
	read := reader(filePath, content)
	if read == nil {
		return nil, nil
	}
	f := &file{path: filePath, content: content}
	switch {
	case len(content) > Largest:
		f.gap("the file is larger than 1 MiB: its references were not read")
	case bytes.IndexByte(content, 0) >= 0:
		f.gap("the file is not text: its references were not read")
	default:
		read(f)
	}
	slices.SortFunc(f.refs, func(a, b Reference) int {
		return cmp.Or(a.Line-b.Line, a.Column-b.Column, cmp.Compare(a.Name, b.Name), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Context, b.Context))
	})
	return slices.Compact(f.refs), f.gaps
}

// Reads reports whether Find would read a file of this path; of YAML elsewhere than in workflows, it
// depends on the content too.
func Reads(filePath string) bool {
	return reader(filePath, []byte("apiVersion: v1\nkind: Secret\n")) != nil
}

// reader chooses by the path, and for Kubernetes by the content.
func reader(filePath string, content []byte) func(*file) {
	base := path.Base(filePath)
	ext := path.Ext(base)
	switch ext {
	case ".yml", ".yaml":
		return yamlReader(path.Dir(filePath), base, content)
	case ".tf", ".tfvars":
		return (*file).terraform
	case ".env", ".envrc":
		return (*file).dotenv
	}
	if strings.HasPrefix(base, ".env.") {
		return (*file).dotenv
	}
	return nil
}

func yamlReader(dir, base string, content []byte) func(*file) {
	switch {
	case path.Base(dir) == "workflows" && path.Base(path.Dir(dir)) == ".github" || path.Base(dir) == "workflow-templates":
		return (*file).workflow
	case base == "action.yml" || base == "action.yaml":
		return (*file).action
	case isCompose(base):
		return (*file).compose
	case bytes.Contains(content, []byte("apiVersion:")) && bytes.Contains(content, []byte("kind:")):
		return (*file).kubernetes
	}
	return nil
}

func isCompose(base string) bool {
	return strings.HasPrefix(base, "compose.") || strings.HasPrefix(base, "docker-compose.") || strings.HasPrefix(base, "docker-compose-")
}

// file is a file that is being read.
type file struct {
	path    string
	content []byte
	refs    []Reference
	gaps    []scanners.Gap
	lines   []int // where each line begins, once somebody asks
	starts  map[*yaml.Node]int
	nearest spot
}

func (f *file) gap(what string) {
	f.gaps = append(f.gaps, scanners.Gap{Subject: f.path, What: what, Count: 1})
}

// add keeps a reference, once there are not too many.
func (f *file) add(r Reference) {
	r.Path = f.path
	switch {
	case len(f.refs) < most:
		f.refs = append(f.refs, r)
	case len(f.refs) == most:
		f.refs = append(f.refs, f.refs[most-1]) // a double, which Find takes out: it marks that the gap is told
		f.gap("the file has more than 10000 references: the rest was not read")
	}
}

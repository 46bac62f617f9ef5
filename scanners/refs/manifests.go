package refs

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// kubernetes reads manifests: Secrets with their keys, and what takes something from a Secret.
// https://kubernetes.io/docs/concepts/configuration/secret/
func (f *file) kubernetes() {
	for _, doc := range f.documents() {
		w := &walk{f: f, visit: f.kubernetesNode}
		w.node(doc, place{}, 0)
	}
}

func (f *file) kubernetesNode(n *yaml.Node, p place) place {
	if n.Kind != yaml.MappingNode {
		return p
	}
	if text(child(n, "apiVersion")) != "" && slices.Contains([]string{"Secret", "SealedSecret", "ExternalSecret"}, text(child(n, "kind"))) {
		f.scalar(child(child(n, "metadata"), "name"), Kubernetes, p.at("metadata").at("name"))
		f.keys(child(n, "data"), KubernetesKey, p.at("data"))
		f.keys(child(n, "stringData"), KubernetesKey, p.at("stringData"))
		f.keys(child(child(n, "spec"), "encryptedData"), KubernetesKey, p.at("spec").at("encryptedData"))
	}
	switch p.last() {
	case "secretKeyRef":
		f.scalar(child(n, "name"), Kubernetes, p.at("name"))
		f.scalar(child(n, "key"), KubernetesKey, p.at("key"))
	case "secretRef":
		f.scalar(child(n, "name"), Kubernetes, p.at("name"))
	case "secret": // a volume, or a source of a projected one
		f.scalar(child(n, "secretName"), Kubernetes, p.at("secretName"))
		f.scalar(child(n, "name"), Kubernetes, p.at("name"))
	case "remoteRef": // of an ExternalSecret: the name in the outer store
		f.scalar(child(n, "key"), Kubernetes, p.at("key"))
	default:
		f.kubernetesItem(n, p)
	}
	return p
}

// kubernetesItem reads what stands in lists.
func (f *file) kubernetesItem(n *yaml.Node, p place) {
	if !strings.HasPrefix(p.last(), "[") {
		return
	}
	switch p.up(1) {
	case "env":
		f.scalar(child(n, "name"), Environment, p.at("name"))
	case "imagePullSecrets":
		f.scalar(child(n, "name"), Kubernetes, p.at("name"))
	case "tls": // of an Ingress
		f.scalar(child(n, "secretName"), Kubernetes, p.at("secretName"))
	case "data": // of an ExternalSecret
		f.scalar(child(n, "secretKey"), KubernetesKey, p.at("secretKey"))
	}
}

// compose reads a Compose file: https://docs.docker.com/reference/compose-file/
func (f *file) compose() {
	for _, doc := range f.documents() {
		w := &walk{f: f, visit: f.composeNode}
		w.node(doc, place{}, 0)
	}
}

func (f *file) composeNode(n *yaml.Node, p place) place {
	switch inList := strings.HasPrefix(p.last(), "["); {
	case p.is("services", "*", "environment") || p.is("services", "*", "build", "args"):
		f.keys(n, Environment, p)
	case (p.is("services", "*", "environment", "*") || p.is("services", "*", "build", "args", "*")) && inList && n.Kind == yaml.ScalarNode:
		name, _, _ := strings.Cut(n.Value, "=")
		f.named(name, n, Environment, p)
	case p.is("secrets"):
		f.keys(n, Compose, p)
	case p.is("secrets", "*", "environment"):
		f.scalar(n, Environment, p)
	case p.is("services", "*", "secrets", "*") && inList:
		f.scalar(n, Compose, p)
		f.scalar(child(n, "source"), Compose, p.at("source"))
	}
	if n.Kind == yaml.ScalarNode && strings.Contains(n.Value, "$") {
		f.composeScalar(n, p)
	}
	return p
}

// composeScalar reads the ${NAME} of a scalar.
func (f *file) composeScalar(n *yaml.Node, p place) {
	cursor := f.start(n)
	for _, use := range interpolations(n.Value) {
		cursor = f.find(cursor, use.written)
		line, column := f.position(cursor + len(use.written) - len(use.name))
		f.add(Reference{Name: use.name, Kind: Environment, Line: line, Column: column, Context: p.String()})
		cursor = min(cursor+len(use.written), len(f.content))
	}
}

// scalar keeps a scalar's value as a name.
func (f *file) scalar(n *yaml.Node, kind Kind, p place) {
	if name := text(n); name != "" {
		f.named(name, n, kind, p)
	}
}

// keys keeps the keys of a mapping.
func (f *file) keys(n *yaml.Node, kind Kind, p place) {
	if n = target(n); n == nil || n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if name := n.Content[i].Value; name != "<<" {
			f.named(name, n.Content[i], kind, p)
		}
	}
}

// longestName bounds a name: a longer one is none that a store would take.
const longestName = 255

func (f *file) named(name string, n *yaml.Node, kind Kind, p place) {
	if n = target(n); n == nil || name == "" || len(name) > longestName {
		return
	}
	column := f.byteColumn(n)
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		column++
	}
	f.add(Reference{Name: name, Kind: kind, Line: n.Line, Column: column, Context: p.String()})
}

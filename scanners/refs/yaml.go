package refs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"
)

// Bounds of reading YAML. A file of a few hundred bytes can unfold to gigabytes through aliases of aliases, so nodes are
// counted as often as they are reached.
const (
	deepest      = 100
	mostNodes    = 200_000 // nodes that are looked at, an alias's target each time
	mostBytes    = 2 << 20 // of their text, likewise
	mostDocs     = 1000
	mostMarks    = 200_000 // characters of YAML's own grammar, counted before any parser looks
	deepestAlias = 20      // aliases within aliases
)

// documents reads the file's YAML, up to the first error, which becomes a gap.
func (f *file) documents() []*yaml.Node {
	marks := 0
	for _, c := range f.content {
		if strings.IndexByte("[]{},:-?&*!|>", c) >= 0 {
			marks++
		}
	}
	if marks > mostMarks {
		f.gap("the file has too many marks of YAML: its references were not read")
		return nil
	}
	loader, err := yaml.NewLoader(bytes.NewReader(f.content), yaml.WithPlugin(loaderlimits.New(loaderlimits.DepthValue(deepest))))
	if err != nil {
		f.gap("the file can't be read as YAML: its references were not read")
		return nil
	}
	var docs []*yaml.Node
	for len(docs) < mostDocs {
		var doc yaml.Node
		err := loader.Load(&doc)
		if errors.Is(err, io.EOF) {
			return docs
		}
		if err != nil {
			f.gap("the file can't be read as YAML" + lineOf(err) + ": its references were read up to there")
			return docs
		}
		docs = append(docs, &doc)
	}
	f.gap("the file has more than 1000 documents: the rest was not read")
	return docs
}

// lineOf names the line of an error alone: its text may quote the source.
func lineOf(err error) string {
	if load, ok := errors.AsType[*yaml.LoadError](err); ok && load.Mark.Line > 0 {
		return fmt.Sprintf(" at line %d", load.Mark.Line)
	}
	return ""
}

// place is where a walk is: the keys and indexes that lead there, and what holds for all below.
type place struct {
	keys        []string
	job         string
	environment string
	uses        string
}

// at goes one step down. The slice is never shared by two children.
func (p place) at(key string) place {
	p.keys = append(slices.Clip(p.keys), key)
	return p
}

// String writes "jobs.deploy.steps[2].env.TOKEN".
func (p place) String() string {
	var b strings.Builder
	for _, k := range p.keys {
		if b.Len() > 0 && !strings.HasPrefix(k, "[") {
			b.WriteByte('.')
		}
		b.WriteString(k)
	}
	return b.String()
}

// is reports whether the keys are those of pattern, of which * stands for any one.
func (p place) is(pattern ...string) bool {
	if len(p.keys) != len(pattern) {
		return false
	}
	for i, k := range pattern {
		if k != "*" && k != p.keys[i] {
			return false
		}
	}
	return true
}

// last is the last key, "" at the root.
func (p place) last() string { return p.up(0) }

// up is the key n above the last.
func (p place) up(n int) string {
	if len(p.keys) <= n {
		return ""
	}
	return p.keys[len(p.keys)-1-n]
}

// walk goes through a document, and calls visit for each node that is no alias, before what is in it. What visit returns
// is the place of what is in it.
type walk struct {
	f     *file
	nodes int
	bytes int
	full  bool
	visit func(n *yaml.Node, p place) place
}

func (w *walk) node(n *yaml.Node, p place, aliases int) {
	w.nodes++
	w.bytes += len(n.Value)
	if w.nodes > mostNodes || w.bytes > mostBytes || aliases > deepestAlias {
		if !w.full {
			w.full = true
			w.f.gap("the file's aliases unfold to too much: its references were read up to there")
		}
		return
	}
	switch n.Kind {
	case yaml.AliasNode:
		if n.Alias != nil {
			w.node(n.Alias, p, aliases+1)
		}
	case yaml.DocumentNode:
		for _, c := range n.Content {
			w.node(c, p, aliases)
		}
	case yaml.MappingNode:
		w.mapping(n, w.visit(n, p), aliases)
	case yaml.SequenceNode:
		p = w.visit(n, p)
		for i := 0; i < len(n.Content) && !w.full; i++ {
			w.node(n.Content[i], p.at(fmt.Sprintf("[%d]", i)), aliases)
		}
	default:
		w.visit(n, p)
	}
}

// mapping goes through the values. What is merged in (<<) is at the place of the mapping itself.
func (w *walk) mapping(n *yaml.Node, p place, aliases int) {
	for i := 0; i+1 < len(n.Content) && !w.full; i += 2 {
		inner := p
		if key := n.Content[i]; key.Value != "<<" {
			inner = p.at(key.Value)
		}
		w.node(n.Content[i+1], inner, aliases)
	}
}

// child returns the value under a key of a mapping, through one alias; nil where there is none.
func child(n *yaml.Node, key string) *yaml.Node {
	n = target(n)
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return target(n.Content[i+1])
		}
	}
	return nil
}

// target is what an alias stands for.
func target(n *yaml.Node) *yaml.Node {
	for i := 0; n != nil && n.Kind == yaml.AliasNode && i < deepestAlias; i++ {
		n = n.Alias
	}
	return n
}

// text is a scalar's value, "" of anything else.
func text(n *yaml.Node) string {
	if n = target(n); n == nil || n.Kind != yaml.ScalarNode {
		return ""
	}
	return n.Value
}

package refs

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// workflow reads a workflow, by https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax
func (f *file) workflow() {
	for _, doc := range f.documents() {
		w := &walk{f: f, visit: f.workflowNode}
		w.node(doc, place{}, 0)
	}
}

func (f *file) workflowNode(n *yaml.Node, p place) place {
	switch {
	case p.is("jobs", "*"):
		p.job = p.last()
		if env := child(n, "environment"); env != nil {
			p.environment = text(env) + text(child(env, "name"))
		}
		p.uses = text(child(n, "uses"))
	case len(p.keys) == 4 && p.keys[0] == "jobs" && p.keys[2] == "steps":
		p.uses = text(child(n, "uses"))
	case p.is("jobs", "*", "secrets") && n.Kind == yaml.ScalarNode && n.Value == "inherit":
		f.add(Reference{
			Kind: Secret, Any: true, Line: n.Line, Column: f.byteColumn(n),
			Job: p.job, Environment: p.environment, Context: p.String(), Uses: p.uses,
		})
	case p.is("on", "workflow_call", "secrets"):
		f.keys(n, Secret, p)
	}
	f.expressions(n, p, false)
	return p
}

// action reads a composite action. It can't ask for secrets, and is given them as inputs:
// https://docs.github.com/actions/reference/workflows-and-actions/metadata-syntax
func (f *file) action() {
	for _, doc := range f.documents() {
		w := &walk{f: f, visit: func(n *yaml.Node, p place) place {
			if p.is("inputs") {
				f.keys(n, Input, p)
			}
			if len(p.keys) == 3 && p.keys[0] == "runs" && p.keys[1] == "steps" {
				p.uses = text(child(n, "uses"))
			}
			f.expressions(n, p, true)
			return p
		}}
		w.node(doc, place{}, 0)
	}
}

// expressions reads the ${{ … }} of a scalar. `if:` is one without the braces too.
func (f *file) expressions(n *yaml.Node, p place, inputs bool) {
	if n.Kind != yaml.ScalarNode {
		return
	}
	if p.last() == "if" && !strings.Contains(n.Value, "${{") {
		f.expression(n.Value+"}}", n, p, inputs, f.start(n))
		return
	}
	cursor, rest := f.start(n), n.Value
	for {
		at := strings.Index(rest, "${{")
		if at < 0 {
			return
		}
		rest = rest[at+3:]
		cursor = f.find(cursor, "${{")
		used := f.expression(rest, n, p, inputs, cursor)
		if used <= 0 || used > len(rest) {
			return
		}
		rest = rest[used:]
		cursor += 3
	}
}

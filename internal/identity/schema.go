package identity

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/keyreeve/keyreeve/docs/schema"
)

// schemaBase is where the schemas live for their compiler: nothing is ever fetched from it.
const schemaBase = "keyreeve:///"

// schemas holds the compiled schemas and their raw text, by name. Compiling happens once; the embedded files are part of
// the program and tested, so that it can't fail for what a user does.
var schemas = sync.OnceValue(compileSchemas)

type compiled struct {
	byName map[string]*jsonschema.Schema
	raw    map[string]any
}

// noLoader refuses to load: a schema refers to itself only.
type noLoader struct{}

func (noLoader) Load(url string) (any, error) { return nil, fmt.Errorf("load %s: not embedded", url) }

func compileSchemas() compiled {
	c := jsonschema.NewCompiler()
	c.UseLoader(noLoader{})
	c.AssertFormat()
	c.RegisterFormat(&jsonschema.Format{Name: "keyreeve-duration", Validate: textFormat(func(s string) error {
		_, err := ParseDuration(s)
		return err
	})})
	c.RegisterFormat(&jsonschema.Format{Name: "keyreeve-repository", Validate: textFormat(func(s string) error {
		_, err := ParseRepo(s)
		return err
	})})
	out := compiled{byName: map[string]*jsonschema.Schema{}, raw: map[string]any{}}
	for _, name := range schema.Names() {
		data, err := schema.Files.ReadFile(name)
		if err != nil {
			panic(fmt.Sprintf("identity: read schema %s: %v", name, err))
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err == nil {
			err = c.AddResource(schemaBase+name, doc)
		}
		if err != nil {
			panic(fmt.Sprintf("identity: schema %s: %v", name, err))
		}
		out.raw[name] = doc
	}
	for _, name := range schema.Names() {
		out.byName[name] = c.MustCompile(schemaBase + name)
	}
	return out
}

func textFormat(check func(string) error) func(any) error {
	return func(v any) error {
		if s, ok := v.(string); ok {
			return check(s)
		}
		return nil
	}
}

// validate checks a document against a schema and returns every difference at its place, in words for people.
func (d *document) validate(name string) []Problem {
	all := schemas()
	err := all.byName[name].Validate(d.value)
	if err == nil {
		return nil
	}
	failed, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return []Problem{d.problem(d.root, "", "the record can't be checked", "")}
	}
	var problems []Problem
	said := map[string]bool{} // one sentence for each value: its pattern and its format fail together
	for _, leaf := range d.inOrder(leaves(failed)) {
		for _, p := range d.explain(all, leaf) {
			if key := fmt.Sprint(p.Line, ":", p.Column, p.Field); !said[key] {
				said[key] = true
				problems = append(problems, p)
			}
		}
		if len(problems) > mostProblems {
			break // the rest would be cut
		}
	}
	return problems
}

// inOrder sorts failures by where their values stand; the library's own order is that of a Go map.
func (d *document) inOrder(failures []*jsonschema.ValidationError) []*jsonschema.ValidationError {
	type placed struct {
		line, column int
		keyword      string
		failure      *jsonschema.ValidationError
	}
	all := make([]placed, len(failures))
	for i, f := range failures {
		_, n := d.find(f.InstanceLocation)
		all[i] = placed{n.Line, n.Column, strings.Join(f.ErrorKind.KeywordPath(), "/"), f}
	}
	slices.SortStableFunc(all, func(a, b placed) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column), strings.Compare(a.keyword, b.keyword))
	})
	for i := range all {
		failures[i] = all[i].failure
	}
	return failures
}

func leaves(e *jsonschema.ValidationError) []*jsonschema.ValidationError {
	if _, key := e.ErrorKind.(*kind.PropertyNames); key || len(e.Causes) == 0 {
		return []*jsonschema.ValidationError{e}
	}
	var out []*jsonschema.ValidationError
	for _, cause := range e.Causes {
		out = append(out, leaves(cause)...)
	}
	return out
}

// lookup returns the part of a schema at an absolute location ("keyreeve:///grant.schema.json#/$defs/person"), and the
// name of the definition it is, if it is one.
func (c compiled) lookup(location string) (part map[string]any, def string) {
	base, fragment, _ := strings.Cut(location, "#")
	part, _ = c.raw[strings.TrimPrefix(base, schemaBase)].(map[string]any)
	steps := strings.Split(strings.TrimPrefix(fragment, "/"), "/")
	for i, step := range steps {
		if step == "" {
			continue
		}
		if unescaped, err := url.PathUnescape(step); err == nil {
			step = unescaped
		}
		part, _ = part[step].(map[string]any)
		if i == 1 && steps[0] == "$defs" && len(steps) == 2 {
			def = step
		}
	}
	return part, def
}

// properties returns the keys that an object's schema allows, in order.
func properties(part map[string]any) []string {
	props, _ := part["properties"].(map[string]any)
	return slices.Sorted(maps.Keys(props))
}

// example returns how a key's value may look, from the schema's own examples, or "".
func (c compiled) example(location string, part map[string]any, key string) string {
	props, _ := part["properties"].(map[string]any)
	prop, _ := props[key].(map[string]any)
	if ref, ok := prop["$ref"].(string); ok {
		base, _, _ := strings.Cut(location, "#")
		prop, _ = c.lookup(base + ref)
	}
	for _, from := range []string{"examples", "enum"} {
		if values, ok := prop[from].([]any); ok && len(values) > 0 {
			return fmt.Sprintf("%s: %v", key, values[0])
		}
	}
	if value, ok := prop["const"]; ok {
		return fmt.Sprintf("%s: %v", key, value)
	}
	return ""
}

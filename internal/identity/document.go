package identity

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// document is one parsed YAML document that remembers where everything stands.
type document struct {
	file  string
	root  *yaml.Node // a mapping, or nil where nothing could be read
	value any        // the same as a JSON value: map[string]any, []any, string, bool, nil, json.Number
}

// problem returns a problem at a line and column of the document.
func (d *document) problem(n *yaml.Node, field, what, hint string) Problem {
	p := Problem{File: d.file, Field: field, What: what, Hint: hint}
	if n != nil {
		p.Line, p.Column = n.Line, n.Column
	}
	return p
}

// at returns a problem at the value of a path of keys and indexes, or at the nearest thing around it that is there.
func (d *document) at(path []string, what, hint string) Problem {
	_, value := d.find(path)
	return d.problem(value, fieldName(path), what, hint)
}

// find returns the key (nil for the root and list items) and the value at a path; where the path leads nowhere, those
// of the last part that was there.
func (d *document) find(path []string) (key, value *yaml.Node) {
	value = d.root
	for _, part := range path {
		k, v := child(value, part)
		if v == nil {
			return key, value
		}
		key, value = k, v
	}
	return key, value
}

// text returns the text at a path, and whether there is one.
func (d *document) text(path ...string) (string, bool) {
	n := d.root
	for _, part := range path {
		if _, n = child(n, part); n == nil {
			return "", false
		}
	}
	if n == nil || n.Kind != yaml.ScalarNode {
		return "", false
	}
	return n.Value, true
}

func child(n *yaml.Node, part string) (key, value *yaml.Node) {
	switch {
	case n == nil:
	case n.Kind == yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == part {
				return n.Content[i], n.Content[i+1]
			}
		}
	case n.Kind == yaml.SequenceNode:
		if i, err := strconv.Atoi(part); err == nil && i >= 0 && i < len(n.Content) {
			return nil, n.Content[i]
		}
	}
	return nil, nil
}

// fieldName writes a path as "ceiling[0].permission".
func fieldName(path []string) string {
	var b strings.Builder
	for _, part := range path {
		switch _, err := strconv.Atoi(part); {
		case err == nil && b.Len() > 0:
			b.WriteString("[" + part + "]")
		case b.Len() > 0:
			b.WriteString("." + part)
		default:
			b.WriteString(part)
		}
	}
	return b.String()
}

// walker turns nodes into a JSON value.
type walker struct {
	d        *document
	nodes    int
	problems []Problem
}

func (w *walker) refuse(n *yaml.Node, path []string, what, hint string) any {
	w.problems = append(w.problems, w.d.problem(n, fieldName(path), what, hint))
	return nil
}

func (w *walker) walk(n *yaml.Node, path []string, depth int) any {
	w.nodes++
	switch {
	case w.nodes > mostNodes:
		if w.nodes == mostNodes+1 {
			w.refuse(n, nil, fmt.Sprintf("the file holds more than %d values", mostNodes), "no record needs that many")
		}
		return nil
	case n.Kind == yaml.AliasNode:
		return w.refuse(n, path, "YAML aliases are not allowed", "write the value out")
	case n.Anchor != "":
		return w.refuse(n, path, "YAML anchors are not allowed", "remove the &name")
	case n.Style&yaml.TaggedStyle != 0:
		return w.refuse(n, path, "YAML tags are not allowed", "remove the !tag")
	case depth > deepest:
		return w.refuse(n, nil, fmt.Sprintf("lists and mappings are nested deeper than %d levels", deepest), "no record needs that")
	}
	switch n.Kind {
	case yaml.MappingNode:
		return w.mapping(n, path, depth)
	case yaml.SequenceNode:
		items := make([]any, 0, len(n.Content))
		for i, item := range n.Content {
			items = append(items, w.walk(item, extend(path, strconv.Itoa(i)), depth+1))
		}
		return items
	}
	return w.scalar(n, path)
}

func (w *walker) mapping(n *yaml.Node, path []string, depth int) any {
	fields := make(map[string]any, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case key.Kind == yaml.AliasNode, key.Anchor != "", key.Style&yaml.TaggedStyle != 0:
			w.walk(key, path, depth+1)
		case key.Kind != yaml.ScalarNode || key.ShortTag() == "!!merge":
			w.refuse(key, path, "this key is not plain text", "write keys as in the schema")
		default:
			if _, twice := fields[key.Value]; twice {
				w.refuse(key, extend(path, key.Value), fmt.Sprintf("the key %s is given twice", quoted(key.Value)), "keep one of them")
				continue
			}
			fields[key.Value] = w.walk(value, extend(path, key.Value), depth+1)
		}
	}
	return fields
}

var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,18})(\.[0-9]{1,18})?$`)

func (w *walker) scalar(n *yaml.Node, path []string) any {
	if strings.ContainsFunc(n.Value, hidden) {
		return w.refuse(n, path, "the value holds a control character", "remove it")
	}
	switch tag := n.ShortTag(); {
	case tag == "!!null":
		return nil
	case tag == "!!bool" && n.Value == "true":
		return true
	case tag == "!!bool" && n.Value == "false":
		return false
	case (tag == "!!int" || tag == "!!float") && jsonNumber.MatchString(n.Value):
		return json.Number(n.Value)
	case tag == "!!str" || tag == "!!timestamp":
		return n.Value
	}
	return w.refuse(n, path, "this is a number or word that YAML readers read differently", "put it in quotes, or write the number in decimal")
}

// extend returns path with one more part, in memory of its own.
func extend(path []string, part string) []string { return append(slices.Clip(path), part) }

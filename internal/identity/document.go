package identity

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"
)

// Bounds of a record's text. They keep reading it below 100 ms and 64 MB whatever it holds.
const (
	// LargestRecord bounds a record's file, in bytes.
	LargestRecord = 256 << 10
	deepest       = 20    // nested mappings and lists
	mostNodes     = 20000 // keys, values, mappings and lists together
	mostMarks     = 25000 // lines and marks of YAML's grammar, counted before any parser looks
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

// read parses one YAML document. Refused are: more than LargestRecord, text that is not UTF-8, control characters,
// anchors and aliases, tags, nesting deeper than deepest, more than one document, repeated keys, and a root that is no
// mapping (THREATS: alias bombs, deep nesting).
func read(file string, data []byte) (*document, []Problem) {
	d := &document{file: file}
	if p, bad := d.guard(data); bad {
		return d, []Problem{p}
	}
	loader, err := yaml.NewLoader(bytes.NewReader(data), yaml.WithPlugin(loaderlimits.New(loaderlimits.DepthValue(deepest))))
	if err != nil {
		return d, []Problem{d.problem(nil, "", "the file can't be read as YAML", "")}
	}
	var first, second yaml.Node
	switch err := loader.Load(&first); {
	case errors.Is(err, io.EOF):
		return d, []Problem{{File: file, Line: 1, Column: 1, What: "the file is empty"}}
	case err != nil:
		return d, []Problem{d.syntax(data, err)}
	}
	switch err := loader.Load(&second); {
	case err == nil:
		return d, []Problem{d.problem(&second, "", "a second document begins here", "write one record in each file")}
	case !errors.Is(err, io.EOF):
		return d, []Problem{d.syntax(data, err)}
	}
	root := first.Content[0]
	w := walker{d: d}
	value := w.walk(root, nil, 1)
	if len(w.problems) > 0 {
		return d, w.problems
	}
	if root.Kind != yaml.MappingNode {
		return d, []Problem{d.problem(root, "", "the file holds no record", `write it as "key: value" lines`)}
	}
	d.root, d.value = root, value
	return d, nil
}

// guard looks at the bytes before any parser does.
func (d *document) guard(data []byte) (Problem, bool) {
	if len(data) > LargestRecord {
		return d.problem(nil, "", fmt.Sprintf("the file is larger than %d KiB", LargestRecord>>10), "no record needs that much"), true
	}
	line, column, marks := 1, 1, 0
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		what := ""
		switch {
		case r == utf8.RuneError && size == 1:
			what = "the file is not UTF-8"
		case hidden(r) && r != '\r':
			what = fmt.Sprintf("the character U+%04X is not allowed", r)
		}
		if what != "" {
			return Problem{File: d.file, Line: line, Column: column, What: what, Hint: "remove it"}, true
		}
		if strings.ContainsRune(",:[]{}?\"'\n", r) {
			marks++
		}
		column++
		if r == '\n' {
			line, column = line+1, 1
		}
		i += size
	}
	if marks > mostMarks {
		return d.problem(nil, "", fmt.Sprintf("the file has more than %d lines and marks", mostMarks), "no record needs that many"), true
	}
	return Problem{}, false
}

// hidden reports whether r is a control character other than tab and newline, or one that reorders the text around it
// so that people see something else than programs read (https://trojansource.codes).
func hidden(r rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return false
	case unicode.IsControl(r), r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069, r == 0x200E, r == 0x200F, r == 0x061C:
		return true
	}
	return r == 0x2028 || r == 0x2029
}

// syntax turns the parser's error into a problem at its place. Its words are the parser's own: they name YAML's
// grammar and never quote the file.
func (d *document) syntax(data []byte, err error) Problem {
	p := Problem{File: d.file, What: "the file is not valid YAML", Hint: "check the indentation, quotes and brackets here"}
	var load *yaml.LoadError
	if errors.As(err, &load) {
		p.Line, p.Column = load.Mark.Line, load.Mark.Column
		// What is missing at the end is said at the end of the last line, not on one that isn't there.
		text := strings.TrimRight(newlines(string(data)), "\n")
		if last := 1 + strings.Count(text, "\n"); p.Line > last {
			p.Line, p.Column = last, 1+utf8.RuneCountInString(text[1+strings.LastIndexByte(text, '\n'):])
		}
		switch {
		case strings.Contains(load.Message, "exceeded max depth"):
			p.What, p.Hint = fmt.Sprintf("lists and mappings are nested deeper than %d levels", deepest), "no record needs that"
		case load.Message != "":
			p.What = "the file is not valid YAML (" + load.Message + ")"
		}
	}
	return p
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
func extend(path []string, part string) []string { return append(path[:len(path):len(path)], part) }

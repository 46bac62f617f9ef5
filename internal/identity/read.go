package identity

import (
	"bytes"
	"errors"
	"fmt"
	"io"
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

// read parses one YAML document. Refused are: more than LargestRecord, text that is not UTF-8, control characters,
// anchors and aliases, tags, nesting deeper than deepest, more than one document, repeated keys, and a root that is no
// mapping.
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
	if load, ok := errors.AsType[*yaml.LoadError](err); ok {
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

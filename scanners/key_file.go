package scanners

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"
)

// The bounds of a keys file.
const (
	keysFileMax   = 64 << 20 // bytes: more than 100,000 keys take
	keysFileDepth = 8        // mappings and lists within each other
)

// FileError is what is wrong at one place of a keys file. It never shows what is there.
type FileError struct {
	Line, Column int // from 1; 0 where no place is to blame
	What         string
}

// Error implements error.
func (e *FileError) Error() string {
	if e.Line == 0 {
		return e.What
	}
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.What)
}

// ReadKeys reads a keys file, YAML of at most 64 MiB:
//
//	keys:
//	  - {label: payments/deploy-bot, name: PAYMENTS_API_KEY}
//	  - {label: payments/deploy-bot, id: AKIAIOSFODNN7EXAMPLE}
//	  - {label: payments/deploy-bot, fingerprint: "kr1-…"}
//
// A label may be used again, and one entry may have a name, an id and a fingerprint; the same thing twice under one
// label is an error, as are unknown fields, aliases and a second document. The error joins a *FileError for each
// place; no content is shown, in case a value was written there. What a key looks for is checked by Compile.
func ReadKeys(r io.Reader) ([]Key, error) {
	text, err := io.ReadAll(io.LimitReader(r, keysFileMax+1))
	if err != nil {
		return nil, fmt.Errorf("read the keys: %w", err)
	}
	if len(text) > keysFileMax {
		return nil, &FileError{What: fmt.Sprintf("it is larger than %d MiB", keysFileMax>>20)}
	}
	d, err := yaml.NewLoader(bytes.NewReader(text), yaml.WithPlugin(loaderlimits.New(loaderlimits.DepthValue(keysFileDepth))))
	if err != nil {
		return nil, unreadable(err)
	}
	var document yaml.Node
	if err := d.Load(&document); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, &FileError{What: "it is empty; it begins with `keys:`"}
		}
		return nil, unreadable(err)
	}
	if err := d.Load(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, &FileError{What: "it has more than one document"}
	}
	f := keysFile{seen: map[Key]bool{}}
	f.read(&document)
	return f.keys, errors.Join(f.wrong...)
}

// unreadable tells where the YAML is broken. The parser's words name YAML's grammar and never quote the file.
func unreadable(err error) error {
	if e, ok := errors.AsType[*yaml.LoadError](err); ok {
		return &FileError{Line: e.Mark.Line, Column: e.Mark.Column, What: "it is not YAML: " + e.Message}
	}
	return &FileError{What: "it is not YAML"}
}

type keysFile struct {
	keys  []Key
	seen  map[Key]bool // each field of a label
	wrong []error
}

func (f *keysFile) fail(n *yaml.Node, what string) {
	f.wrong = append(f.wrong, &FileError{Line: n.Line, Column: n.Column, What: what})
}

func (f *keysFile) read(n *yaml.Node) {
	if n.Kind == yaml.DocumentNode && len(n.Content) == 1 {
		n = n.Content[0]
	}
	if n.Kind != yaml.MappingNode {
		f.fail(n, "it is not a mapping with the field keys")
		return
	}
	found := false
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		switch {
		case name.Value != "keys":
			f.fail(name, "is not a known field: there is only keys")
		case found:
			f.fail(name, "keys is there twice")
		case value.Kind != yaml.SequenceNode:
			f.fail(value, "keys is not a list")
		default:
			for _, item := range value.Content {
				f.key(item)
			}
		}
		found = found || name.Value == "keys"
	}
	if !found {
		f.fail(n, "the field keys is missing")
	}
}

// key reads one entry.
func (f *keysFile) key(n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		f.fail(n, "is not a mapping with label, and name, id or fingerprint")
		return
	}
	var k Key
	fields := map[string]*string{"label": &k.Label, "name": &k.Name, "id": &k.ID, "fingerprint": &k.Fingerprint}
	set := map[string]bool{}
	good := true
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		to, known := fields[name.Value]
		what := ""
		switch {
		case !known:
			what, value = "is not a known field: there are label, name, id and fingerprint", name
		case set[name.Value]:
			what, value = name.Value+" is there twice", name
		case value.Kind != yaml.ScalarNode || value.Tag == "!!null" || value.Value == "":
			what = name.Value + " is not a text"
		default:
			*to = value.Value
		}
		if what != "" {
			good = false
			f.fail(value, what)
		}
		set[name.Value] = true
	}
	if !good || f.missing(n, k) {
		return
	}
	for _, one := range []Key{{Label: k.Label, Name: k.Name}, {Label: k.Label, ID: k.ID}, {Label: k.Label, Fingerprint: k.Fingerprint}} {
		if one == (Key{Label: k.Label}) {
			continue
		}
		if f.seen[one] {
			f.fail(n, "is there already, under the same label")
			return
		}
		f.seen[one] = true
	}
	f.keys = append(f.keys, k)
}

func (f *keysFile) missing(n *yaml.Node, k Key) bool {
	switch {
	case k.Label == "":
		f.fail(n, "has no label")
	case k.Name == "" && k.ID == "" && k.Fingerprint == "":
		f.fail(n, "has neither a name, an id nor a fingerprint")
	default:
		return false
	}
	return true
}

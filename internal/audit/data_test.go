package audit

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// texts are the fields of Data types that are plain strings, and why none of them can be a secret.
var texts = map[string]string{
	"ReceivedData.SHA256": "a digest",
	"DecidedData.Facts":   "a digest", "DecidedData.Content": "a digest", "DecidedData.Head": "a commit",
	"DecidedData.Policy": "git's name of a blob", "DecidedData.Codeowners": "git's name of a blob",
	"ConfiguredData.Policy": "git's name of a blob", "ConfiguredData.PolicyWas": "git's name of a blob",
	"ConfiguredData.Codeowners": "git's name of a blob", "ConfiguredData.CodeownersWas": "git's name of a blob",
	"ArchivedData.File":   "the name of a file that an operator chose on the command line",
	"ArchivedData.SHA256": "a digest",
	"OmittedData.SHA256":  "a digest",
}

// TestDataHoldsNoSecret walks every type of Data: numbers, times, and FreeText, which is redacted; any other field has to
// be argued above.
func TestDataHoldsNoSecret(t *testing.T) {
	secret := regexp.MustCompile(`(?i)secret|token|passw|private|credential|value|body`)
	used := map[string]bool{}
	for _, v := range DataTypes() {
		typ := reflect.TypeOf(v)
		for _, f := range reflect.VisibleFields(typ) {
			name := typ.Name() + "." + f.Name
			if secret.MatchString(f.Name) || !f.IsExported() || f.Tag.Get("json") == "" {
				t.Errorf("%s: a field of that name is not logged", name)
			}
			switch {
			case f.Type == reflect.TypeFor[FreeText](), f.Type.Kind() == reflect.Int64, f.Type.Kind() == reflect.Int, f.Type.Kind() == reflect.Bool:
			case f.Type.Kind() == reflect.String && texts[name] != "":
				used[name] = true
			default:
				t.Errorf("%s is a %s: it could hold a secret, and is not on the list", name, f.Type)
			}
		}
	}
	for name := range texts {
		if !used[name] {
			t.Errorf("%s is on the list, and there is no such field", name)
		}
	}
}

// makers are the files that give an entry its Data. Another one has to come here, with its type in DataTypes.
var makers = []string{"internal/audit/archive.go", "internal/store/inbox.go", "internal/store/schedules.go", "internal/workflow/walker.go"}

// TestDataIsTyped walks the code: only makers give an entry Data, and each key that the walk gives it is of a Data type.
func TestDataIsTyped(t *testing.T) {
	known := plainFields()
	var found []string
	keys := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return nil //nolint:nilerr // what doesn't parse doesn't build, which is told elsewhere
		}
		name := strings.TrimPrefix(filepath.ToSlash(path), "../../")
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit:
				if isEntry(n.Type) && slices.ContainsFunc(n.Elts, isData) {
					found = append(found, name)
				}
			case *ast.CallExpr:
				if f, ok := n.Fun.(*ast.Ident); ok && f.Name == "detail" && strings.HasPrefix(name, "internal/workflow/") {
					keys++
					if key := literal(n.Args[0]); key == "" {
						t.Errorf("%s: detail is called with a key that is not written out", name)
					} else if _, ok := known[key]; !ok {
						t.Errorf("%s: the key %q of an entry's Data is of no type in DataTypes", name, key)
					}
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	if found = slices.Compact(found); !slices.Equal(found, makers) {
		t.Errorf("Data is made in %v, and the list has %v", found, makers)
	}
	if keys == 0 {
		t.Error("no call of detail was found")
	}
}

func isEntry(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.SelectorExpr:
		x, ok := e.X.(*ast.Ident)
		return ok && x.Name == "audit" && e.Sel.Name == "Entry"
	case *ast.Ident:
		return e.Name == "Entry"
	}
	return false
}

func isData(e ast.Expr) bool {
	kv, ok := e.(*ast.KeyValueExpr)
	if !ok {
		return false
	}
	key, ok := kv.Key.(*ast.Ident)
	return ok && key.Name == "Data"
}

func literal(e ast.Expr) string {
	if l, ok := e.(*ast.BasicLit); ok {
		if s, err := strconv.Unquote(l.Value); err == nil {
			return s
		}
	}
	return ""
}

func TestRedacted(t *testing.T) {
	redact := func(s string) string { return strings.ReplaceAll(s, "hunter2", "[redacted]") }
	for in, want := range map[string]string{
		`{"error":"with hunter2","app":12}`:                 `{"app":12,"error":"with [redacted]"}`,
		`{"reason":"hunter2 <b>"}`:                          `{"reason":"[redacted] <b>"}`,
		`{"other":{"a":["hunter2",9007199254740993,null]}}`: `{"other":{"a":["[redacted]",9007199254740993,null]}}`,
		`{"sha256":"hunter2","bytes":1}`:                    `{"bytes":1,"sha256":"hunter2"}`,
		`{"error":"nothing"}`:                               `{"error":"nothing"}`,
		`["hunter2"]`:                                       `["hunter2"]`,
	} {
		e := Entry{What: "say hunter2", Data: json.RawMessage(in)}.Redacted(redact)
		got, err := Canonicalize(e.Data)
		if err != nil || string(got) != want || e.What != "say [redacted]" {
			t.Errorf("%s: %s %q (%v), want %s", in, got, e.What, err, want)
		}
	}
	if e := (Entry{What: "x"}).Redacted(redact); e.Data != nil {
		t.Errorf("%+v", e)
	}
}

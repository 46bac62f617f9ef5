package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// operation is one line of operations.txt.
type operation struct{ method, path string }

var operationLine = regexp.MustCompile(`^(GET|POST|PUT|PATCH|DELETE) (/\S*)$`)

// parseOperations reads operations.txt: "METHOD /path" a line, sorted by path
// and method, each once; empty lines and lines that start with # are passed over.
func parseOperations(text string) ([]operation, error) {
	var ops []operation
	for i, line := range strings.Split(text, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		m := operationLine.FindStringSubmatch(line)
		if m == nil {
			return nil, fmt.Errorf("line %d: %q is not \"METHOD /path\"", i+1, line)
		}
		op := operation{m[1], m[2]}
		if n := len(ops); n > 0 && compareOperations(ops[n-1], op) >= 0 {
			return nil, fmt.Errorf("line %d: %q is out of order or doubled", i+1, line)
		}
		ops = append(ops, op)
	}
	if len(ops) == 0 {
		return nil, errors.New("no operation listed")
	}
	return ops, nil
}

func compareOperations(a, b operation) int {
	if c := strings.Compare(a.path, b.path); c != 0 {
		return c
	}
	return strings.Compare(a.method, b.method)
}

// trim keeps the operations of GitHub's whole description, with the components
// that they need, and gives them as compressed JSON. The same input always
// gives the same bytes: objects are written with sorted keys, and the
// compression carries no time.
func trim(whole []byte, ops []operation) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(whole))
	decoder.UseNumber() // 64 bit ids in defaults and bounds stay as written
	var doc map[string]any
	if err := decoder.Decode(&doc); err != nil {
		return nil, fmt.Errorf("read the description: %w", err)
	}
	paths, err := pickPaths(object(doc["paths"]), ops)
	if err != nil {
		return nil, err
	}
	components, err := neededComponents(object(doc["components"]), paths)
	if err != nil {
		return nil, err
	}
	out, err := json.Marshal(map[string]any{
		"openapi": doc["openapi"],
		"info": map[string]any{
			"title":   "GitHub REST API, the operations that keyreeve calls",
			"version": object(doc["info"])["version"],
			"license": object(doc["info"])["license"],
		},
		"paths":      paths,
		"components": components,
	})
	if err != nil {
		return nil, fmt.Errorf("write the description: %w", err)
	}
	return compress(out)
}

func compress(data []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// object is v as a JSON object; nil, which reads as an empty one, if it is none.
func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// slashed are the path parameters whose values may hold slashes.
var slashed = regexp.MustCompile(`\{(path|ref|branch|basehead)\}`)

// pickPaths keeps the listed operations, and names every one that is missing.
func pickPaths(all map[string]any, ops []operation) (map[string]any, error) {
	paths := map[string]any{}
	var missing []string
	for _, op := range ops {
		item := object(all[op.path])
		found, ok := item[strings.ToLower(op.method)]
		if !ok {
			missing = append(missing, op.method+" "+op.path)
			continue
		}
		// gorillamux reads "{ref:.+}" as a variable that may hold slashes.
		route := slashed.ReplaceAllString(op.path, "{$1:.+}")
		kept := object(paths[route])
		if kept == nil {
			kept = map[string]any{}
			paths[route] = kept
			if shared, ok := item["parameters"]; ok {
				kept["parameters"] = strip(shared, false)
			}
		}
		kept[strings.ToLower(op.method)] = strip(found, false)
	}
	if missing != nil {
		return nil, fmt.Errorf("not in the description: %s", strings.Join(missing, ", "))
	}
	return paths, nil
}

// dropped are the keys that only matter to a reader or to another tool.
var dropped = []string{
	"description", "summary", "title", "example", "examples", "externalDocs", "tags", "deprecated",
	"security", "servers", "callbacks", "links",
}

// named are the keys below which the keys are names, not words of OpenAPI: a
// property may well be called "description".
var named = []string{"properties", "patternProperties", "responses", "headers", "content", "mapping", "schemas", "parameters"}

// strip copies v without examples, prose and extensions. When names is set, v
// is a map from names.
func strip(v any, names bool) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = strip(v[i], false)
		}
		return out
	case map[string]any:
		return stripMap(v, names)
	default:
		return v
	}
}

func stripMap(v map[string]any, names bool) map[string]any {
	out := map[string]any{}
	for key, value := range v {
		switch {
		case names:
			out[key] = strip(value, false)
		case key == "enum" || key == "default" || key == "required":
			out[key] = value // values, not words of OpenAPI
		case slices.Contains(dropped, key) || strings.HasPrefix(key, "x-"):
		default:
			out[key] = strip(value, slices.Contains(named, key))
		}
	}
	// OpenAPI demands a description of each response.
	if _, text := v["description"].(string); text && !names && isResponse(v) {
		out["description"] = ""
	}
	return out
}

// isResponse tells a Response object from a schema, parameter, request body or
// header, which all have one of these words.
func isResponse(v map[string]any) bool {
	for _, word := range []string{"schema", "type", "in", "required", "oneOf", "anyOf", "allOf", "properties", "items", "$ref", "enum", "operationId", "nullable"} {
		if _, ok := v[word]; ok {
			return false
		}
	}
	return true
}

// neededComponents follows every reference from the paths, and from what they
// lead to.
func neededComponents(all, paths map[string]any) (map[string]any, error) {
	needed := map[string]any{}
	queue := references(paths, nil)
	seen := map[string]bool{}
	for len(queue) > 0 {
		ref := queue[0]
		queue = queue[1:]
		if seen[ref] {
			continue
		}
		seen[ref] = true
		parts := strings.Split(ref, "/")
		if len(parts) != 4 || parts[0] != "#" || parts[1] != "components" {
			return nil, fmt.Errorf("reference %q leads out of the components", ref)
		}
		kind, name := parts[2], parts[3]
		found, ok := object(all[kind])[name]
		if !ok {
			return nil, fmt.Errorf("reference %q leads nowhere", ref)
		}
		kept := strip(found, false)
		if object(needed[kind]) == nil {
			needed[kind] = map[string]any{}
		}
		object(needed[kind])[name] = kept
		queue = references(kept, queue)
	}
	return needed, nil
}

// references appends every reference within v to list: "$ref", and the targets
// of a discriminator's mapping.
func references(v any, list []string) []string {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			list = references(item, list)
		}
	case map[string]any:
		for key, value := range v {
			if text, ok := value.(string); ok && (key == "$ref" || strings.HasPrefix(text, "#/components/")) {
				list = append(list, text)
				continue
			}
			list = references(value, list)
		}
	}
	return list
}

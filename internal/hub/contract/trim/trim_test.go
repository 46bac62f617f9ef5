package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const whole = `{
  "openapi": "3.0.3",
  "info": {"title": "GitHub", "version": "1.2.3", "description": "long", "license": {"name": "MIT"}},
  "servers": [{"url": "https://api.github.com"}],
  "paths": {
    "/things/{path}": {
      "parameters": [{"name": "path", "in": "path", "required": true, "description": "d", "schema": {"type": "string"}}],
      "get": {
        "operationId": "things/get", "summary": "s", "tags": ["t"], "x-github": {"a": 1},
        "responses": {"200": {"description": "fine", "content": {"application/json": {
          "schema": {"$ref": "#/components/schemas/thing"}, "examples": {"default": {"$ref": "#/components/examples/thing"}}}}}}
      },
      "delete": {"operationId": "things/delete", "responses": {"204": {"$ref": "#/components/responses/gone"}}}
    },
    "/other": {"get": {"operationId": "other", "responses": {"200": {"description": "x"}}}}
  },
  "components": {
    "examples": {"thing": {"value": 1}},
    "responses": {"gone": {"description": "gone"}, "unused": {"description": "u"}},
    "schemas": {
      "thing": {
        "type": "object", "title": "Thing", "description": "prose", "required": ["description", "example"],
        "properties": {
          "description": {"type": "string", "description": "prose", "example": "e", "default": "x-y"},
          "example": {"$ref": "#/components/schemas/part"},
          "x-name": {"type": "integer", "maximum": 9007199254740993}
        },
        "discriminator": {"propertyName": "k", "mapping": {"m": "#/components/schemas/mapped"}}
      },
      "part": {"type": "string", "enum": ["description", "example"]},
      "mapped": {"type": "object"},
      "unused": {"type": "object"}
    }
  }
}`

const wholeTrimmed = `{"components":{"schemas":{` +
	`"mapped":{"type":"object"},` +
	`"part":{"enum":["description","example"],"type":"string"},` +
	`"thing":{"discriminator":{"mapping":{"m":"#/components/schemas/mapped"},"propertyName":"k"},"properties":{` +
	`"description":{"default":"x-y","type":"string"},"example":{"$ref":"#/components/schemas/part"},"x-name":{"maximum":9007199254740993,"type":"integer"}},` +
	`"required":["description","example"],"type":"object"}}},` +
	`"info":{"license":{"name":"MIT"},"title":"GitHub REST API, the operations that keyreeve calls","version":"1.2.3"},"openapi":"3.0.3",` +
	`"paths":{"/things/{path:.+}":{"get":{"operationId":"things/get","responses":{"200":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/thing"}}},"description":""}}},` +
	`"parameters":[{"in":"path","name":"path","required":true,"schema":{"type":"string"}}]}}}`

func unzip(t *testing.T, data []byte) string {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestTrim(t *testing.T) {
	ops := []operation{{"GET", "/things/{path}"}}
	first, err := trim([]byte(whole), ops)
	if err != nil {
		t.Fatal(err)
	}
	if got := unzip(t, first); got != wholeTrimmed {
		t.Errorf("got\n%s\nwant\n%s", got, wholeTrimmed)
	}
	// Another order of keys in the input gives the same bytes.
	var v any
	if err := json.Unmarshal([]byte(whole), &v); err != nil {
		t.Fatal(err)
	}
	sorted, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	other := strings.Replace(string(sorted), "9007199254740992", "9007199254740993", 1) // float64 cannot hold it
	for range 5 {
		again, err := trim([]byte(other), ops)
		if err != nil || !bytes.Equal(again, first) {
			t.Fatalf("not reproducible: %v", err)
		}
	}
}

func TestTrimErrors(t *testing.T) {
	for name, c := range map[string]struct {
		whole string
		op    operation
		want  string
	}{
		"missing path":   {whole, operation{"GET", "/none"}, "not in the description: GET /none"},
		"missing method": {whole, operation{"PUT", "/other"}, "not in the description: PUT /other"},
		"broken":         {"{", operation{"GET", "/other"}, "read the description"},
		"dangling":       {strings.Replace(whole, `"part": {`, `"renamed": {`, 1), operation{"GET", "/things/{path}"}, "leads nowhere"},
		"foreign":        {strings.Replace(whole, `#/components/schemas/part`, `other.json#/x`, 1), operation{"GET", "/things/{path}"}, "leads out of"},
	} {
		if _, err := trim([]byte(c.whole), []operation{c.op}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestParseOperations(t *testing.T) {
	for text, want := range map[string]string{
		"# c\n\nGET /a\nPUT /a\nGET /b\n": "",
		"GET /b\nGET /a\n":                "line 2: \"GET /a\" is out of order",
		"GET /a\nGET /a\n":                "out of order or doubled",
		"get /a\n":                        "line 1: \"get /a\" is not",
		"GET a\n":                         "is not",
		"# nothing\n":                     "no operation listed",
	} {
		_, err := parseOperations(text)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// The whole command, from a package as npm packs it.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "operations.txt"), []byte("GET /things/{path}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tgz := filepath.Join(dir, "p.tgz")
	writePackage(t, tgz, map[string]string{descriptionIn: whole, licenseIn: "MIT text", "package/other": "x"})
	var out bytes.Buffer
	if err := run([]string{"-dir", dir, tgz}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "github.json.gz"))
	if err != nil || unzip(t, got) != wholeTrimmed {
		t.Errorf("github.json.gz: %v", err)
	}
	if license, err := os.ReadFile(filepath.Join(dir, "LICENSE.octokit")); err != nil || string(license) != "MIT text" {
		t.Errorf("LICENSE.octokit: %q, %v", license, err)
	}
	if !strings.HasPrefix(out.String(), "1 operations, ") {
		t.Errorf("printed %q", out.String())
	}
	writePackage(t, tgz, map[string]string{descriptionIn: whole})
	if err := run([]string{"-dir", dir, tgz}, &out, io.Discard); err == nil || !strings.Contains(err.Error(), "lacks") {
		t.Errorf("a package without licence: %v", err)
	}
}

func writePackage(t *testing.T, path string, files map[string]string) {
	t.Helper()
	var b bytes.Buffer
	zipped := gzip.NewWriter(&b)
	w := tar.NewWriter(zipped)
	for name, text := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

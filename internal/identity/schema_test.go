package identity_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/keyreeve/keyreeve/docs/schema"
	"github.com/keyreeve/keyreeve/internal/identity"
)

func schemaDocs(t *testing.T) map[string]map[string]any {
	t.Helper()
	docs := map[string]map[string]any{}
	for _, name := range schema.Names() {
		data, err := schema.Files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var doc map[string]any
		if err := json.Unmarshal(data, &doc); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		docs[name] = doc
	}
	return docs
}

// TestSharedDefinitionsAreTheSame: each schema stands alone, for editors, and so repeats definitions.
func TestSharedDefinitionsAreTheSame(t *testing.T) {
	first, shared := map[string]any{}, 0
	for name, doc := range schemaDocs(t) {
		for def, text := range doc["$defs"].(map[string]any) {
			if other, ok := first[def]; ok {
				shared++
				if !reflect.DeepEqual(other, text) {
					t.Errorf("%s: %s differs from another schema's", name, def)
				}
			}
			first[def] = text
		}
	}
	if shared < 10 {
		t.Errorf("%d shared definitions were compared", shared)
	}
}

// TestSchemasAndTypesHaveTheSameFields walks each record's type beside its schema.
func TestSchemasAndTypesHaveTheSameFields(t *testing.T) {
	docs := schemaDocs(t)
	for name, record := range map[string]any{
		schema.Identity: identity.Identity{}, schema.UseCase: identity.UseCase{}, schema.Grant: identity.Grant{}, schema.Policy: identity.Policy{}, schema.PolicyTest: identity.PolicyTest{},
	} {
		compareFields(t, name, docs[name], docs[name], reflect.TypeOf(record))
	}
}

func compareFields(t *testing.T, at string, doc, part map[string]any, typ reflect.Type) {
	t.Helper()
	if ref, ok := part["$ref"].(string); ok {
		part = doc["$defs"].(map[string]any)[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
	}
	switch typ.Kind() {
	case reflect.Pointer:
		compareFields(t, at, doc, part, typ.Elem())
		return
	case reflect.Slice:
		compareFields(t, at+"[]", doc, part["items"].(map[string]any), typ.Elem())
		return
	case reflect.Struct:
	default:
		return
	}
	if either, ok := part["type"].([]any); ok && slices.Contains(either, any("object")) {
		part = maps.Clone(part) // a short form is a text; the fields are those of the long one
		part["type"] = "object"
	}
	if part["type"] != "object" {
		if part["type"] != "string" {
			t.Errorf("%s is %v in the schema", at, part["type"])
		}
		return // Date
	}
	if part["additionalProperties"] != false || part["description"] == nil {
		t.Errorf("%s allows additional properties, or has no description", at)
	}
	props := part["properties"].(map[string]any)
	var fields []string
	for f := range typ.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if yamlName, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); yamlName != name {
			t.Errorf("%s.%s is %q in YAML and %q in JSON", at, f.Name, yamlName, name)
		}
		fields = append(fields, name)
		prop, ok := props[name].(map[string]any)
		if !ok {
			t.Errorf("%s.%s is not in the schema", at, name)
			continue
		}
		required := slices.Contains(part["required"].([]any), any(name))
		if optional := strings.Contains(options, "omit"); optional == required {
			t.Errorf("%s.%s: optional %t by its tag, required %t by the schema", at, name, optional, required)
		}
		compareFields(t, at+"."+name, doc, prop, f.Type)
	}
	if want := slices.Sorted(maps.Keys(props)); !slices.Equal(slices.Sorted(slices.Values(fields)), want) {
		t.Errorf("%s has the fields %q, the schema %q", at, fields, want)
	}
}

// TestExamplesFitTheirSchema compiles every definition and holds its own examples against it. The compiler checks the
// schemas against the 2020-12 meta-schema.
func TestExamplesFitTheirSchema(t *testing.T) {
	examples := 0
	for name, doc := range schemaDocs(t) {
		if doc["$schema"] != "https://json-schema.org/draft/2020-12/schema" || doc["title"] == nil {
			t.Errorf("%s: head %v, %v", name, doc["$schema"], doc["title"])
		}
		c := jsonschema.NewCompiler()
		if err := c.AddResource("mem:///"+name, doc); err != nil {
			t.Fatal(err)
		}
		for def, text := range doc["$defs"].(map[string]any) {
			compiled, err := c.Compile(fmt.Sprintf("mem:///%s#/$defs/%s", name, def))
			if err != nil {
				t.Fatalf("%s: %s: %v", name, def, err)
			}
			list, _ := text.(map[string]any)["examples"].([]any)
			for _, example := range list {
				examples++
				if err := compiled.Validate(example); err != nil {
					t.Errorf("%s: %s: %v", name, def, err)
				}
			}
		}
	}
	if examples < 20 {
		t.Errorf("%d examples", examples)
	}
}

// TestSchemaSpellsTheRoles compares the enum of the schemas with the roles of the code.
func TestSchemaSpellsTheRoles(t *testing.T) {
	var roles []any
	for p := identity.Read; p <= identity.Admin; p++ {
		roles = append(roles, p.String())
	}
	got := schemaDocs(t)[schema.Grant]["$defs"].(map[string]any)["permission"].(map[string]any)["enum"]
	if !reflect.DeepEqual(got, roles) {
		t.Errorf("schema has %v, code %v", got, roles)
	}
}

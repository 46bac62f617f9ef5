package identity

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// shapes says, for each definition of the schemas that a text can fail, what the text is not, and how it is to be written.
var shapes = map[string][2]string{
	"segmentName":    {"is not a name", "use lower-case letters, digits and hyphens, at most 63"},
	"identityName":   {"is not an identity's name", "write it as app/name, in lower-case letters, digits and hyphens"},
	"grantId":        {"is not a grant's id", "use lower-case letters, digits, dots, hyphens and underscores"},
	"owner":          {"is not an owner", "write it as @login or @org/team"},
	"environment":    {"is not an environment", "write one environment's name: there are no wildcards or lists"},
	"repository":     {"is not a repository", "write it as owner/name"},
	"repositoryGlob": {"is not a repository", "write it as owner/name, with * for any characters within one of them"},
	"duration":       {"is not a duration", "write it as 30m, 8h or 5d"},
	"date":           {"is not a date", "write it as 2027-03-31"},
	"login":          {"is not a GitHub login", "write it without the @"},
	"requesterLogin": {"is not a GitHub login", "write it without the @"},
	"team":           {"is not a team", "write it as org/slug"},
	"secretPlace":    {"is not a place for secrets", "write it as org, owner/name or owner/name:environment"},
	"secretName":     {"is not a secret's name", "use letters, digits and underscores; never its value"},
	"publicId":       {"is not a public id", "use at most 200 printable characters without spaces"},
	"fingerprint":    {"is not a fingerprint", "write what `keyreeve fingerprint` prints"},
	"origin":         {"is not an issue", "write it as owner/name#12"},
}

// explain turns one failure of the schema library into problems.
func (d *document) explain(all compiled, e *jsonschema.ValidationError) []Problem {
	path := e.InstanceLocation
	part, def := all.lookup(e.SchemaURL)
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		return d.explainMissing(all, e, part, k.Missing)
	case *kind.AdditionalProperties:
		return d.explainUnknown(path, part)
	case *kind.UniqueItems:
		twice := extend(path, fmt.Sprint(k.Duplicates[1]))
		value, _ := d.text(twice...)
		return []Problem{d.at(twice, quoted(value)+" is listed twice", "keep one of them")}
	case *kind.PropertyNames:
		// The library gives no place for a key. Only those of a policy test's people are checked in this way.
		key, _ := d.find([]string{"people", k.Property})
		shape := shapes["owner"]
		return []Problem{d.problem(key, "people", quoted(k.Property)+" "+shape[0], shape[1])}
	case *kind.Enum:
		return []Problem{d.explainEnum(path, k)}
	case *kind.Type:
		return []Problem{d.explainType(path, k)}
	}
	what, hint := d.explainValue(path, def, e.ErrorKind)
	return []Problem{d.at(path, what, hint)}
}

func (d *document) explainMissing(all compiled, e *jsonschema.ValidationError, part map[string]any, missing []string) []Problem {
	key, value := d.find(e.InstanceLocation)
	if key == nil {
		key = value
	}
	var out []Problem
	for _, name := range missing {
		hint := "add it"
		if example := all.example(e.SchemaURL, part, name); example != "" {
			hint = fmt.Sprintf("add a line such as %q", example)
		}
		out = append(out, d.problem(key, fieldName(extend(e.InstanceLocation, name)), fmt.Sprintf("%q is missing", name), hint))
	}
	return out
}

// explainUnknown goes through the mapping once, as it may hold thousands of keys, and stops where few would cut anyway.
func (d *document) explainUnknown(path []string, part map[string]any) []Problem {
	allowed := properties(part)
	_, mapping := d.find(path)
	var out []Problem
	for i := 0; i < len(mapping.Content) && len(out) <= mostProblems; i += 2 {
		key := mapping.Content[i]
		if slices.Contains(allowed, key.Value) {
			continue
		}
		hint := "allowed here: " + list(allowed, "and")
		if meant := nearest(key.Value, allowed); meant != "" {
			hint = fmt.Sprintf("did you mean %q?", meant)
		}
		out = append(out, d.problem(key, fieldName(extend(path, key.Value)), "unknown key "+quoted(key.Value), hint))
	}
	return out
}

func (d *document) explainEnum(path []string, k *kind.Enum) Problem {
	var allowed []string
	for _, value := range k.Want {
		allowed = append(allowed, fmt.Sprint(value))
	}
	got, isText := k.Got.(string)
	hint := "use " + list(allowed, "or")
	if meant := nearest(got, allowed); meant != "" {
		hint = fmt.Sprintf("did you mean %q? %s", meant, strings.ToUpper(hint[:1])+hint[1:])
	}
	if !isText {
		return d.at(path, fmt.Sprintf("%q must be one of a few words", fieldName(path)), hint)
	}
	return d.at(path, fmt.Sprintf("%s is not a known %s", quoted(got), noun(path)), hint)
}

func (d *document) explainType(path []string, k *kind.Type) Problem {
	want := map[string]string{
		"string": "text", "object": `a mapping of "key: value" lines`, "array": "a list", "integer": "a whole number", "number": "a number", "boolean": "true or false",
	}[k.Want[0]]
	switch {
	case k.Got == "null":
		return d.at(path, fmt.Sprintf("%q is empty", fieldName(path)), "it must be "+want)
	case k.Want[0] == "string" && (k.Got == "number" || k.Got == "boolean"):
		return d.at(path, fmt.Sprintf("%q must be text", fieldName(path)), "put the value in quotes")
	}
	return d.at(path, fmt.Sprintf("%q must be %s", fieldName(path), want), "")
}

// explainValue says what is wrong with one value of the right type.
func (d *document) explainValue(path []string, def string, failure jsonschema.ErrorKind) (what, hint string) {
	got, _ := d.text(path...)
	field := fmt.Sprintf("%q", fieldName(path))
	if f, ok := failure.(*kind.Format); ok && def == "duration" && f.Err != nil && !errors.Is(f.Err, errNotDuration) {
		return fmt.Sprintf("%s is %s", quoted(got), f.Err), shapes[def][1]
	}
	if shape, ok := shapes[def]; ok {
		return quoted(got) + " " + shape[0], shape[1]
	}
	switch k := failure.(type) {
	case *kind.Const:
		return fmt.Sprintf("%s must be %v", field, k.Want), ""
	case *kind.Pattern, *kind.MinLength:
		return field + " is empty", "write a sentence for the people who read it"
	case *kind.MaxLength:
		return fmt.Sprintf("%s is longer than %d characters", field, k.Want), "shorten it"
	case *kind.MinItems:
		return field + " is an empty list", fmt.Sprintf("list at least %d", k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("%s lists more than %d", field, k.Want), "split it"
	case *kind.MinProperties, *kind.MaxProperties:
		return field + " must name exactly one of user and team", ""
	case *kind.Minimum:
		return fmt.Sprintf("%s must be at least %s", field, k.Want.RatString()), ""
	case *kind.Maximum:
		return fmt.Sprintf("%s must be at most %s", field, k.Want.RatString()), ""
	}
	return field + " is not valid", "compare it with the schema in " + SchemaDir
}

// noun returns what the value at a path is one of: "permission", "kind" (for an item of "kinds").
func noun(path []string) string {
	for i, part := range slices.Backward(path) {
		if strings.Trim(part, "0123456789") == "" {
			continue
		}
		if i < len(path)-1 {
			return strings.TrimSuffix(part, "s")
		}
		return part
	}
	return "value"
}

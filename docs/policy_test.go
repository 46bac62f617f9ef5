package docs

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/keyreeve/keyreeve/docs/schema"
	"github.com/keyreeve/keyreeve/internal/identity"
)

var update = flag.Bool("update", false, "write the generated parts of the pages")

// TestPolicyReference holds the tables of policy.md to the schemas: each stands between two comments that name its schema.
func TestPolicyReference(t *testing.T) {
	page := read(t, "policy.md")
	for _, name := range []string{schema.Policy, schema.PolicyTest} {
		begin, end := "<!-- from "+name+" -->\n", "<!-- end -->\n"
		before, rest, ok := strings.Cut(page, begin)
		_, after, closed := strings.Cut(rest, end)
		if !ok || !closed {
			t.Fatalf("policy.md has no part %q", begin)
		}
		page = before + begin + reference(t, name) + end + after
	}
	if *update {
		if err := os.WriteFile("policy.md", []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if page != read(t, "policy.md") {
		t.Error("policy.md differs from the schemas (run with -update to accept)")
	}
}

// TestPolicyExamples reads each example of policy.md as the bot does.
func TestPolicyExamples(t *testing.T) {
	blocks := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```").FindAllStringSubmatch(read(t, "policy.md"), -1)
	policies, tests := 0, 0
	for _, b := range blocks {
		var problems []identity.Problem
		if strings.Contains(b[1], "\ncases:") {
			tests++
			_, problems = identity.ParsePolicyTest(identity.PolicyTestPath, []byte(b[1]))
		} else {
			policies++
			_, problems = identity.ParsePolicy(identity.PolicyPath, []byte(b[1]))
		}
		if len(problems) > 0 {
			t.Errorf("%s\n%s", identity.Report(problems), b[1])
		}
	}
	if policies == 0 || tests == 0 {
		t.Errorf("%d policies and %d tests", policies, tests)
	}
}

// node is the part of a JSON Schema that a reference shows.
type node struct {
	Ref         string          `json:"$ref"`
	Description string          `json:"description"`
	Type        any             `json:"type"`
	Enum        []string        `json:"enum"`
	Const       any             `json:"const"`
	Examples    []any           `json:"examples"`
	Minimum     *int            `json:"minimum"`
	Maximum     *int            `json:"maximum"`
	Items       *node           `json:"items"`
	Values      json.RawMessage `json:"additionalProperties"`
	Required    []string        `json:"required"`
	Properties  ordered         `json:"properties"`
	Defs        map[string]node `json:"$defs"`
}

// ordered is a JSON object whose keys keep their order.
type ordered []struct {
	key string
	node
}

func (o *ordered) UnmarshalJSON(b []byte) error {
	dec := json.NewDecoder(strings.NewReader(string(b)))
	if _, err := dec.Token(); err != nil {
		return err
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		var n node
		if err := dec.Decode(&n); err != nil {
			return err
		}
		*o = append(*o, struct {
			key string
			node
		}{key.(string), n})
	}
	return nil
}

// reference writes one table of all keys of a schema, each by its whole path.
func reference(t *testing.T, name string) string {
	t.Helper()
	data, err := schema.Files.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var root node
	if err := json.Unmarshal(data, &root); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("| key | value | what it says |\n|---|---|---|\n")
	rows := 0
	var walk func(prefix string, n node)
	walk = func(prefix string, n node) {
		for _, p := range n.Properties {
			rows++
			full := resolve(root, p.node)
			path := prefix + p.key
			value := valueOf(root, full)
			if slices.Contains(n.Required, p.key) {
				value += "; required"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", path, value, full.Description)
			switch {
			case len(full.Properties) > 0:
				walk(path+".", full)
			case full.Items != nil:
				walk(path+"[].", resolve(root, *full.Items))
			}
		}
	}
	walk("", root)
	if rows < 20 {
		t.Errorf("%s: %d keys", name, rows)
	}
	return b.String()
}

// resolve follows a reference; a description beside it wins.
func resolve(root, n node) node {
	def, ok := root.Defs[strings.TrimPrefix(n.Ref, "#/$defs/")]
	if !ok {
		return n
	}
	if n.Description != "" {
		def.Description = n.Description
	}
	return def
}

// valueOf says in a few words what a value looks like.
func valueOf(root, n node) string {
	example := ""
	if len(n.Examples) > 0 {
		example = fmt.Sprintf(", such as `%v`", n.Examples[0])
	}
	switch {
	case n.Const != nil:
		return fmt.Sprintf("`%v`", n.Const)
	case len(n.Enum) > 0:
		return "`" + strings.Join(n.Enum, "`, `") + "`"
	case n.Type == "array":
		item := resolve(root, *n.Items)
		if len(item.Properties) > 0 {
			return "a list"
		}
		return "a list of " + strings.TrimPrefix(valueOf(root, item), "text, such as ")
	case n.Type == "object" && len(n.Properties) == 0:
		return "lists of logins, by owner"
	case n.Type == "object":
		return "keys"
	case n.Type == "integer":
		return fmt.Sprintf("%d to %d", *n.Minimum, *n.Maximum)
	}
	return "text" + example
}

package scanners

import (
	"slices"
	"strings"
	"testing"
)

func TestReadKeys(t *testing.T) {
	got, err := ReadKeys(strings.NewReader(`
# Retired in 2026.
keys:
  - {label: payments/deploy-bot, name: PAYMENTS_API_KEY}
  - {label: payments/deploy-bot, id: 0123457}
  - label: other
    name: PAYMENTS_API_KEY
    fingerprint: "kr1-00000000:x"
`))
	want := []Key{
		{Label: "payments/deploy-bot", Name: "PAYMENTS_API_KEY"},
		{Label: "payments/deploy-bot", ID: "0123457"},
		{Label: "other", Name: "PAYMENTS_API_KEY", Fingerprint: "kr1-00000000:x"},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("ReadKeys = %+v, %v, want %+v", got, err, want)
	}
}

func TestReadKeysRefuses(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "", "it is empty; it begins with `keys:`"},
		{"a comment alone", "# none\n", "it is empty; it begins with `keys:`"},
		{"a list", "- a", "line 1, column 1: it is not a mapping with the field keys"},
		{"another field", "keys: []\nkey: []", "line 2, column 1: is not a known field: there is only keys"},
		{"no field", "{}", "line 1, column 1: the field keys is missing"},
		{"keys that are no list", "keys: {a: b}", "line 1, column 7: keys is not a list"},
		{"keys that are nothing", "keys:", "line 1, column 6: keys is not a list"},
		{"an entry that is no mapping", "keys:\n- hunter2hunter2", "line 2, column 3: is not a mapping with label, and name, id or fingerprint"},
		{"a value", "keys:\n- {label: a, value: hunter2hunter2}", "line 2, column 14: is not a known field: there are label, name, id and fingerprint"},
		{"a field without a value", "keys:\n- {label: a, name: }", "line 2, column 20: name is not a text"},
		{"a null", "keys:\n- {label: a, name: ~}", "line 2, column 20: name is not a text"},
		{"no label", "keys:\n- {name: A_KEY}", "line 2, column 3: has no label"},
		{"nothing to look for", "keys:\n- {label: a}", "line 2, column 3: has neither a name, an id nor a fingerprint"},
		{"twice", "keys:\n- {label: a, name: A_KEY}\n- {label: a, name: A_KEY, id: A123456}", "line 3, column 3: is there already, under the same label"},
		{"an alias", "keys:\n- &x {label: a, name: A_KEY}\n- *x", "line 3, column 3: is not a mapping with label, and name, id or fingerprint"},
		{"a second document", "keys: []\n---\nkeys: []", "it has more than one document"},
		{"two mistakes", "keys:\n- {label: a}\n- {name: A_KEY}", "line 2, column 3: has neither a name, an id nor a fingerprint\nline 3, column 3: has no label"},
	} {
		t.Run(c.name, func(t *testing.T) {
			keys, err := ReadKeys(strings.NewReader(c.text))
			if err == nil {
				t.Fatalf("ReadKeys accepts it: %+v", keys)
			}
			if err.Error() != c.want {
				t.Errorf("error is\n%s\nwant\n%s", err, c.want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Error("the error shows what is in the file")
			}
		})
	}
}

func TestReadKeysOfBrokenYAML(t *testing.T) {
	for _, text := range []string{"keys: [", "keys:\n- {label: 'hunter2", "\tkeys: hunter2", strings.Repeat("[", 100), "keys: [{label: a, label: b, name: hunter2x}]"} {
		_, err := ReadKeys(strings.NewReader(text))
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("ReadKeys(%q): %v", text, err)
		}
	}
}

func FuzzReadKeys(f *testing.F) {
	f.Add("keys:\n- {label: a, name: A_KEY}\n- {label: a, id: 123456}")
	f.Add("keys: [{label: a, fingerprint: 'kr1-00000000:x'}]")
	f.Add("keys: &a [*a]")
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := ReadKeys(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, k := range keys {
			if k.Label == "" || k.Name == "" && k.ID == "" && k.Fingerprint == "" {
				t.Errorf("a key without content: %+v", k)
			}
		}
	})
}

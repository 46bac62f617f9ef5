package scanners

import (
	"errors"
	"strings"
	"testing"
)

func TestCompileRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		key  Key
		want string
	}{
		{"nothing", Key{Label: "a"}, `key 1 ("a") has nothing to look for: give it a name, an id or a fingerprint`},
		{"no label", Key{Name: "A_KEY"}, `key 1 has no label: give it one: findings are named by it`},
		{"short name", Key{Label: "a", Name: "KEY"}, `key 1 ("a"): its name has 3 characters, and would be found everywhere: a name has at least 4; look for the credential by its id or fingerprint`},
		{"long name", Key{Label: "a", Name: strings.Repeat("A", 201)}, `key 1 ("a"): its name has 201 characters: a name has at most 200`},
		{"a value as a name", Key{Label: "a", Name: "hunter2-hunter2"}, `key 1 ("a"): its name has a character that no secret's name has: use letters, digits and underscores; never its value`},
		{"short id", Key{Label: "a", ID: "12345"}, `key 1 ("a"): its id has 5 characters, and would be found everywhere: an id has at least 6; look for the credential by its name or fingerprint`},
		{"an id with a space", Key{Label: "a", ID: "AKIA 1234"}, `key 1 ("a"): its id has a character that no public id has: use printable ASCII without spaces; never a value`},
		{"a foreign fingerprint", Key{Label: "a", Fingerprint: "hmac-sha256:9f86d081884c7d65"}, "key 1 (\"a\"): its fingerprint is not one that `keyreeve fingerprint` prints, such a one begins with kr1-: make it anew with `keyreeve fingerprint`"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := Compile([]Key{c.key}, peppers(t))
			if m != nil || err == nil || err.Error() != c.want {
				t.Errorf("error is\n%v\nwant\n%s", err, c.want)
			}
		})
	}
}

func TestBadKeys(t *testing.T) {
	_, err := Compile([]Key{{Label: "a", Name: "GOOD_KEY"}, {Label: "b", Name: "X"}, {ID: "x"}}, nil)
	var got []int
	for _, bad := range BadKeys(err) {
		got = append(got, bad.Index)
	}
	if len(got) != 3 || got[0] != 1 || got[1] != 2 || got[2] != 2 {
		t.Errorf("the wrong keys are %v, of %v", got, err)
	}
	if got := BadKeys(errors.New("other")); got != nil {
		t.Errorf("another error has %v", got)
	}
}

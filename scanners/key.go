package scanners

import (
	"errors"
	"fmt"
)

// The bounds of what can be looked for.
const (
	NameMin = 4   // characters: shorter names are words of every text
	IDMin   = 6   // characters
	textMax = 200 // of a name or an id; GitHub's names have at most 100, as the registry's schema says
)

// KeyError is what is wrong with one key: none is left out in silence.
type KeyError struct {
	Index  int    // of the key in the list
	Label  string // the key's label
	Class  Class  // "" where the key as a whole is wrong
	What   string // "has 3 characters, …", after the subject
	Remedy string
}

// Error implements error. It shows the label and never what is looked for.
func (e *KeyError) Error() string {
	subject := fmt.Sprintf("key %d", e.Index+1)
	if e.Label != "" {
		subject += fmt.Sprintf(" (%q)", e.Label)
	}
	switch e.Class {
	case ByName, ByID:
		subject += ": its " + string(e.Class)
	case ByValue:
		subject += ": its fingerprint"
	}
	return subject + " " + e.What + ": " + e.Remedy
}

// BadKeys returns all that Compile found wrong, in the order of the keys; none for other errors.
func BadKeys(err error) []*KeyError {
	if e, ok := errors.AsType[*KeyError](err); ok && !joined(err) {
		return []*KeyError{e}
	}
	var all []*KeyError
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range many.Unwrap() {
			all = append(all, BadKeys(one)...)
		}
	}
	return all
}

func joined(err error) bool {
	_, ok := err.(interface{ Unwrap() []error })
	return ok
}

// check says what is wrong with one key, apart from its fingerprint.
func (k *Key) check(i int) []error {
	var all []error
	wrong := func(class Class, what, remedy string) {
		all = append(all, &KeyError{Index: i, Label: k.Label, Class: class, What: what, Remedy: remedy})
	}
	if k.Name == "" && k.ID == "" && k.Fingerprint == "" {
		wrong("", "has nothing to look for", "give it a name, an id or a fingerprint")
	}
	if k.Label == "" {
		wrong("", "has no label", "give it one: findings are named by it")
	}
	if n := len(k.Name); n > 0 {
		switch {
		case n < NameMin:
			wrong(ByName, fmt.Sprintf("has %d characters, and would be found everywhere", n),
				fmt.Sprintf("a name has at least %d; look for the credential by its id or fingerprint", NameMin))
		case n > textMax:
			wrong(ByName, fmt.Sprintf("has %d characters", n), fmt.Sprintf("a name has at most %d", textMax))
		case !all7(k.Name, word):
			wrong(ByName, "has a character that no secret's name has", "use letters, digits and underscores; never its value")
		}
	}
	if n := len(k.ID); n > 0 {
		switch {
		case n < IDMin:
			wrong(ByID, fmt.Sprintf("has %d characters, and would be found everywhere", n),
				fmt.Sprintf("an id has at least %d; look for the credential by its name or fingerprint", IDMin))
		case n > textMax:
			wrong(ByID, fmt.Sprintf("has %d characters", n), fmt.Sprintf("an id has at most %d", textMax))
		case !all7(k.ID, func(c byte) bool { return c > ' ' && c < 0x7f }):
			wrong(ByID, "has a character that no public id has", "use printable ASCII without spaces; never a value")
		}
	}
	return all
}

func all7(s string, ok func(byte) bool) bool {
	for i := range len(s) {
		if !ok(s[i]) {
			return false
		}
	}
	return true
}

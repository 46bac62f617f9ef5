package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/scanners"
	"github.com/keyreeve/keyreeve/scanners/report"
)

// load reads what to look for and compiles it. A keys file has to be without an error: it was written for this. Of a
// registry, what can't be looked for is a gap, and the rest is looked for.
func (s *sweep) load(stderr io.Writer) ([]scanners.Gap, error) {
	keys, err := s.read()
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		if s.keysFile != "" {
			return nil, fmt.Errorf("%s lists no keys", s.keysFile)
		}
		_, _ = fmt.Fprintf(stderr, "%s has no decommissioned identity with credentials: there is nothing to look for\n", s.registry)
		return nil, nil
	}
	peppers, err := s.peppers(keys, stderr)
	if err != nil {
		return nil, err
	}
	s.keys = len(keys)
	s.matcher, err = scanners.Compile(keys, peppers)
	if err == nil {
		return nil, nil
	}
	if bad := scanners.BadKeys(err); s.registry != "" && len(bad) > 0 {
		return s.without(keys, peppers, bad)
	}
	return nil, placed(s.source(), err)
}

// without compiles the keys anew, without what is wrong with some.
func (s *sweep) without(keys []scanners.Key, peppers scanners.Peppers, bad []*scanners.KeyError) ([]scanners.Gap, error) {
	var gaps []scanners.Gap
	for _, e := range bad {
		k := &keys[e.Index]
		switch e.Class {
		case scanners.ByName:
			k.Name = ""
		case scanners.ByID:
			k.ID = ""
		case scanners.ByValue:
			k.Fingerprint = ""
		default:
			return nil, e
		}
		gaps = append(gaps, scanners.Gap{Subject: k.Label, What: "its " + what(e.Class) + " " + e.What + ": " + e.Remedy, Count: 1})
	}
	keys = slices.DeleteFunc(keys, func(k scanners.Key) bool { return k.Name == "" && k.ID == "" && k.Fingerprint == "" })
	if len(keys) == 0 {
		return gaps, nil
	}
	s.keys = len(keys)
	var err error
	s.matcher, err = scanners.Compile(keys, peppers)
	return gaps, err
}

func what(c scanners.Class) string {
	if c == scanners.ByValue {
		return "fingerprint"
	}
	return string(c)
}

func (s *sweep) read() ([]scanners.Key, error) {
	if s.registry != "" {
		return s.fromRegistry()
	}
	f, err := os.Open(s.keysFile)
	if err != nil {
		return nil, fmt.Errorf("open the keys: %w", err)
	}
	defer f.Close()
	keys, err := scanners.ReadKeys(f)
	if err != nil {
		return nil, placed(s.keysFile, err)
	}
	return keys, nil
}

// placed writes each error of a keys file as editors read it: FILE:LINE:COLUMN: what.
func placed(file string, err error) error {
	all := []error{err}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		all = many.Unwrap()
	}
	for i, e := range all {
		if at, ok := errors.AsType[*scanners.FileError](e); ok && at.Line > 0 {
			all[i] = fmt.Errorf("%s:%d:%d: %s", file, at.Line, at.Column, at.What)
			continue
		}
		all[i] = fmt.Errorf("%s: %w", file, e)
	}
	return errors.Join(all...)
}

// peppers reads the pepper file. A keys file with fingerprints needs one; of a registry, Compile says which can't be
// looked for.
func (s *sweep) peppers(keys []scanners.Key, stderr io.Writer) (scanners.Peppers, error) {
	peppers, err := loadPeppers(s.environ, stderr)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(keys, func(k scanners.Key) bool { return k.Fingerprint != "" })
	if len(peppers) == 0 && i >= 0 && s.registry == "" {
		return nil, hint(fmt.Errorf("%s has fingerprints (the first is of %q), and there is no pepper to look for them with", s.keysFile, keys[i].Label),
			"name the file with the pepper that they were made under: "+pepperFileVariable+"=FILE")
	}
	return peppers, nil
}

// fromRegistry takes the keys from a registry's records. A record with a problem could hide a credential.
func (s *sweep) fromRegistry() ([]scanners.Key, error) {
	if info, err := os.Stat(s.registry); err != nil || !info.IsDir() {
		return nil, hint(fmt.Errorf("%s is not a folder", s.registry), "name the checkout of a registry")
	}
	registry, problems := identity.LoadRegistry(os.DirFS(s.registry))
	if len(problems) > 0 {
		return nil, hint(fmt.Errorf("%s is not a valid registry (%d problems, the first: %s)", s.registry, len(problems), report.Visible(fmt.Sprint(problems[0]))),
			"see all with `keyreeve check "+s.registry+"`")
	}
	var keys []scanners.Key
	for _, name := range registry.Names() {
		id := registry.Identities[name]
		if s.all || id.Status == identity.Decommissioned {
			keys = append(keys, keysOf(id)...)
		}
	}
	return keys, nil
}

// keysOf lists what an identity's credentials are known by. Those of one credential share a label:
// "payments/deploy-bot token", or "payments/deploy-bot token 2" for its second token.
func keysOf(id identity.Identity) []scanners.Key {
	var keys []scanners.Key
	seen := map[string]int{}
	for _, c := range id.Credentials {
		label := id.Name + " " + c.Kind
		if seen[c.Kind]++; seen[c.Kind] > 1 {
			label += fmt.Sprintf(" %d", seen[c.Kind])
		}
		var names []string
		for _, secret := range c.Secrets {
			names = append(names, secret.Name)
		}
		slices.Sort(names)
		for _, name := range slices.Compact(names) { // one secret may be stored in several places
			keys = append(keys, scanners.Key{Label: label, Name: name})
		}
		if c.PublicID != "" {
			keys = append(keys, scanners.Key{Label: label, ID: c.PublicID})
		}
		if c.Fingerprint != "" {
			keys = append(keys, scanners.Key{Label: label, Fingerprint: c.Fingerprint})
		}
	}
	return keys
}

// reason is what a gap says of an error, without the path that it repeats.
func reason(err error) string {
	if path, ok := errors.AsType[*os.PathError](err); ok {
		return path.Op + ": " + path.Err.Error()
	}
	return err.Error()
}

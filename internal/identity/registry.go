package identity

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// Registry is all records of a registry, as one commit of it holds them.
type Registry struct {
	Policy     Policy
	UseCases   map[string]UseCase  // by name
	Identities map[string]Identity // by name, "<app>/<name>"
	Grants     map[string]Grant    // by id
	// Test is keyreeve.test.yaml; its Version is 0 where the registry has none.
	Test PolicyTest
}

// Identity returns the identity of a name.
func (r Registry) Identity(name string) (Identity, bool) {
	id, ok := r.Identities[name]
	return id, ok
}

// UseCaseOf returns the use case that bounds an identity.
func (r Registry) UseCaseOf(id Identity) (UseCase, bool) {
	uc, ok := r.UseCases[id.UseCase]
	return uc, ok
}

// GrantsOf returns the grants for an identity, by id.
func (r Registry) GrantsOf(name string) []Grant {
	var out []Grant
	for _, id := range slices.Sorted(maps.Keys(r.Grants)) {
		if r.Grants[id].Identity == name {
			out = append(out, r.Grants[id])
		}
	}
	return out
}

// Names returns the names of all identities, sorted.
func (r Registry) Names() []string { return slices.Sorted(maps.Keys(r.Identities)) }

// LoadRegistry reads a checkout of a registry: the policy, use-cases, identities and grants, and whether CODEOWNERS is
// there. All problems are returned, sorted by place: those of each record, and those between records (an identity's
// missing use case, an entitlement beyond its ceiling, an environment that the policy does not have, a grant for nobody,
// one id given twice, a file that is no record). The registry holds the records that have no problem of their own.
//
// Whether a grant would be allowed today is not looked at: the grants of the past are kept here.
// Symbolic links are not followed, and count as files that are no record.
func LoadRegistry(fsys fs.FS) (Registry, []Problem) {
	l := loader{
		fsys: fsys,
		Registry: Registry{
			UseCases: map[string]UseCase{}, Identities: map[string]Identity{}, Grants: map[string]Grant{},
		},
		documents: map[string]*document{},
		present:   map[string]bool{},
	}
	if l.regular(PolicyPath, "every registry has one: `keyreeve init` writes it") {
		l.Policy, _ = load[Policy](&l, PolicyPath)
	}
	l.regular(CodeownersPath, "it says who may approve what; without it nobody can")
	for _, dir := range []string{useCasesDir, identitiesDir, grantsDir} {
		l.walk(dir)
	}
	if _, err := fs.Lstat(fsys, PolicyTestPath); err == nil && l.regular(PolicyTestPath, "it is read as the policy is") {
		l.Test, _ = load[PolicyTest](&l, PolicyTestPath)
	}
	l.crossCheck()
	l.crossCheckTest()
	return l.Registry, sorted(l.problems)
}

// loader is a registry that is being read.
type loader struct {
	Registry
	fsys      fs.FS
	problems  []Problem
	documents map[string]*document // by path, of the records that were read
	present   map[string]bool      // paths of records that are there, with problems or without
}

func (l *loader) say(p ...Problem) { l.problems = append(l.problems, p...) }

// regular reports whether a file that must be there is there, and says so where it is not.
func (l *loader) regular(path, why string) bool {
	switch info, err := fs.Lstat(l.fsys, path); {
	case errors.Is(err, fs.ErrNotExist):
		l.say(Problem{File: path, What: "the file is missing", Hint: why})
	case err != nil:
		l.say(Problem{File: path, What: "the file can't be read"})
	case !info.Mode().IsRegular():
		l.say(Problem{File: path, What: "this is not a regular file", Hint: why})
	default:
		return true
	}
	return false
}

// walk reads all records below a folder, which may be missing.
func (l *loader) walk(dir string) {
	err := fs.WalkDir(l.fsys, dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) && path == dir:
			return fs.SkipDir
		case err != nil:
			l.say(Problem{File: path, What: "it can't be read"})
			return nil //nolint:nilerr // it is said as a problem, and the rest is read
		case entry.IsDir() || entry.Name() == ".gitkeep":
			return nil
		}
		l.record(path, entry)
		return nil
	})
	if err != nil {
		l.say(Problem{File: dir, What: "the folder can't be read"})
	}
}

func (l *loader) record(path string, entry fs.DirEntry) {
	kind, name := RecordAt(path)
	if kind == NoRecord || !entry.Type().IsRegular() {
		dir, _, _ := strings.Cut(path, "/")
		where := map[string]string{
			useCasesDir: UseCasePath("<name>"), identitiesDir: IdentityPath("<app>/<name>"), grantsDir: GrantPath("<app>/<name>", "<id>"),
		}[dir]
		l.say(Problem{File: path, What: "this is not a record", Hint: fmt.Sprintf("%s holds %s only, in lower case", dir, where)})
		return
	}
	l.present[path] = true
	switch kind {
	case UseCaseRecord:
		if uc, ok := load[UseCase](l, path); ok {
			l.UseCases[name] = uc
		}
	case IdentityRecord:
		if id, ok := load[Identity](l, path); ok {
			l.Identities[name] = id
		}
	case GrantRecord:
		g, ok := load[Grant](l, path)
		if !ok {
			return
		}
		if other, twice := l.Grants[name]; twice {
			l.say(l.documents[path].at([]string{"id"}, fmt.Sprintf("there is another grant %s", quoted(name)), "its record is "+other.Path()))
			return
		}
		l.Grants[name] = g
	default: // the walk does not come to the policy
	}
}

// load reads and parses one record; ok is false when it has problems of its own.
func load[T record](l *loader, path string) (r T, ok bool) {
	data, err := readBounded(l.fsys, path)
	if err != nil {
		l.say(Problem{File: path, What: "the file can't be read"})
		return r, false
	}
	r, d, problems := parse[T](path, data)
	l.say(problems...)
	l.documents[path] = d
	return r, len(problems) == 0
}

// readBounded reads a file, but at most so much of it that a larger one is seen to be too large.
func readBounded(fsys fs.FS, path string) ([]byte, error) {
	f, err := fsys.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, LargestRecord+1))
}

// crossCheck compares the records with each other. Where a record has problems of its own, what refers to it is left
// alone: one mistake is said once.
func (l *loader) crossCheck() {
	for name, uc := range l.UseCases {
		d := l.documents[UseCasePath(name)]
		for i, b := range uc.Ceiling {
			for j, e := range b.Environments {
				l.environment(d, e, "ceiling", fmt.Sprint(i), "environments", fmt.Sprint(j))
			}
		}
	}
	for name, id := range l.Identities {
		d := l.documents[IdentityPath(name)]
		l.environment(d, id.Environment, "environment")
		uc, ok := l.UseCaseOf(id)
		if !ok && !l.present[UseCasePath(id.UseCase)] {
			l.say(d.at([]string{"useCase"}, "there is no use case "+quoted(id.UseCase), useCaseHint(id.UseCase, l.UseCases)))
		}
		if ok {
			l.ceiling(d, id, uc)
		}
	}
	for _, g := range l.Grants {
		if !l.present[IdentityPath(g.Identity)] {
			l.say(l.documents[g.Path()].at([]string{"identity"}, "there is no identity "+quoted(g.Identity), "its record would be "+IdentityPath(g.Identity)))
		}
	}
}

// environment says so when the policy, if it could be read, does not have an environment.
func (l *loader) environment(d *document, e string, path ...string) {
	if l.Policy.Version == RecordVersion && !slices.Contains(l.Policy.Environments, e) {
		l.say(d.at(path, unknownEnvironment(e), environmentHint(e, l.Policy)))
	}
}

// ceiling compares an identity with the use case that bounds it.
func (l *loader) ceiling(d *document, id Identity, uc UseCase) {
	if !slices.Contains(uc.Kinds, id.Kind) {
		l.say(d.at([]string{"kind"}, fmt.Sprintf("the use case %s is not for kind %s", quoted(uc.Name), quoted(string(id.Kind))), UseCasePath(uc.Name)+" lists the kinds"))
	}
	for i, e := range id.Entitlements {
		at := []string{"entitlements", fmt.Sprint(i)}
		l.environment(d, e.Environment, extend(at, "environment")...)
		if exceeds, dimension := Exceeds(uc, e.Provider, e.Resource, e.Permission, e.Environment); exceeds {
			value, _ := d.text(extend(at, dimension)...)
			l.say(d.at(extend(at, dimension), fmt.Sprintf("the %s %s exceeds the use case %s", dimension, quoted(value), quoted(uc.Name)), "see the ceiling in "+UseCasePath(uc.Name)))
		}
	}
}

func useCaseHint(name string, all map[string]UseCase) string {
	if meant := nearest(name, slices.Sorted(maps.Keys(all))); meant != "" {
		return fmt.Sprintf("did you mean %q?", meant)
	}
	return "its record would be " + UseCasePath(name)
}

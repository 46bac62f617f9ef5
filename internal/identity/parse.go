package identity

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/docs/schema"
)

// mostProblems bounds what is said about one file.
const mostProblems = 50

// ParseIdentity reads the record of an identity. path is its place in the registry, "identities/<app>/<name>.yaml", which
// must agree with its name. All problems are returned at once, sorted by place; where there is one, the record is the zero
// value and nothing may be decided on it. It may be called concurrently.
func ParseIdentity(path string, data []byte) (Identity, []Problem) {
	id, _, problems := parse[Identity](path, data)
	return id, problems
}

// ParseUseCase reads the record of a use case, "use-cases/<name>.yaml", as ParseIdentity does.
func ParseUseCase(path string, data []byte) (UseCase, []Problem) {
	uc, _, problems := parse[UseCase](path, data)
	return uc, problems
}

// ParseGrant reads the record of a grant, "grants/<identity>/<id>.yaml", as ParseIdentity does.
func ParseGrant(path string, data []byte) (Grant, []Problem) {
	g, _, problems := parse[Grant](path, data)
	return g, problems
}

// ParsePolicy reads the policy, "keyreeve.yaml", as ParseIdentity does.
func ParsePolicy(path string, data []byte) (Policy, []Problem) {
	p, _, problems := parse[Policy](path, data)
	return p, problems
}

// Locate gives problems that name a Field ("duration") the file, line and column where a record's text says it. Problems
// that have a line already are left as they are; a text that can't be read gives them the file alone.
func Locate(path string, data []byte, problems []Problem) []Problem {
	d, _ := read(path, data)
	out := slices.Clone(problems)
	for i, p := range out {
		if p.Line > 0 {
			continue
		}
		out[i].File = path
		if d.root != nil {
			_, value := d.find(strings.FieldsFunc(p.Field, func(r rune) bool { return r == '.' || r == '[' || r == ']' }))
			out[i].Line, out[i].Column = value.Line, value.Column
		}
	}
	return sorted(out)
}

// record is any of the registry's records, and the file that tests its policy, which is read in the same way.
type record interface {
	Identity | UseCase | Grant | Policy | PolicyTest
}

// schemaOf returns the schema of a record, and the kind it has by RecordAt.
func schemaOf[T record]() (name string, kind RecordKind) {
	var zero T
	switch any(zero).(type) {
	case Identity:
		return schema.Identity, IdentityRecord
	case UseCase:
		return schema.UseCase, UseCaseRecord
	case Grant:
		return schema.Grant, GrantRecord
	case PolicyTest:
		return schema.PolicyTest, NoRecord
	}
	return schema.Policy, PolicyRecord
}

// parse reads one record: bytes → nodes → schema → value → what no schema can say.
func parse[T record](path string, data []byte) (T, *document, []Problem) {
	var zero, out T
	name, kind := schemaOf[T]()
	d, problems := read(path, data)
	if len(problems) > 0 {
		return zero, d, few(problems)
	}
	problems = append(d.validate(name), d.checkPlace(kind)...)
	if len(problems) == 0 {
		if err := decode(d.value, &out); err != nil {
			return zero, d, []Problem{d.problem(d.root, "", "the record can't be read: "+err.Error(), "")}
		}
		problems = check(d, any(out))
	}
	if len(problems) > 0 {
		return zero, d, few(problems)
	}
	return out, d, nil
}

// decode turns a JSON value into a record. After the schema it can't fail, unless the two disagree.
func decode(value, out any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	return dec.Decode(out)
}

// few sorts problems, and cuts a long list.
func few(problems []Problem) []Problem {
	out := sorted(problems)
	if len(out) > mostProblems {
		next := out[mostProblems]
		out = append(out[:mostProblems:mostProblems], Problem{
			File: next.File, Line: next.Line, Column: next.Column, What: "there are more problems from here on", Hint: "correct the first ones and look again",
		})
	}
	return out
}

// checkPlace compares where a record lives with the name it gives itself.
func (d *document) checkPlace(kind RecordKind) []Problem {
	at, name := RecordAt(d.file)
	if at != kind {
		where := map[RecordKind]string{
			PolicyRecord: PolicyPath, UseCaseRecord: UseCasePath("<name>"), IdentityRecord: IdentityPath("<app>/<name>"), GrantRecord: GrantPath("<app>/<name>", "<id>"),
		}[kind]
		return []Problem{{File: d.file, Line: 1, Column: 1, What: "this is no place for this record", Hint: "it lives at " + where}}
	}
	differs := func(key, want string) []Problem {
		if got, ok := d.text(key); ok && got != want {
			return []Problem{d.at([]string{key}, fmt.Sprintf("%s is not the name in the file's path", quoted(got)), fmt.Sprintf("write %q here or move the file", want))}
		}
		return nil
	}
	switch kind {
	case UseCaseRecord, IdentityRecord:
		return differs("name", name)
	case GrantRecord:
		parts := strings.Split(d.file, "/")
		return append(differs("id", name), differs("identity", parts[1]+"/"+parts[2])...)
	default:
		return nil
	}
}

// check finds what a schema can't say about one record by itself.
func check(d *document, r any) []Problem {
	switch r := r.(type) {
	case UseCase:
		return d.checkBounds(r)
	case Policy:
		return d.checkPolicy(r)
	case PolicyTest:
		return d.checkPolicyTest(r)
	}
	return nil
}

// checkBounds refuses a bound without an owner's letters: "*/x" would allow repositories of anybody.
func (d *document) checkBounds(uc UseCase) []Problem {
	var out []Problem
	for i, b := range uc.Ceiling {
		if owner, _, _ := strings.Cut(b.Resource, "/"); strings.Contains(owner, "*") {
			out = append(out, d.at([]string{"ceiling", fmt.Sprint(i), "resource"}, quoted(b.Resource)+" leaves the owner open", "name the owner; * may stand in the repository's name"))
		}
	}
	return out
}

func (d *document) checkPolicy(p Policy) []Problem {
	var out []Problem
	say := func(what, hint string, path ...string) { out = append(out, d.at(path, what, hint)) }
	if p.Grants.MinDuration > p.Grants.MaxDuration {
		say(fmt.Sprintf("the shortest duration, %s, is longer than the longest, %s", p.Grants.MinDuration, p.Grants.MaxDuration), "", "grants", "minDuration")
	}
	for i, e := range p.Environments {
		// GitHub's environment names know no case, so two spellings would be one environment with two rules.
		if j := slices.IndexFunc(p.Environments[:i], func(o string) bool { return lower(o) == lower(e) }); j >= 0 {
			say(fmt.Sprintf("%s and %s differ in case only", quoted(e), quoted(p.Environments[j])), "keep one of them", "environments", fmt.Sprint(i))
		}
	}
	names := map[string]bool{}
	for i, r := range p.Rules {
		at := fmt.Sprint(i)
		if names[r.Name] {
			say(fmt.Sprintf("there are two rules named %s", quoted(r.Name)), "rename one of them", "rules", at, "name")
		}
		names[r.Name] = true
		if r.MaxDuration > 0 && r.MaxDuration < p.Grants.MinDuration {
			say(fmt.Sprintf("no grant can be as short as %s: the shortest is %s", r.MaxDuration, p.Grants.MinDuration), "", "rules", at, "maxDuration")
		}
		for j, e := range r.When.Environments {
			if !slices.Contains(p.Environments, e) {
				say(unknownEnvironment(e), environmentHint(e, p), "rules", at, "when", "environments", fmt.Sprint(j))
			}
		}
		for j, q := range r.Require {
			if most, bounded := mostPeople(q.From); bounded && q.Count > most {
				say(fmt.Sprintf("%d of %d people can never approve", q.Count, most), "name a team, or more people", "rules", at, "require", fmt.Sprint(j), "count")
			}
		}
	}
	return append(out, d.checkPolicyLimits(p)...)
}

// mostPeople is how many people stand behind users alone; where a team is among them it can't be said.
func mostPeople(from []string) (n int, bounded bool) {
	for _, o := range from {
		if strings.Contains(o, "/") {
			return 0, false
		}
	}
	return len(from), true
}

// checkPolicyLimits looks at what the policy says besides its rules.
func (d *document) checkPolicyLimits(p Policy) []Problem {
	var out []Problem
	say := func(what, hint string, path ...string) { out = append(out, d.at(path, what, hint)) }
	for i, r := range p.Risks {
		for j, e := range r.Environments {
			if !slices.Contains(p.Environments, e) {
				say(unknownEnvironment(e), environmentHint(e, p), "risks", fmt.Sprint(i), "environments", fmt.Sprint(j))
			}
		}
	}
	if q := p.Requests; q.RemindAfter > 0 && q.ExpireAfter > 0 && q.RemindAfter >= q.ExpireAfter {
		say(fmt.Sprintf("nobody would be reminded: the request expires after %s", q.ExpireAfter), "remind earlier, or let it expire later", "requests", "remindAfter")
	}
	if b := p.BreakGlass; b != nil && b.MaxDuration < p.Grants.MinDuration {
		say(fmt.Sprintf("no grant can be as short as %s: the shortest is %s", b.MaxDuration, p.Grants.MinDuration), "", "breakGlass", "maxDuration")
	}
	return out
}

func unknownEnvironment(e string) string {
	return quoted(e) + " is not an environment of " + PolicyPath
}

func environmentHint(e string, p Policy) string {
	if meant := nearest(e, p.Environments); meant != "" {
		return fmt.Sprintf("did you mean %q?", meant)
	}
	return "it has " + list(p.Environments, "and")
}

package identity

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// PolicyTest is keyreeve.test.yaml: what the policy beside it is to decide.
type PolicyTest struct {
	Version int `yaml:"version" json:"version"`
	// Today is the day on which the cases play, at noon UTC; zero stands for the day on which they are run.
	Today Date `yaml:"today,omitempty" json:"today,omitzero"`
	// People says which logins stand behind each team. Logins and owners are compared without case.
	People map[string][]string `yaml:"people" json:"people"`
	Cases  []PolicyCase        `yaml:"cases" json:"cases"`
}

// PolicyCase is one request, and what is to come of it.
type PolicyCase struct {
	Name    string        `yaml:"name" json:"name"`
	Request PolicyRequest `yaml:"request" json:"request"`
	// ResourceOwners own the resource by its CODEOWNERS; without them it has none.
	ResourceOwners []string          `yaml:"resourceOwners,omitempty" json:"resourceOwners,omitempty"`
	Approvals      []PolicyVote      `yaml:"approvals,omitempty" json:"approvals,omitempty"`
	Override       string            `yaml:"override,omitempty" json:"override,omitempty"` // a login
	Expect         PolicyExpectation `yaml:"expect" json:"expect"`
}

// PolicyRequest is what a case asks for.
type PolicyRequest struct {
	Identity    string     `yaml:"identity" json:"identity"`
	Resource    string     `yaml:"resource" json:"resource"`
	Permission  Permission `yaml:"permission" json:"permission"`
	Environment string     `yaml:"environment" json:"environment"`
	Duration    Duration   `yaml:"duration" json:"duration"`
	Requester   string     `yaml:"requester" json:"requester"`           // a login
	Kind        Kind       `yaml:"kind,omitempty" json:"kind,omitempty"` // in the place of the record's
	Risk        Risk       `yaml:"risk,omitempty" json:"risk,omitempty"` // likewise
}

// PolicyVote is one vote of a case. In the file a login alone is an approval.
type PolicyVote struct {
	By   string `yaml:"by" json:"by"`
	Verb string `yaml:"verb,omitempty" json:"verb,omitempty"` // approve, deny or withdraw; "" is approve
}

// UnmarshalJSON reads both forms.
func (v *PolicyVote) UnmarshalJSON(b []byte) error {
	type long PolicyVote
	text, err := "", json.Unmarshal(b, (*long)(v))
	if _, mismatch := errors.AsType[*json.UnmarshalTypeError](err); !mismatch {
		return err
	}
	err = json.Unmarshal(b, &text)
	*v = PolicyVote{By: text}
	return err
}

// PolicyExpectation is what is to come of a case. What is not set is not compared; a list that is empty and not nil is.
type PolicyExpectation struct {
	Verdict     string   `yaml:"verdict" json:"verdict"` // an approvals.Verdict, or "invalid"
	Needs       []string `yaml:"needs,omitempty" json:"needs,omitempty"`
	Problems    []string `yaml:"problems,omitempty" json:"problems,omitempty"`
	Risk        string   `yaml:"risk,omitempty" json:"risk,omitempty"` // a Risk, or "unrated"
	MaxDuration Duration `yaml:"maxDuration,omitempty" json:"maxDuration,omitempty"`
}

// ParsePolicyTest reads the test of a policy, "keyreeve.test.yaml", as ParseIdentity reads an identity. Whether the
// identities and rules that it names exist is LoadRegistry's to say.
func ParsePolicyTest(path string, data []byte) (PolicyTest, []Problem) {
	t, _, problems := parse[PolicyTest](path, data)
	return t, problems
}

// mostGuesses bounds among how many logins the one that was meant is looked for, so that no file takes long to read.
const mostGuesses = 200

// checkPolicyTest finds names that mean nothing: a vote by a login that is misspelt would not count, and the case might
// come out right for the wrong reason.
func (d *document) checkPolicyTest(t PolicyTest) []Problem {
	var out []Problem
	known := map[string]string{} // in lower case → as it is written
	for _, owner := range slices.Sorted(maps.Keys(t.People)) {
		for _, login := range t.People[owner] {
			known[lower(login)] = login
		}
	}
	logins := slices.Sorted(maps.Values(known))
	logins = logins[:min(len(logins), mostGuesses)]
	login := func(who string, path ...string) {
		if known[lower(who)] != "" || who == "" || len(out) > mostProblems {
			return
		}
		hint := "list them behind a team under people; one that owns nothing will do for outsiders"
		if meant := nearest(who, logins); meant != "" {
			hint = fmt.Sprintf("did you mean %q?", meant)
		}
		out = append(out, d.at(path, quoted(who)+" is nobody that the test knows", hint))
	}
	names := map[string]bool{}
	for i, c := range t.Cases {
		at := []string{"cases", fmt.Sprint(i)}
		if names[c.Name] {
			out = append(out, d.at(extend(at, "name"), fmt.Sprintf("there are two cases named %s", quoted(c.Name)), "rename one of them"))
		}
		names[c.Name] = true
		if len(out) > mostProblems {
			break // the rest would be cut
		}
		login(c.Request.Requester, append(slices.Clip(at), "request", "requester")...)
		login(c.Override, extend(at, "override")...)
		for j, v := range c.Approvals {
			login(v.By, append(slices.Clip(at), "approvals", fmt.Sprint(j), "by")...)
		}
	}
	return out
}

// crossCheckTest compares the test with the records that it names.
func (l *loader) crossCheckTest() {
	d := l.documents[PolicyTestPath]
	var rules []string
	for _, r := range l.Policy.Rules {
		rules = append(rules, r.Name)
	}
	for i, c := range l.Test.Cases {
		at := []string{"cases", fmt.Sprint(i)}
		if name := c.Request.Identity; !l.present[IdentityPath(name)] {
			hint := "its record would be " + IdentityPath(name)
			if meant := nearest(name, l.Names()); meant != "" {
				hint = fmt.Sprintf("did you mean %q?", meant)
			}
			l.say(d.at(append(slices.Clip(at), "request", "identity"), "there is no identity "+quoted(name), hint))
		}
		for j, name := range c.Expect.Needs {
			if l.Policy.Version != RecordVersion || slices.Contains(rules, name) {
				continue
			}
			hint := "it has " + list(rules, "and")
			if len(rules) == 0 {
				hint = "it has no rules"
			}
			l.say(d.at(append(slices.Clip(at), "expect", "needs", fmt.Sprint(j)), quoted(name)+" is not a rule of "+PolicyPath, hint))
		}
	}
}

// PeopleBehind returns the logins that stand behind an owner by the test. A user stands for themselves, and an e-mail
// address for nobody; known is false for a team that the test doesn't name.
func (t PolicyTest) PeopleBehind(owner string) (logins []string, known bool) {
	for name, people := range t.People {
		if lower(name) == lower(owner) {
			return people, true
		}
	}
	login, isUser := strings.CutPrefix(owner, "@")
	switch {
	case strings.Contains(login, "/"):
		return nil, false
	case !isUser:
		return nil, true
	}
	return []string{login}, true
}

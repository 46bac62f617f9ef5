package approvals_test

import (
	"fmt"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/internal/identity"
)

func Example() {
	owners := approvals.ParseCodeowners([]byte("*                        @acme/payments\n/.github/keyreeve-access @alice\n"))
	rule, _ := owners.Match(approvals.ResourcePath)
	command := approvals.ParseCommands("Fine by me.\n\n/approve for the release")[0]

	alice := identity.Person{ID: 1, Login: "alice"}
	decision := approvals.Decide(approvals.Facts{
		Digest: "sha256:aa",
		Needs:  []approvals.Need{{Kind: approvals.Resource, Subject: "acme/payments", Owners: rule.Owners}},
		People: map[string]approvals.Members{"@alice": {Known: true, People: []identity.Person{alice}}},
		Votes:  []approvals.Vote{{ID: "comment/1", By: alice, Verb: approvals.Verb(command.Verb), Reason: command.Args, Digest: "sha256:aa"}},
	})
	fmt.Println(rule.Line, decision.Verdict, decision.Needs[0].By)
	// Output: 2 approved [{1 alice}]
}

func ExampleParseCommands() {
	for _, c := range approvals.ParseCommands("> /approve\n\n/approve!\n\n```\n/approve\n```\n/deny wrong repository") {
		if c.Malformed != nil {
			fmt.Println(c.Line, c.Malformed.Fault, "write:", c.Malformed.Form)
			continue
		}
		fmt.Println(c.Line, c.Verb, c.Args)
	}
	// Output:
	// 3 unknown-command write: /approve [reason]
	// 8 deny wrong repository
}

// Package approvals decides whether a change has the approvals that it needs: CODEOWNERS matching with GitHub's
// semantics, the grammar of the commands that people write in comments, and Decide, a pure function from facts to a
// decision that explains itself. It knows no clock, network or store, so any decision can be replayed from its facts.
package approvals

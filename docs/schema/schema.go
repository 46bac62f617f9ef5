// Package schema holds the JSON Schemas (2020-12) of keyreeve's records, for editors and for the bot alike: what an
// editor accepts, the bot reads by the same file.
//
// A record names its schema in its first line, as editors with the YAML language server understand it:
//
//	# yaml-language-server: $schema=../../.keyreeve/schema/identity.schema.json
//
// Two formats are keyreeve's own ("keyreeve-duration", "keyreeve-repository"). Editors ignore a format that they do not
// know and go by the pattern beside it; the bot checks both.
package schema

import "embed"

// The names of the schemas in Files.
const (
	Identity = "identity.schema.json"
	UseCase  = "use-case.schema.json"
	Grant    = "grant.schema.json"
	Policy   = "policy.schema.json"
	// PolicyTest is of the file that tests a policy, which is no record.
	PolicyTest = "policy-test.schema.json"
)

// Files holds the schemas by name. It is read-only, and may be read concurrently.
//
//go:embed *.schema.json
var Files embed.FS

// Names lists all schemas, in alphabetical order.
func Names() []string { return []string{Grant, Identity, PolicyTest, Policy, UseCase} }

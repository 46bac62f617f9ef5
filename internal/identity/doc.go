// Package identity holds keyreeve's nouns: people and repositories, the records of the registry (identities, use
// cases, grants, the policy) with their YAML and JSON Schemas, the ceilings that bound them, and the canonical form
// and digest of a request. It is pure: it reads bytes and gives values, and knows no clock, network or file system.
//
// A record is read by path and content, and every error carries a place:
//
//	grant, problems := identity.ParseGrant("grants/payments/deploy-bot/acme-identities-12.yaml", data)
//	// problems[0]: line 8, column 13: "3 weeks" is not a duration: write it as 30m, 8h or 5d
package identity

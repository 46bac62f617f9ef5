// Package forge is the only code that calls GitHub: it reads the facts that a walk observes and applies the effects
// that a walk plans. It implements workflow's ports Conversations, Repositories, Pulls, People and Applier, and reads and
// sets access for package provider.
//
// A call goes through four layers, from the inside of a method to the network:
//
//	go-github client → wire (limits, conditional requests, retries) → ghinstallation (the token) → sender (bounds, metrics)
//
// Each call is made with a token that is narrowed to one repository and to the permissions that the call needs. No type
// of go-github is in an exported signature, and no error or log line holds a token, a key or the query of a URL.
package forge

// Package scanners finds credentials. What is here so far knows them by their own published shape, with no list of
// values: so that an issue form into which somebody pasted one is refused, and no log line or error shows one.
//
//	scanners.Redact("push with ghp_…: 403") // "push with [redacted github-token]: 403"
package scanners

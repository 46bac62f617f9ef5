// Package scanners finds credentials.
//
// Known ones, retired and not to be seen again, by their names, their public ids, or keyed fingerprints of their values:
// Compile makes a Matcher of them, ScanBytes looks through a text in all encodings that are known, and ScanRepository
// through everything that a git repository holds, with the commit that brought what was found. No value is ever needed.
//
//	m, err := scanners.Compile(keys, peppers)
//	report, err := scanners.ScanRepository(ctx, dir, m, scanners.Options{})
//
// Unknown ones by their own published shape, with no list of values: so that an issue form into which somebody pasted one is
// refused, and no log line or error shows one.
//
//	scanners.Redact("push with ghp_…: 403") // "push with [redacted github-token]: 403"
package scanners

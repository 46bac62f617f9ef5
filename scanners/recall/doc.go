// Package recall measures of how many places the search for known keys finds a key. Its test builds a repository in
// which 34 places each hide a name, an id and a value of their own, and counts what is found. The table in
// docs/scanning.md is what it counted; go test ./scanners/recall -update writes it anew, and -keep DIR keeps the
// repository with a list of what is in it, to try another scanner on.
package recall

//go:build !unix

package githost

import "os/exec"

// ownGroup does nothing where there are no process groups: the command itself
// is still killed when its time is over.
func ownGroup(*exec.Cmd) {}

//go:build unix

package githost

import (
	"os/exec"
	"syscall"
)

// ownGroup starts the command in a process group of its own and kills the whole
// group when its time is over, so that git's helpers end with it.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

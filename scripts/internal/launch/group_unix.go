//go:build unix

package launch

import (
	"os/exec"
	"syscall"
)

// KillGroup ends a program and what it has started. It fails when that has
// ended by itself.
func KillGroup(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

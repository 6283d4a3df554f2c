//go:build unix

package launch

import (
	"os/exec"
	"syscall"
)

// KillGroup ends a program that was started after OwnGroup, and what it has started. It
// fails if they have already ended. New code uses Command and Kill.
func KillGroup(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

// OwnGroup puts a program into a group of its own. New code uses Command.
func OwnGroup(cmd *exec.Cmd) { cmd.SysProcAttr = ownGroup() }

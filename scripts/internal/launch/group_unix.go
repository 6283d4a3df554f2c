//go:build unix

package launch

import (
	"os/exec"
	"syscall"
)

// KillGroup ends a program and what it has started. It fails if they have already
// ended.
func KillGroup(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

// Detach puts a program into a process group of its own. Ctrl-C in the terminal does
// not reach it there, so it goes on when this process ends.
func Detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

//go:build unix && !linux

package launch

import (
	"os/exec"
	"syscall"
)

// OwnGroup puts a program into a process group of its own, so that KillGroup also
// ends what it starts.
func OwnGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

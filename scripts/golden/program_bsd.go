//go:build unix && !linux

package golden

import (
	"os/exec"
	"syscall"
)

// ownGroup puts a program into a process group of its own, so that what it
// starts can be ended with it.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

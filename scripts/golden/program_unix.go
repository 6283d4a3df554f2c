//go:build unix

package golden

import (
	"os/exec"
	"syscall"
)

func killGroup(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

// makeFIFO makes a named pipe: a file that blocks whoever opens it.
func makeFIFO(name string) error { return syscall.Mkfifo(name, 0o644) }

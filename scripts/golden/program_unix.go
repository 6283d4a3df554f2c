//go:build unix

package golden

import (
	"os/exec"
	"syscall"
)

func killGroup(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

// terminate asks a program to stop, as `kill` does.
func terminate(cmd *exec.Cmd) error { return cmd.Process.Signal(syscall.SIGTERM) }

// makeFIFO makes a named pipe: a file that blocks whoever opens it.
func makeFIFO(name string) error { return syscall.Mkfifo(name, 0o644) }

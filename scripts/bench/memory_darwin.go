package main

import (
	"os/exec"
	"syscall"
)

// memoryOf works only on Linux, where files show the memory of another process.
func memoryOf(string) (int64, error) { return 0, errNotHere }

// peakMemory runs a program and returns the most memory that it had, in bytes.
func peakMemory(cmd *exec.Cmd) (int64, error) {
	if err := cmd.Run(); err != nil {
		return 0, err
	}
	return cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss, nil // in bytes; other systems count kilobytes
}

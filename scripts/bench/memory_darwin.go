package main

import (
	"os/exec"
	"syscall"
)

// memoryOf is for Linux: elsewhere a process does not tell another's memory in
// files.
func memoryOf(string) (int64, error) { return 0, errNotHere }

// peakMemory runs a program and returns the most memory that it had, in bytes.
func peakMemory(cmd *exec.Cmd) (int64, error) {
	if err := cmd.Run(); err != nil {
		return 0, err
	}
	return cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss, nil // bytes here, elsewhere kilobytes
}

// peakSoFar is for Linux.
func peakSoFar(int) (int64, error) { return 0, errNotHere }

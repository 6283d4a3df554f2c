//go:build !linux

package main

import (
	"errors"
	"os"
	"os/exec"
)

// Elsewhere a worker is a process like any other: there are no namespaces.

var self, _ = os.Executable() // "" cannot be started, and that is said then

func protect(_ *exec.Cmd, j job, _ int, _ bool) error {
	if j.Protection != plain {
		return errors.New("only Linux has namespaces")
	}
	return nil
}

func confineProgram(*exec.Cmd) {}

func (job) keepFrom() []string {
	return []string{"limits on memory, on processes, and on what they write: only on Linux"}
}

//go:build !linux

package main

import (
	"errors"
	"os/exec"
)

// Elsewhere a worker is a process like any other: there are no namespaces.

func confineWorker(_ *exec.Cmd, j job, _ int, _ bool) error {
	if j.Confined {
		return errors.New("only Linux has namespaces")
	}
	return nil
}

func confineProgram(*exec.Cmd) {}

func confineSelf(string) []string { return nil }

func (g *grader) ownID() bool { return false }

//go:build !linux && !darwin

package main

import "os/exec"

// memoryOf is for Linux.
func memoryOf(string) (int64, error) { return 0, errNotHere }

// peakMemory is for Linux and macOS.
func peakMemory(*exec.Cmd) (int64, error) { return 0, errNotHere }

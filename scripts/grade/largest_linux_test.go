//go:build kit

package main

import "syscall"

// largestProcess is how much memory, in bytes, the largest process had that
// this one has started and waited for, or that one of those has.
func largestProcess() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &usage); err != nil {
		return 0
	}
	return usage.Maxrss << 10
}

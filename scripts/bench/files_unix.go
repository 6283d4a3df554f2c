//go:build linux || darwin

package main

import "syscall"

// wantedFiles is the limit of open files that the largest measurement needs.
const wantedFiles = 12_000

// raiseFileLimit sets the limit of open files as high as is needed and allowed,
// and returns it. Go has raised its own, but what it starts gets the old one
// unless it is set by hand.
func raiseFileLimit() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 256 // the lowest that is usual
	}
	limit.Cur = max(limit.Cur, min(limit.Max, wantedFiles))
	syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit) // if it fails, the old one is read below
	syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) // has just worked
	return int(min(limit.Cur, 1<<20))
}

//go:build linux || darwin

package main

import "syscall"

// wantedFiles is the limit of open files that the largest measurement needs.
const wantedFiles = 12_000

// raiseFileLimit raises the limit of open files as far as needed and allowed, and
// returns it. Go raises it only for this program. The programs that it starts get
// the old limit, unless it is set here.
func raiseFileLimit() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 256 // the lowest usual limit
	}
	limit.Cur = max(limit.Cur, min(limit.Max, wantedFiles))
	syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit) // if it fails, the next line reads the old limit
	syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) // it worked above
	return int(min(limit.Cur, 1<<20))
}

//go:build unix

package tap

import "syscall"

// pollTime is 0: a reader is woken when the connection is reset.
const pollTime = 0

// lives reports whether a connection has not been reset: one that has no other end any more.
func lives(fd uintptr) bool {
	_, err := syscall.Getpeername(int(fd))
	return err == nil
}

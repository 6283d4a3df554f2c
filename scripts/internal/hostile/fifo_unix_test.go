//go:build kit && unix

package hostile

import "syscall"

// mkfifo makes a file that waits, when it is opened, for somebody who writes.
func mkfifo(name string) error { return syscall.Mkfifo(name, 0o644) }

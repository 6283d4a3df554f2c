//go:build unix

package golden

import "syscall"

// makeFIFO makes a named pipe: a file that blocks whoever opens it.
func makeFIFO(name string) error { return syscall.Mkfifo(name, 0o644) }

//go:build unix

package http1

import "syscall"

func listenAgain(fd uintptr, backlog int) error { return syscall.Listen(int(fd), backlog) }

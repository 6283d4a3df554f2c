//go:build unix

package rig

import "syscall"

func listenAgain(fd uintptr, backlog int) error { return syscall.Listen(int(fd), backlog) }

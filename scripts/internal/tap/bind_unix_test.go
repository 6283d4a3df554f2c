//go:build unix

package tap

import (
	"net"
	"syscall"
)

// bindAnew binds an address without SO_REUSEADDR, which package net always sets.
func bindAnew(addr *net.TCPAddr) error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	return syscall.Bind(fd, &syscall.SockaddrInet4{Port: addr.Port, Addr: [4]byte(addr.IP.To4())})
}

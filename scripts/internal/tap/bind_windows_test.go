package tap

import "net"

// bindAnew listens: there package net sets no option that allows an address to be reused.
func bindAnew(addr *net.TCPAddr) error {
	ln, err := net.Listen("tcp", addr.String())
	if err != nil {
		return err
	}
	return ln.Close()
}

//go:build !linux

package launch

import (
	"errors"
	"fmt"
	"net/netip"
)

// Listening returns the addresses at which a process listens. Only Linux tells.
func Listening(int) ([]netip.AddrPort, error) {
	return nil, fmt.Errorf("where a program listens, only Linux tells: %w", errors.ErrUnsupported)
}

// States tells the states of the sockets of connections. Only Linux tells.
func States([][2]netip.AddrPort) ([]string, error) {
	return nil, fmt.Errorf("the states of sockets, only Linux tells: %w", errors.ErrUnsupported)
}

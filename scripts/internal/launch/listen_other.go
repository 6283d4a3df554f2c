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

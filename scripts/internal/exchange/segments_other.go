//go:build !linux

package exchange

import "net"

// segments is how many segments with data have come on a connection. Only Linux tells.
func segments(net.Conn) int { return 0 }

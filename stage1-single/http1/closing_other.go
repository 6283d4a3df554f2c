//go:build !unix

package http1

import "net"

// closesSoon would look whether the client has closed, too, without waiting for
// it. Here that is left to the wait.
func closesSoon(net.Conn, int) bool { return false }

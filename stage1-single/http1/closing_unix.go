//go:build unix

package http1

import (
	"net"
	"runtime"
	"syscall"
)

// closesSoon looks a few times whether the client has closed, too, and lets
// others go on in between. A client on this machine or near it closes within
// microseconds, and to be put to sleep and woken up takes longer than that. It
// returns false when the client has not closed yet, or sends on.
func closesSoon(tcp net.Conn, looks int) bool {
	socket, ok := tcp.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	var dropped [1]byte // as all that comes now
	var n int
	look := func(fd uintptr) bool {
		n, err = syscall.Read(int(fd), dropped[:])
		return true // look once, and do not wait
	}
	for range looks {
		if raw.Read(look) != nil || n > 0 {
			return false
		}
		if err == nil { // no bytes and no error: the end of the stream
			return true
		}
		runtime.Gosched()
	}
	return false
}

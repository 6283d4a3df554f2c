//go:build kit && unix

package hostile

import (
	"errors"
	"syscall"
)

// mkfifo makes a file that waits, when it is opened, for somebody who writes.
func mkfifo(name string) error { return syscall.Mkfifo(name, 0o644) }

// receiveBuffer is for a net.Dialer. It sets about how many unread bytes the client's
// system takes; with 0 the system chooses. It must be set before the connect, because
// the connect already promises the other side how much the client will take.
func receiveBuffer(bytes int) func(network, addr string, c syscall.RawConn) error {
	if bytes == 0 {
		return nil
	}
	return func(_, _ string, c syscall.RawConn) (err error) {
		controlErr := c.Control(func(fd uintptr) {
			err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, bytes)
		})
		return errors.Join(err, controlErr)
	}
}

package fast

import (
	"cmp"
	"net"
	"os"
	"runtime"
)

const (
	// How often ClosesSoon looks: less than 0.1 ms together where nobody else is
	// served, and a tenth of that where others wait for their turn.
	LooksAlone, LooksAmongOthers = 200, 20

	// sendBuffer is how much of a large file, or of the answers on a persistent
	// connection, may wait in the system for its client, in bytes. Linux takes
	// twice that. Left to itself it takes megabytes for each client that does not read.
	sendBuffer = 64 << 10
)

// KeepBufferSmall keeps what the system takes ahead of the client at sendBuffer
// bytes. What waits there for long has left the processor's cache.
func KeepBufferSmall(tcp net.Conn) {
	if buffered, ok := tcp.(interface{ SetWriteBuffer(bytes int) error }); ok {
		buffered.SetWriteBuffer(sendBuffer) // only slower if it fails
	}
}

// LeaveProcessors uses half of the processors that there are. A request takes a
// few microseconds of this program, and as many of the system, which works for
// the network at the same time; and the client may be on this machine, too. With a
// thread on every processor they push each other aside. The environment's GOMAXPROCS
// says otherwise.
func LeaveProcessors() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(max(1, runtime.GOMAXPROCS(0)/2))
	}
}

// SetBacklog sets the length of the listener's queue. A second listen(2) on a socket
// that listens already does just that, except on Windows.
func SetBacklog(tcp net.Listener, backlog int) error {
	if backlog < 0 {
		return nil
	}
	raw, err := tcp.(*net.TCPListener).SyscallConn()
	if err == nil {
		var failed error
		err = cmp.Or(raw.Control(func(fd uintptr) { failed = listenAgain(fd, backlog) }), failed)
	}
	return err
}

//go:build unix

package fast

import (
	"io/fs"
	"net"
	"runtime"
	"syscall"
)

func listenAgain(fd uintptr, backlog int) error { return syscall.Listen(int(fd), backlog) }

// ClosesSoon looks a few times whether the client has closed, too, and lets
// others go on in between. A client on this machine or near it closes within
// microseconds, and to be put to sleep and woken up takes longer than that. It
// returns false when the client has not closed yet, or sends on.
func ClosesSoon(tcp net.Conn, looks int) bool {
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

// unchanged compares all that the system says of a file, when it was read and
// now: also which file it is (the inode), and the time of its last change of
// any kind (ctime), which nobody can set back. The time of the last access is
// compared, too: where a system notes each of them, little is remembered.
func unchanged(then, now fs.FileInfo) bool {
	a, ok := then.Sys().(*syscall.Stat_t)
	b, ok2 := now.Sys().(*syscall.Stat_t)
	return ok && ok2 && *a == *b
}

//go:build !unix

package fast

import (
	"errors"
	"io/fs"
	"net"
	"os"
)

func listenAgain(uintptr, int) error {
	return errors.New("this system does not let a program change the queue of a socket that listens already")
}

// ClosesSoon would look whether the client has closed, too, without waiting for
// it. Here that is left to the wait.
func ClosesSoon(net.Conn, int) bool { return false }

// unchanged compares what the system says of a file, when it was read and now.
// A change that leaves the size and sets back the time is not seen here.
func unchanged(then, now fs.FileInfo) bool {
	return os.SameFile(then, now) && then.Size() == now.Size() && then.Mode() == now.Mode() && then.ModTime().Equal(now.ModTime())
}

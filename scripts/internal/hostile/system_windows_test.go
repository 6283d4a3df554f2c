//go:build kit

package hostile

import (
	"errors"
	"syscall"
)

// mkfifo fails: Windows has no such files.
func mkfifo(string) error { return errors.ErrUnsupported }

// receiveBuffer leaves the choice to the system.
func receiveBuffer(int) func(network, addr string, c syscall.RawConn) error { return nil }

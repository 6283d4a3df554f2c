package tap

import (
	"syscall"
	"time"
)

// pollTime is between two looks: behind a FIN, Windows lets nobody wait.
const pollTime = 5 * time.Millisecond

// lives reports whether a connection has not been reset: no byte can be sent on it, not
// even none.
func lives(fd uintptr) bool {
	var sent uint32
	return syscall.WSASend(syscall.Handle(fd), &syscall.WSABuf{}, 1, &sent, 0, nil, nil) == nil
}

//go:build kit

package hostile

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// peakMemory is the most memory that a process has had so far, in MB. Here and in the
// other functions of this file, a result below 0 means that it is not known.
func peakMemory(pid int) float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return -1
	}
	for line := range strings.Lines(string(status)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "VmHWM:" {
			kilobytes, err := strconv.ParseFloat(f[1], 64)
			if err == nil {
				return kilobytes / 1024
			}
		}
	}
	return -1
}

// descriptors is how many files, connections among them, a process has open.
func descriptors(pid int) int {
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return -1
	}
	return len(files)
}

// processorTime is how long a process has worked so far. In proc's stat it is
// fields 14 and 15, in hundredths of a second; the second field, a name in
// brackets, may hold spaces.
func processorTime(pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return -1
	}
	f := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	user, err1 := strconv.Atoi(f[11])
	system, err2 := strconv.Atoi(f[12])
	if err1 != nil || err2 != nil {
		return -1
	}
	return time.Duration(user+system) * 10 * time.Millisecond
}

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

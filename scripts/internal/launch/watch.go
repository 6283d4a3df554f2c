package launch

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Tail keeps the last bytes that are written to it, of several programs at once, too.
type Tail struct {
	Most int // bytes; 0 means 8 KiB

	mu   sync.Mutex
	kept []byte
}

func (t *Tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	if len(t.kept) > 2*t.most() { // not each time: moving them takes time
		t.kept = append(t.kept[:0], t.last()...)
	}
	return len(p), nil
}

func (t *Tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.last())
}

func (t *Tail) last() []byte { return t.kept[max(0, len(t.kept)-t.most()):] }

func (t *Tail) most() int {
	if t.Most == 0 {
		return 8 << 10
	}
	return t.Most
}

// PeakMemory is the most memory that a process has had so far, in bytes. Only Linux
// tells; elsewhere it is an error.
func PeakMemory(pid int) (int64, error) {
	name := fmt.Sprintf("/proc/%d/status", pid)
	status, err := os.ReadFile(name)
	if err != nil {
		return 0, fmt.Errorf("only Linux tells how much memory another process has used: %w", err)
	}
	for line := range strings.Lines(string(status)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "VmHWM:" {
			kilobytes, err := strconv.ParseInt(f[1], 10, 64)
			return kilobytes << 10, err
		}
	}
	return 0, fmt.Errorf("%s has no VmHWM", name) // the process has ended
}

// Measure runs the program to its end, and returns how long that took and the most memory
// that it had, 0 if nobody tells. It reads that again and again: the number that the system
// tells at the end counts the time before the process became the program, too, when it had
// the memory of this one.
func (c *Cmd) Measure() (peak int64, took time.Duration, err error) {
	start := time.Now()
	if err := c.Start(); err != nil {
		return 0, 0, err
	}
	for {
		if now, err := PeakMemory(c.Process.Pid); err == nil { // else it has ended
			peak = now
		}
		select {
		case <-c.Done():
			return peak, time.Since(start), nil
		case <-time.After(2 * time.Millisecond):
		}
	}
}

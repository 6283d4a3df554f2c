//go:build kit && !linux

package hostile

import (
	"syscall"
	"time"
)

// What a process uses is looked up on Linux only: here nobody knows.

func peakMemory(int) float64 { return -1 }

func descriptors(int) int { return -1 }

func processorTime(int) time.Duration { return -1 }

// receiveBuffer is set on Linux only: elsewhere it is the system's choice.
func receiveBuffer(int) func(network, addr string, c syscall.RawConn) error { return nil }

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// memoryOf returns the memory of the processes that listen at addr, in bytes. It
// counts memory that they share only once.
func memoryOf(addr string) (sum int64, err error) {
	processes, err := listeningAt(addr)
	if err != nil {
		return 0, err
	}
	if len(processes) == 0 {
		return 0, fmt.Errorf("found no process that listens at %s", addr)
	}
	for _, dir := range processes {
		// Pss is the proportional set size. Some kernels do not have it.
		n, err := kilobytes(filepath.Join(dir, "smaps_rollup"), "Pss:")
		if err != nil {
			n, err = kilobytes(filepath.Join(dir, "status"), "VmRSS:")
		}
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// listeningAt returns the folders in /proc of all processes that have the socket at
// addr open. For nginx these are the master and its workers.
func listeningAt(addr string) (dirs []string, err error) {
	socket, err := listeningSocket(addr)
	if err != nil {
		return nil, err
	}
	processes, err := filepath.Glob("/proc/[0-9]*")
	for _, dir := range processes {
		files, err := os.ReadDir(filepath.Join(dir, "fd"))
		if err != nil {
			continue // it belongs to another user, or has ended
		}
		for _, f := range files {
			if target, err := os.Readlink(filepath.Join(dir, "fd", f.Name())); err == nil && target == socket {
				dirs = append(dirs, dir)
				break
			}
		}
	}
	return dirs, err
}

// listeningSocket returns the name that /proc gives the socket that listens at addr,
// an IPv4 address. A line of the table of sockets has a number, the local address,
// the remote address and a state (0A means listening). Its tenth field is the inode.
func listeningSocket(addr string) (string, error) {
	a, err := net.ResolveTCPAddr("tcp4", addr)
	if err != nil {
		return "", err
	}
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return "", err
	}
	port := fmt.Sprintf(":%04X", a.Port)
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line)
		if len(f) > 9 && strings.HasSuffix(f[1], port) && f[3] == "0A" {
			return "socket:[" + f[9] + "]", nil
		}
	}
	return "", fmt.Errorf("nobody listens at %s", addr)
}

// kilobytes reads a field such as "Pss:  1234 kB", and returns bytes.
func kilobytes(file, field string) (int64, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	lines := bufio.NewScanner(bytes.NewReader(content))
	for lines.Scan() {
		if f := strings.Fields(lines.Text()); len(f) > 1 && f[0] == field {
			n, err := strconv.ParseInt(f[1], 10, 64)
			return n << 10, err
		}
	}
	return 0, fmt.Errorf("%s has no %s", file, field)
}

// peakMemory runs a program and returns the most memory that it had, in bytes. The
// system also reports this number when a process has ended. But that number counts
// the time before the process became the new program, when it had the memory of
// this one. So peakMemory reads the program's own mark until it ends.
func peakMemory(cmd *exec.Cmd) (peak int64, err error) {
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	status := fmt.Sprintf("/proc/%d/status", cmd.Process.Pid)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		if mark, err := kilobytes(status, "VmHWM:"); err == nil { // the program may have ended
			peak = mark
		}
		select {
		case err := <-ended:
			if err == nil && peak == 0 {
				err = fmt.Errorf("%s ended before its memory could be read", cmd.Path)
			}
			return peak, err
		case <-time.After(5 * time.Millisecond):
		}
	}
}

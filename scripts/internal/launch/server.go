// Package launch starts programs, and ends them together with everything that they
// started. It recognizes a server of the kit only by the line with which the server
// announces itself.
package launch

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"time"
)

const (
	startTime = 10 * time.Second // for a server to say where it listens
	stopTime  = 2 * time.Second  // for a server that was asked to stop
)

var announcement = regexp.MustCompile(`^http://(\S+)/ serves (.+)\r?\n$`)

// Announced reads the line with which a server says where it listens and
// what it serves.
func Announced(line string) (addr, dir string, ok bool) {
	m := announcement.FindStringSubmatch(line)
	if m == nil {
		return "", "", false
	}
	return m[1], m[2], true
}

// A Server is a server of the kit that runs.
type Server struct {
	Addr    string        // host:port where it listens
	Ended   chan struct{} // closed when it has ended; do not call Process.Wait
	Process *os.Process

	cmd *exec.Cmd
}

// Start starts a server, and waits until it says where it listens. It copies the
// server's standard error to log. The server ends when ctx is done, or with Stop.
func Start(ctx context.Context, log io.Writer, program string, args ...string) (*Server, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Cancel = func() error { return KillGroup(cmd) }
	cmd.WaitDelay = time.Second // a program that it started may hold its output open
	cmd.Stderr = log
	OwnGroup(cmd)
	// This does not use StdoutPipe, because Wait would close that pipe too early.
	stdout, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout = w
	err = cmd.Start()
	w.Close() // the program has its own copy of this end
	if err != nil {
		stdout.Close()
		return nil, fmt.Errorf("start a server: %w", err)
	}
	s := &Server{Ended: make(chan struct{}), Process: cmd.Process, cmd: cmd}
	lines := make(chan string, 1)
	go func() {
		out := bufio.NewReader(stdout)
		line, _ := out.ReadString('\n') // "" if it ends without a word
		lines <- line
		io.Copy(io.Discard, out) // so that it never blocks on a full pipe
		stdout.Close()
	}()
	go func() {
		cmd.Wait() // the log says more than the error
		close(s.Ended)
	}()
	select {
	case line := <-lines:
		addr, _, ok := Announced(line)
		if !ok {
			s.Stop()
			return nil, fmt.Errorf("%s did not say where it listens. It said %q", program, line)
		}
		s.Addr = addr
		return s, nil
	case <-time.After(startTime):
		s.Stop()
		return nil, fmt.Errorf("within %v, %s did not say where it listens", startTime, program)
	}
}

// ExitStatus returns the exit status of the server, or -1 if a signal ended it. Call
// it only after Ended is closed.
func (s *Server) ExitStatus() int { return s.cmd.ProcessState.ExitCode() }

// Stop asks the server to stop, as Ctrl-C does, and waits until it has ended. If it
// does not end, or cannot be asked (on Windows), Stop kills it. After Stop, its log is
// complete.
func (s *Server) Stop() {
	if runtime.GOOS == "windows" || s.Process.Signal(os.Interrupt) != nil {
		KillGroup(s.cmd)
	}
	select {
	case <-s.Ended:
	case <-time.After(stopTime):
		KillGroup(s.cmd)
		<-s.Ended
	}
}

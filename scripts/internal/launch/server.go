// Package launch starts programs, and ends them with all that they started.
// It knows the servers of the kit by the line with which they announce
// themselves, and by no other thing.
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
	Ended   chan struct{} // closed when it has ended; Process.Wait is not for others
	Process *os.Process

	cmd *exec.Cmd
}

// Start starts a server, waits until it says where it listens, and copies
// its log, standard error, to log. It ends when ctx is done, or with Stop.
func Start(ctx context.Context, log io.Writer, program string, args ...string) (*Server, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Cancel = func() error { return KillGroup(cmd) }
	cmd.WaitDelay = time.Second // something that it started may hold its output open
	cmd.Stderr = log
	OwnGroup(cmd)
	// A pipe of our own: Wait would close that of StdoutPipe too early.
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
		cmd.Wait() // how it ended is no matter: who reads its log knows more
		close(s.Ended)
	}()
	select {
	case line := <-lines:
		addr, _, ok := Announced(line)
		if !ok {
			s.Stop()
			return nil, fmt.Errorf("%s did not say where it listens, but %q", program, line)
		}
		s.Addr = addr
		return s, nil
	case <-time.After(startTime):
		s.Stop()
		return nil, fmt.Errorf("%s did not say within %v where it listens", program, startTime)
	}
}

// ExitStatus is the status with which the server has ended, and -1 if a signal
// ended it. It is known once Ended is closed.
func (s *Server) ExitStatus() int { return s.cmd.ProcessState.ExitCode() }

// Stop asks the server to stop, as Ctrl-C does, and waits until it has. One that
// does not, or cannot be asked (on Windows), is killed. Its log is complete then.
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

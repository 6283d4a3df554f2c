package launch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sync"
	"time"
)

const (
	startTime = 10 * time.Second // for a server to say where it listens
	stopTime  = 2 * time.Second  // for a server that was asked to stop
	maxLine   = 4 << 10          // bytes; a longer first line is no server's of the kit
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
	*Cmd
	Addr string // host:port where it listens
}

// Serve starts a server, and waits until it says where it listens. It copies the
// server's standard error to log. The server ends when ctx is done, or with Stop.
func Serve(ctx context.Context, log io.Writer, program string, args ...string) (*Server, error) {
	c := Command(ctx, program, args...)
	c.Stderr = log
	addr, _, err := c.StartServer(startTime)
	if err != nil {
		return nil, err
	}
	return &Server{Cmd: c, Addr: addr}, nil
}

// Stop asks the server to stop, as Ctrl-C does, and waits until it has ended. If it
// does not end, or cannot be asked, Stop kills it. After Stop, its log is complete.
func (s *Server) Stop() error {
	if s.AskToStop() == nil { // fails if it has ended
		if _, err := s.Wait(stopTime); err == nil {
			return s.left
		}
	}
	return s.Kill()
}

// A NotAnnounced is the error of a server that ran and did not say where it listens.
type NotAnnounced struct {
	Program string
	Line    string        // what it said instead, or began to say
	Waited  time.Duration // for the line to end; 0 if the server ended, or said something else
}

func (e *NotAnnounced) Error() string {
	if e.Waited > 0 {
		return fmt.Sprintf("within %v, %s did not say where it listens. It said %q", e.Waited, e.Program, e.Line)
	}
	return fmt.Sprintf("%s did not say where it listens. It said %q", e.Program, e.Line)
}

// StartServer starts a server, and waits until it says where it listens and what it
// serves. What it writes after that line goes to Stdout, as it was set before. If
// the line does not come, StartServer kills the server: its output is complete then, and
// the error is a NotAnnounced.
func (c *Cmd) StartServer(within time.Duration) (addr, dir string, err error) {
	first := &firstLine{rest: c.Stdout, line: make(chan struct{})}
	if first.rest == nil {
		first.rest = io.Discard
	}
	c.Stdout = first
	if err := c.Start(); err != nil {
		return "", "", err
	}
	failed := &NotAnnounced{Program: c.name()}
	select {
	case <-first.line:
	case <-c.Done():
	case <-time.After(within):
		failed.Waited = within
	}
	failed.Line = first.String()
	addr, dir, ok := Announced(failed.Line)
	if !ok {
		return "", "", errors.Join(failed, c.Kill())
	}
	return addr, dir, nil
}

// A firstLine keeps the first line that is written to it, and passes on the rest.
type firstLine struct {
	mu   sync.Mutex
	kept []byte
	full bool
	line chan struct{} // closed when the line has ended, or is too long
	rest io.Writer
}

func (f *firstLine) Write(p []byte) (int, error) {
	n := len(p)
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.full {
		take := bytes.IndexByte(p, '\n') + 1
		if f.full = take > 0; !f.full {
			take = min(len(p), maxLine-len(f.kept))
			f.full = len(f.kept)+take == maxLine
		}
		f.kept, p = append(f.kept, p[:take]...), p[take:]
		if f.full {
			close(f.line)
		}
	}
	if len(p) > 0 {
		if _, err := f.rest.Write(p); err != nil {
			return 0, err
		}
	}
	return n, nil
}

func (f *firstLine) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return string(f.kept)
}

package golden

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"weblab.example/scripts/internal/exchange"
	"weblab.example/scripts/internal/launch"
	"weblab.example/scripts/internal/verdict"
)

// A script is what the server in a case says to a client, on each connection.
type script struct {
	answers  []string      // to the first request, to the second, ...; sent as it is
	bytewise bool          // send each answer one byte at a time
	later    string        // sent in a segment of its own, after the last answer
	drip     string        // sent one byte at a time, after the last answer
	big      int           // so many bytes are sent, after the last answer
	hold     int           // no answer before so many connections have asked
	then     string        // how the connection ends: "" is FIN; "reset", "open"
	pause    time.Duration // between the bytes, and before what comes later
	patience time.Duration // how long all of it may take
	resets   bool          // when the server has closed, what still comes gets a reset
}

// all is all that the server says, but for what is too big.
func (s script) all() string { return strings.Join(s.answers, "") + s.later + s.drip }

// A clientRun is what came out of one run of the client.
type clientRun struct {
	requests       []string
	connections    int
	stdout, stderr string
	status         int
	hung           error  // it had to be killed
	dir            string // where it may write
	addr           string
	growth         int64  // of its memory, while it got what is big
	after          string // what came when the server had closed, of a client of the textbook's

	startup time.Duration // from its start until its first request had come
	took    time.Duration // from then on to its end
	lag     time.Duration // by how much the server was late with what it sent
}

// run runs a case. One with responses to be cut is as many runs as they have bytes.
func (c clientCase) run(t *target) error {
	if c.cut == nil {
		return c.runOnce(t)
	}
	var all errgroup.Group
	all.SetLimit(8)
	for _, response := range c.cut {
		for at := range len(response) - 1 {
			for _, end := range []script{{}, {then: "reset", pause: 20 * time.Millisecond}} {
				if end.then != "" && at%3 != 2 { // a third of them, because every run takes its time
					continue
				}
				part := c
				part.stdout, part.server = response[:at+1], end
				part.server.answers = []string{part.stdout}
				all.Go(func() error {
					err := part.runOnce(t)
					if f, ok := err.(*verdict.Failure); ok {
						f.Seen = fmt.Sprintf("cut after %d bytes (%s): %s", at+1, cmp.Or(end.then, "FIN"), f.Seen)
					}
					return err
				})
			}
		}
	}
	return all.Wait()
}

// runOnce plays a case, and compares. A machine that is busy can make both ends late, by
// half of the client's time-out. Then the case is played again, with longer times.
func (c clientCase) runOnce(t *target) error {
	for times := time.Duration(1); ; times++ {
		slow := c
		slow.timeout *= times
		slow.server.pause *= times
		if slow.server.patience = times * 3 * exchange.Patience; c.server.big > 0 {
			slow.server.patience *= 3
		}
		r, err := slow.play(t)
		if err != nil {
			return err
		}
		err = slow.verdict(r)
		late := r.lag > c.timeout/2 || err != nil && r.startup > c.timeout/2
		if c.timeout == 0 || !late || r.hung != nil || times == 4 {
			return err
		}
	}
}

// play runs the client against the case's server.
func (c clientCase) play(t *target) (*clientRun, error) {
	ln, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, err
	}
	defer ln.Close()
	r := &clientRun{addr: ln.Addr().String()}
	if r.dir, err = os.MkdirTemp(t.site.above, "client-"); err != nil {
		return nil, err
	}
	args, err := c.arguments(t, r)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	proc, stdout, err := t.startClient(args)
	if err != nil {
		return nil, err
	}
	defer proc.Kill()
	c.server.resets = StepOf(c.Step).Level == "" // as a program does that is not made for a test
	s := &stand{script: c.server, ln: ln, client: proc, run: r, all: make(chan bool), asked: start}
	s.serving.Go(s.accept)
	r.status, r.hung = proc.Wait(s.patience)
	end := time.Now()
	proc.Kill() // if it hangs: then its output is complete, too
	s.finish()
	r.startup, r.took = s.asked.Sub(start), end.Sub(s.asked)
	r.stdout, r.stderr = stdout.String(), proc.stderr.String()
	return r, nil
}

// closedPort is a port on which nobody listens. One that was free a moment ago
// would not do: the system may give it to the server of another case.
const closedPort = "1"

// arguments fills in a case's arguments.
func (c clientCase) arguments(t *target, r *clientRun) (args []string, err error) {
	if t.program.Foreign && (len(c.args) != 3 || !slices.Equal(c.args[:2], toPage[:2])) {
		return nil, notHere("this program has none of the kit's flags")
	}
	host, port, err := net.SplitHostPort(r.addr)
	raw := filepath.Join(r.dir, "raw")
	if c.raw != "" {
		err = errors.Join(err, os.WriteFile(raw, []byte(c.raw), 0o644))
	}
	fill := strings.NewReplacer("{addr}", r.addr, "{host}", host, "{port}", port, "{closed}", closedPort, "{raw}", raw, "{out}", r.out(), "{timeout}", c.timeout.String())
	for _, arg := range c.args {
		args = append(args, fill.Replace(arg))
	}
	return args, err
}

// out is the file to which -o writes.
func (r *clientRun) out() string { return filepath.Join(r.dir, "out") }

// A stand is the server of one run: it plays the script on each connection, and notes
// in the run what comes.
type stand struct {
	script
	ln      *net.TCPListener
	client  *process
	all     chan bool // closed when as many connections are there as the script holds
	serving sync.WaitGroup

	mu    sync.Mutex
	run   *clientRun
	asked time.Time // when the first request had come
}

func (s *stand) accept() {
	for {
		conn, err := s.ln.AcceptTCP()
		if err != nil {
			return // the run is over
		}
		if s.run.connections++; s.run.connections == max(1, s.hold) {
			close(s.all)
		}
		s.serving.Go(func() {
			select {
			case <-s.all:
			case <-s.client.Done():
			}
			s.serve(conn)
		})
	}
}

// finish waits until each connection of a client that has ended is served. They are
// accepted in the order in which they were made: when one that is made now is closed,
// there are no others.
func (s *stand) finish() {
	if last, err := exchange.Dial(s.run.addr); err == nil {
		last.CloseWrite()
		io.Copy(io.Discard, last)
		last.Close()
		defer func() { s.run.connections-- }()
	}
	s.ln.Close()
	s.serving.Wait() // each connection has a deadline
}

// serve plays the script on one connection.
func (s *stand) serve(conn *net.TCPConn) {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(s.patience))
	var request, rest []byte
	var err error     // it shows in what the client prints
	var due time.Time // for what is sent next: pauses that were too long are made up for
	send := func(text string, pause time.Duration) bool {
		due = due.Add(pause)
		time.Sleep(max(time.Until(due), min(pause, time.Millisecond)))
		_, err = io.WriteString(conn, text)
		s.note(nil, time.Since(due))
		return err == nil
	}
	drip := func(text string) bool {
		for i := 0; i < len(text) && err == nil; i++ { // the stimulus: a segment for each byte
			send(text[i:i+1], max(s.pause, time.Millisecond))
		}
		return err == nil
	}
	for _, answer := range s.answers {
		request, rest, err = readRequest(conn, rest)
		s.note(request, 0)
		due = time.Now()
		if err != nil || s.bytewise && !drip(answer) || !s.bytewise && !send(answer, 0) {
			return
		}
	}
	if s.big > 0 && !s.sendBig(conn) || !send(s.later, s.pause) || !drip(s.drip) {
		return
	}
	switch s.then {
	case "reset":
		conn.SetLinger(0) // makes Close send RST
	case "open":
		<-s.client.Done()
	default:
		conn.CloseWrite()
		if !s.resets {
			io.Copy(io.Discard, conn) // until the client closes
			return
		}
		after := make([]byte, 4096)
		if n, _ := conn.Read(after); n > 0 {
			s.mu.Lock()
			s.run.after = string(after[:n])
			s.mu.Unlock()
			conn.SetLinger(0)
		}
	}
}

// note takes note of a request, and of how late something was sent.
func (s *stand) note(request []byte, lag time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.run.lag = max(s.run.lag, lag)
	if len(request) > 0 {
		if s.run.requests == nil {
			s.asked = time.Now()
		}
		s.run.requests = append(s.run.requests, string(request))
	}
}

// sendBig sends so much that the client cannot hold it unseen, and looks at its memory
// before and when it has read nearly all of it.
func (s *stand) sendBig(conn net.Conn) bool {
	peak := func() int64 {
		bytes, _ := launch.PeakMemory(s.client.Process.Pid) // the case needs a system that tells
		return bytes
	}
	before, block := peak(), bytes.Repeat([]byte("0123456789abcdef"), 6250)
	for left := s.big; left > 0; left -= len(block) {
		if left == len(block) {
			s.mu.Lock()
			s.run.growth = max(s.run.growth, peak()-before)
			s.mu.Unlock()
		}
		if _, err := conn.Write(block); err != nil {
			return false
		}
	}
	return true
}

// readRequest reads a request's head. rest is what came behind the one before.
func readRequest(conn net.Conn, rest []byte) (request, more []byte, err error) {
	buf := make([]byte, 4096)
	for {
		for _, empty := range []string{"\r\n\r\n", "\n\n"} {
			if end := bytes.Index(rest, []byte(empty)) + len(empty); end >= len(empty) {
				return rest[:end], rest[end:], nil
			}
		}
		n, err := conn.Read(buf)
		rest = append(rest, buf[:n]...)
		if err != nil {
			return rest, nil, err
		}
	}
}

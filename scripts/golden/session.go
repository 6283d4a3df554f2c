package golden

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"weblab.example/scripts/internal/exchange"
	"weblab.example/scripts/internal/launch"
	"weblab.example/scripts/internal/verdict"
)

// A session has the programs under test, one for each set of flags: they are
// started when a check first asks for them.
type session struct {
	ctx       context.Context
	program   Program
	site      *site
	seed      uint64
	unwritten *gaps
	reached   atomic.Bool // a server has accepted a connection
	learned   experience
	fixed     bool      // a foreign server listens where it likes
	tried     bool      // one has been started: from then on it is known that it can be
	turns     chan bool // as many as may be taken at once
	mu        sync.Mutex
	running   map[string]*target // by turn
}

// A target is what a check works with.
type target struct {
	*session
	addr   string // of the server; "" when there is none
	dir    string // that it serves, as it says
	proc   *process
	said   string             // by a program in another language, until a check failed
	ending string             // and how it had ended, if it had
	line   string             // of its source, where it says that it failed
	seeded bool               // random has been called
	habits []*verdict.Failure // of the answers, which browsers forgive
	begun  time.Time          // when a foreign server was started, where the system does not tell when it listens
}

func openSession(ctx context.Context, program Program, seed uint64) (*session, error) {
	if err := intact(); err != nil {
		return nil, program.trouble("%v", err)
	}
	site, err := layOut(program)
	if err != nil {
		return nil, program.trouble("%v", err)
	}
	unwritten := &gaps{texts: map[string]string{}}
	s := &session{ctx: ctx, program: program, site: site, seed: seed, unwritten: unwritten, running: map[string]*target{}, turns: make(chan bool, 8)}
	if program.Foreign && len(program.Args) > 0 && !program.client() {
		if err := s.tryForeign(); err != nil {
			s.close()
			return nil, err
		}
	}
	return s, nil
}

// programs is how many programs with the same flags share a step's checks.
func (s *session) programs() int {
	if s.fixed {
		return 1 // there is but one port
	}
	return 4
}

// random is a source that the seed begins anew for each check.
func (t *target) random() *rand.Rand {
	t.seeded = true
	return rand.New(rand.NewPCG(t.seed, 0))
}

func (s *session) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.running {
		if t.proc != nil {
			t.proc.Kill()
		}
	}
	s.site.remove()
}

// noServer among the flags means that a check starts the program itself.
const noServer = "no server"

// take returns the server that runs for this turn. One that has died is
// started again: that costs the check which saw it, not those after it.
func (s *session) take(turn string, flags []string) (*target, error) {
	if s.program.Foreign && len(flags) > 0 && !(s.program.client() && slices.Contains(flags, noServer)) {
		return nil, notHere("this program has none of the kit's flags")
	}
	if slices.Contains(flags, noServer) {
		return &target{session: s}, nil
	}
	s.mu.Lock()
	t := s.running[turn]
	s.mu.Unlock()
	if t != nil && t.ended(0) == "" {
		return t, nil
	}
	t, err := s.serve(flags...)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running[turn] = t
	return t, nil
}

// drop ends the server that runs for this turn.
func (s *session) drop(turn string) {
	s.mu.Lock()
	t := s.running[turn]
	s.mu.Unlock()
	if t != nil && t.proc != nil {
		t.proc.Kill()
	}
}

// serve starts a server on a free port.
func (s *session) serve(flags ...string) (*target, error) {
	switch {
	case s.program.Foreign && len(s.program.Args) == 0:
		return &target{session: s, addr: s.program.Addr}, nil
	case s.program.Foreign:
		return s.serveForeign()
	}
	all := append([]string{"-addr", "127.0.0.1:0", "-root", s.site.dir}, flags...)
	proc, addr, dir, err := s.startServer(all...)
	if err == nil {
		if _, _, bad := net.SplitHostPort(addr); bad != nil {
			err = verdict.Failf("not-announced", "the program says that it listens on %q: %v", addr, bad)
		}
	}
	if err != nil {
		proc.Kill()
		return nil, err
	}
	return &target{session: s, addr: addr, dir: dir, proc: proc}, nil
}

// ended says how the program ended, or "" if it runs and goes on to. Where
// nobody listens on its port any more, it is about to end, and is waited for:
// on a busy machine the end of its connections is seen long before its own.
func (t *target) ended(within time.Duration) string {
	if t.proc == nil {
		return ""
	}
	_, err := t.proc.Wait(within)
	if err != nil && t.stopped() {
		_, err = t.proc.Wait(exchange.Patience)
	}
	if err != nil {
		return ""
	}
	return fmt.Sprintf("the program has ended: %v\n%s", t.proc.ProcessState, t.proc.stderr)
}

// stopped reports whether nobody listens on the port of a server that has listened. For
// one in another language only some systems tell.
func (t *target) stopped() bool {
	if !t.program.Foreign {
		return !t.listens()
	}
	at, err := launch.Listening(t.proc.Process.Pid)
	return err == nil && len(at) == 0
}

// listens reports whether somebody has the port of a server. A connection would
// tell as well, but the server would see it, and may not be ready for one that
// says nothing.
func (t *target) listens() bool {
	ln, err := net.Listen("tcp", t.addr)
	if err != nil {
		return true
	}
	ln.Close() // nobody has connected to it
	return false
}

package golden

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"weblab.example/scripts/internal/exchange"
	"weblab.example/scripts/internal/kit"
	"weblab.example/scripts/internal/launch"
)

// What it takes to check a program in any language: it knows no flag, does
// not say where it listens, and serves the directory that it is started in.

// startTime is how long such a program may take until it accepts. Nobody
// connects to try: an empty connection would end many a textbook server.
const startTime = 15 * time.Second

// client reports whether the program is a foreign client.
func (p Program) client() bool {
	return p.Foreign && strings.Contains(strings.Join(p.Args, " "), "{file}")
}

// fill replaces names in braces in the program's arguments.
func (p Program) fill(pairs ...string) Program {
	filled := p
	filled.Args = nil
	for _, arg := range p.Args {
		filled.Args = append(filled.Args, strings.NewReplacer(pairs...).Replace(arg))
	}
	return filled
}

// serveForeign starts a foreign server, or returns the one that runs already.
func (s *session) serveForeign() (*target, error) {
	addr := s.program.Addr
	if len(s.program.Args) == 0 {
		return &target{session: s, addr: addr}, nil
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		host = "localhost"
	}
	if s.programs() == 1 {
		if conn, err := net.DialTimeout("tcp", addr, exchange.Patience); err == nil {
			conn.Close()
			return nil, fmt.Errorf("%w: something else listens on %s already; end it, or choose another port", kit.ErrTrouble, addr)
		}
	}
	t := &target{session: s, addr: addr}
	t.restart = func() error {
		if s.programs() > 1 { // one that is free now; if it is taken first by another, the next start has the next
			if port, err = freePort(); err != nil {
				return err
			}
			t.addr = net.JoinHostPort(host, port)
		}
		t.proc, err = s.run(s.prepare(s.program.fill("{port}", port, "{root}", s.site.dir), &launch.Tail{}, nil))
		t.begun = time.Now()
		return err
	}
	if err := t.restart(); err != nil {
		return nil, err
	}
	return t, nil
}

// freePort finds a port that nobody uses now. It is not one that the system
// gives to connections: the program has yet to take it, and a connection that
// has it meanwhile would be in its way.
func freePort() (string, error) {
	const low, high, tries = 20_000, 32_000, 100
	var failed error
	for range tries {
		port := strconv.Itoa(low + rand.IntN(high-low))
		ln, err := net.Listen("tcp", ":"+port)
		if err == nil {
			return port, ln.Close()
		}
		failed = err
	}
	return "", failed
}

// starting reports whether a connection that was refused may be tried again:
// the program has only just been started. One that ended because the port of
// the program before it is not free again yet is started anew, for a minute:
// many servers do not set SO_REUSEADDR.
func (t *target) starting() bool {
	if t.restart == nil {
		return false
	}
	if t.ended(0) == "" {
		return time.Since(t.begun) < startTime
	}
	said := strings.ToLower(t.proc.stderr.String())
	if !strings.Contains(said, "in use") || time.Since(t.firstTried()) > 65*time.Second {
		return false
	}
	portLeft.Store(t.programs() == 1)
	time.Sleep(500 * time.Millisecond)
	return t.restart() == nil
}

// portLeft is set when a server was seen that cannot have its port again while
// connections of the server before it are in TIME-WAIT. From then on the
// checks leave no such connection behind: they close with a reset.
var portLeft atomic.Bool

// firstTried is when the program was first started for its port.
func (t *target) firstTried() time.Time {
	if t.tried.IsZero() {
		t.tried = time.Now()
	}
	return t.tried
}

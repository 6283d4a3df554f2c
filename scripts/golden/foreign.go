package golden

import (
	"cmp"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"weblab.example/scripts/internal/exchange"
	"weblab.example/scripts/internal/launch"
	"weblab.example/scripts/internal/verdict"
)

// What it takes to check a program in any language: it knows no flag, does
// not say where it listens, and serves the directory that it is started in.

// startTime is how long such a program may take until it listens. Nobody
// connects to try: an empty connection would end many a textbook server.
const startTime = 15 * time.Second

// client reports whether the program is a foreign client.
func (p Program) client() bool {
	return p.Foreign && strings.Contains(strings.Join(p.Args, " "), "{file}")
}

// has reports whether there is such a name in braces in the program's arguments.
func (p Program) has(name string) bool {
	return slices.ContainsFunc(p.Args, func(arg string) bool { return strings.Contains(arg, name) })
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

// tryForeign starts a foreign server for the first time. Whether it can be started, and
// listens on the port that it is given, is known from then on. That it cannot is told
// once, and is no result: the grader's machine may be the reason.
func (s *session) tryForeign() error {
	if addr := s.program.Addr; !s.program.has("{port}") && addr != "" {
		s.fixed = true
		if conn, err := net.DialTimeout("tcp", addr, exchange.Patience); err == nil {
			conn.Close()
			return s.program.trouble("something else listens on %s already; end it, or choose another port", addr)
		}
	}
	t, err := s.serveForeign()
	if err != nil {
		return err
	}
	s.tried = t.begun.IsZero() // else nobody knows yet whether it listens
	s.running["the only one"] = t
	return nil
}

// serveForeign starts a foreign server. A port that was free may be taken by another program
// before this one has it.
func (s *session) serveForeign() (t *target, err error) {
	for range 3 {
		if t, err = s.startForeign(); err == nil || s.fixed || !strings.Contains(strings.ToLower(err.Error()), "in use") {
			break
		}
	}
	return t, err
}

// startForeign starts a foreign server, and waits until it listens. The port that is free
// now is in its arguments, and on its standard input, for one that asks.
func (s *session) startForeign() (*target, error) {
	host, port, err := net.SplitHostPort(s.program.Addr)
	if err != nil {
		host = "localhost"
	}
	if err != nil || s.program.has("{port}") {
		if port, err = freePort(); err != nil {
			return nil, err
		}
	}
	proc := s.prepare(s.program.fill("{port}", port, "{root}", s.site.dir), &launch.Tail{}, nil)
	if proc, err = s.run(proc, port, "HelloWorld.html"); err != nil {
		return nil, err
	}
	t := &target{session: s, addr: net.JoinHostPort(host, port), proc: proc}
	for start := time.Now(); ; time.Sleep(2 * exchange.Pause) { // no system tells when it happens
		at, err := launch.Listening(proc.Process.Pid)
		if err != nil || s.program.poor {
			t.begun = start
			return t, nil // those who connect try again
		}
		if len(at) > 0 {
			t.found(at, port)
			return t, nil
		}
		if _, err := proc.Wait(0); err == nil || time.Since(start) > startTime {
			return nil, t.notStarted()
		}
	}
}

// found notes where a server listens: at the port that it was given, or elsewhere.
func (t *target) found(at []netip.AddrPort, given string) {
	i := slices.IndexFunc(at, func(a netip.AddrPort) bool { return strconv.Itoa(int(a.Port())) == given })
	addr := at[max(i, 0)]
	t.addr = addr.String()
	if ip := addr.Addr(); ip.IsUnspecified() || ip == netip.IPv6Loopback() || ip == netip.AddrFrom4([4]byte{127, 0, 0, 1}) {
		t.addr = net.JoinHostPort("localhost", strconv.Itoa(int(addr.Port())))
	}
	if i < 0 && !t.tried {
		t.fixed = true
		t.program.remark("the server listens on %s, whatever port it is given, and was asked there", addr)
	}
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

// starting reports whether a connection that was refused may be tried again: the program
// has only just been started, and this system does not tell when it listens.
func (t *target) starting() bool {
	return !t.begun.IsZero() && time.Since(t.begun) < startTime && t.ended(0) == ""
}

// hangUp closes a connection. Where the server has closed first, its port would stay taken
// for a minute (TIME-WAIT). Many servers do not set SO_REUSEADDR, and could not be started
// again on the only port that they have; a reset leaves nothing behind.
func (t *target) hangUp(conn *net.TCPConn) {
	if t.fixed {
		conn.SetReadDeadline(time.Now().Add(exchange.AMoment / 4))
		if _, err := io.Copy(io.Discard, conn); err == nil { // its end has come
			conn.SetLinger(0)
		}
	}
	conn.Close()
}

// notStarted says that a server never listened, with its own last line. One that has
// listened before has failed; of one that never has it is not known whose fault that is.
func (t *target) notStarted() error {
	what := fmt.Sprintf("it did not listen within %v", startTime)
	if _, err := t.proc.Wait(0); err == nil {
		what = fmt.Sprintf("it ended before it listened (%v)", t.proc.ProcessState)
	}
	t.proc.Kill()
	said := cmp.Or(strings.TrimSpace(t.proc.stderr.String()), strings.TrimSpace(t.proc.stdout.String()))
	line, where := lastWords(t.program.language(), said, t.program.owns)
	if line == "" {
		line = said[strings.LastIndexByte(said, '\n')+1:]
	}
	if t.tried {
		return verdict.Failf("not-accepting", "the server was started again, and %s\n%s", what, said)
	}
	if line != "" {
		what += fmt.Sprintf(". It says: %.200s", line)
	}
	if source := t.program.sourceLine(where); source != "" {
		what += fmt.Sprintf(" (%s: %.100s)", where, source)
	}
	return t.program.trouble("the server could not be started: %s.%s", what, verdict.Remedy(said))
}

// sourceLine is a line of a program's source, by the name that a traceback gives it.
func (p Program) sourceLine(where string) string {
	file, number, _ := strings.Cut(where, ":")
	n, err := strconv.Atoi(number)
	text, readErr := os.ReadFile(p.find(file))
	if err != nil || readErr != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if n--; n == 0 {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

package golden

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
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

// serveForeign starts a foreign server.
func (s *session) serveForeign() (*target, error) {
	t := &target{session: s}
	server := &launch.Foreign{Args: s.program.Args, Root: s.site.dir, Addr: s.program.Addr, Blind: s.program.poor, Prepare: func(args []string) *launch.Cmd {
		p := s.program
		p.Args = args
		t.proc = s.prepare(p, &launch.Tail{}, nil)
		return t.proc.Cmd
	}}
	err := server.Start()
	t.addr = server.Addr
	var silent *launch.NotListening
	switch {
	case errors.As(err, &silent):
		return nil, t.notStarted(silent)
	case t.proc == nil:
		return nil, err // there is no free port
	case err != nil:
		return nil, s.started(err, t.proc)
	case !server.Listens:
		t.begun = time.Now()
	case server.Elsewhere != "" && !t.tried:
		t.fixed = true
		t.program.remark("the server listens on %s, whatever port it is given, and was asked there", server.Elsewhere)
	}
	return t, nil
}

// starting reports whether a connection that was refused may be tried again: the program
// has only just been started, and this system does not tell when it listens.
func (t *target) starting() bool {
	return !t.begun.IsZero() && time.Since(t.begun) < 3*exchange.Patience && t.ended(0) == ""
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
func (t *target) notStarted(silent error) error {
	what := "it " + silent.Error()
	said := cmp.Or(strings.TrimSpace(t.proc.stderr.String()), strings.TrimSpace(t.proc.stdout.String()))
	line, where := t.program.language().LastWords(said, t.program.owns)
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

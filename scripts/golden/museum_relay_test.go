//go:build kit

package golden

import (
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"weblab.example/scripts/internal/verdict"
)

// A wrong server of the museum is a right one with a relay in front of it: the
// relay passes bytes, ends and resets on in both directions, and bends them as
// the mistake says. So it is right in everything else.

// A mistake is a server that students write.
type mistake struct {
	name      string
	stage     int    // 1 or 2; 0 is both
	first     string // the check that fails first
	diagnosis string
	says      string // a part of Why, where that matters
	sees      string // a part of Seen, where that matters

	// when says which connections the mistake can touch, by the flags of the
	// server, what the client sent, and the right answer. Nil is all of them,
	// or with answer those whose answer it bends. Checks without such a
	// connection need not be run.
	when func(u use) bool

	// How it is wrong; one of these, or nothing but another program.
	answer  func(v *visit, answer []byte) []byte // whole answers are sent like this instead
	visit   func(v *visit)                       // each connection is served like this
	inLoop  func(v *visit)                       // this is done before the next one is accepted
	flags   func(flags []string) []string        // the right program gets these flags
	stderr  func(line string) string             // its standard error looks like this
	process string                               // the program runs in another one, see processes
	binary  string                               // another stage's folder
	calm    bool                                 // it depends on how fast it is: grade it when others are done
	alone   bool                                 // it touches checks that start a program of their own
}

// A use is a connection as a check made it.
type use struct {
	flags  []string
	sent   string // by the client
	answer []byte // by the right server, when that has ended it
}

func (u use) line() string {
	line, _, _ := strings.Cut(u.sent, "\n")
	return strings.TrimSuffix(line, "\r")
}

func (u use) has(flag string) bool { return slices.Contains(u.flags, flag) }

// A relay is between the checks and one server.
type relay struct {
	mistake
	lab     *lab
	flags   []string
	backend string // where the right server listens
	ln      net.Listener
	note    func(use) // each connection, when it is over

	mu     sync.Mutex
	visits map[*visit]bool

	// What a mistake keeps from one connection to the next.
	shared  sync.Map
	offers  chan offer
	lock    sync.Mutex
	stopped chan struct{} // closed when the right server accepts no more
}

// An offer is an answer to be taken for another.
type offer struct {
	answer []byte
	back   chan []byte
}

// A visit is one connection of a client.
type visit struct {
	*relay
	client, server *net.TCPConn

	mu    sync.Mutex
	got   []byte // from the client
	right []byte // the right answer, or its beginning
}

// touches reports whether the mistake can touch a connection.
func (m mistake) touches(u use) bool {
	if m.when == nil && m.answer != nil {
		v := &visit{relay: &relay{flags: u.flags}, got: []byte(u.sent), right: u.answer}
		return !bytes.Equal(m.answer(v, bytes.Clone(u.answer)), u.answer)
	}
	return m.when == nil || m.when(u)
}

// program is the program that makes this mistake. With shared, that is the
// server behind its relays.
func (m mistake) program(binary string, shared *rightServer, note func(use)) Program {
	p := Program{Args: []string{binary}, noSite: shared != nil}
	if m.process != "" {
		self, err := os.Executable()
		if err != nil {
			panic(err)
		}
		p = Program{Args: []string{self, binary}, Env: []string{museumEnv + "=" + m.process}}
	}
	if m.flags != nil || m.stderr != nil {
		p.Confine = func(cmd *exec.Cmd) {
			if m.flags != nil {
				cmd.Args = m.flags(slices.Clone(cmd.Args))
			}
			if m.stderr != nil {
				cmd.Stderr = &lines{to: cmd.Stderr, edit: m.stderr}
			}
		}
	}
	if m.answer != nil || m.visit != nil || m.inLoop != nil || note != nil {
		p.serve = func(ls *labs, flags []string) (*lab, error) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return nil, err
			}
			l, over := &lab{labs: ls}, ls.ctx.Done()
			r := &relay{mistake: m, lab: l, flags: flags, ln: ln, note: note, visits: map[*visit]bool{}, offers: make(chan offer), stopped: make(chan struct{})}
			if shared != nil {
				r.backend, err = shared.addr(flags)
			} else if l, err = ls.serveProgram(flags...); err == nil {
				r.lab, r.backend, over = l, l.addr, l.proc.done
			}
			if err != nil {
				ln.Close()
				return nil, err
			}
			l.addr = ln.Addr().String()
			go r.loop()
			go func() {
				<-over
				r.close()
			}()
			return l, nil
		}
	}
	return p
}

// A rightServer is shared by mistakes that bend nothing but answers, in checks
// that change no file: one concurrent program for each set of flags, because
// to start one for each check would take most of the museum's time.
type rightServer struct {
	mu   sync.Mutex
	labs *labs
}

func (s *rightServer) addr(flags []string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.labs.take(strings.Join(flags, " "), flags)
	if err != nil {
		return "", err
	}
	return l.addr, nil
}

// lines edits what is written line by line.
type lines struct {
	to   io.Writer
	edit func(string) string
}

func (l *lines) Write(p []byte) (int, error) { // slog writes whole lines
	for line := range strings.Lines(string(p)) {
		io.WriteString(l.to, l.edit(line)) // a tail never fails
	}
	return len(p), nil
}

func (r *relay) loop() {
	for {
		conn, err := r.ln.Accept()
		if err != nil {
			return
		}
		v := &visit{relay: r, client: conn.(*net.TCPConn)}
		r.mu.Lock()
		r.visits[v] = true
		r.mu.Unlock()
		if !v.dial() { // here, so that the right server sees the same order
			v.end()
			return
		}
		if r.inLoop != nil {
			r.inLoop(v)
		}
		go func() {
			defer v.end()
			switch {
			case r.visit != nil:
				r.visit(v)
			case r.answer != nil:
				v.passBent(r.answer)
			default:
				v.pass()
			}
		}()
	}
}

// close ends the relay, after its server.
func (r *relay) close() {
	r.ln.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	for v := range r.visits {
		v.client.Close()
	}
}

// die ends the right server, as a crash of its own would, and the relay.
func (r *relay) die() {
	r.lab.proc.kill()
	r.close()
}

func (v *visit) end() {
	v.client.Close()
	if v.server != nil {
		v.server.Close()
	}
	v.relay.mu.Lock()
	delete(v.visits, v)
	v.relay.mu.Unlock()
	if v.note != nil {
		v.note(v.use())
	}
}

func (v *visit) use() use {
	v.mu.Lock()
	defer v.mu.Unlock()
	return use{v.flags, string(v.got), v.right}
}

// dial connects to the right server. One that accepts no more is stopping:
// then neither does the relay.
func (v *visit) dial() bool {
	conn, err := net.Dial("tcp", v.backend)
	if err != nil {
		v.ln.Close()
		close(v.stopped) // the loop is over, so this is the only time
		return false
	}
	v.server = conn.(*net.TCPConn)
	return true
}

func reset(c *net.TCPConn) {
	c.SetLinger(0) // fails when it is closed already
	c.Close()
}

// pass passes everything on.
func (v *visit) pass() {
	up := make(chan struct{})
	go func() {
		defer close(up)
		v.up()
	}()
	v.down()
	<-up
}

// up passes on what the client sends.
func (v *visit) up() { v.upAs(func(p []byte) []byte { return p }) }

func (v *visit) upAs(bend func([]byte) []byte) {
	buf := make([]byte, 64<<10)
	for {
		n, err := v.client.Read(buf)
		v.mu.Lock()
		if len(v.got) < 64<<10 {
			v.got = append(v.got, buf[:n]...)
		}
		v.mu.Unlock()
		if n > 0 {
			if _, err := v.server.Write(bend(buf[:n])); err != nil {
				reset(v.client)
				return
			}
		}
		switch {
		case err == io.EOF:
			v.server.CloseWrite() // if it is open still
			return
		case err != nil:
			reset(v.server)
			return
		}
	}
}

// down passes on what the server sends, and returns its number of bytes.
func (v *visit) down() { v.downTo(1 << 40) }

// downTo passes on that many bytes.
func (v *visit) downTo(most int) {
	buf := make([]byte, 64<<10)
	for most > 0 {
		n, err := v.server.Read(buf[:min(len(buf), most)])
		most -= n
		if n > 0 {
			if v.note != nil && len(v.right) < 2<<20 {
				v.mu.Lock()
				v.right = append(v.right, buf[:n]...)
				v.mu.Unlock()
			}
			if _, err := v.client.Write(buf[:n]); err != nil {
				reset(v.server)
				return
			}
		}
		switch {
		case err == io.EOF:
			v.client.CloseWrite() // if it is open still
			return
		case err != nil:
			reset(v.client)
			return
		}
	}
}

// passBent passes on what the client sends, and bends whole answers: what
// comes until the server closes. On a connection that may stay open only what
// the mistake touches is waited for.
func (v *visit) passBent(bend func(*visit, []byte) []byte) {
	up := make(chan struct{})
	go func() {
		defer close(up)
		v.up()
	}()
	v.bent(bend)
	<-up
}

func (v *visit) bent(bend func(*visit, []byte) []byte) {
	const most = 2 << 20 // of a longer answer, the beginning is bent
	var answer []byte
	buf := make([]byte, 64<<10)
	n, err := v.server.Read(buf)
	touched := func() bool { return v.when == nil || v.when(v.use()) }
	whole := !slices.Contains(v.flags, "-keep-alive") || touched()
	for answer = append(answer, buf[:n]...); whole && err == nil && len(answer) < most; answer = append(answer, buf[:n]...) {
		n, err = v.server.Read(buf)
	}
	v.mu.Lock()
	v.right = bytes.Clone(answer)
	v.mu.Unlock()
	if touched() {
		answer = bend(v, answer)
	}
	if len(answer) > 0 {
		if _, err := v.client.Write(answer); err != nil {
			reset(v.server)
			return
		}
	}
	switch {
	case err == io.EOF:
		v.client.CloseWrite()
	case err != nil:
		reset(v.client)
	default:
		v.down()
	}
}

// read reads from the client once.
func (v *visit) read() error {
	buf := make([]byte, 64<<10)
	n, err := v.client.Read(buf)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.got = append(v.got, buf[:n]...)
	return err
}

// headEnds reports whether a head is whole.
func headEnds(sent string) bool {
	s := string(verdict.ToLF([]byte(sent)))
	return strings.Contains(strings.TrimLeft(s, "\n"), "\n\n")
}

// goOn passes on what was read already, and then everything.
func (v *visit) goOn() {
	v.client.SetReadDeadline(time.Time{})
	if _, err := v.server.Write([]byte(v.use().sent)); err != nil {
		reset(v.client)
		return
	}
	v.pass()
}

// say sends an answer that is the mistake's own, and closes gracefully.
func (v *visit) say(answer []byte) {
	if _, err := v.client.Write(answer); err != nil {
		return // the client left
	}
	v.client.CloseWrite()
	v.client.SetReadDeadline(time.Now().Add(time.Second))
	io.Copy(io.Discard, v.client)
}

package launch

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// foreignTime is how long a server in any language may take until it listens. Nobody connects
// to try: an empty connection would end many a textbook server.
const foreignTime = 15 * time.Second

// A Foreign is a server in any language. It knows none of the kit's flags, and does not say
// where it listens.
type Foreign struct {
	Args    []string // the program and its arguments; {port} and {root} in them are replaced
	Root    string   // what {root} stands for
	Addr    string   // host:port where it listens, if {port} does not say so; after Start, where it is
	Prepare func(args []string) *Cmd
	Blind   bool // for a test: as on a system that does not tell where a program listens

	*Cmd             // after Start
	Listens   bool   // as the system tells; where none does, those who connect try again
	Elsewhere string // where it listens, if not at the port that it was given
}

// A NotListening is the error of a server that ran, and never listened.
type NotListening struct{ What string }

func (e *NotListening) Error() string { return e.What }

// HasPort reports whether the arguments of a server say where it listens.
func (f *Foreign) HasPort() bool {
	return slices.ContainsFunc(f.Args, func(arg string) bool { return strings.Contains(arg, "{port}") })
}

// Start starts the server, and waits until it listens. A port that was free may be taken by
// another program before this one has it: then it is started again.
func (f *Foreign) Start() (err error) {
	given := f.Addr
	for range 3 {
		f.Addr = given
		if err = f.start(); err == nil || f.Cmd == nil || !f.HasPort() || !strings.Contains(strings.ToLower(fmt.Sprint(f.Stderr)), "in use") {
			break
		}
	}
	return err
}

// start starts the server once. The port that is free now is in its arguments, and on its
// standard input, for one that asks.
func (f *Foreign) start() error {
	host, port, err := net.SplitHostPort(f.Addr)
	if err != nil {
		host = "localhost"
	}
	if err != nil || f.HasPort() {
		if port, err = FreePort(); err != nil {
			return err
		}
	}
	f.Addr = net.JoinHostPort(host, port)
	var args []string
	for _, arg := range f.Args {
		args = append(args, strings.NewReplacer("{port}", port, "{root}", f.Root).Replace(arg))
	}
	f.Cmd = f.Prepare(args)
	if err := f.StartAsked(port, "HelloWorld.html"); err != nil {
		return err
	}
	for start := time.Now(); ; time.Sleep(2 * time.Millisecond) { // no system tells when it happens
		at, err := Listening(f.Process.Pid)
		if err != nil || f.Blind {
			return nil
		}
		if len(at) > 0 {
			f.found(at, port)
			return nil
		}
		if _, runs := f.Wait(0); runs == nil || time.Since(start) > foreignTime {
			return f.NotListening()
		}
	}
}

// NotListening ends a program that has never listened, and says how that was.
func (c *Cmd) NotListening() error {
	_, runs := c.Wait(0)
	late := runs != nil || c.ctx.Err() != nil
	c.Kill()
	if late {
		return &NotListening{fmt.Sprintf("did not listen within %v", foreignTime)}
	}
	return &NotListening{fmt.Sprintf("ended before it listened (%v)", c.ProcessState)}
}

// StartAsked starts a program with answers to what it may ask for on its standard input,
// which stays open: one that reads on waits, as it does at a terminal.
func (c *Cmd) StartAsked(answers ...string) error {
	input, err := c.StdinPipe() // closed when the program has ended
	if err == nil {
		_, err = io.WriteString(input, strings.Join(answers, "\n")+"\n") // the pipe holds it
	}
	if err != nil {
		return err
	}
	return c.Start()
}

// found notes where the server listens: at the port that it was given, or elsewhere.
func (f *Foreign) found(at []netip.AddrPort, given string) {
	i := slices.IndexFunc(at, func(a netip.AddrPort) bool { return strconv.Itoa(int(a.Port())) == given })
	addr := at[max(i, 0)]
	f.Addr, f.Listens = addr.String(), true
	if i < 0 {
		f.Elsewhere = f.Addr
	}
	if ip := addr.Addr(); ip.IsUnspecified() || ip == netip.IPv6Loopback() || ip == netip.AddrFrom4([4]byte{127, 0, 0, 1}) {
		f.Addr = net.JoinHostPort("localhost", strconv.Itoa(int(addr.Port())))
	}
}

// FreePort finds a port that nobody uses now. It is not one that the system
// gives to connections: the program has yet to take it, and a connection that
// has it meanwhile would be in its way.
func FreePort() (string, error) {
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

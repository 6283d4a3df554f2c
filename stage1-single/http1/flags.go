package http1

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// stopGrace is how long the answers under way may take once the server is
// asked to stop.
const stopGrace = 5 * time.Second

// Options are what the command line of both servers says.
type Options struct {
	Addr        string
	Root        string
	KeepAlive   bool
	HeadTimeout time.Duration
	IdleTimeout time.Duration
	Stall       time.Duration
	Linger      time.Duration
	LogFormat   string
	Verbose     bool
	Experiments
}

// ExitAtGap is deferred, first thing, by the main of every stage. A function
// that is not written yet panics with a text that says so: the program prints
// that line and ends with status 3. Any other panic goes on as it was.
func ExitAtGap() {
	switch p := recover().(type) {
	case nil:
	case string:
		fmt.Fprintln(os.Stderr, p)
		os.Exit(3)
	default:
		panic(p)
	}
}

// ParseFlags adds the servers' flags to fs and parses the command line. Wrong
// use ends the program with status 2.
func ParseFlags(fs *flag.FlagSet) Options {
	var o Options
	fs.StringVar(&o.Addr, "addr", "localhost:6789", "`host:port` to listen on; :6789 publishes on every interface, port 0 picks a free one")
	fs.StringVar(&o.Root, "root", "", "`directory` to serve (default the kit's stage1-single/www)")
	fs.BoolVar(&o.KeepAlive, "keep-alive", false, "keep connections open for more requests")
	fs.DurationVar(&o.HeadTimeout, "head-timeout", 5*time.Second, "how long a request's head may take")
	fs.DurationVar(&o.IdleTimeout, "idle-timeout", 5*time.Second, "how long a connection kept open may be silent")
	fs.DurationVar(&o.Stall, "stall", 30*time.Second, "how long a client may take no byte of an answer")
	fs.DurationVar(&o.Linger, "linger", time.Second, "how long to read and drop before a close; 0 closes at once")
	fs.StringVar(&o.LogFormat, "log", "text", "log `format`: text, json or off")
	fs.BoolVar(&o.Verbose, "v", false, "print each request's head as it came, quoted")
	o.Experiments.addFlags(fs)
	fs.Parse(os.Args[1:]) // fs exits on an error by itself
	switch {
	case fs.NArg() > 0:
		WrongUse(fs, "unexpected argument %q", fs.Arg(0))
	case o.LogFormat != "text" && o.LogFormat != "json" && o.LogFormat != "off":
		WrongUse(fs, "-log is text, json or off, not %q", o.LogFormat)
	case o.HeadTimeout <= 0 || o.IdleTimeout <= 0 || o.Stall <= 0:
		WrongUse(fs, "-head-timeout, -idle-timeout and -stall must be more than 0")
	case o.Linger < 0:
		WrongUse(fs, "-linger must not be less than 0")
	}
	if _, _, err := net.SplitHostPort(o.Addr); err != nil {
		WrongUse(fs, "-addr is host:port, such as localhost:6789, not %q", o.Addr)
	}
	if err := o.Experiments.check(); err != nil {
		WrongUse(fs, "%v", err)
	}
	return o
}

// WrongUse says what is wrong with the command line and ends the program with
// status 2.
func WrongUse(fs *flag.FlagSet, format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s: %s (-h lists the flags)\n", fs.Name(), fmt.Sprintf(format, args...))
	os.Exit(2)
}

// Listen opens the site and the listening socket. From then on clients can
// connect: the system queues them until Accept.
func Listen(o Options) (*Server, net.Listener, error) {
	leaveProcessors()
	if o.Root == "" {
		var err error
		if o.Root, err = findSite(); err != nil {
			return nil, nil, err
		}
	}
	site, err := OpenSite(o.Root)
	if err != nil {
		return nil, nil, err
	}
	// No keep-alive probes (the system's, with no data): every wait has a limit of its own.
	config := net.ListenConfig{KeepAlive: -1}
	ln, err := config.Listen(context.Background(), "tcp", o.Addr)
	if isTaken(err) {
		return nil, nil, fmt.Errorf("%s is taken: a program listens there already, perhaps an earlier `go run` that still runs. "+
			"End it, or choose another port: -addr localhost:6790 (port 0 picks a free one)", o.Addr)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("cannot listen: %w", err)
	}
	if err := o.Experiments.listen(ln); err != nil {
		return nil, nil, err
	}
	return &Server{Options: o, Site: site, Log: newLogger(os.Stderr, o.LogFormat)}, ln, nil
}

// leaveProcessors uses half of the processors that there are. A request takes a
// few microseconds of this program, and as many of the system, which works for
// the network at the same time; and whoever asks may be on this machine, too.
// With a thread on every processor they push each other aside: lab-notes/performance.md
// has the figures. The environment's GOMAXPROCS says otherwise.
func leaveProcessors() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(max(1, runtime.GOMAXPROCS(0)/2))
	}
}

// findSite looks for the kit's own site in the working directory and above.
func findSite() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		site := filepath.Join(dir, "stage1-single", "www")
		if info, err := os.Stat(site); err == nil && info.IsDir() {
			return site, nil
		}
		above := filepath.Dir(dir)
		if above == dir {
			return "", errors.New("stage1-single/www is not here or above: say what to serve with -root DIRECTORY")
		}
		dir = above
	}
}

// isTaken reports whether listening failed because the port is in use.
func isTaken(err error) bool {
	const windowsAddrInUse = syscall.Errno(10048) // WSAEADDRINUSE
	return errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, windowsAddrInUse)
}

// Announce prints where the server listens.
func (s *Server) Announce(ln net.Listener) { fmt.Print(s.announcement(ln)) }

// announcement has the host as it was given, and the port that was picked.
func (s *Server) announcement(ln net.Listener) string {
	host, _, _ := net.SplitHostPort(s.Addr) // it was good enough to listen on
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return fmt.Sprintf("http://%s/ serves %s\n", net.JoinHostPort(host, port), s.Root)
}

// StopOnSignal closes the listener on Ctrl-C or SIGTERM, so that no further
// connection is accepted, and ends the context, so that those which wait for
// a request are let go. The answers under way have 5 seconds; a second signal
// ends the program at once.
func StopOnSignal(ln net.Listener) context.Context {
	ctx, stop := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		stop()
		ln.Close()
		select {
		case <-signals:
			os.Exit(1)
		case <-time.After(stopGrace):
			os.Exit(0)
		}
	}()
	return ctx
}

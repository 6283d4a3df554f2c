// Package rig holds the servers up, so that package http1 can be a story about
// HTTP. It is given: you need not read it.
//
//   - flags.go and listen.go: what the command line says, and where to listen
//   - conn.go and write.go: a connection that looks after its own time limits
//   - gaps.go: what a client gets while a step is not written yet; log.go: the log
package rig

import (
	"flag"
	"fmt"
	"net"
	"os"
	"time"
)

// Options are what the command line of both servers says.
type Options struct {
	Program, Addr, Root, LogFormat          string
	KeepAlive, Verbose                      bool
	HeadTimeout, IdleTimeout, Stall, Linger time.Duration

	// Experiments are only there to be looked at: they bend what a server does.
	Delay         time.Duration
	ContentLength string
	Date, Samples bool
	Backlog       int
}

// ParseFlags parses the command line. Wrong use ends the program with status 2.
func ParseFlags(fs *flag.FlagSet) Options {
	o := Options{Program: fs.Name()}
	fs.StringVar(&o.Addr, "addr", "localhost:6789", "`host:port` to listen on; :6789 publishes on every interface, port 0 picks a free one")
	fs.StringVar(&o.Root, "root", "", "`directory` to serve (default the kit's stage1-single/www)")
	fs.BoolVar(&o.KeepAlive, "keep-alive", false, "keep connections open for more requests")
	fs.DurationVar(&o.HeadTimeout, "head-timeout", 5*time.Second, "how long a request's head may take")
	fs.DurationVar(&o.IdleTimeout, "idle-timeout", 5*time.Second, "how long a connection kept open may be silent")
	fs.DurationVar(&o.Stall, "stall", 30*time.Second, "how long a client may take no byte of an answer")
	fs.DurationVar(&o.Linger, "linger", time.Second, "how long to read and drop before a close; 0 closes at once")
	fs.StringVar(&o.LogFormat, "log", "text", "log `format`: text, json or off")
	fs.BoolVar(&o.Verbose, "v", false, "print each request's head as it came, quoted")
	fs.DurationVar(&o.Delay, "delay", 0, "experiment: wait before each answer")
	fs.StringVar(&o.ContentLength, "content-length", "exact", "experiment: announce the `length` exact, none, short (12 less) or long (24 more)")
	fs.BoolVar(&o.Date, "date", false, "experiment: send Date, as RFC 9110 wants; without it the same request gets the same bytes every day")
	fs.IntVar(&o.Backlog, "backlog", -1, "experiment: length of the queue of connections not yet accepted; -1 is the system's own")
	fs.BoolVar(&o.Samples, "samples", false, "experiment: answer with samples of responses, whatever is asked; / lists them (step 1.2)")
	fs.Parse(os.Args[1:]) // fs exits on an error by itself
	if wrong := o.wrong(fs); wrong != "" {
		WrongUse(fs, "%s", wrong)
	}
	return o
}

// wrong says what is wrong with the options, or "".
func (o Options) wrong(fs *flag.FlagSet) string {
	_, _, err := net.SplitHostPort(o.Addr)
	switch {
	case fs.NArg() > 0:
		return fmt.Sprintf("unexpected argument %q", fs.Arg(0))
	case err != nil:
		return fmt.Sprintf("-addr is host:port, such as localhost:6789, not %q", o.Addr)
	case o.LogFormat != "text" && o.LogFormat != "json" && o.LogFormat != "off":
		return fmt.Sprintf("-log is text, json or off, not %q", o.LogFormat)
	case o.HeadTimeout <= 0 || o.IdleTimeout <= 0 || o.Stall <= 0:
		return "-head-timeout, -idle-timeout and -stall must be more than 0"
	case o.Linger < 0 || o.Delay < 0 || o.Backlog < -1:
		return "-linger and -delay must not be less than 0, -backlog not less than -1"
	case o.ContentLength != "exact" && o.ContentLength != "none" && o.ContentLength != "short" && o.ContentLength != "long":
		return fmt.Sprintf("-content-length is exact, none, short or long, not %q", o.ContentLength)
	}
	return ""
}

// WrongUse says what is wrong with the command line and ends the program.
func WrongUse(fs *flag.FlagSet, format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s: %s (-h lists the flags)\n", fs.Name(), fmt.Sprintf(format, args...))
	os.Exit(2)
}

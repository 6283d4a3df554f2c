package http1

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"time"
)

// Experiments are the flags that are only there to be looked at: they bend
// what a server does, so that one can see what it is good for. Only -date makes
// it better: RFC 9110 section 6.6.1 wants Date from a server with a clock. It
// is off so that the same request gets the same bytes every day.
type Experiments struct {
	Delay         time.Duration
	ContentLength string
	Date          bool
	Backlog       int
}

func (e *Experiments) addFlags(fs *flag.FlagSet) {
	fs.DurationVar(&e.Delay, "delay", 0, "experiment: wait before each answer")
	fs.StringVar(&e.ContentLength, "content-length", "exact", "experiment: announce the `length` exact, none, short (12 less) or long (24 more)")
	fs.BoolVar(&e.Date, "date", false, "experiment: send Date, as RFC 9110 wants; without it the same request gets the same bytes every day")
	fs.IntVar(&e.Backlog, "backlog", -1, "experiment: length of the queue of connections not yet accepted; -1 is the system's own")
}

func (e *Experiments) check() error {
	switch e.ContentLength {
	case "exact", "none", "short", "long":
	default:
		return fmt.Errorf("-content-length is exact, none, short or long, not %q", e.ContentLength)
	}
	if e.Delay < 0 || e.Backlog < -1 {
		return errors.New("-delay must not be less than 0, -backlog not less than -1")
	}
	return nil
}

// experiment waits, and bends a response that is about to be sent.
func (e *Experiments) experiment(resp *Response) {
	time.Sleep(e.Delay)
	if e.Date {
		resp.Date = imfFixdate(time.Now())
	}
	if resp.Status != 200 {
		return
	}
	switch e.ContentLength {
	case "none":
		resp.ContentLength = -1
	case "short":
		resp.ContentLength = max(0, resp.Size-12)
	case "long":
		resp.ContentLength = resp.Size + 24
	default: // exact
		return
	}
	resp.Connection = "close" // with a wrong length only the close can end the body
}

// imfFixdate is a time as it stands in Date (RFC 9110 section 5.6.7).
func imfFixdate(t time.Time) string { return t.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT") }

// listen sets the length of the listener's queue. A second listen(2) on a
// socket that listens already does just that, except on Windows.
func (e *Experiments) listen(ln net.Listener) error {
	if e.Backlog < 0 {
		return nil
	}
	raw, err := ln.(*net.TCPListener).SyscallConn()
	if err != nil {
		return fmt.Errorf("-backlog: %w", err)
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = listenAgain(fd, e.Backlog) }); err != nil {
		return fmt.Errorf("-backlog: %w", err)
	}
	if failed != nil {
		return fmt.Errorf("-backlog: %w", failed)
	}
	return nil
}

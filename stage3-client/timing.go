package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"weblab.example/stage1-single/rig"
)

// timedConn is a connection on which nothing waits for ever.
type timedConn struct {
	net.Conn
	each      time.Duration // how long a single read or write may wait
	section   bool          // the reads have one deadline together
	firstByte time.Time     // when it came
}

// connect opens a connection. After -max-time it is closed, whatever happens on
// it then: that gives net.ErrClosed.
func (c *client) connect() (*timedConn, error) {
	conn := &timedConn{each: c.timeout}
	dialer := net.Dialer{Timeout: c.timeout}
	if c.maxTime > 0 {
		dialer.Deadline = time.Now().Add(c.maxTime)
	}
	var err error
	if conn.Conn, err = dialer.Dial("tcp", c.addr); err != nil {
		return nil, fmt.Errorf("cannot connect to %s: %w (does a server listen there?)", c.addr, err)
	}
	if c.maxTime > 0 {
		time.AfterFunc(time.Until(dialer.Deadline), func() { conn.Close() }) // its error would change nothing
	}
	if c.verbose {
		fmt.Fprintf(os.Stderr, "* connected to %s from %s\n", conn.RemoteAddr(), conn.LocalAddr())
	}
	return conn, nil
}

// allWithin gives all reads that follow one deadline, until eachAnew.
func (c *timedConn) allWithin(d time.Duration) (eachAnew func()) {
	c.section = true
	c.SetReadDeadline(time.Now().Add(d)) // if it cannot, Read says why
	return func() { c.section = false }
}

func (c *timedConn) Read(p []byte) (int, error) {
	if !c.section {
		c.SetReadDeadline(time.Now().Add(c.each)) // the same
	}
	n, err := c.Conn.Read(p)
	if n > 0 && c.firstByte.IsZero() {
		c.firstByte = time.Now()
	}
	return n, err
}

func (c *timedConn) Write(p []byte) (int, error) {
	c.SetWriteDeadline(time.Now().Add(c.each)) // the same
	return c.Conn.Write(p)
}

// output counts what is written, keeps the error, and shows progress.
type output struct {
	to       io.Writer
	n        int64
	err      error
	start    time.Time // of the whole
	terminal bool      // standard error is one: show progress
	shown    time.Time // when progress was last shown
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.to.Write(p)
	o.n += int64(n)
	if err != nil {
		o.err = err
	}
	if now := time.Now(); o.terminal && now.Sub(o.start) > time.Second && now.Sub(o.shown) > 200*time.Millisecond {
		o.shown = now
		fmt.Fprintf(os.Stderr, "\r%.1f MB in %.0f s ", float64(o.n)/1e6, now.Sub(o.start).Seconds())
	}
	return n, err
}

// endProgress leaves the line on which progress was shown.
func (o *output) endProgress() {
	if !o.shown.IsZero() {
		fmt.Fprintln(os.Stderr)
	}
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// inParallel makes n connections at once, waits for all, and prints a line for
// each on standard error: what happened on it, and when.
func (c *client) inParallel(n int) error {
	start := time.Now()
	var failed atomic.Int64
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			events, err := c.timeline(start)
			if err != nil {
				failed.Add(1)
				events = append(events, err.Error())
			}
			fmt.Fprintf(os.Stderr, "connection %d: %s\n", i+1, strings.Join(events, ", "))
		})
	}
	all.Wait()
	if failed.Load() > 0 {
		return fmt.Errorf("%d of %d connections got no good answer", failed.Load(), n)
	}
	return nil
}

// timeline makes one connection and lists what happened on it, each with the
// time since start.
func (c *client) timeline(start time.Time) (events []string, err error) {
	defer rig.ExitAtGap() // it runs in a goroutine, where main's does not reach
	happened := func(what string, when time.Time) {
		events = append(events, fmt.Sprintf("%s %.1f ms", what, float64(when.Sub(start).Microseconds())/1000))
	}
	conn, err := c.connect()
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	happened("connected", time.Now())
	out := &output{to: io.Discard, start: start}
	err = c.exchange(conn, out)
	if !conn.firstByte.IsZero() {
		happened("first byte", conn.firstByte)
	}
	happened("end", time.Now())
	return append(events, fmt.Sprintf("%d bytes", out.n)), err
}

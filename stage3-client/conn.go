package main

import (
	"fmt"
	"net"
	"os"
	"time"
)

// timedConn is a connection on which nothing waits for ever.
type timedConn struct {
	net.Conn
	timeout time.Duration // for one read or write
	end     time.Time     // for everything; zero if there is no limit
	until   time.Time     // for what is being read now; zero: each read has the whole timeout

	firstByte time.Time // when it came
}

// connect opens a connection, under the time-out.
func (c *client) connect() (*timedConn, error) {
	conn := &timedConn{timeout: c.timeout}
	if c.maxTime > 0 {
		conn.end = time.Now().Add(c.maxTime)
	}
	var err error
	dialer := net.Dialer{Deadline: conn.deadline()}
	if conn.Conn, err = dialer.Dial("tcp", c.addr); err != nil {
		return nil, fmt.Errorf("cannot connect to %s: %w (does a server listen there?)", c.addr, err)
	}
	if c.verbose {
		fmt.Fprintf(os.Stderr, "* connected to %s from %s\n", conn.RemoteAddr(), conn.LocalAddr())
	}
	return conn, nil
}

// within gives all reads one deadline, until the function that it returns is called.
func (c *timedConn) within(d time.Duration) (done func()) {
	c.until = time.Now().Add(d)
	return func() { c.until = time.Time{} }
}

func (c *timedConn) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(c.deadline()); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(p)
	if n > 0 && c.firstByte.IsZero() {
		c.firstByte = time.Now()
	}
	return n, err
}

func (c *timedConn) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(c.deadline()); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

func (c *timedConn) deadline() time.Time {
	d := c.until
	if d.IsZero() {
		d = time.Now().Add(c.timeout)
	}
	if !c.end.IsZero() && c.end.Before(d) {
		d = c.end
	}
	return d
}

package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

var errMaxTime = errors.New("time out: it was not over within -max-time")

// timedConn is a connection on which nothing waits for ever.
type timedConn struct {
	net.Conn
	each time.Duration // the time-out of a single read or write, and of a section
	all  time.Time     // when everything must be over; zero if there is no such limit

	section   time.Time // when what is being read now must be whole, such as a head
	firstByte time.Time // when it came
}

// connect opens a connection, under the time-out.
func (c *client) connect() (*timedConn, error) {
	conn := &timedConn{each: c.timeout}
	if c.maxTime > 0 {
		conn.all = time.Now().Add(c.maxTime)
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

// allWithin gives all reads that follow one deadline, until eachAnew.
func (c *timedConn) allWithin(d time.Duration) { c.section = time.Now().Add(d) }

// eachAnew gives each read that follows the whole time-out again.
func (c *timedConn) eachAnew() { c.section = time.Time{} }

func (c *timedConn) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(c.deadline()); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(p)
	if n > 0 && c.firstByte.IsZero() {
		c.firstByte = time.Now()
	}
	return n, c.whichLimit(err)
}

func (c *timedConn) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(c.deadline()); err != nil {
		return 0, err
	}
	n, err := c.Conn.Write(p)
	return n, c.whichLimit(err)
}

// whichLimit tells the end of everything from that of one wait.
func (c *timedConn) whichLimit(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) && !c.all.IsZero() && !time.Now().Before(c.all) {
		return errMaxTime
	}
	return err
}

// deadline is the next one that counts.
func (c *timedConn) deadline() time.Time {
	d := c.section
	if d.IsZero() {
		d = time.Now().Add(c.each)
	}
	if !c.all.IsZero() && c.all.Before(d) {
		d = c.all
	}
	return d
}

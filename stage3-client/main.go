// Stage 3 is an HTTP client on a raw socket: it connects, sends a request,
// reads the response by the rules of RFC 9112 section 6.3, and prints it as
// it came. What it has to say itself goes to standard error.
//
// Read it in the order of an exchange: this file, request.go (the bytes that
// are sent), response.go (those that come), ending.go (what follows them, and
// what went wrong). flags.go, conn.go (time limits) and output.go can wait.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"weblab.example/stage1-single/rig"
)

func main() {
	defer rig.ExitAtGap()
	c := parseFlags()
	var err error
	if c.parallel > 0 {
		err = c.inParallel(c.parallel)
	} else {
		err = c.once()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "stage3-client:", err)
		os.Exit(1)
	}
}

// once makes one connection and prints what comes.
func (c *client) once() (err error) {
	conn, err := c.connect()
	if err != nil {
		return err
	}
	defer conn.Close()
	file := os.Stdout
	if c.outFile != "" {
		if file, err = os.Create(c.outFile); err != nil {
			return err
		}
		defer func() {
			if bad := file.Close(); err == nil {
				err = bad
			}
		}()
	}
	out := &output{to: file, start: time.Now(), terminal: isTerminal(os.Stderr)}
	defer out.endProgress()
	return c.exchange(conn, out)
}

// exchange sends the request and reads the response to it, as often as was
// asked for, on one connection.
func (c *client) exchange(conn *timedConn, out *output) error {
	r := &reader{conn: conn, in: bufio.NewReader(conn), out: out, bodyOnly: c.bodyOnly, verbose: c.verbose}
	err := c.ask(r, 1)
	if err == nil && c.requests > 1 {
		err = c.askAgain(r)
	}
	return err
}

// ask sends the i-th request on a connection and reads the response to it.
func (c *client) ask(r *reader, i int) error {
	if c.verbose {
		for line := range bytes.Lines(c.request) {
			fmt.Fprintf(os.Stderr, "> %q\n", line)
		}
	}
	_, sendErr := r.conn.Write(c.request)
	// Even if not all of it could be sent, there may be an answer.
	resp, err := r.readHead()
	if err == nil {
		err = c.readRest(r, resp)
	}
	switch {
	case r.out.err != nil:
		return fmt.Errorf("cannot write what came: %w", r.out.err)
	case resp == nil && isGone(err):
		return noAnswer(i, sendErr, err)
	case resp == nil && errors.Is(sendErr, os.ErrDeadlineExceeded):
		return errors.New("time out: the server did not take the request within -timeout, and did not answer")
	case isNetwork(err):
		return errors.New(trouble(err))
	case err != nil:
		return err
	case c.fail && resp.status >= 400:
		return fmt.Errorf("the status is %d", resp.status)
	}
	return nil
}

// askAgain sends the second request and those after it, c.requests in all, each
// when the response to the one before it has been read: r goes on where that
// ended. An error ends it, and is returned: what follows on the connection
// would be anybody's guess.
//
//lab:todo 3.6 send the other requests, one after another
func (c *client) askAgain(r *reader) error {
	for i := 2; i <= c.requests; i++ {
		if err := c.ask(r, i); err != nil {
			return err
		}
	}
	return nil
}

// inParallel makes n connections at once, each with a timeline in a goroutine,
// and waits for all. For each it prints a line on standard error when it is
// over: "connection", its number from 1 on, a colon, and its events separated
// by commas; an error is the last of them. The error says how many of the n
// connections had one.
//
//lab:todo 3.6 make n connections at once and print the timeline of each
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

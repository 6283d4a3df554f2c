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
)

func main() {
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
	for i := 1; i <= c.requests; i++ {
		if c.verbose {
			for line := range bytes.Lines(c.request) {
				fmt.Fprintf(os.Stderr, "> %q\n", line)
			}
		}
		_, sendErr := conn.Write(c.request)
		// Even if not all of it could be sent, there may be an answer.
		resp, err := r.readHead()
		switch {
		case err == nil:
			err = c.readRest(r, resp)
		case resp == nil && isGone(err):
			err = goneError(i, sendErr, err)
		}
		switch {
		case out.err != nil:
			return fmt.Errorf("cannot write what came: %w", out.err)
		case err != nil:
			return errors.New(trouble(err))
		case c.fail && resp.status >= 400:
			return fmt.Errorf("the status is %d", resp.status)
		}
	}
	return nil
}

// inParallel makes n connections at once and says for each what happened when.
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

// Stage 3 is an HTTP client on a raw socket: it connects, sends a request,
// reads the response, and prints it as it came. Its own messages go
// to standard error.
//
// Read it in the order of an exchange: this file, request.go (the bytes that
// are sent), response.go (the bytes that come). protocol.go has what HTTP
// promises beside a page, strict.go what a client refuses that trusts nobody.
// Nobody has to read the other files: flags.go, lines.go, timing.go, words.go.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
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
	resp, err := r.receive(c.method)
	if err == nil {
		err = c.lookBehind(r, resp)
	}
	switch {
	case r.out.err != nil:
		return fmt.Errorf("cannot write what came: %w", r.out.err)
	case resp == nil:
		return noAnswer(i, sendErr, err)
	case err == nil && c.fail && resp.status >= 400:
		return fmt.Errorf("the status is %d", resp.status)
	}
	return err
}

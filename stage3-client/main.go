// Stage 3 is an HTTP client on a raw socket: it connects, sends a request,
// reads the response by the rules of RFC 9112 section 6.3, and prints it as
// it came. What it has to say itself goes to standard error.
//
// Read it in the order of an exchange: this file, request.go, response.go.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A client is what the command line asks for.
type client struct {
	bodyOnly, verbose, fail bool
	timeout, maxTime        time.Duration
	requests                int // on each connection

	addr    string // host:port
	request []byte
	method  string
	closes  bool // the request says that the connection ends after it
}

func main() {
	flags := flag.NewFlagSet("stage3-client", flag.ExitOnError)
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "usage: stage3-client [flags] [host port file | http://host:port/file]")
		flags.PrintDefaults()
	}
	wrongUse := func(err error) {
		fmt.Fprintf(os.Stderr, "stage3-client: %v (-h lists the flags)\n", err)
		os.Exit(2)
	}
	var c client
	var extra []string
	flags.BoolVar(&c.bodyOnly, "body", false, "print the body alone, without chunked coding")
	outFile := flags.String("o", "", "write to this `file` instead of standard output")
	flags.BoolVar(&c.verbose, "v", false, "say on standard error what is sent and what comes")
	head := flags.Bool("head", false, "ask with HEAD: for the head alone")
	rawFile := flags.String("raw", "", "send this `file` as the request, as it is")
	flags.Func("H", "a `field` such as 'Accept: text/html'; takes the place of one with that name", func(line string) error {
		extra = append(extra, line)
		return checkField(line)
	})
	flags.IntVar(&c.requests, "n", 1, "requests on one connection")
	connections := flags.Int("p", 0, "connections at once; their bodies are counted, not printed")
	flags.DurationVar(&c.timeout, "timeout", 10*time.Second, "for connecting, for a whole head, for each wait for the body")
	flags.DurationVar(&c.maxTime, "max-time", 0, "for everything; 0 is no limit")
	flags.BoolVar(&c.fail, "fail", false, "exit 1 on a status of 400 or more")
	flags.Parse(os.Args[1:]) // exits on an error by itself

	to, err := parseArgs(flags.Args())
	switch {
	case err != nil:
		wrongUse(err)
	case c.requests < 1 || *connections < 0 || c.timeout <= 0 || c.maxTime < 0:
		wrongUse(errors.New("-n and -timeout must be more than 0, -p and -max-time not less"))
	case *connections > 0 && *outFile != "":
		wrongUse(errors.New("-p prints no body, so there is nothing to write to -o"))
	case *rawFile != "" && (*head || len(extra) > 0):
		wrongUse(errors.New("-raw sends the file as it is, so -head and -H have no effect"))
	}
	c.addr = net.JoinHostPort(to.host, to.port)
	c.method = "GET"
	if *head {
		c.method = "HEAD"
	}
	c.request = buildRequest(c.method, to, c.requests > 1, extra)
	if *rawFile != "" {
		if c.request, err = os.ReadFile(*rawFile); err != nil {
			wrongUse(err)
		}
		c.method, _, _ = strings.Cut(string(c.request), " ")
	}
	c.closes = saysClose(c.request)

	if *connections > 0 {
		c.bodyOnly = true
		err = c.inParallel(*connections)
	} else {
		err = c.once(*outFile)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "stage3-client:", err)
		os.Exit(1)
	}
}

// once makes one connection and prints what comes.
func (c *client) once(outFile string) (err error) {
	conn, err := c.connect()
	if err != nil {
		return err
	}
	defer conn.Close()
	file := os.Stdout
	if outFile != "" {
		if file, err = os.Create(outFile); err != nil {
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
		if err == nil {
			err = c.readRest(r, resp)
		} else if resp == nil && isGone(err) {
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

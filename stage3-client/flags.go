package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"weblab.example/stage1-single/http1"
)

// A client is what the command line asks for.
type client struct {
	bodyOnly, verbose, fail bool
	timeout, maxTime        time.Duration
	requests                int    // on each connection
	parallel                int    // connections at once; 0 is one, whose response is printed
	outFile                 string // "" is standard output

	addr         string // host:port
	method       string
	request      []byte
	requestsLast bool // the request says that the connection ends after it
}

// parseFlags reads the command line. Wrong use ends the program with status 2.
func parseFlags() *client {
	flags := flag.NewFlagSet("stage3-client", flag.ExitOnError)
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "usage: stage3-client [flags] [host port file | http://host:port/file]\n"+
			"Without arguments it is localhost 6789 HelloWorld.html.")
		flags.PrintDefaults()
	}
	var c client
	var extra []string
	flags.BoolVar(&c.bodyOnly, "body", false, "print the body alone, without chunked coding")
	flags.StringVar(&c.outFile, "o", "", "write to this `file` instead of standard output")
	flags.BoolVar(&c.verbose, "v", false, "say on standard error what is sent and what comes")
	head := flags.Bool("head", false, "ask with HEAD: for the head alone")
	rawFile := flags.String("raw", "", "send this `file` as the request, as it is")
	flags.Func("H", "a `field` such as 'Accept: text/html'; takes the place of the one with that name that would be sent anyway", func(line string) error {
		extra = append(extra, line)
		return checkField(line)
	})
	flags.IntVar(&c.requests, "n", 1, "requests on one connection")
	flags.IntVar(&c.parallel, "p", 0, "connections at once; their bodies are counted, not printed")
	flags.DurationVar(&c.timeout, "timeout", 10*time.Second, "for connecting, for a whole head, for each wait for the body")
	flags.DurationVar(&c.maxTime, "max-time", 0, "for everything; 0 is no limit")
	flags.BoolVar(&c.fail, "fail", false, "exit 1 on a status of 400 or more")
	flags.Parse(os.Args[1:]) // exits on an error by itself

	to, err := parseArgs(flags.Args())
	switch {
	case err != nil:
	case c.requests < 1 || c.parallel < 0 || c.timeout <= 0 || c.maxTime < 0:
		err = errors.New("-n and -timeout must be more than 0, -p and -max-time not less")
	case c.parallel > 0 && c.outFile != "":
		err = errors.New("-p prints no body, so there is nothing to write to -o")
	case *rawFile != "" && (*head || len(extra) > 0):
		err = errors.New("-raw sends the file as it is, so -head and -H have no effect")
	case *rawFile != "":
		c.request, err = os.ReadFile(*rawFile)
		line, _, _ := bytes.Cut(bytes.TrimSpace(c.request), []byte("\n")) // not all of it: the file may be large
		if words := strings.Fields(string(line)); len(words) > 0 {
			c.method = words[0]
		}
	default:
		c.method = "GET"
		if *head {
			c.method = "HEAD"
		}
		c.request = []byte(buildRequest(c.method, to, c.requests > 1, extra))
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "stage3-client: %v (-h lists the flags)\n", err)
		os.Exit(2)
	}
	c.addr = net.JoinHostPort(to.host, to.port)
	c.requestsLast = saysClose(c.request)
	c.bodyOnly = c.bodyOnly || c.parallel > 0
	return &c
}

// checkField refuses a -H that is no field line.
func checkField(line string) error {
	if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		return fmt.Errorf("a control character in -H %q", line)
	}
	_, err := http1.ParseField(line)
	return err
}

// saysClose finds out whether a request ends the connection. It reads the
// request's own bytes: with -H and -raw they may say anything.
func saysClose(request []byte) bool {
	first, rest, _ := bytes.Cut(bytes.TrimLeft(request, "\r\n"), []byte("\n"))
	var fields []http1.Field
	for line := range bytes.Lines(rest) {
		f, err := http1.ParseField(strings.TrimRight(string(line), "\r\n"))
		if err != nil {
			break // the empty line, or a mistake that somebody sends on purpose
		}
		fields = append(fields, f)
	}
	return isLast(bytes.Contains(first, []byte("HTTP/1.0")), fields)
}

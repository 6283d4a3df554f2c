package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"syscall"
	"time"

	"weblab.example/stage1-single/http1"
)

// saysClose finds out whether a request ends the connection. It reads the
// request's own bytes: with -H and -raw they may say anything.
func saysClose(request []byte) bool {
	first, rest, _ := bytes.Cut(request, []byte("\n"))
	var fields []http1.Field
	for line := range bytes.SplitSeq(rest, []byte("\n")) {
		f, err := http1.ParseField(bytes.TrimSuffix(line, []byte("\r")))
		if err != nil {
			break // the empty line, or a mistake that somebody sends on purpose
		}
		fields = append(fields, f)
	}
	return isLast(bytes.Contains(first, []byte("HTTP/1.0")), fields)
}

// isLast reports whether a message says that the connection ends after it:
// with Connection: close, or in HTTP/1.0 by not saying keep-alive (RFC 9112
// section 9.3).
func isLast(version10 bool, fields []http1.Field) bool {
	options := http1.List(fields, "Connection")
	return slices.Contains(options, "close") || version10 && !slices.Contains(options, "keep-alive")
}

// readRest reads what follows a head: the body, and when the connection is
// to end, whatever may come after it. Nothing should.
func (c *client) readRest(r *reader, resp *response) error {
	n, err := r.readBody(resp, c.method)
	if isReset(err) {
		return fmt.Errorf("%w after %d bytes of the body: %s", errEndedEarly, n, trouble(err))
	}
	if err != nil {
		return err
	}
	extra := int64(r.in.Buffered())
	if c.requestsLast || isLast(resp.minor == 0, resp.fields) {
		const atMost, upTo = time.Second, 64 << 10
		r.conn.allWithin(atMost)
		extra, err = io.CopyN(io.Discard, r.in, upTo)
		r.conn.eachAnew()
		if isReset(err) {
			fmt.Fprintln(os.Stderr, "stage3-client: note: the response is complete, then came:", trouble(err))
		}
	}
	if extra > 0 {
		return fmt.Errorf("%d bytes came after the end of the response: the message was longer than it said", extra)
	}
	return nil
}

// goneError says how it was seen that there is no connection any more, for
// the i-th request on it.
func goneError(i int, sendErr, err error) error {
	seen := trouble(err)
	if err == io.EOF {
		seen = "end of the stream before a status line: the server has closed the connection (FIN)"
	}
	if isGone(sendErr) {
		seen = trouble(sendErr)
	}
	if i == 1 {
		return fmt.Errorf("no answer; %s", seen)
	}
	return fmt.Errorf("no answer to request %d; %s. A server may close after any answer, and says so with Connection: close; "+
		"keep-alive in a request is only a wish (RFC 9112 section 9.3)", i, seen)
}

// trouble puts into words what ended a connection.
func trouble(err error) string {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "time out: no byte came for too long (-timeout, -max-time)"
	case isReset(err):
		return "connection reset: the server's system sent RST (Windows calls it 10054)"
	case isBrokenPipe(err):
		return "broken pipe: the connection was reset (RST) before this was sent"
	}
	return err.Error()
}

// isGone reports whether an error says that there is no connection any more.
func isGone(err error) bool { return err == io.EOF || isReset(err) || isBrokenPipe(err) }

// Windows has error numbers of its own: WSAECONNRESET, and WSAECONNABORTED
// for what is a broken pipe elsewhere.
func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.Errno(10054))
}

func isBrokenPipe(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.Errno(10053))
}

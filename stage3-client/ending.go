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
	first, rest, _ := bytes.Cut(bytes.TrimLeft(request, "\r\n"), []byte("\n"))
	var fields []http1.Field
	for line := range bytes.SplitSeq(rest, []byte("\n")) {
		f, err := http1.ParseField(string(bytes.TrimSuffix(line, []byte("\r"))))
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
	if _, err := r.readBody(resp, c.method); err != nil {
		return err
	}
	extra, atLeast := int64(r.in.Buffered()), ""
	if c.requestsLast || isLast(resp.minor == 0, resp.fields) {
		const atMost, upTo = time.Second, 64 << 10
		r.conn.allWithin(atMost)
		n, err := io.CopyN(io.Discard, r.in, upTo)
		r.conn.eachAnew()
		if isReset(err) {
			fmt.Fprintln(os.Stderr, "stage3-client: note: the response is complete, then came:", trouble(err))
		}
		if extra = n; n == upTo {
			atLeast = "at least "
		}
	}
	if extra > 0 {
		return tooLong(extra, atLeast)
	}
	return nil
}

// tooLong is the error of a response after whose end more bytes came: how many,
// behind the words atLeast, which are empty unless it was given up to count
// them. It says "bytes" and that the message was longer than it said.
//
//lab:todo 3.5 say how many bytes came after the end of the response
func tooLong(extra int64, atLeast string) error {
	return fmt.Errorf("%s%d bytes came after the end of the response: the message was longer than it said", atLeast, extra)
}

// cutShort turns an error of the connection in the middle of a response into
// one that says what had come by then. Other errors, and nil, stay as they are.
func cutShort(err error, format string, args ...any) error {
	if !isNetwork(err) {
		return err
	}
	return endedEarly(err, fmt.Sprintf(format, args...))
}

// endedEarly is the error of a response that is not whole. It begins with
// "ended early", says what had come, and what was seen then: that the server
// closed, if err is io.EOF, and else the trouble.
//
//lab:todo 3.5 say that a response ended early, what came of it, and how it ended
func endedEarly(err error, came string) error {
	how := "then the server closed"
	if err != io.EOF {
		how = trouble(err)
	}
	return fmt.Errorf("ended early: %s; %s", came, how)
}

// noAnswer is the error of the i-th request on a connection that is gone: no
// byte of an answer came.
func noAnswer(i int, sendErr, err error) error {
	seen := howGone(sendErr, err)
	if i == 1 {
		return fmt.Errorf("no answer; %s", seen)
	}
	return onlyAWish(i, seen)
}

// howGone says how it was seen that there is no connection any more. err is the
// error of reading the head: io.EOF is the end of the stream before a status
// line, which means that the server has closed the connection and sent a FIN;
// any other is trouble. If the request could not even be sent, because sendErr
// says that the connection is gone (isGone), that is what was seen first, and
// err does not matter.
//
//lab:todo 3.5 say how it was seen that the connection is gone
func howGone(sendErr, err error) string {
	switch {
	case isGone(sendErr):
		return trouble(sendErr)
	case err == io.EOF:
		return "end of the stream before a status line: the server has closed the connection (FIN)"
	}
	return trouble(err)
}

// onlyAWish is the error of a request after the first that found no connection
// any more. It says which one ("request 2"), what was seen, and why nobody has
// done wrong: a server may close after any answer, and says so in its Connection
// field; keep-alive in a request is a wish (RFC 9112 section 9.3).
//
//lab:todo 3.6 say which request had no connection any more, and why that may be
func onlyAWish(i int, seen string) error {
	return fmt.Errorf("no answer to request %d; %s. A server may close after any answer, and says so with Connection: close; "+
		"keep-alive in a request is only a wish (RFC 9112 section 9.3)", i, seen)
}

// trouble puts into words what ended a connection:
//
//   - os.ErrDeadlineExceeded: a time-out; nothing came within -timeout
//   - isReset: a reset; the server's system sent RST, which Windows calls 10054
//   - isBrokenPipe: a reset (RST) too, that came before this was sent
//   - any other is said as it is
//
//lab:todo 3.5 put a time-out, a reset and a broken pipe into words
func trouble(err error) string {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "time out: what should have come did not come within -timeout"
	case isReset(err):
		return "connection reset: the server's system sent RST (Windows calls it 10054)"
	case isBrokenPipe(err):
		return "broken pipe: the connection was reset (RST) before this was sent"
	}
	return err.Error()
}

// isGone reports whether an error says that there is no connection any more.
func isGone(err error) bool { return err == io.EOF || isReset(err) || isBrokenPipe(err) }

// isNetwork reports whether an error is the connection's, and not one of what
// came on it.
func isNetwork(err error) bool {
	return isGone(err) || errors.Is(err, os.ErrDeadlineExceeded) || err == errMaxTime
}

// Windows has error numbers of its own: WSAECONNRESET, and WSAECONNABORTED
// for what is a broken pipe elsewhere.
func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.Errno(10054))
}

func isBrokenPipe(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.Errno(10053))
}

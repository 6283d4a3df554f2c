package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"weblab.example/stage1-single/http1"
)

// This file has what HTTP promises beside a page: interim responses, bodies whose
// length nobody knows in advance, ends that are wrong, and more than one request
// on a connection.

// isInterim reports whether another response to the same request follows (RFC
// 9110 section 15.2). None follows 101: what comes then is no longer HTTP.
func (resp *response) isInterim() bool { return resp.status < 200 && resp.status != 101 }

// finalHead is called when the head of an interim response has come. It reads
// heads with r.readHead, and returns the first that is not isInterim:
//
//	100 Continue came, and 103 Early Hints, 200 OK come → 200 OK
//
//lab:todo 3.4 an interim response (1xx) came: read on until the final one
func (r *reader) finalHead() (*response, error) {
	for {
		if resp, err := r.readHead(); err != nil || !resp.isInterim() {
			return resp, err
		}
	}
}

// isCoded reports whether Transfer-Encoding says how the body is sent. HTTP/1.0
// has no such field (RFC 9112 section 6.1).
func (resp *response) isCoded() bool {
	return resp.minor > 0 && len(http1.List(resp.fields, "Transfer-Encoding")) > 0
}

// readCoded reads a body for which Transfer-Encoding lists the codings, and
// returns how many bytes of it came (RFC 9112 section 6.3):
//
//	gzip, chunked  → the last one is chunked: readChunked
//	chunked, gzip  → all that comes until the server closes
//
//lab:todo 3.4 the response has a Transfer-Encoding: read the body by it
func (r *reader) readCoded(resp *response) (int64, error) {
	codings := http1.List(resp.fields, "Transfer-Encoding")
	if codings[len(codings)-1] == "chunked" {
		return r.readChunked()
	}
	return io.Copy(r.out, r.in)
}

// readChunked reads a chunked body and returns how many bytes of it came (RFC
// 9112 section 7.1):
//
//	"5\r\nhello\r\n" + "6;x=y\r\n world\r\n" + "0\r\n" + "\r\n" → "hello world"
//
// A size is hexadecimal. After it spaces, tabs, and an extension may follow,
// which begins with ";" and means nothing here. The last chunk has the size 0.
// r.chunkLine returns the line of a size, and the line behind the data, which must
// be empty. The data may be larger than the memory. r.readTrailer reads
// what follows the last chunk. An error of reading is returned as it is.
//
//lab:todo 3.4 a chunked body came: read chunk after chunk
func (r *reader) readChunked() (total int64, err error) {
	for {
		line, err := r.chunkLine()
		if err != nil {
			return total, err
		}
		digits, _, _ := strings.Cut(line, ";")
		size, err := strconv.ParseUint(strings.TrimRight(digits, " \t"), 16, 63)
		if err != nil {
			return total, fmt.Errorf("%.60q is not the size of a chunk, after %d bytes of the body", line, total)
		}
		if size == 0 {
			return total, r.readTrailer()
		}
		n, err := io.CopyN(r.out, r.in, int64(size))
		total += n
		if err == nil {
			line, err = r.chunkLine()
		}
		if err != nil {
			return total, err
		}
		if line != "" {
			return total, fmt.Errorf("a chunk goes on after its %d bytes, with %.60q", size, line)
		}
	}
}

// endedEarly is the error of a response that is not whole:
//
//	io.EOF, "12 of 36 bytes came" → "ended early: 12 of 36 bytes came; then the server closed"
//
// After any other error than io.EOF its words are those of trouble(err).
//
//lab:todo 3.5 the response ended early: say what came of it, and how it ended
func endedEarly(err error, came string) error {
	how := "then the server closed"
	if err != io.EOF {
		how = trouble(err)
	}
	return fmt.Errorf("ended early: %s; %s", came, how)
}

// chunkLine reads a line of the chunked coding.
func (r *reader) chunkLine() (string, error) {
	defer r.begin("a line of the chunked coding")()
	return r.readLine()
}

// readTrailer reads the fields behind a chunked body. They are not the head's.
func (r *reader) readTrailer() error {
	defer r.begin("the trailer section")()
	_, err := r.readFields()
	return err
}

// isLast reports whether a message says that the connection ends after it:
// with Connection: close, or in HTTP/1.0 by not saying keep-alive (RFC 9112
// section 9.3).
func isLast(version10 bool, fields []http1.Field) bool {
	options := http1.List(fields, "Connection")
	return slices.Contains(options, "close") || version10 && !slices.Contains(options, "keep-alive")
}

// lookBehind looks for bytes behind a response. When the connection is to end,
// it waits for the end. Otherwise it looks at what has come already.
func (c *client) lookBehind(r *reader, resp *response) error {
	extra, atLeast := int64(r.in.Buffered()), ""
	if c.requestsLast || isLast(resp.minor == 0, resp.fields) {
		const atMost, upTo = time.Second, 64 << 10
		end := r.conn.allWithin(atMost)
		n, err := io.CopyN(io.Discard, r.in, upTo)
		end()
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

// tooLong is the error of a response that goes on after its end:
//
//	12, ""           → "12 bytes came after the end of the response: ..."
//	65536, "at least " → the same, after the words "at least "
//
//lab:todo 3.5 more bytes came than the response announced: say how many
func tooLong(extra int64, atLeast string) error {
	return fmt.Errorf("%s%d bytes came after the end of the response: the message was longer than it said", atLeast, extra)
}

// howGone says how the client saw that there is no connection any more:
//
//	sendErr is one of isGone  → trouble(sendErr): it was seen first
//	err is io.EOF             → the end of the stream before a status line: a FIN came
//	any other err             → trouble(err)
//
// sendErr is the error of sending the request, err that of reading the head.
//
//lab:todo 3.5 no answer came: say how it was seen that the connection is gone
func howGone(sendErr, err error) string {
	switch {
	case isGone(sendErr):
		return trouble(sendErr)
	case err == io.EOF:
		return "end of the stream before a status line: the server has closed the connection (FIN)"
	}
	return trouble(err)
}

// askAgain sends the second request and those after it, c.requests in all. It
// sends each with c.ask(r, i) when the response to the one before has been read.
// The first error ends it: what follows on the connection is anybody's guess.
//
//lab:todo 3.6 -n is more than 1: send the other requests, one after another
func (c *client) askAgain(r *reader) error {
	for i := 2; i <= c.requests; i++ {
		if err := c.ask(r, i); err != nil {
			return err
		}
	}
	return nil
}

// onlyAWish is the error of a later request that found no connection any more.
// It says which one ("request 2"), what was seen, and why nobody has made a
// mistake: keep-alive in a request is a wish, and a server may close after any
// answer, which it says with Connection: close (RFC 9112 section 9.3).
//
//lab:todo 3.6 a later request found no connection: say which one, and why that may be
func onlyAWish(i int, seen string) error {
	return fmt.Errorf("no answer to request %d; %s. A server may close after any answer, and says so with Connection: close; "+
		"keep-alive in a request is only a wish (RFC 9112 section 9.3)", i, seen)
}

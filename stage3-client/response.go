package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"weblab.example/stage1-single/http1"
)

// Limits on what has no end otherwise: the server may be hostile. Those in
// bytes are of what has to be held in memory.
const (
	maxHead      = 256 << 10 // all field lines of a head, or of a trailer section
	lineCost     = 32        // what a field line counts beside its bytes: each takes memory of its own
	maxChunkLine = 4 << 10   // a chunk's size and its extensions
	maxInterim   = 100       // interim responses before the final one
)

// A reader takes responses off a connection, and writes to out what comes:
// every octet, or with bodyOnly the body without its chunked coding.
type reader struct {
	conn     *timedConn
	in       *bufio.Reader
	out      *output
	bodyOnly bool
	verbose  bool
}

// A response is the head of a response (RFC 9112 section 4).
type response struct {
	minor  int // of HTTP/1.x
	status int
	fields []http1.Field
}

// readHead reads a response's head, and before it up to maxInterim interim
// ones, such as 100 Continue, with a status of 1xx (RFC 9110 section 15.2).
// One more of them is an error that says how many came: they are printed, and
// without a limit nothing but the time would end them. 101 is none of them: what
// follows it is no longer HTTP. One deadline is for all of it:
// r.conn.allWithin before, with r.conn.each, and eachAnew after.
//
// readOneHead reads one, and its error is passed on together with what it
// returned. Only where the connection ends (isNetwork) after an interim
// response and before the first byte of another, there is something to add:
// the response is then not nil, and the error is made by cutShort.
//
//lab:todo 3.2 pass over the 1xx responses, return the final one
func (r *reader) readHead() (*response, error) {
	r.conn.allWithin(r.conn.each)
	defer r.conn.eachAnew()
	for interim := 0; interim <= maxInterim; interim++ {
		resp, err := r.readOneHead()
		if resp == nil && interim > 0 && isNetwork(err) {
			return &response{}, cutShort(err, "an interim response came, but no final one")
		}
		if err != nil || resp.status >= 200 || resp.status == 101 {
			return resp, err
		}
	}
	return nil, fmt.Errorf("%d interim responses (status 1xx) came, and no final one", maxInterim+1)
}

// readOneHead reads a status line, the field lines, and the empty line. The
// response is nil when nothing came at all.
func (r *reader) readOneHead() (*response, error) {
	line, err := r.readLine(maxHead, "the status line")
	if err != nil && len(line) == 0 {
		return nil, err // there is no connection any more, or no answer in time
	}
	if err != nil {
		return &response{}, cutShort(err, "inside the status line")
	}
	resp, ok := parseStatusLine(string(line))
	if !ok {
		return nil, fmt.Errorf("the response does not begin with a status line such as HTTP/1.1 200 OK, but with %.60q", line)
	}
	if resp.fields, err = r.readFields(); err != nil {
		err = cutShort(err, "inside the head, before the empty line that ends it")
	}
	return resp, err
}

// parseStatusLine reads the first line of a response (RFC 9112 section 4):
//
//	status-line  = HTTP-version SP status-code SP [ reason-phrase ]
//	HTTP-version = "HTTP/" DIGIT "." DIGIT
//	status-code  = 3DIGIT
//
// Good is HTTP/1 with any minor version of one digit, and a status from 100
// on; else ok is false. The reason phrase is for people: it may be anything, and
// it may be missing together with the space before it.
//
//lab:todo 3.2 take the status line apart: minor version, status
func parseStatusLine(line string) (resp *response, ok bool) {
	version, rest, _ := strings.Cut(line, " ")
	code, _, _ := strings.Cut(rest, " ")
	minor, isHTTP1 := strings.CutPrefix(version, "HTTP/1.")
	m, err1 := strconv.ParseUint(minor, 10, 8)
	status, err2 := strconv.ParseUint(code, 10, 16)
	ok = isHTTP1 && len(minor) == 1 && err1 == nil && len(code) == 3 && status >= 100 && err2 == nil
	return &response{minor: int(m), status: int(status)}, ok
}

// readFields reads field lines up to the empty line that ends them, in all at
// most maxHead bytes, and each line counts lineCost more: what is left is the
// limit of the next readLine, to which it is "the section of field lines", and
// whose error is passed on. A line that begins with a space or a tab continues the one
// before it, and is joined to it by a space (RFC 9112 section 5.2); before the
// first field it continues nothing. http1.ParseField reads a whole line, and
// its error is told as one of the response.
//
//lab:todo 3.2 read field lines, join the folded ones, parse each
func (r *reader) readFields() ([]http1.Field, error) {
	var lines [][]byte
	for left := maxHead; ; {
		line, err := r.readLine(left, "the section of field lines")
		if err != nil {
			return nil, err
		}
		if len(line) == 0 {
			break
		}
		left -= len(line) + lineCost
		if last := len(lines) - 1; last >= 0 && (line[0] == ' ' || line[0] == '\t') {
			lines[last] = append(append(lines[last], ' '), line...)
			continue
		}
		lines = append(lines, line)
	}
	var fields []http1.Field
	for _, line := range lines {
		f, err := http1.ParseField(string(line))
		if err != nil {
			return nil, fmt.Errorf("in the response: %w", err)
		}
		fields = append(fields, f)
	}
	return fields, nil
}

// readBody reads a response's body from r.in, copies it to r.out as it comes,
// and returns how many bytes of it came. How long it is, RFC 9112 section 6.3
// says; the first rule that fits counts:
//
//   - A Content-Length that says nothing is an error, even where there is no
//     body, but not beside a Transfer-Encoding, which counts instead of it.
//   - No body has the answer to HEAD, nor a status of 1xx, 204 or 304, nor a 2xx
//     to CONNECT: after that it is a tunnel, and no HTTP any more.
//   - Transfer-Encoding: if its last coding is chunked, readChunked, else all
//     that comes until the server closes. HTTP/1.0 has no Transfer-Encoding
//     (section 6.1): there it does not count.
//   - Content-Length: that many bytes.
//   - Otherwise all that comes until the server closes.
//
// An error goes through cutShort, with the words for how much had come: "12 of
// 36 bytes came" where the length is known, else "12 bytes came", and for chunks
// also that it was not the end.
//
//lab:todo 3.3 read as many bytes of body as the head says
func (r *reader) readBody(resp *response, method string) (n int64, err error) {
	var codings []string
	if resp.minor > 0 {
		codings = http1.List(resp.fields, "Transfer-Encoding")
	}
	length, err := resp.contentLength()
	switch {
	case err != nil && len(codings) == 0:
		return 0, err
	case method == "HEAD" || resp.status < 200 || resp.status == 204 || resp.status == 304:
		return 0, nil
	case method == "CONNECT" && resp.status < 300:
		return 0, nil
	case len(codings) > 0 && codings[len(codings)-1] == "chunked":
		n, err = r.readChunked()
		return n, cutShort(err, "%d bytes came, but not the end of the chunked body", n)
	case len(codings) > 0 || length < 0:
		n, err = io.Copy(r.out, r.in)
		return n, cutShort(err, "%d bytes came", n)
	}
	n, err = io.CopyN(r.out, r.in, length)
	return n, cutShort(err, "%d of %d bytes came", n, length)
}

// contentLength is the Content-Length, in bytes, and below 0 without one. The
// same number more than once, in a list (with spaces or tabs around it) or in
// two fields, counts once. Different numbers are an error, and so is what is not
// digits alone, or more than an int64 holds (RFC 9110 section 8.6). The error
// names the field and quotes at most 60 characters of its value.
//
//lab:todo 3.3 read Content-Length: digits, the same number each time
func (resp *response) contentLength() (length int64, err error) {
	length = -1
	for _, f := range resp.fields {
		if !f.Is("Content-Length") {
			continue
		}
		for item := range strings.SplitSeq(f.Value, ",") {
			n, err := strconv.ParseUint(strings.Trim(item, " \t"), 10, 63)
			if err != nil || length >= 0 && length != int64(n) {
				return 0, fmt.Errorf("the Content-Length %.60q does not say how long the body is", f.Value)
			}
			length = int64(n)
		}
	}
	return length, nil
}

// readChunked reads a chunked body and returns how many bytes of chunk-data
// came (RFC 9112 section 7.1):
//
//	chunked-body = *chunk last-chunk trailer-section CRLF
//	chunk        = chunk-size [ chunk-ext ] CRLF chunk-data CRLF
//	chunk-size   = 1*HEXDIG
//	last-chunk   = 1*("0") [ chunk-ext ] CRLF
//
// readChunkLine reads the lines. An extension begins with ";" and is passed
// over; spaces and tabs may stand before it, but nothing before the digits.
// The data is copied from r.in to r.out as it comes: a chunk may be larger than
// the memory. Nothing but its line end stands behind it. readFields reads the
// trailer section and the empty line, with one deadline for all of it, as
// readHead does; trailer fields are not the head's.
//
// An error of reading is returned as it is: readBody knows what to say of it.
// Any other names the chunk and quotes at most 60 characters of the line: the server
// may be hostile.
//
//lab:todo 3.4 read chunk after chunk, up to the trailer section
func (r *reader) readChunked() (total int64, err error) {
	for {
		line, err := r.readChunkLine()
		if err != nil {
			return total, err
		}
		digits, _, _ := strings.Cut(string(line), ";")
		size, badSize := strconv.ParseUint(strings.TrimRight(digits, " \t"), 16, 63)
		if badSize != nil {
			return total, fmt.Errorf("%.60q is not the size of a chunk, after %d bytes of the body", line, total)
		}
		if size == 0 {
			r.conn.allWithin(r.conn.each)
			defer r.conn.eachAnew()
			_, err := r.readFields()
			return total, err
		}
		n, err := io.CopyN(r.out, r.in, int64(size))
		total += n
		if err != nil {
			return total, err
		}
		if line, err = r.readChunkLine(); err == nil && len(line) > 0 {
			err = fmt.Errorf("a chunk goes on after its %d bytes, with %.60q", size, line)
		}
		if err != nil {
			return total, err
		}
	}
}

// readChunkLine reads a line of the chunked coding, under a deadline.
func (r *reader) readChunkLine() ([]byte, error) {
	r.conn.allWithin(r.conn.each)
	defer r.conn.eachAnew()
	return r.readLine(maxChunkLine, "a line of the chunked coding")
}

// readLine reads one line and returns it without its line end: CRLF, or the
// bare LF of textbook servers. If the stream ends before, the error is io.EOF,
// and if the line has more than limit bytes, one that names what is too long.
func (r *reader) readLine(limit int, what string) ([]byte, error) {
	var line []byte
	for {
		piece, err := r.in.ReadSlice('\n')
		line = append(line, piece...)
		if !r.bodyOnly {
			r.out.Write(piece) // output keeps its error
		}
		switch {
		case len(line) > limit:
			return line, fmt.Errorf("%s is too long for this client", what)
		case err == nil:
			if r.verbose {
				fmt.Fprintf(os.Stderr, "< %q\n", line)
			}
			return bytes.TrimSuffix(line[:len(line)-1], []byte("\r")), nil
		case err != bufio.ErrBufferFull:
			return line, err
		}
	}
}

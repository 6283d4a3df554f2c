package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"weblab.example/stage1-single/http1"
)

// A response is the head of a response (RFC 9112 section 4).
type response struct {
	minor  int // the version is HTTP/1.minor
	status int // 200
	fields []http1.Field
}

// receive reads one response, its head and its body, and writes to r.out what
// comes. It is nil if not a byte of it came.
func (r *reader) receive(method string) (*response, error) {
	end := r.begin("the head")
	resp, err := r.readHead()
	if err == nil && resp.isInterim() {
		resp, err = r.finalHead() // protocol.go
	}
	end()
	switch {
	case err != nil && r.size == 0:
		return nil, err
	case err != nil:
		return &response{}, cutShort(err, "the end of the head did not come")
	case !hasBody(method, resp.status):
		return resp, nil
	case resp.isCoded():
		n, err := r.readCoded(resp) // protocol.go
		return resp, cutShort(err, "%d bytes came, but not the end of the body", n)
	}
	length, err := contentLength(resp.fields)
	if err == nil {
		err = checkLengths(length, resp.fields)
	}
	if err != nil {
		return resp, err
	}
	n, err := r.readBody(length)
	if length < 0 {
		return resp, cutShort(err, "%d bytes came, but not the end of the body", n)
	}
	return resp, cutShort(err, "%d of %d bytes came", n, length)
}

// readHead reads a status line, field lines, and the empty line that ends them.
func (r *reader) readHead() (*response, error) {
	line, err := r.readLine()
	if err != nil {
		return nil, err
	}
	minor, status, ok := parseStatusLine(line)
	if !ok {
		return nil, noStatusLine(line)
	}
	if err := checkStatusLine(line); err != nil {
		return nil, err
	}
	fields, err := r.readFields()
	return &response{minor, status, fields}, err
}

func noStatusLine(line string) error {
	return fmt.Errorf("the response does not begin with a status line such as HTTP/1.1 200 OK, but with %.60q", line)
}

// parseStatusLine takes the first line of a response apart (RFC 9112 section 4):
//
//	"HTTP/1.1 404 Not Found" → minor 1, status 404, ok
//	"HTTP/1.0 200"           → minor 0, status 200, ok
//	"<!DOCTYPE html>"        → not ok
//
// Minor is 0 for HTTP/1.0 alone. Ok means that the second word is a number.
//
//lab:todo 3.2 take the status line apart: minor version, status
func parseStatusLine(line string) (minor, status int, ok bool) {
	version, rest, _ := strings.Cut(line, " ")
	code, _, _ := strings.Cut(rest, " ")
	if version != "HTTP/1.0" {
		minor = 1
	}
	status, err := strconv.Atoi(code)
	return minor, status, err == nil
}

// readFields reads field lines, up to the empty line that ends them:
//
//	"Content-Length: 36\r\n" + "X: y\r\n" + "\r\n" → {"Content-Length", "36"}, {"X", "y"}
//
// r.fieldLine returns the next one without its line end, and http1.ParseField
// takes it apart. An error of either ends the work.
//
//lab:todo 3.2 read field lines up to the empty one
func (r *reader) readFields() (fields []http1.Field, err error) {
	for {
		line, err := r.fieldLine()
		if err != nil || line == "" {
			return fields, err
		}
		field, err := http1.ParseField(line)
		if err != nil {
			return nil, fmt.Errorf("in the response: %w", err)
		}
		fields = append(fields, field)
	}
}

// hasBody reports whether a response has a body (RFC 9112 section 6.3):
//
//	HEAD, any status              → no
//	any method, 1xx, 204 and 304  → no
//	CONNECT, 2xx                  → no: after it the connection is a tunnel
//	all others                    → yes, although it may be empty
//
//lab:todo 3.3 say which responses have no body
func hasBody(method string, status int) bool {
	return method != "HEAD" && status >= 200 && status != 204 && status != 304 && !(method == "CONNECT" && status < 300)
}

// contentLength is how many bytes of body the head announces (RFC 9110 section
// 8.6), or -1 if it does not say:
//
//	Content-Length: 36     → 36
//	content-length: 36, 36 → 36: the first item of http1.List
//	Content-Length: many   → the error badLength("many")
//
//lab:todo 3.3 find out how long the body is
func contentLength(fields []http1.Field) (int64, error) {
	lengths := http1.List(fields, "Content-Length")
	if len(lengths) == 0 {
		return -1, nil
	}
	n, err := strconv.ParseUint(lengths[0], 10, 63)
	if err != nil {
		return 0, badLength(lengths[0])
	}
	return int64(n), nil
}

func badLength(value string) error {
	return fmt.Errorf("the Content-Length %.60q does not say how long the body is", value)
}

// readBody copies a body from r.in to r.out and returns how many bytes came: as
// many as length says, or if it is below 0, all until the server closes. One
// read may bring only a part of it, and it may be larger than the memory. The
// error is io.EOF if the server closed before so many came.
//
//lab:todo 3.3 copy as many bytes as the head announces
func (r *reader) readBody(length int64) (int64, error) {
	if length < 0 {
		return io.Copy(r.out, r.in)
	}
	return io.CopyN(r.out, r.in, length)
}

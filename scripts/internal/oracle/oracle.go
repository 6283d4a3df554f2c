// Package oracle reads the bytes of a connection with net/http. It says how many
// requests a client sent, and whether the answers are valid HTTP/1.1. Tests compare
// the kit's servers with it, because the two share no code.
package oracle

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
)

// A Request is what RFC 9112 counts as one request.
type Request struct {
	Method string
	Good   bool // net/http can read its head
}

// manyEmpty is how many bytes of empty lines a server must skip. (RFC 9112 section
// 2.2 asks for one line.)
const manyEmpty = 16 << 10

// Requests splits what a client sent on one connection. Empty lines between requests
// do not count. But too many of them at the end count as a request that a server may
// refuse. If a request cannot be read to its end, the rest belongs to it, because
// nobody knows where the next one begins.
func Requests(sent []byte) (requests []Request) {
	for empty := 0; ; {
		line, after, ended := bytes.Cut(sent, []byte("\n"))
		switch {
		case len(sent) == 0 && empty > manyEmpty:
			return append(requests, Request{})
		case len(sent) == 0:
			return requests
		case ended && (len(line) == 0 || string(line) == "\r"):
			empty += len(sent) - len(after)
			sent = after
			continue
		}
		method, _, _ := strings.Cut(string(line), " ")
		rest, good, whole := readRequest(sent)
		requests = append(requests, Request{method, good})
		if !whole {
			return requests
		}
		sent, empty = rest, 0
	}
}

// readRequest reads one request, and returns what follows it. It replaces the
// target, because net/http refuses some targets, and the end of a request does not
// depend on it.
func readRequest(sent []byte) (rest []byte, good, whole bool) {
	line, after, _ := strings.Cut(string(sent), "\n")
	if words := strings.Split(line, " "); len(words) == 3 && words[1] != "" {
		line = words[0] + " / " + words[2]
	}
	from := strings.NewReader(line + "\n" + after)
	in := bufio.NewReader(from)
	req, err := http.ReadRequest(in)
	if err != nil {
		return nil, false, false
	}
	_, err = io.Copy(io.Discard, req.Body)
	return sent[len(sent)-from.Len()-in.Buffered():], true, err == nil
}

// These match a status line and a field line as a server should send them. A field
// line is a token, a colon, a space, and visible text.
var (
	statusLine = regexp.MustCompile(`^HTTP/1\.1 [2-5][0-9][0-9] [A-Za-z][A-Za-z ]*$`)
	fieldLine  = regexp.MustCompile("^[!#-'*+.^_`|~0-9A-Za-z-]+: [!-~]+( [!-~]+)*$")
)

// Responses splits what a server sent in answer to these requests, and returns the
// statuses. The error says what is not valid: a head that breaks RFC 9112, a body
// that is not whole, or bytes that belong to no answer.
func Responses(got []byte, requests []Request) (statuses []int, err error) {
	closes := false
	for len(got) > 0 {
		method := "GET"
		if len(statuses) < len(requests) {
			method = requests[len(statuses)].Method
		}
		resp, rest, err := readResponse(got, method)
		switch {
		case err != nil:
			return statuses, fmt.Errorf("answer %d, %.300q: %w", len(statuses)+1, got, err)
		case closes:
			return statuses, fmt.Errorf("answer %d comes after an answer that closes", len(statuses)+1)
		}
		statuses = append(statuses, resp.StatusCode)
		closes, got = resp.Close, rest
	}
	return statuses, nil
}

// readResponse reads one answer, and returns what follows it.
func readResponse(got []byte, method string) (resp *http.Response, rest []byte, err error) {
	head, _, ok := bytes.Cut(got, []byte("\r\n\r\n"))
	if !ok {
		return nil, nil, errors.New("a head without its end")
	}
	for i, line := range strings.Split(string(head), "\r\n") {
		if i == 0 && !statusLine.MatchString(line) || i > 0 && !fieldLine.MatchString(line) {
			return nil, nil, fmt.Errorf("%q is not a valid line of a head", line)
		}
	}
	from := bytes.NewReader(got)
	in := bufio.NewReader(from)
	resp, err = http.ReadResponse(in, &http.Request{Method: method})
	if err != nil {
		return nil, nil, err
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return nil, nil, fmt.Errorf("the body: %w", err)
	}
	return resp, got[len(got)-from.Len()-in.Buffered():], nil
}

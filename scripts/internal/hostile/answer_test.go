//go:build kit

package hostile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A query is one request.
type query struct{ method, target, host string }

func (a query) String() string {
	return a.method + " " + a.target + " HTTP/1.1\r\nHost: " + a.host + "\r\n\r\n"
}

// get is the usual query.
func get(target string) query { return query{"GET", target, "localhost"} }

// A reply is the answer to a query.
type reply struct {
	status   int
	closes   bool // it says that the connection ends after it
	location string
	length   int64  // as announced
	head     []byte // as it came
	body     []byte // what came of it
}

// wireHead matches only heads as the servers of the kit write them.
var wireHead = regexp.MustCompile(`^HTTP/1\.1 (200 OK|301 Moved Permanently|400 Bad Request|403 Forbidden|404 Not Found|405 Method Not Allowed|408 Request Timeout|` +
	`414 URI Too Long|431 Request Header Fields Too Large|501 Not Implemented|505 HTTP Version Not Supported)\r\n` +
	`(Connection: close\r\n)?(?:Allow: GET, HEAD\r\n)?(?:Location: ([!-~]+)\r\n)?Content-Type: [a-z/-]+(?:; charset=utf-8)?\r\nContent-Length: (\d+)\r\n\r\n$`)

// readReply reads a response. If the body ends too early, it returns what came, and
// io.ErrUnexpectedEOF or the error of the read.
func readReply(in *bufio.Reader, method string) (reply, error) {
	r, err := readReplyHead(in)
	if err != nil || method == "HEAD" {
		return r, err
	}
	r.body = make([]byte, min(r.length, 1<<30))
	n, err := io.ReadFull(in, r.body)
	r.body = r.body[:n]
	if n == 0 && errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if want := errorPage(r.status); err == nil && r.status != 200 && string(r.body) != want {
		err = fmt.Errorf("the page of a %d is %q, not %q", r.status, r.body, want)
	}
	return r, err
}

func readReplyHead(in *bufio.Reader) (r reply, err error) {
	for !bytes.HasSuffix(r.head, []byte("\r\n\r\n")) {
		line, err := in.ReadSlice('\n')
		r.head = append(r.head, line...)
		if err != nil {
			return r, err
		}
	}
	m := wireHead.FindSubmatch(r.head)
	if m == nil {
		return r, fmt.Errorf("no head of the contract: %q", r.head)
	}
	r.status, _ = strconv.Atoi(string(m[1][:3])) // three digits, says the expression
	r.closes = len(m[2]) > 0
	r.location = string(m[3])
	r.length, err = strconv.ParseInt(string(m[4]), 10, 64)
	if (r.location != "") != (r.status == 301) {
		return r, fmt.Errorf("Location is for a 301: %q", r.head)
	}
	return r, err
}

var phrases = map[int]string{301: "Moved Permanently", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout",
	414: "URI Too Long", 431: "Request Header Fields Too Large", 501: "Not Implemented", 505: "HTTP Version Not Supported"}

func errorPage(status int) string {
	title := fmt.Sprintf("%d %s", status, phrases[status])
	return "<!DOCTYPE html><title>" + title + "</title><h1>" + title + "</h1>\n"
}

// exchange sends the queries, at most batch at a time on one connection, and passes
// on each reply. If a reply ends the connection, the other queries are sent again on
// the next one. After the last reply on a connection, only its end may come. exchange
// returns how many connections it used.
func exchange(addr string, batch int, asks []query, got func(query, reply) error) (conns int, err error) {
	for len(asks) > 0 {
		n, err := exchangeSome(addr, asks[:min(batch, len(asks))], got)
		if err != nil {
			return conns, err
		}
		asks = asks[n:]
		conns++
	}
	return conns, nil
}

func exchangeSome(addr string, asks []query, got func(query, reply) error) (n int, err error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	var all strings.Builder
	for _, a := range asks {
		all.WriteString(a.String())
	}
	written := make(chan bool)
	go func() {
		defer close(written)
		io.WriteString(conn, all.String()) // fails if the server closes before the end
		conn.(*net.TCPConn).CloseWrite()
	}()
	in := bufio.NewReader(conn)
	for closed := false; n < len(asks) && !closed; n++ {
		r, err := readReply(in, asks[n].method)
		if err == nil {
			err = got(asks[n], r)
		}
		if err != nil {
			return n, fmt.Errorf("%q: %w", asks[n], err)
		}
		closed = r.closes
	}
	<-written
	if more, err := io.ReadAll(in); err != nil || len(more) > 0 {
		return n, fmt.Errorf("%q: after the reply came %q, %v", asks[n-1], more, err)
	}
	return n, nil
}

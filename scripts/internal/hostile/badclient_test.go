//go:build kit && linux

package hostile

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"weblab.example/scripts/internal/exchange"
)

// A client is one visit of a server: what it sends, how it reads, and when it leaves.
// The zero value of every field is what a good client does.
type client struct {
	send    []byte
	chunk   int           // sends so many bytes at a time; 0: all at once
	between time.Duration // two of them
	again   bool          // sends it again and again
	fin     bool          // closes for writing behind it
	late    bool          // reads nothing before all is sent

	buffer int           // about how many unread bytes its system takes; 0: as many as it likes
	slice  int           // reads so many bytes at a time,
	every  time.Duration // with so much between two
	take   int           // reads so many bytes first;
	rest   time.Duration // then takes none for so long, and reads on until the connection ends,
	leave  bool          // or leaves then
	reset  bool          // with a reset
	within time.Duration // gives up after so long; 0: longest
}

// An outcome is what came of a visit.
type outcome struct {
	n    int64 // bytes that came
	err  error // of reading; nil: FIN, or all was taken
	took time.Duration
}

// longest bounds everything that a client waits for.
const longest = 2 * time.Minute

// visit visits the server at addr. What comes goes to out.
func (c client) visit(addr string, out io.Writer) (o outcome) {
	begin := time.Now()
	conn, err := dial(addr, c.buffer)
	if err != nil {
		return outcome{err: err}
	}
	if c.within > 0 {
		conn.SetDeadline(begin.Add(c.within)) // fails if closed, and so does what follows
	}
	o = c.on(conn, out)
	o.took = time.Since(begin)
	return o
}

// on is visit on a connection that is open.
func (c client) on(conn *net.TCPConn, out io.Writer) (o outcome) {
	defer conn.Close()
	over := make(chan struct{}) // the reading
	sent := make(chan error, 1)
	go func() { sent <- c.sendTo(conn, over) }()
	if c.late {
		sent <- <-sent
	}
	o.n, o.err = c.readFrom(conn, out)
	close(over)
	if c.reset {
		conn.SetLinger(0) // if this fails, the close is a normal one
	}
	if o.err != nil || c.leave || c.again {
		conn.Close() // this also ends the sending
		<-sent
	} else if o.err = <-sent; o.err != nil {
		o.err = fmt.Errorf("all came, but to send failed: %w", o.err)
	}
	return o
}

func (c client) sendTo(conn *net.TCPConn, over <-chan struct{}) error {
	for first := true; first || c.again; first = false {
		for piece := range slices.Chunk(c.send, cmp.Or(c.chunk, max(len(c.send), 1))) {
			if _, err := conn.Write(piece); err != nil {
				return err
			}
			if c.between > 0 {
				select {
				case <-over:
					return nil
				case <-time.After(c.between):
				}
			}
		}
	}
	if c.fin {
		return conn.CloseWrite()
	}
	return nil
}

func (c client) readFrom(conn *net.TCPConn, out io.Writer) (n int64, err error) {
	var in io.Reader = conn
	if c.slice > 0 {
		in = slowReader{conn, c.slice, c.every}
	}
	if c.take > 0 || c.leave {
		if n, err = io.CopyN(out, in, int64(c.take)); err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil || c.leave {
			return n, err
		}
		time.Sleep(c.rest)
	}
	more, err := io.Copy(out, in)
	return n + more, err
}

// A slowReader reads so many bytes at a time, with so much between two reads.
type slowReader struct {
	io.Reader
	slice int
	every time.Duration
}

func (s slowReader) Read(p []byte) (int, error) {
	time.Sleep(s.every)
	return s.Reader.Read(p[:min(s.slice, len(p))])
}

// turn sends a request on a connection that stays open, and reads the answer.
func turn(conn net.Conn, send, want string) error {
	if _, err := io.WriteString(conn, send); err != nil {
		return err
	}
	got := make([]byte, len(want))
	if n, err := io.ReadFull(conn, got); err != nil || string(got) != want {
		return fmt.Errorf("to %.100q came %.300q and then %v, want %.300q", send, got[:n], err, want)
	}
	return nil
}

// get visits the server, and returns what came.
func (c client) get(addr string) (string, outcome) {
	var got bytes.Buffer
	o := c.visit(addr, &got)
	return got.String(), o
}

// dial connects. buffer is about how many unread bytes the client's system takes; with
// 0 the system chooses. If no port is free, dial waits for one: after a connection, its
// ports stay in use for some time (TIME-WAIT).
func dial(addr string, buffer int) (*net.TCPConn, error) {
	deadline := time.Now().Add(longest)
	dialer := net.Dialer{Deadline: deadline}
	if buffer > 0 { // set before the connect, which already promises how much the client will take
		dialer.Control = func(_, _ string, c syscall.RawConn) (err error) {
			controlErr := c.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, buffer) })
			return errors.Join(err, controlErr)
		}
	}
	conn, err := dialer.Dial("tcp", addr)
	for ; errors.Is(err, syscall.EADDRNOTAVAIL) && time.Now().Before(deadline); conn, err = dialer.Dial("tcp", addr) {
		time.Sleep(100 * time.Millisecond)
	}
	if err != nil {
		return nil, err
	}
	return conn.(*net.TCPConn), conn.SetDeadline(deadline)
}

// askPage asks for the page on a new connection, and returns how long this took. Any
// other answer is an error.
func askPage(addr string) (time.Duration, error) {
	got, o := client{send: []byte(request), within: 2 * patience}.get(addr)
	if o.err == nil && got != answer {
		o.err = fmt.Errorf("a wrong answer: %.300q", got)
	}
	return o.took, o.err
}

// A query is one request.
type query struct{ method, target, host string }

func (a query) String() string {
	return a.method + " " + a.target + " HTTP/1.1\r\nHost: " + a.host + "\r\n\r\n"
}

// get is the usual query.
func get(target string) query { return query{"GET", target, "localhost"} }

// A reply is the answer to a query.
type reply struct {
	exchange.Message
	content  []byte // what came of the body
	location string
	length   int // as announced
	closes   bool
}

// contractHead matches only heads as the servers of the kit write them.
var contractHead = regexp.MustCompile(`^HTTP/1\.1 [2-5]\d\d [A-Z][A-Za-z ]+\r\n(?:Connection: (?:close|keep-alive)\r\n)?(?:Allow: GET, HEAD\r\n)?` +
	`(?:Location: /[!-~]*\r\n)?Content-Type: [a-z0-9/+.-]+(?:; charset=utf-8)?\r\nContent-Length: \d+\r\n\r\n$`)

var phrases = map[int]string{200: "OK", 301: "Moved Permanently", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout",
	414: "URI Too Long", 431: "Request Header Fields Too Large", 501: "Not Implemented", 505: "HTTP Version Not Supported"}

func errorPage(status int) string {
	title := fmt.Sprintf("%d %s", status, phrases[status])
	return "<!DOCTYPE html><title>" + title + "</title><h1>" + title + "</h1>\n"
}

// errorAnswer is a whole answer with an error that ends the connection.
func errorAnswer(status int) string {
	return fmt.Sprintf("HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n\r\n%s",
		status, phrases[status], len(errorPage(status)), errorPage(status))
}

// replies reads all that came on one connection. method says what was asked for, by
// number. Each answer must be one of the contract and whole; if the last one is cut, it is
// among the replies, and the error is io.ErrUnexpectedEOF.
func replies(got []byte, method func(n int) string) (all []reply, err error) {
	for len(got) > 0 {
		r := reply{Message: exchange.ReadMessage(got)}
		var whole bool
		if r.content, got, whole = r.Content(method(len(all))); r.Ended {
			r.location, _ = r.Field("Location")
			length, _ := r.Field("Content-Length")
			fmt.Sscan(length, &r.length)
			value, _ := r.Field("Connection")
			r.closes = value == "close"
		}
		switch {
		case len(all) > 0 && all[len(all)-1].closes:
			return all, fmt.Errorf("behind an answer that closes came %.300q", r.Head)
		case !contractHead.Match(r.Head) || r.Phrase != phrases[r.Status] || (r.location != "") != (r.Status == 301) || strings.HasPrefix(r.location, "//"):
			return all, fmt.Errorf("no head of the contract: %.300q", r.Head)
		}
		all = append(all, r)
		switch {
		case !whole:
			return all, io.ErrUnexpectedEOF
		case r.Status != 200 && method(len(all)-1) != "HEAD" && string(r.content) != errorPage(r.Status):
			return all, fmt.Errorf("the page of a %d is %.300q", r.Status, r.content)
		}
	}
	return all, nil
}

// ask sends the queries, at most batch at a time on one connection, and returns the reply
// to each. If a reply ends the connection, the other queries are sent again on the next
// one.
func (s *server) ask(batch int, asks ...query) (all []reply, err error) {
	for len(asks) > 0 {
		some := asks[:min(batch, len(asks))]
		var send strings.Builder
		for _, a := range some {
			send.WriteString(a.String())
		}
		got, o := client{send: []byte(send.String()), fin: true, within: 2 * patience}.get(s.Addr)
		answers, err := replies([]byte(got), func(n int) string { return some[min(n, len(some)-1)].method })
		if i := strings.Index(got, secretMark); i >= 0 {
			err = fmt.Errorf("a secret comes out: %.200q", got[i:])
		}
		n := len(answers)
		switch {
		case o.err != nil && err == nil:
			err = o.err
		case err == nil && (n == 0 || n > len(some) || n < len(some) && !answers[n-1].closes):
			err = fmt.Errorf("%d answers", n)
		}
		if err != nil {
			return all, fmt.Errorf("%d requests, of which the last answered is %.2000q: %w", len(some), some[max(0, min(n, len(some))-1)], err)
		}
		all, asks = append(all, answers...), asks[n:]
	}
	return all, nil
}

// wants asks for a target, several times on one connection. Each answer must have this
// status, and, if it is a 200, this text.
func (s *server) wants(times int, target string, status int, text string) error {
	all, err := s.ask(times, slices.Repeat([]query{get(target)}, times)...)
	for _, r := range all {
		if err == nil && (r.Status != status || status == 200 && string(r.content) != text) {
			err = fmt.Errorf("%s: %d %.40q, want %d %.40q", target, r.Status, r.content, status, text)
		}
	}
	return err
}

package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

// newReader reads a response from in; its deadlines are those of no connection.
func newReader(in io.Reader, bodyOnly bool) (*reader, *bytes.Buffer) {
	var out bytes.Buffer
	conn, _ := net.Pipe()
	return &reader{conn: &timedConn{Conn: conn, each: time.Second}, in: bufio.NewReader(in), out: &output{to: &out}, bodyOnly: bodyOnly}, &out
}

func TestEncodeTarget(t *testing.T) {
	for in, want := range map[string]string{
		"": "/", "/": "/", "a": "/a", "?q": "/?q", "#f": "/", "/a#f": "/a", "/a b": "/a%20b", "/%41": "/%41", "/%": "/%25", "/%4": "/%254", "/%zz": "/%25zz", "/%+1": "/%25+1",
		"/a\r\nb": "/a%0D%0Ab", "/太": "/%E5%A4%AA", "/a|b": "/a%7Cb", "/a[1]?x[]=1": "/a%5B1%5D?x%5B%5D=1", `/a"<>\^{}` + "`": "/a%22%3C%3E%5C%5E%7B%7D%60", "/a;b=c&d,e:f@g!h$i'j(k)*l+m~n": "/a;b=c&d,e:f@g!h$i'j(k)*l+m~n", "/a?b?c/d": "/a?b?c/d",
	} {
		if got := encodeTarget(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestParseArgs(t *testing.T) {
	for _, c := range []struct {
		args       string
		addr, host string // addr "" for an error
	}{
		{"", "localhost:6789", "localhost:6789"},
		{"h 80 f", "h:80", "h"}, {"h 8080 f", "h:8080", "h:8080"}, {"::1 80 f", "[::1]:80", "[::1]"}, {"[::1] 81 f", "[::1]:81", "[::1]:81"},
		{"http://h", "h:80", "h"}, {"http://h:80/x", "h:80", "h"}, {"HTTP://h:81?q", "h:81", "h:81"}, {"http://[::1]/", "[::1]:80", "[::1]"}, {"http://[::1]:81", "[::1]:81", "[::1]:81"}, {"fe80::1%lo 81 f", "[fe80::1%lo]:81", "[fe80::1]:81"},
		{"https://h/", "", ""}, {"h", "", ""}, {"h 80", "", ""}, {"h 80 f x", "", ""}, {"h 0 f", "", ""}, {"h 65536 f", "", ""}, {"h x f", "", ""}, {"http://", "", ""}, {"http://u@h/", "", ""}, {"http://h:x/", "", ""}, {"ftp://h/", "", ""},
	} {
		w, err := parseArgs(strings.Fields(c.args))
		if err != nil {
			if c.addr != "" {
				t.Errorf("%q: %v", c.args, err)
			}
			continue
		}
		if addr := net.JoinHostPort(w.host, w.port); addr != c.addr || w.hostField() != c.host {
			t.Errorf("%q: %s, Host: %s; want %s, Host: %s", c.args, addr, w.hostField(), c.addr, c.host)
		}
	}
}

func TestDefaultTarget(t *testing.T) {
	if w, err := parseArgs(nil); err != nil || w != (where{"localhost", "6789", "/HelloWorld.html"}) {
		t.Errorf("%+v, %v", w, err)
	}
}

func TestNoAnswer(t *testing.T) {
	for _, c := range []struct {
		name         string
		sent, heard  error
		says, saysNo string
	}{
		{"FIN", nil, io.EOF, "FIN", "RST"},
		{"reset", nil, syscall.ECONNRESET, "RST", "FIN"},
		{"broken pipe, then the end of the stream", &net.OpError{Err: os.NewSyscallError("write", syscall.EPIPE)}, io.EOF, "broken pipe", "FIN"},
	} {
		got := noAnswer(2, c.sent, c.heard).Error()
		for _, want := range []string{c.says, "request 2", "wish"} {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %q in %q", c.name, want, got)
			}
		}
		if strings.Contains(got, c.saysNo) {
			t.Errorf("%s: %q in %q", c.name, c.saysNo, got)
		}
	}
}

func TestBuildRequest(t *testing.T) {
	w := where{"h", "80", "/f"}
	for _, c := range []struct {
		name, method string
		persistent   bool
		extra        []string
		want         string
	}{
		{"as it is", "GET", false, nil, "GET /f HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"},
		{"persistent", "HEAD", true, nil, "HEAD /f HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\n\r\n"},
		{"more fields, in their order", "GET", false, []string{"B: 1", "A: 2"}, "GET /f HTTP/1.1\r\nHost: h\r\nConnection: close\r\nB: 1\r\nA: 2\r\n\r\n"},
		{"others in their place", "GET", true, []string{"connection:x", "HOST: y"}, "GET /f HTTP/1.1\r\nHOST: y\r\nconnection:x\r\n\r\n"},
		{"two of a name", "GET", false, []string{"Host: a", "X: b", "Host: c"}, "GET /f HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: b\r\nHost: c\r\n\r\n"},
	} {
		if got := buildRequest(c.method, w, c.persistent, c.extra); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestSaysClose(t *testing.T) {
	for request, want := range map[string]bool{
		"GET / HTTP/1.1\r\nConnection: close\r\n\r\n": true, "GET / HTTP/1.1\r\nHost: x\r\nconnection: a, CLOSE\r\n\r\n": true, "\r\nGET / HTTP/1.0\r\n\r\n": true,
		"GET / HTTP/1.1\r\n\r\n": false, "GET / HTTP/1.0\nConnection: keep-alive\n\n": false, "GET / HTTP/1.1\r\nX: close\r\n\r\n": false, "GET / HTTP/1.1\r\n\r\nConnection: close\r\n": false, "": false,
	} {
		if got := saysClose([]byte(request)); got != want {
			t.Errorf("%q: %v, want %v", request, got, want)
		}
	}
}

// TestParseStatusLine: strict.go has another look at the line, so this is without it.
func TestParseStatusLine(t *testing.T) {
	for _, c := range []struct {
		line          string
		minor, status int
		ok            bool
	}{
		{"HTTP/1.1 404 Not Found", 1, 404, true}, {"HTTP/1.0 200 OK", 0, 200, true}, {"HTTP/1.0 200", 0, 200, true}, {"HTTP/1.2 301 ", 1, 301, true},
		{"", 1, 0, false}, {"<!DOCTYPE html>", 1, 0, false}, {"HTTP/1.1", 1, 0, false}, {"HTTP/1.1 ", 1, 0, false}, {"404 Not Found", 1, 0, false}, {"HTTP/1.1  200 OK", 1, 0, false},
	} {
		if minor, status, ok := parseStatusLine(c.line); ok != c.ok || minor != c.minor || status != c.status {
			t.Errorf("%q: minor %d, status %d, ok %v", c.line, minor, status, ok)
		}
	}
}

func TestHasBody(t *testing.T) {
	for _, c := range []struct {
		method string
		status int
		want   bool
	}{
		{"GET", 200, true}, {"GET", 404, true}, {"POST", 201, true}, {"GET", 301, true}, {"GET", 203, true}, {"GET", 205, true}, {"GET", 303, true}, {"GET", 305, true},
		{"HEAD", 200, false}, {"HEAD", 404, false}, {"GET", 101, false}, {"GET", 199, false}, {"GET", 204, false}, {"GET", 304, false},
		{"CONNECT", 200, false}, {"CONNECT", 299, false}, {"CONNECT", 300, true}, {"CONNECT", 403, true},
	} {
		if got := hasBody(c.method, c.status); got != c.want {
			t.Errorf("%s, %d: %v, want %v", c.method, c.status, got, c.want)
		}
	}
}

// TestWords: what a response says that is not whole.
func TestWords(t *testing.T) {
	for _, c := range []struct{ name, response, says string }{
		{"by length", "HTTP/1.1 200 OK\r\nContent-Length: 36\r\n\r\nhello", "ended early: 5 of 36 bytes came; then the server closed"},
		{"in a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n7\r\nwo", "ended early: 7 bytes came, but not the end of the body; then the server closed"},
		{"before a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "ended early: 0 bytes came, but not the end of the body; then the server closed"},
		{"in the head", "H", "ended early: the end of the head did not come; then the server closed"},
		{"after an interim response", "HTTP/1.1 100 Continue\r\n\r\n", "ended early: the end of the head did not come; then the server closed"},
		{"nothing", "", "EOF"},
	} {
		r, _ := newReader(strings.NewReader(c.response), false)
		resp, err := r.receive("GET")
		if err == nil || err.Error() != c.says || (resp == nil) != (c.response == "") {
			t.Errorf("%s: %+v, %v, want %s", c.name, resp, err, c.says)
		}
	}
}

// TestPieces: the result does not depend on how the stream is cut.
func TestPieces(t *testing.T) {
	const response = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5;x\r\nhello\r\n1\n!\n0\r\nA: b\r\n\r\n"
	for way, in := range map[string]func(io.Reader) io.Reader{
		"whole":    func(r io.Reader) io.Reader { return r },
		"bytewise": iotest.OneByteReader,
		"halfwise": iotest.HalfReader,
		"data+EOF": iotest.DataErrReader,
	} {
		for _, bodyOnly := range []bool{false, true} {
			want := response
			if bodyOnly {
				want = "hello!"
			}
			r, out := newReader(in(strings.NewReader(response)), bodyOnly)
			resp, err := r.receive("GET")
			if err != nil || resp.status != 200 || out.String() != want {
				t.Errorf("%s: %+v, %v: %q", way, resp, err, out)
			}
		}
	}
}

// TestDeadlines: what is bounded as a whole, and what each time anew.
func TestDeadlines(t *testing.T) {
	for _, c := range []struct {
		name, send string
		every      time.Duration // between two bytes
		fails      bool
	}{
		{"a slow body", "HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("a", 100), 500 * time.Millisecond, false},
		{"a slow chunk line", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1" + strings.Repeat(" ", 100), 500 * time.Millisecond, true},
		{"a slow trailer", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + strings.Repeat("a", 100), 500 * time.Millisecond, true},
		{"a body that stops", "HTTP/1.1 200 OK\r\n\r\na", time.Hour, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, server := net.Pipe()
				sent := make(chan bool)
				go func() {
					defer close(sent)
					defer server.Close()
					head := strings.LastIndex(c.send, "\r\n") + 2
					if _, err := io.WriteString(server, c.send[:head]); err != nil {
						return
					}
					for _, b := range []byte(c.send[head:]) {
						time.Sleep(c.every)
						if _, err := server.Write([]byte{b}); err != nil {
							return
						}
					}
				}()
				conn := &timedConn{Conn: client, each: time.Second}
				r := &reader{conn: conn, in: bufio.NewReader(conn), out: &output{to: io.Discard}}
				_, err := r.receive("GET")
				client.Close()
				<-sent
				if c.fails != (err != nil) {
					t.Errorf("%v", err)
				}
			})
		})
	}
}

// TestWriteDeadline: a server that does not take the request is not waited for.
func TestWriteDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		defer server.Close()
		time.AfterFunc(time.Hour, func() { client.Close() }) // or a mistake would hang
		if _, err := (&timedConn{Conn: client, each: time.Second}).Write([]byte("GET")); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
	})
}

// FuzzResponse compares with net/http's client: what both take for a whole
// response has the same status and the same body.
func FuzzResponse(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nA: b\r\n\r\n",
		"HTTP/1.0 200\n\nuntil close", "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
	} {
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, in []byte, head bool) {
		method := "GET"
		if head {
			method = "HEAD"
		}
		r, out := newReader(bytes.NewReader(in), true)
		resp, err := r.receive(method)
		if out.Len() > len(in) {
			t.Fatalf("%q: %d bytes written", in, out.Len())
		}
		if bytes.HasPrefix(in, []byte("HTTP/1.1 1")) {
			return // net/http's ReadResponse does not pass over 1xx
		}
		theirs, theirErr := http.ReadResponse(bufio.NewReader(bytes.NewReader(in)), &http.Request{Method: method})
		if err != nil || theirErr != nil {
			return
		}
		body, theirErr := io.ReadAll(theirs.Body)
		if theirErr != nil {
			return
		}
		if theirs.StatusCode != resp.status || !bytes.Equal(body, out.Bytes()) {
			t.Fatalf("%q: status %d, body %q; net/http: %d, %q", in, resp.status, out, theirs.StatusCode, body)
		}
	})
}

package http1

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
)

// A fake is a connection on which all has come already. It notes what happens to it.
type fake struct {
	*bufio.Reader
	writes
	keep   bool
	half   error // of CloseWrite
	events []string
}

func (f *fake) note(format string, args ...any) {
	f.events = append(f.events, fmt.Sprintf(format, args...))
}

func (f *fake) Read(p []byte) (int, error)  { return f.Reader.Read(p) }
func (f *fake) Write(p []byte) (int, error) { return f.writes.Write(p) }
func (f *fake) CloseWrite() error           { f.note("FIN"); return f.half }
func (f *fake) Close() error                { f.note("close"); return nil }
func (f *fake) MayPersist() bool            { return f.keep }
func (f *fake) GotRequest(req *Request)     { f.note("asked %s %s", req.Method, req.Target) }
func (f *fake) WillSend(resp *Response)     { f.note("%d %s", resp.Status, resp.Why) }
func (f *fake) Sent(body int64, err error)  { f.note("sent %d %v", body, err) }
func (f *fake) Catch() {
	if p := recover(); p != nil {
		f.note("panic %v", p)
	}
}

// fixed is a site with one answer.
type fixed func() *Response

func (f fixed) Get(string) *Response { return f() }

func hello() *Response { return withBody(200, "t", []byte("hello")) }

func TestServe(t *testing.T) {
	const (
		get     = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
		open    = "HTTP/1.1 200 OK\r\nContent-Type: t\r\nContent-Length: 5\r\n\r\nhello"
		closes  = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: t\r\nContent-Length: 5\r\n\r\nhello"
		keeps   = "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Type: t\r\nContent-Length: 5\r\n\r\nhello"
		head    = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: t\r\nContent-Length: 5\r\n\r\n"
		allowed = "HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nAllow: GET, HEAD\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 84\r\n\r\n" +
			"<!DOCTYPE html><title>405 Method Not Allowed</title><h1>405 Method Not Allowed</h1>\n"
		unknown = "HTTP/1.1 501 Not Implemented\r\nConnection: close\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 78\r\n\r\n" +
			"<!DOCTYPE html><title>501 Not Implemented</title><h1>501 Not Implemented</h1>\n"
		refused = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 70\r\n\r\n" +
			"<!DOCTYPE html><title>400 Bad Request</title><h1>400 Bad Request</h1>\n"
		late, once = "asked GET /a|200 |sent 5 <nil>|FIN|close", "asked GET /a|200 |sent 5 <nil>|"
	)
	for _, c := range []struct {
		name, in, out, events string
		keep                  bool
	}{
		{"one request", get + get, closes, late, false},
		{"it asks for more, and there is no more", strings.Replace(get, "Host", "Connection: keep-alive\r\nHost", 1), closes, late, false},
		{"two requests, and the client leaves", get + get, open + open, once + once + "asked  |close", true},
		{"the last one", get + strings.Replace(get, "Host", "connection: TE, Close\r\nHost", 1) + get, open + closes, once + late, true},
		{"close counts more", strings.Replace(get, "Host", "Connection: keep-alive, close\r\nHost", 1) + get, closes, late, true},
		{"HTTP/1.0", "GET /a HTTP/1.0\r\n\r\n" + get, closes, late, true},
		{"HTTP/1.0 with keep-alive", "GET /a HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", keeps, once + "asked  |close", true},
		{"a body", strings.Replace(get, "Host", "Content-Length: 9\r\nHost", 1) + get, closes, late, true},
		{"a body in chunks", strings.Replace(get, "Host", "Transfer-Encoding: chunked\r\nHost", 1) + get, closes, late, true},
		{"an empty body", strings.Replace(get, "Host", "Content-Length: 00\r\nHost", 1), open, once + "asked  |close", true},
		{"HEAD", strings.Replace(get, "GET", "HEAD", 1), head, "asked HEAD /a|200 |sent 0 <nil>|FIN|close", false},
		{"POST", strings.Replace(get, "GET", "POST", 1), allowed, "asked POST /a|405 the method is POST|sent 84 <nil>|FIN|close", false},
		{"FETCH", strings.Replace(get, "GET", "FETCH", 1), unknown, "asked FETCH /a|501 the method is FETCH|sent 78 <nil>|FIN|close", false},
		{"get", strings.Replace(get, "GET", "get", 1), unknown, "asked get /a|501 the method is get|sent 78 <nil>|FIN|close", false},
		{"refused", get + "GET /a HTTP/1.1\r\n\r\n" + get, open + refused, once + "asked GET /a|400 0 Host fields|sent 70 <nil>|FIN|close", true},
		{"refused, to HEAD", "HEAD /a HTTP/1.1\r\n\r\n", refused[:strings.Index(refused, "<")], "asked HEAD /a|400 0 Host fields|sent 0 <nil>|FIN|close", true},
		{"refused before the target, to HEAD", "HEAD /\x01 HTTP/1.1\r\n", refused[:strings.Index(refused, "<")], `asked  |400 octet 0x01 in the line "HEAD /\x01 HTTP/1.1"|sent 0 <nil>|FIN|close`, true},
		{"nothing", "", "", "asked  |close", false},
		{"half a head", get[:9], "", "asked  |close", false},
	} {
		f := &fake{Reader: bufio.NewReader(strings.NewReader(c.in)), keep: c.keep}
		Serve(f, fixed(hello))
		if out := strings.Join(f.all, ""); out != c.out {
			t.Errorf("%s: got  %q\nwant %q", c.name, out, c.out)
		}
		if events := strings.Join(f.events, "|"); events != c.events {
			t.Errorf("%s: got  %s\nwant %s", c.name, events, c.events)
		}
		if left := f.Buffered(); left > 0 && strings.Contains(c.events, "FIN") {
			t.Errorf("%s: %d bytes were not read before the close", c.name, left)
		}
	}
	for method, status := range map[string]int{"POST": 405, "PUT": 405, "DELETE": 405, "CONNECT": 405, "OPTIONS": 405, "TRACE": 405, "PATCH": 405, "LINK": 501, "head": 501} {
		if got := otherMethod(&Request{Method: method}, fixed(hello)); got.Status != status {
			t.Errorf("%s: %d, want %d", method, got.Status, status)
		}
	}
}

// endless is a client that never stops sending, and counts.
type endless struct{ sent int64 }

func (e *endless) Read(p []byte) (int, error) { e.sent += int64(len(p)); return len(p), nil }

// TestServeEnds: each connection is closed in the end, and the file with it.
func TestServeEnds(t *testing.T) {
	const get = "GET /a HTTP/1.0\r\n\r\n"
	more, none := &endless{}, &endless{}
	for _, c := range []struct {
		name   string
		in     io.Reader
		f      fake
		site   fixed
		events string
	}{
		{"it sends for ever", io.MultiReader(strings.NewReader(get), more), fake{}, hello, "asked GET /a|200 |sent 5 <nil>|FIN|close"},
		{"it cannot be closed for writing", io.MultiReader(strings.NewReader(get), none), fake{half: io.EOF}, hello, "asked GET /a|200 |sent 5 <nil>|FIN|close"},
		{"it takes no answer", strings.NewReader(get), fake{writes: writes{room: 1}, keep: true}, hello, "asked GET /a|200 |sent 0 no room|close"},
		{"a panic", strings.NewReader(get), fake{}, func() *Response { panic("gap") }, "asked GET /a|panic gap|close"},
	} {
		f := c.f
		f.Reader = bufio.NewReader(c.in)
		Serve(&f, c.site)
		if events := strings.Join(f.events, "|"); events != c.events {
			t.Errorf("%s: got  %s\nwant %s", c.name, events, c.events)
		}
	}
	if more.sent < 16<<20 || more.sent > 17<<20 || none.sent > 0 {
		t.Errorf("%d bytes were read of a client that never stops, want 16 MiB; %d when nothing is to be read", more.sent, none.sent)
	}
	file := tempFile(t, 1<<16)
	f := &fake{Reader: bufio.NewReader(strings.NewReader(get))}
	Serve(f, fixed(func() *Response { return largeFile(file, 1<<16, "t") }))
	if sent := strings.Join(f.all, ""); !strings.HasSuffix(sent, strings.Repeat("\x00", 1<<16)) || !errors.Is(file.Close(), os.ErrClosed) {
		t.Errorf("%d bytes were sent, or the file was left open", len(sent))
	}
}

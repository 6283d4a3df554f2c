package http1

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// writes keeps each write, and fails when room bytes have come, if that is not 0.
type writes struct {
	all  []string
	room int
}

var errFull = errors.New("no room")

func (w *writes) Write(p []byte) (int, error) {
	if w.room > 0 && len(p) > w.room {
		return w.room, errFull
	}
	w.all = append(w.all, string(p))
	return len(p), nil
}

func TestResponseBytes(t *testing.T) {
	const page404 = "<!DOCTYPE html><title>404 Not Found</title><h1>404 Not Found</h1>\n"
	file := tempFile(t, 1)
	for _, c := range []struct {
		name string
		resp *Response
		want string
		body int64
	}{
		{"every field, in this order", &Response{Status: 405, Connection: "close", Date: "D", Allow: "GET", Location: "/", ContentType: "t", ContentLength: 1, Body: []byte("x")},
			"HTTP/1.1 405 Method Not Allowed\r\n" + "Connection: close\r\n" + "Date: D\r\n" + "Allow: GET\r\n" + "Location: /\r\n" + "Content-Type: t\r\n" + "Content-Length: 1\r\n" + "\r\n" + "x", 1},
		{"empty fields are left out", &Response{Status: 200}, "HTTP/1.1 200 OK\r\n" + "Content-Length: 0\r\n" + "\r\n", 0},
		{"no length", &Response{Status: 200, ContentLength: -1, Body: []byte("x")}, "HTTP/1.1 200 OK\r\n" + "\r\n" + "x", 1},
		{"HEAD", &Response{Status: 200, ContentLength: 1, Body: []byte("x"), HeadOnly: true}, "HTTP/1.1 200 OK\r\n" + "Content-Length: 1\r\n" + "\r\n", 0},
		{"HEAD of a large file", &Response{Status: 200, ContentLength: 1, File: file, Size: 1, HeadOnly: true}, "HTTP/1.1 200 OK\r\n" + "Content-Length: 1\r\n" + "\r\n", 0},
		{"bytes are counted", withBody(200, "t", []byte("太棒了")), "HTTP/1.1 200 OK\r\n" + "Connection: close\r\n" + "Content-Type: t\r\n" + "Content-Length: 9\r\n" + "\r\n" + "太棒了", 9},
		{"503", &Response{Status: 503, ContentLength: -1}, "HTTP/1.1 503 Service Unavailable\r\n" + "\r\n", 0},
		{"a status page", statusPage(404, "for the log"), "HTTP/1.1 404 Not Found\r\n" + "Connection: close\r\n" + "Content-Type: text/html; charset=utf-8\r\n" + "Content-Length: 66\r\n" + "\r\n" + page404, 66},
		{"a page with more", Page(404, "太\n"), "HTTP/1.1 404 Not Found\r\n" + "Connection: close\r\n" + "Content-Type: text/html; charset=utf-8\r\n" + "Content-Length: 70\r\n" + "\r\n" + page404 + "太\n", 70},
	} {
		conn := &writes{}
		if body, err := c.resp.WriteTo(conn); err != nil || body != c.body || len(conn.all) != 1 || conn.all[0] != c.want {
			t.Errorf("%s: %d bytes of body, %v\ngot  %q\nwant %q in one write", c.name, body, err, conn.all, c.want)
		}
	}
	if why := statusPage(404, "for the log").Why; why != "for the log" {
		t.Errorf("why: %q", why)
	}
	for room, want := range map[int]int64{1: 0, 38: 0, 40: 2} { // the head has 38 bytes
		resp := &Response{Status: 200, ContentLength: 3, Body: []byte("abc")}
		if body, err := resp.WriteTo(&writes{room: room}); err != errFull || body != want {
			t.Errorf("a client that takes %d bytes: %d of the body, %v", room, body, err)
		}
	}
	if body, err := (&Response{Status: 200, File: file, Size: 1}).WriteTo(&writes{room: 1}); err != errFull || body != 0 {
		t.Errorf("a client that does not take the head of a large file: %d, %v", body, err)
	}
}

// tempFile is an open file of that many bytes.
func tempFile(t *testing.T, size int64) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	return f
}

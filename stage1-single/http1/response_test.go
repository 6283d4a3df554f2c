package http1

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// writes is a connection that keeps each write.
type writes struct {
	net.Conn
	all [][]byte
}

func (w *writes) Write(p []byte) (int, error) {
	w.all = append(w.all, bytes.Clone(p))
	return len(p), nil
}

func (w *writes) SetWriteDeadline(time.Time) error { return nil }

func TestResponseBytes(t *testing.T) {
	const page404 = "<!DOCTYPE html><title>404 Not Found</title><h1>404 Not Found</h1>\n"
	for _, c := range []struct {
		name string
		resp Response
		want string
	}{
		{"every field, in this order", Response{Status: 405, Connection: "close", Date: "D", Allow: "GET", Location: "/", ContentType: "t", ContentLength: 1, Body: []byte("x")},
			"HTTP/1.1 405 Method Not Allowed\r\n" + "Connection: close\r\n" + "Date: D\r\n" + "Allow: GET\r\n" + "Location: /\r\n" + "Content-Type: t\r\n" + "Content-Length: 1\r\n" + "\r\n" + "x"},
		{"empty fields are left out", Response{Status: 200}, "HTTP/1.1 200 OK\r\n" + "Content-Length: 0\r\n" + "\r\n"},
		{"no length", Response{Status: 200, ContentLength: -1, Body: []byte("x")}, "HTTP/1.1 200 OK\r\n" + "\r\n" + "x"},
		{"HEAD", Response{Status: 200, ContentLength: 1, Body: []byte("x"), HeadOnly: true}, "HTTP/1.1 200 OK\r\n" + "Content-Length: 1\r\n" + "\r\n"},
		{"a status page", *statusPage(404), "HTTP/1.1 404 Not Found\r\n" + "Connection: close\r\n" + "Content-Type: text/html; charset=utf-8\r\n" + "Content-Length: 66\r\n" + "\r\n" + page404},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := &writes{}
			if _, err := c.resp.WriteTo(conn, time.Second); err != nil {
				t.Fatal(err)
			}
			if len(conn.all) != 1 || string(conn.all[0]) != c.want {
				t.Errorf("got  %q\nwant %q in one write", conn.all, c.want)
			}
		})
	}
}

func TestEveryStatusHasAPhrase(t *testing.T) {
	for status, phrase := range statusText {
		if status < 200 || status > 505 || phrase == "" {
			t.Errorf("%d %q", status, phrase)
		}
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

func TestOneWriteUpTo32K(t *testing.T) {
	for _, c := range []struct {
		size   int64
		writes int // of the head, and of the body's pieces
	}{{0, 1}, {1, 1}, {smallFile, 1}} {
		resp, err := fileResponse(tempFile(t, c.size))
		if err != nil {
			t.Fatal(err)
		}
		conn := &writes{}
		if sent, err := resp.WriteTo(conn, time.Second); sent != c.size || err != nil || len(conn.all) != c.writes {
			t.Errorf("%d bytes: sent %d in %d writes, %v", c.size, sent, len(conn.all), err)
		}
	}
}

// TestFileChanges: never more bytes than announced, and what is missing is not
// made up.
func TestFileChanges(t *testing.T) {
	for _, c := range []struct {
		name    string
		becomes int64 // it had 1 MiB and a byte when it was opened: no whole number of pieces
		sent    int64
		err     error
	}{
		{"shorter", 1 << 19, 1 << 19, io.EOF},
		{"longer", 1 << 21, 1<<20 + 1, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := tempFile(t, 1<<20+1)
			resp, err := fileResponse(f)
			if err != nil {
				t.Fatal(err)
			}
			if err := f.Truncate(c.becomes); err != nil {
				t.Fatal(err)
			}
			if sent, err := resp.WriteTo(&writes{}, time.Second); sent != c.sent || err != c.err {
				t.Errorf("sent %d, %v; want %d, %v", sent, err, c.sent, c.err)
			}
		})
	}
}

// TestShorter: when a file has become shorter, the log says so.
func TestShorter(t *testing.T) {
	f := tempFile(t, 1<<20)
	resp, err := fileResponse(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(100); err != nil {
		t.Fatal(err)
	}
	s := newServer(t, nil)
	c := &conn{server: s, tcp: &writes{}, log: s.Log}
	if err := c.send(resp); err != errShorter {
		t.Errorf("%v, want: %v", err, errShorter)
	}
}

// TestStall: a client that takes something now and then is served to the end,
// with every byte once; one that stops is given up after the stall time.
func TestStall(t *testing.T) {
	const stall = 30 * time.Second
	for _, c := range []struct {
		name  string
		piece int           // bytes that it takes at a time
		every time.Duration // between them
		most  int           // bytes after which it stops
	}{
		{"a piece now and then", pieceSize, stall - time.Second, 4 * pieceSize},
		{"a drop now and then", 1000, stall - time.Second, 4 * pieceSize},
		{"stopped", pieceSize, 0, pieceSize},
		{"stopped in a piece", 1000, 0, 2000},
		{"nothing", 1, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.piece < pieceSize && runtime.GOOS == "windows" {
				t.Skip("there a piece must be taken whole in time: nobody knows how much of it was taken")
			}
			var content []byte // with the same bytes at no two places
			for len(content) < 4*pieceSize {
				content = fmt.Appendf(content, "%8d", len(content))
			}
			file := tempFile(t, 0)
			if _, err := file.Write(content); err != nil {
				t.Fatal(err)
			}
			resp, err := fileResponse(file)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				server, client := net.Pipe()
				head, whole := len(resp.appendHead(nil)), c.most == len(content)
				taken := make(chan []byte)
				go func() {
					var got []byte
					piece := make([]byte, c.piece)
					for len(got) < head+c.most {
						time.Sleep(c.every)
						n, err := client.Read(piece[:min(c.piece, head+c.most-len(got))])
						if got = append(got, piece[:n]...); err != nil {
							break
						}
					}
					taken <- got
				}()
				start := time.Now()
				sent, err := resp.WriteTo(server, stall)
				took, got := time.Since(start), <-taken
				if whole != (err == nil) || !whole && !errors.Is(err, os.ErrDeadlineExceeded) || sent != int64(c.most) {
					t.Errorf("sent %d bytes in %v: %v", sent, took, err)
				}
				if !bytes.Equal(got[min(head, len(got)):], content[:c.most]) {
					t.Errorf("%d bytes came, not the first %d of the file", len(got)-head, c.most)
				}
				if !whole && (took < stall || took > stall+stall/8) {
					t.Errorf("given up after %v", took)
				}
			})
		})
	}
}

package http1

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
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

// TestStall: a client that takes a piece now and then is served to the end, one
// that stops is given up after the stall time.
func TestStall(t *testing.T) {
	const stall = 30 * time.Second
	for _, c := range []struct {
		name string
		stop bool
	}{{"slow", false}, {"stopped", true}} {
		t.Run(c.name, func(t *testing.T) {
			resp, err := fileResponse(tempFile(t, 4*pieceSize))
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				server, client := net.Pipe()
				gone := make(chan bool)
				go func() {
					defer close(gone)
					defer client.Close()
					piece := make([]byte, pieceSize)
					for {
						time.Sleep(stall - time.Second)
						if _, err := io.ReadFull(client, piece); err != nil || c.stop {
							time.Sleep(time.Hour)
							return
						}
					}
				}()
				start := time.Now()
				sent, err := resp.WriteTo(server, stall)
				if c.stop != errors.Is(err, os.ErrDeadlineExceeded) || !c.stop && sent != 4*pieceSize {
					t.Errorf("sent %d bytes in %v: %v", sent, time.Since(start), err)
				}
				server.Close()
				<-gone
			})
		})
	}
}

package http1

import (
	"io"
	"net"
	"runtime"
	"testing"
	"time"
)

// TestClosesSoon: only a client that has closed has closed.
func TestClosesSoon(t *testing.T) {
	for _, test := range []struct {
		name   string
		client func(*net.TCPConn) error
		want   bool
	}{
		{"still open", func(*net.TCPConn) error { return nil }, false},
		{"closed", func(c *net.TCPConn) error { return c.Close() }, true},
		{"closed for writing", (*net.TCPConn).CloseWrite, true},
		{"sends on", func(c *net.TCPConn) error { _, err := io.WriteString(c, "GET "); return err }, false},
		{"sends on, and closes", func(c *net.TCPConn) error { io.WriteString(c, "GET "); return c.Close() }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			server, client := tcpPair(t)
			if err := test.client(client); err != nil {
				t.Fatal(err)
			}
			got := closesSoon(server, looksAlone)
			for begun := time.Now(); test.want && !got && time.Since(begun) < time.Second && runtime.GOOS != "windows"; {
				got = closesSoon(server, looksAlone)
			}
			if got != test.want && runtime.GOOS != "windows" {
				t.Errorf("got %v", got)
			}
		})
	}
	past, client := tcpPair(t)
	client.Close()
	past.SetReadDeadline(time.Now().Add(-time.Second)) // as after a 408
	if closesSoon(past, looksAlone) {
		t.Error("a connection whose deadline has passed is asked all the same")
	}
	one, two := net.Pipe()
	defer one.Close()
	two.Close()
	if closesSoon(one, looksAlone) {
		t.Error("what is no socket is asked")
	}
}

// tcpPair is both ends of a connection.
func tcpPair(t testing.TB) (server, client *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); s.Close() })
	return s.(*net.TCPConn), c.(*net.TCPConn)
}

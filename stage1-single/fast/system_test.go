package fast

import (
	"io"
	"net"
	"runtime"
	"testing"
	"time"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln
}

// TestClosesSoon: only a client that has closed has closed.
func TestClosesSoon(t *testing.T) {
	looks := runtime.GOOS != "windows" // there it is left to the wait
	ln := listen(t)
	for _, test := range []struct {
		name   string
		client func(*net.TCPConn) // or the server
		want   bool
	}{
		{"still open", func(*net.TCPConn) {}, false},
		{"closed", func(c *net.TCPConn) { c.Close() }, true},
		{"closed for writing", func(c *net.TCPConn) { c.CloseWrite() }, true},
		{"sends on", func(c *net.TCPConn) { io.WriteString(c, "GET ") }, false},
		{"sends on, and closes", func(c *net.TCPConn) { io.WriteString(c, "GET "); c.Close() }, false},
	} {
		client, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		server, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		test.client(client.(*net.TCPConn))
		got := ClosesSoon(server, LooksAlone)
		for begun := time.Now(); test.want && !got && time.Since(begun) < time.Second; {
			got = ClosesSoon(server, LooksAlone)
		}
		if got != (test.want && looks) {
			t.Errorf("%s: %v", test.name, got)
		}
		server.SetReadDeadline(time.Now().Add(-time.Second)) // as after a 408
		if ClosesSoon(server, LooksAlone) {
			t.Errorf("%s: a connection whose deadline has passed is asked all the same", test.name)
		}
	}
	one, two := net.Pipe()
	two.Close()
	if ClosesSoon(one, LooksAlone) {
		t.Error("what is no socket is asked")
	}
}

// TestBacklog counts how many connections are made while nobody accepts.
func TestBacklog(t *testing.T) {
	for backlog, want := range map[int]int{0: 1, 1: 2} {
		ln := listen(t)
		switch err := SetBacklog(ln, backlog); {
		case err != nil && runtime.GOOS == "windows":
			t.Skip(err)
		case err != nil:
			t.Fatal(err)
		case runtime.GOOS != "linux":
			t.Skip("how many connections a backlog holds differs; on Linux it is one more")
		}
		if err := SetBacklog(ln, -1); err != nil {
			t.Error(err)
		}
		made := 0
		for range 4 {
			if conn, err := net.DialTimeout("tcp", ln.Addr().String(), 200*time.Millisecond); err == nil {
				defer conn.Close()
				made++
			}
		}
		if made != want {
			t.Errorf("with a backlog of %d, %d connections were made, want %d", backlog, made, want)
		}
	}
}

// TestKeepBufferSmall: for a client that does not read, the system takes no more than that.
func TestKeepBufferSmall(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("how much a system takes differs; Linux takes twice the buffer's size")
	}
	ln := listen(t)
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	client.(*net.TCPConn).SetReadBuffer(4 << 10)
	server, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	KeepBufferSmall(server)
	server.SetWriteDeadline(time.Now().Add(200 * time.Millisecond)) // nothing tells that no more will be taken
	if n, err := server.Write(make([]byte, 32<<20)); n > 256<<10 || err == nil {
		t.Errorf("%d bytes were taken (%v)", n, err)
	}
}

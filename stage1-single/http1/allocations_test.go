//go:build !race

package http1

import (
	"bytes"
	"testing"
)

// With the race detector a sync.Pool forgets at random, so that counts differ.

// TestAllocations counts what a request on a warm persistent connection takes
// from memory. All of it is os.Root's, when it looks whether the file is still
// as it was.
func TestAllocations(t *testing.T) {
	s := newServer(t, func(s *Server) { s.KeepAlive = true })
	learn(t, s.Site, "/hello.txt")
	const head = "GET /hello.txt HTTP/1.1\r\nHost: localhost:6789\r\nConnection: keep-alive\r\nUser-Agent: a browser, with a name that is rather long\r\nAccept: */*\r\n\r\n"
	client := serveOne(t, s)
	request, answer := []byte(head), make([]byte, 1000)
	got := testing.AllocsPerRun(1000, func() {
		if _, err := client.Write(request); err != nil {
			t.Fatal(err)
		}
		if n, err := client.Read(answer); err != nil || !bytes.HasSuffix(answer[:n], []byte("hello")) {
			t.Fatal(n, err)
		}
	})
	look := testing.AllocsPerRun(1000, func() {
		if _, err := s.Site.root.Stat("hello.txt"); err != nil {
			t.Fatal(err)
		}
	})
	t.Logf("%v allocations for a request, of which %v in the look at the file", got, look)
	if got > look {
		t.Errorf("a request takes %v allocations, the look at the file %v", got, look)
	}
}

package http1

import (
	"bufio"
	"bytes"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

const benchHead = "GET /hello.txt HTTP/1.1\r\nHost: localhost:6789\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n"

// BenchmarkReadHead is step 1.3 to 1.5: a head in memory becomes a Request.
func BenchmarkReadHead(b *testing.B) {
	head := []byte(benchHead)
	in := bytes.NewReader(head)
	r := bufio.NewReader(in)
	var req Request
	b.ReportAllocs()
	for b.Loop() {
		in.Reset(head)
		r.Reset(in)
		if err := req.Read(r); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGet is step 1.6: a target becomes a Response, from a file that is
// opened and read, and from one that is remembered.
func BenchmarkGet(b *testing.B) {
	s := newServer(b, nil)
	target := []byte("/hello.txt")
	b.Run("file=opened", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			t, err := ParseTarget([]byte("GET"), target)
			if resp := s.Site.Get(t); err != nil || resp.Status != 200 {
				b.Fatal(err, resp.Status)
			}
		}
	})
	b.Run("file=remembered", func(b *testing.B) {
		learn(b, s.Site, "/hello.txt")
		var resp Response
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.Site.get(target, &resp); err != nil || resp.Status != 200 {
				b.Fatal(err, resp.Status)
			}
		}
	})
}

// discard is a connection on which everything is sent at once.
type discard struct{ net.Conn }

func (discard) Write(p []byte) (int, error)      { return len(p), nil }
func (discard) SetWriteDeadline(time.Time) error { return nil }

// BenchmarkWriteTo is step 1.2: a Response becomes bytes.
func BenchmarkWriteTo(b *testing.B) {
	resp := statusPage(404)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := resp.WriteTo(discard{}, time.Minute); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkServe is a request and its answer over loopback, on a persistent
// connection: this package, and net/http's file server beside it.
func BenchmarkServe(b *testing.B) {
	b.Run("server=http1", func(b *testing.B) {
		s := newServer(b, func(s *Server) { s.KeepAlive = true })
		learn(b, s.Site, "/hello.txt")
		exchange(b, serveOne(b, s))
	})
	b.Run("server=net-http", func(b *testing.B) {
		dir := b.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "hello.txt"), []byte("hello"), 0o644); err != nil {
			b.Fatal(err)
		}
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		server := &http.Server{Handler: http.FileServer(http.Dir(dir))}
		go server.Serve(ln) // returns when it is closed
		b.Cleanup(func() { server.Close() })
		conn, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { conn.Close() })
		exchange(b, conn)
	})
}

// exchange sends a request and reads the answer, which comes in one piece.
func exchange(b *testing.B, conn net.Conn) {
	request, answer := []byte(benchHead), make([]byte, 4<<10)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := conn.Write(request); err != nil {
			b.Fatal(err)
		}
		if n, err := conn.Read(answer); err != nil || !bytes.HasSuffix(answer[:n], []byte("hello")) {
			b.Fatal(n, err)
		}
	}
}

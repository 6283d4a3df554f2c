package http1

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const helloHead = "GET /hello.txt HTTP/1.1\r\nHost: x\r\n\r\n"

// newServer is a server with the default time-outs and one file.
func newServer(t testing.TB, change func(*Server)) *Server {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "hello.txt"), []byte("hello"), 0o644); err != nil {
		t.Fatal(err)
	}
	site, err := OpenSite(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { site.root.Close() })
	s := &Server{Site: site, Log: slog.New(slog.DiscardHandler), Options: Options{
		HeadTimeout: 5 * time.Second, IdleTimeout: 7 * time.Second, Stall: 30 * time.Second, Linger: time.Second}}
	if change != nil {
		change(s)
	}
	return s
}

// TestTimeouts uses a clock that jumps ahead when everybody waits: the time
// at which a connection ends is exact.
func TestTimeouts(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n\r\nhello"
	page408 := "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 78\r\n\r\n" +
		"<!DOCTYPE html><title>408 Request Timeout</title><h1>408 Request Timeout</h1>\n"
	type send struct {
		at   time.Duration
		what string
	}
	for _, c := range []struct {
		name  string
		sends []send
		want  string
		ends  time.Duration
		keep  bool
	}{
		{"silent", nil, "", 5 * time.Second, false},
		{"half a head", []send{{time.Second, "GET /"}}, page408, 5 * time.Second, false},
		{"an empty line only", []send{{0, "\r\n"}}, page408, 5 * time.Second, false},
		{"a byte a second", []send{{1e9, "G"}, {2e9, "E"}, {3e9, "T"}, {4e9, " "}, {5e9 + 1, "/"}}, page408, 5 * time.Second, false},
		{"just in time", []send{{1e9, helloHead[:9]}, {5e9 - 1, helloHead[9:]}}, strings.Replace(ok, "\r\n", "\r\nConnection: close\r\n", 1), 5*time.Second - 1, false},
		{"idle after an answer", []send{{time.Second, helloHead}}, ok, 8 * time.Second, true},
		{"the second head has its own time", []send{{0, helloHead}, {6 * time.Second, "GET /"}}, ok + page408, 11 * time.Second, true},
		{"pipelined half", []send{{0, helloHead + "GET /"}}, ok + page408, 5 * time.Second, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t, func(s *Server) { s.KeepAlive = c.keep })
			synctest.Test(t, func(t *testing.T) {
				server, client := net.Pipe()
				start := time.Now()
				sent := make(chan bool)
				go func() {
					defer close(sent)
					for _, send := range c.sends {
						time.Sleep(send.at - time.Since(start))
						if _, err := io.WriteString(client, send.what); err != nil {
							return
						}
					}
				}()
				go s.ServeConn(context.Background(), server)
				got, err := io.ReadAll(client)
				took := time.Since(start)
				<-sent
				if string(got) != c.want || err != nil || took != c.ends {
					t.Errorf("after %v: %q, %v\nwant after %v: %q", took, got, err, c.ends, c.want)
				}
			})
		})
	}
}

// TestStopLetsGo: once the server stops, a silent connection is let go soon,
// and a request that is already there gets its answer.
func TestStopLetsGo(t *testing.T) {
	for _, c := range []struct {
		name, send string
		within     time.Duration
		answered   bool
	}{
		{"silent", "", 100 * time.Millisecond, false},
		{"a request on its way", helloHead, 50 * time.Millisecond, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t, func(s *Server) { s.KeepAlive = true })
			synctest.Test(t, func(t *testing.T) {
				server, client := net.Pipe()
				ctx, stop := context.WithCancel(t.Context())
				go s.ServeConn(ctx, server)
				time.Sleep(time.Second)
				start := time.Now()
				stop()
				sent := make(chan bool)
				go func() {
					defer close(sent)
					time.Sleep(50 * time.Millisecond)
					io.WriteString(client, c.send)
				}()
				got, err := io.ReadAll(client)
				took := time.Since(start)
				<-sent
				if err != nil || took != c.within || c.answered != bytes.Contains(got, []byte("Connection: close")) {
					t.Errorf("after %v: %q, %v", took, got, err)
				}
			})
		})
	}
}

// TestStoppedBefore: a head that began before the server stopped, on a
// connection that is served only afterwards, has its whole time.
func TestStoppedBefore(t *testing.T) {
	s := newServer(t, nil)
	synctest.Test(t, func(t *testing.T) {
		server, client := net.Pipe()
		ctx, stop := context.WithCancel(t.Context())
		stop()
		go s.ServeConn(ctx, server)
		go func() {
			io.WriteString(client, helloHead[:9])
			time.Sleep(4 * time.Second)
			io.WriteString(client, helloHead[9:])
		}()
		got, err := io.ReadAll(client)
		if err != nil || !bytes.HasSuffix(got, []byte("hello")) {
			t.Errorf("%q, %v", got, err)
		}
	})
}

// panicky panics when it is written to.
type panicky struct{ net.Conn }

func (panicky) Write([]byte) (int, error) { panic("in the middle of an answer") }

// gap panics when it has been read from, as a function that is not written yet.
type gap struct{ net.Conn }

func (g gap) Read(p []byte) (int, error) {
	g.Conn.Read(p)
	panic("step 1.0 is not written yet: <b>")
}

func TestPanic(t *testing.T) {
	const page500 = "HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 90\r\n\r\n" +
		"<!DOCTYPE html><title>500 Internal Server Error</title><h1>500 Internal Server Error</h1>\n"
	noSite := func(s *Server) { s.Site = nil }
	whole := func(c net.Conn) net.Conn { return c }
	for _, c := range []struct {
		name   string
		method string
		change func(*Server)
		conn   func(net.Conn) net.Conn
		want   string   // the answer
		log    []string // in this order; only an error of the runtime has a stack
	}{
		{"before the answer", "GET", noSite, whole, page500, []string{`error="runtime error`, "stack="}},
		{"not written yet", "GET", nil, func(c net.Conn) net.Conn { return gap{c} },
			strings.Replace(page500, "90", "140", 1) + "<p>→ step 1.0 is not written yet: &lt;b&gt;</p>\n", []string{`error="step 1.0 is not written yet: <b>"`}},
		{"before the answer to HEAD", "HEAD", noSite, whole, page500[:strings.Index(page500, "<")], []string{`error="runtime error`, "stack="}},
		{"while answering", "GET", nil, func(c net.Conn) net.Conn { return panicky{c} }, "", []string{`error="in the middle`}},
		{"while answering 500", "GET", noSite, func(c net.Conn) net.Conn { return panicky{c} }, "", []string{`error="in the middle`, `error="runtime error`, "stack="}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			s := newServer(t, func(s *Server) {
				s.Log = slog.New(slog.NewTextHandler(&log, nil))
				if c.change != nil {
					c.change(s)
				}
			})
			server, client := net.Pipe()
			done := make(chan bool)
			go func() {
				defer close(done)
				s.ServeConn(t.Context(), c.conn(server))
			}()
			if _, err := io.WriteString(client, strings.Replace(helloHead, "GET", c.method, 1)); err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(client)
			if err != nil || string(got) != c.want {
				t.Errorf("%q, %v, want %q", got, err, c.want)
			}
			<-done
			rest, found := log.String(), true
			for _, want := range slices.Concat([]string{"msg=panic conn=1"}, c.log, []string{"msg=closed conn=1"}) {
				if _, rest, found = strings.Cut(rest, want); !found {
					t.Errorf("no %s, or not in its place, in the log:\n%s", want, log.String())
				}
			}
			if strings.Count(log.String(), "stack=") != strings.Count(strings.Join(c.log, ""), "stack=") {
				t.Errorf("which panics have a stack?\n%s", log.String())
			}
		})
	}
}

func TestAnnounce(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	for addr, want := range map[string]string{
		"localhost:0": "localhost", "127.0.0.1:0": "127.0.0.1", ":0": "localhost", "0.0.0.0:0": "localhost", "[::]:0": "localhost", "[::1]:0": "[::1]",
	} {
		s := &Server{Options: Options{Addr: addr, Root: "DIR"}}
		if got := s.announcement(ln); got != "http://"+want+":"+port+"/ serves DIR\n" {
			t.Errorf("%s: %q", addr, got)
		}
	}
}

func TestDefaults(t *testing.T) {
	args := os.Args
	defer func() { os.Args = args }()
	os.Args = []string{"server"}
	got := ParseFlags(flag.NewFlagSet("server", flag.ContinueOnError))
	want := Options{Addr: "localhost:6789", HeadTimeout: 5 * time.Second, IdleTimeout: 5 * time.Second, Stall: 30 * time.Second,
		Linger: time.Second, LogFormat: "text", Experiments: Experiments{ContentLength: "exact", Backlog: -1}}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestPortTaken(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, err = net.Listen("tcp", ln.Addr().String())
	if !isTaken(err) {
		t.Errorf("%v is not seen as a taken port", err)
	}
	if isTaken(errors.New("something else")) || isTaken(nil) {
		t.Error("something else is seen as a taken port")
	}
}

func TestFindSite(t *testing.T) {
	t.Chdir(filepath.Join("..", "..", "scripts"))
	site, err := findSite()
	if err != nil || filepath.Base(site) != "www" {
		t.Errorf("%q, %v", site, err)
	}
	t.Chdir(t.TempDir())
	if site, err := findSite(); err == nil {
		t.Errorf("found %q where there is none", site)
	}
}

package rig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"weblab.example/stage1-single/http1"
)

const helloHead = "GET /hello.txt HTTP/1.1\r\nHost: x\r\n\r\n"

// newListener has a site with one file, and logs to the buffer, if there is one. It
// listens nowhere: the tests bring their own connections.
func newListener(t testing.TB, log *bytes.Buffer, o Options) *Listener {
	t.Helper()
	dir := tempDir(t)
	if err := os.WriteFile(filepath.Join(dir, "hello.txt"), []byte("hello"), 0o644); err != nil {
		t.Fatal(err)
	}
	site, err := http1.OpenSite(dir)
	if err != nil {
		t.Fatal(err)
	}
	o.Root = dir
	o.HeadTimeout, o.IdleTimeout, o.Stall, o.ContentLength = 5*time.Second, 7*time.Second, 30*time.Second, "exact"
	l := &Listener{Site: site, Stopping: context.Background(), Options: o, log: newLogger(nil, "off")}
	if log != nil {
		l.log = newLogger(log, o.LogFormat)
	}
	return l
}

// tempDir is a directory for a site. The site keeps it open. t.TempDir would fail there:
// Windows does not remove a directory that somebody has open.
func tempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "weblab-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func (l *Listener) serve(tcp net.Conn) { http1.Serve(l.newConn(tcp), l.Site) }

// A send is what a client sends at a time after it has connected.
type send struct {
	at   time.Duration
	what string
}

// halfClosed is a connection that can be closed for writing. The client does not see it.
type halfClosed struct{ net.Conn }

func (halfClosed) CloseWrite() error { return nil }

// talk serves a client that sends these, and reads until the end. Time only passes
// when everybody waits, so that it is exact when the connection ends.
func (l *Listener) talk(sends ...send) (got string, ended time.Duration) {
	server, client := net.Pipe()
	start, sent := time.Now(), make(chan bool)
	go func() {
		defer close(sent)
		for _, send := range sends {
			time.Sleep(send.at - time.Since(start))
			io.WriteString(client, send.what) // fails if the server has closed: what it said is looked at
		}
	}()
	go l.serve(halfClosed{server})
	all, _ := io.ReadAll(client)
	ended = time.Since(start)
	<-sent
	synctest.Wait() // the server logs its close
	return string(all), ended
}

func TestTimeouts(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n\r\nhello"
	const head408 = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 78\r\n\r\n"
	const page408 = head408 + "<!DOCTYPE html><title>408 Request Timeout</title><h1>408 Request Timeout</h1>\n"
	closes := strings.Replace(ok, "\r\n", "\r\nConnection: close\r\n", 1)
	silent := errSilent.Error()
	for _, c := range []struct {
		name  string
		sends []send
		want  string
		ends  time.Duration
		keep  bool
		stops time.Duration // when the server is asked to stop, if it is not 0; below 0: before
		why   string
	}{
		{"silent", nil, "", 5 * time.Second, false, 0, silent},
		{"half a head", []send{{time.Second, "GET /"}}, page408, 5 * time.Second, false, 0, "answered"},
		{"half a head, of HEAD", []send{{time.Second, "HEAD /"}}, head408, 5 * time.Second, false, 0, "answered"},
		{"an empty line only", []send{{0, "\r\n"}}, page408, 5 * time.Second, false, 0, "answered"},
		{"a byte a second", []send{{1e9, "G"}, {2e9, "E"}, {3e9, "T"}, {4e9, " "}, {5e9 + 1, "/"}}, page408, 5 * time.Second, false, 0, "answered"},
		{"just in time", []send{{1e9, helloHead[:9]}, {5e9 - 1, helloHead[9:]}}, closes, 5*time.Second - 1, false, 0, "answered"},
		{"idle after an answer", []send{{time.Second, helloHead}}, ok, 8 * time.Second, true, 0, silent},
		{"the second head has its own time", []send{{0, helloHead}, {6 * time.Second, "GET /"}}, ok + page408, 11 * time.Second, true, 0, "answered"},
		{"pipelined half", []send{{0, helloHead + "GET /"}}, ok + page408, 5 * time.Second, true, 0, "answered"},
		{"pipelined half, late", []send{{3e9, helloHead + "GET /"}, {7e9, "hello"}}, ok + page408, 8 * time.Second, true, 0, "answered"},
		{"idle after two", []send{{1e9, helloHead + helloHead}}, ok + ok, 8 * time.Second, true, 0, silent},
		{"a TLS hello", []send{{0, "\x16\x03\x01"}}, "", 0, false, 0, errTLS.Error()},
		{"it stops, nothing came", nil, "", 1100 * time.Millisecond, true, 1e9, silent},
		{"it stops, a request is on its way", []send{{1050e6, helloHead}}, closes, 1050 * time.Millisecond, true, 1e9, "answered"},
		{"it stops, a head has begun", []send{{5e8, helloHead[:9]}, {49e8, helloHead[9:]}}, closes, 4900 * time.Millisecond, true, 1e9, "answered"},
		{"it stops, after an answer", []send{{0, helloHead}}, ok, 1100 * time.Millisecond, true, 1e9, silent},
		{"it has stopped, nothing comes", nil, "", 100 * time.Millisecond, true, -1, silent},
		{"it has stopped, a head begins", []send{{0, helloHead[:9]}, {4e9, helloHead[9:]}}, closes, 4 * time.Second, true, -1, "answered"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			l := newListener(t, &log, Options{KeepAlive: c.keep})
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				l.Stopping = ctx
				if c.stops < 0 {
					stop()
				} else if c.stops > 0 {
					time.AfterFunc(c.stops, stop)
				}
				got, ended := l.talk(c.sends...)
				if got != c.want || ended != c.ends {
					t.Errorf("after %v: %q\nwant after %v: %q", ended, got, c.ends, c.want)
				}
			})
			if !strings.HasSuffix(strings.TrimRight(log.String(), "\"\n"), c.why) {
				t.Errorf("want the end %q in the log:\n%s", c.why, log.String())
			}
		})
	}
}

// TestStall: a client that takes something now and then is served to the end,
// with every byte once; one that stops is given up after the stall time.
func TestStall(t *testing.T) {
	const stall = 30 * time.Second
	var content []byte // with the same bytes at no two places
	for len(content) < 4*pieceSize {
		content = fmt.Appendf(content, "%8d", len(content))
	}
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, content, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		piece int           // bytes that the client takes at a time
		every time.Duration // between them
		most  int           // bytes after which it stops
	}{
		{"a piece now and then", pieceSize, stall - time.Second, len(content)},
		{"a drop now and then", 1000, stall - time.Second, len(content)},
		{"stopped", pieceSize, 0, pieceSize},
		{"stopped in a piece", 1000, 0, 2000},
		{"nothing", 1, 0, 0},
	} {
		for from, write := range map[string]func(io.Writer, *os.File) (int64, error){
			"a file": func(conn io.Writer, f *os.File) (int64, error) { return io.CopyN(conn, f, int64(len(content))) },
			"memory": func(conn io.Writer, _ *os.File) (int64, error) { return io.Copy(conn, bytes.NewReader(content)) },
		} {
			if runtime.GOOS == "windows" && (c.piece < pieceSize || c.every > 0 && from == "memory") {
				continue // there what is written at once must be taken whole in time: nobody knows how much of it was taken
			}
			file, err := os.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			l := newListener(t, nil, Options{})
			synctest.Test(t, func(t *testing.T) {
				server, client := net.Pipe()
				taken := make(chan []byte)
				go func() {
					got := make([]byte, 0, c.most)
					for err := error(nil); len(got) < c.most && err == nil; {
						time.Sleep(c.every)
						var n int
						n, err = client.Read(got[len(got):min(len(got)+c.piece, c.most)])
						got = got[:len(got)+n]
					}
					taken <- got
				}()
				start := time.Now()
				sent, err := write(l.newConn(server), file)
				took, got, whole := time.Since(start), <-taken, c.most == len(content)
				if whole != (err == nil) || !whole && !errors.Is(err, os.ErrDeadlineExceeded) || sent != int64(c.most) || !bytes.Equal(got, content[:c.most]) {
					t.Errorf("%s, from %s: sent %d bytes in %v: %v; %d came, the right ones: %v", c.name, from, sent, took, err, len(got), bytes.HasPrefix(content, got))
				}
				if !whole && (took < stall || took > stall+stall/8) {
					t.Errorf("%s, from %s: given up after %v", c.name, from, took)
				}
			})
			file.Close()
		}
	}
}

// TestLinger: after the answer, what the client still sends is read for -linger, however
// it comes. With 0 nothing is.
func TestLinger(t *testing.T) {
	for _, linger := range []time.Duration{0, time.Second} {
		l := newListener(t, nil, Options{Linger: linger})
		synctest.Test(t, func(t *testing.T) {
			got, ended := l.talk(send{0, helloHead}, send{4e8, "more"}, send{8e8, "more"}, send{12e8, "more"})
			if ended != linger || !strings.HasSuffix(got, "hello") || l.serving.Load() != 0 {
				t.Errorf("-linger %v: ended after %v; %d are served now; %q", linger, ended, l.serving.Load(), got)
			}
			one, _ := net.Pipe()
			if err := l.newConn(halfClosed{one}).CloseWrite(); (err == nil) != (linger > 0) {
				t.Errorf("-linger %v: closed for writing: %v", linger, err)
			}
		})
	}
}

// dialOne connects to a listener, over loopback, which serves that connection.
func dialOne(t testing.TB, l *Listener) net.Conn {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		if tcp, err := ln.Accept(); err == nil {
			l.serve(tcp)
		}
	}()
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// TestPanicIsRead: a client that sends on gets the whole 500 all the same, and no reset.
func TestPanicIsRead(t *testing.T) {
	l := newListener(t, nil, Options{Linger: time.Second})
	l.Site = site(func() *http1.Response { panic(errors.New("index")) })
	client := dialOne(t, l)
	if _, err := io.WriteString(client, helloHead+strings.Repeat("x", 1<<20)); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(client); err != nil || !strings.HasSuffix(string(got), "Error</h1>\n") {
		t.Errorf("%q, %v", got, err)
	}
}

// TestFileChanges: when a file becomes shorter while it is sent, the log says so. When it
// becomes longer, no more is sent than announced.
func TestFileChanges(t *testing.T) {
	for why, holds := range map[string]int{errShorter.Error(): pieceSize, errAnswered.Error(): 3 * pieceSize} {
		const announced = pieceSize + pieceSize/2
		name := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(name, make([]byte, holds), 0o644); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		l := newListener(t, &log, Options{})
		l.Site = site(func() *http1.Response {
			file, err := os.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			return &http1.Response{Status: 200, Connection: "close", ContentLength: announced, File: file, Size: announced}
		})
		synctest.Test(t, func(t *testing.T) {
			got, _ := l.talk(send{0, helloHead})
			if n := strings.Count(got, "\x00"); n != min(holds, announced) || !strings.HasSuffix(strings.TrimRight(log.String(), "\"\n"), why) {
				t.Errorf("a file with %d bytes: %d were sent; want the end %q in the log:\n%s", holds, n, why, log.String())
			}
		})
	}
}

// site makes each answer anew.
type site func() *http1.Response

func (s site) Get(string) *http1.Response { return s() }

// panicky panics at the second write to it.
type panicky struct {
	net.Conn
	writes *int
}

const step = "step 1.0 is not written yet: <b>"

func (p panicky) Write(b []byte) (int, error) {
	if *p.writes++; *p.writes == 2 {
		panic(step)
	}
	return p.Conn.Write(b)
}

func TestPanic(t *testing.T) {
	const (
		head    = "HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: "
		page500 = "<!DOCTYPE html><title>500 Internal Server Error</title><h1>500 Internal Server Error</h1>\n"
		arrow   = "<p>→ step 1.0 is not written yet: &lt;b&gt;</p>\n"
		ok      = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"
	)
	mistake := func() *http1.Response { panic(errors.New("index")) }
	library := func() *http1.Response { panic("illegal use") }
	missing := func() *http1.Response { panic(step) }
	ofFile := func() *http1.Response {
		file, err := os.Open(os.Args[0])
		if err != nil {
			t.Fatal(err)
		}
		return &http1.Response{Status: 200, ContentLength: 1, File: file, Size: 1}
	}
	asked := 0
	second := func() *http1.Response {
		if asked++; asked%2 == 0 {
			panic(step)
		}
		return &http1.Response{Status: 200, ContentLength: 1, Body: []byte("x")}
	}
	for _, c := range []struct {
		name, method string
		site         site
		want, log    string
	}{
		{"a mistake", "GET", mistake, head + "90\r\n\r\n" + page500, "error=index stack="}, // only what is no text has a stack
		{"a mistake that a library found", "GET", library, head + "90\r\n\r\n" + page500, `error="illegal use" stack=`},
		{"a mistake, HEAD", "HEAD", mistake, head + "90\r\n\r\n", "error=index stack="},
		{"not written yet", "GET", missing, head + "140\r\n\r\n" + page500 + arrow, `error="` + step},
		{"after an answer", "GET", second, ok + "x" + head + "140\r\n\r\n" + page500 + arrow, `error="` + step},
		{"in the middle of an answer", "GET", ofFile, ok, `error="` + step},
	} {
		var log bytes.Buffer
		l := newListener(t, &log, Options{KeepAlive: true})
		l.Site = c.site
		for range 2 {
			server, client := net.Pipe()
			done := make(chan bool)
			go func() {
				defer close(done)
				if c.want == ok {
					server = panicky{server, new(int)}
				}
				l.serve(server)
			}()
			go io.WriteString(client, strings.Repeat(strings.Replace(helloHead, "GET", c.method, 1), 2))
			if got, err := io.ReadAll(client); err != nil || string(got) != c.want {
				t.Errorf("%s: %q, %v, want %q", c.name, got, err, c.want)
			}
			<-done
		}
		rest, found := log.String(), true
		for _, want := range strings.Split(c.log+"|msg=closed conn=1 why=\"the server's own code ended it: |msg=closed conn=2 why=\"the server's own code ended it: ", "|") {
			if _, rest, found = strings.Cut(rest, want); !found {
				t.Errorf("%s: no %s, or not in its place, in the log:\n%s", c.name, want, log.String())
			}
		}
		if told, want := strings.Count(log.String(), "error=\"step"), strings.Count(c.log, "step"); told != want { // once for both
			t.Errorf("%s: the missing step is told %d times:\n%s", c.name, told, log.String())
		}
	}
}

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
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "hello.txt"), []byte("hello"), 0o644); err != nil {
		t.Fatal(err)
	}
	site, err := http1.OpenSite(dir)
	if err != nil {
		t.Fatal(err)
	}
	o.Root = dir
	o.HeadTimeout, o.IdleTimeout, o.Stall, o.Linger, o.ContentLength = 5*time.Second, 7*time.Second, 30*time.Second, time.Second, "exact"
	l := &Listener{Site: site, Stopping: context.Background(), Options: o, log: newLogger(nil, "off")}
	if log != nil {
		l.log = newLogger(log, o.LogFormat)
	}
	return l
}

func (l *Listener) serve(tcp net.Conn) { http1.Serve(l.newConn(tcp), l.Site) }

// A send is what a client sends at a time after it has connected.
type send struct {
	at   time.Duration
	what string
}

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
	go l.serve(server)
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
		for _, from := range []string{"file", "file in two pieces", "memory"} {
			t.Run(c.name+" from "+from, func(t *testing.T) {
				if c.piece < pieceSize && runtime.GOOS == "windows" {
					t.Skip("there a piece must be taken whole in time: nobody knows how much of it was taken")
				}
				file, err := os.Open(name)
				if err != nil {
					t.Fatal(err)
				}
				defer file.Close()
				l := newListener(t, nil, Options{})
				synctest.Test(t, func(t *testing.T) {
					server, client := net.Pipe()
					taken := make(chan []byte)
					go func() {
						var got []byte
						piece := make([]byte, c.piece)
						for len(got) < c.most {
							time.Sleep(c.every)
							n, err := client.Read(piece[:min(c.piece, c.most-len(got))])
							if got = append(got, piece[:n]...); err != nil {
								break
							}
						}
						taken <- got
					}()
					conn := l.newConn(server)
					start := time.Now()
					var sent int64
					var err error
					if from == "memory" {
						var n int
						n, err = conn.Write(content)
						sent = int64(n)
					}
					if from == "file in two pieces" {
						sent, err = io.CopyN(conn, file, pieceSize+1)
					}
					if from != "memory" && err == nil {
						var rest int64
						rest, err = io.CopyN(conn, file, int64(len(content))-sent)
						sent += rest
					}
					took, got, whole := time.Since(start), <-taken, c.most == len(content)
					if whole != (err == nil) || !whole && !errors.Is(err, os.ErrDeadlineExceeded) || sent != int64(c.most) || !bytes.Equal(got, content[:c.most]) {
						t.Errorf("sent %d bytes in %v: %v; %d came, the right ones: %v", sent, took, err, len(got), bytes.HasPrefix(content, got))
					}
					if !whole && (took < stall || took > stall+stall/8) {
						t.Errorf("given up after %v", took)
					}
				})
			})
		}
	}
}

// TestLinger: after the answer, what the client still sends is read for -linger. With 0
// nothing is.
func TestLinger(t *testing.T) {
	for _, linger := range []time.Duration{0, 200 * time.Millisecond} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		client, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		tcp, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		ln.Close()
		l := newListener(t, nil, Options{})
		l.Linger = linger
		go io.WriteString(client, helloHead)
		begun := time.Now()
		l.serve(tcp)
		if took := time.Since(begun); took < linger || took > linger+3*time.Second || l.serving.Load() != 0 {
			t.Errorf("-linger %v: served for %v; %d are served now", linger, took, l.serving.Load())
		}
		client.Close()
	}
}

// gap is a site that is not written yet.
type gap struct{ p any }

func (g gap) Get(string) *http1.Response { panic(g.p) }

func TestPanic(t *testing.T) {
	const step = "step 1.0 is not written yet: <b>"
	const page500 = "HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 90\r\n\r\n" +
		"<!DOCTYPE html><title>500 Internal Server Error</title><h1>500 Internal Server Error</h1>\n"
	const arrow = "<p>→ step 1.0 is not written yet: &lt;b&gt;</p>\n"
	for _, c := range []struct {
		name, method string
		p            any // the panic of the site
		want         string
		log          []string // in this order; only an error of the runtime has a stack
	}{
		{"a mistake", "GET", errors.New("index"), page500, []string{`error=index`, "stack="}},
		{"a mistake, HEAD", "HEAD", errors.New("index"), page500[:strings.Index(page500, "<")], []string{`error=index`, "stack="}},
		{"not written yet", "GET", step, strings.Replace(page500, "90", "140", 1) + arrow, []string{`error="` + step + `"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			l := newListener(t, &log, Options{})
			l.Site = gap{c.p}
			for conn := range 2 {
				server, client := net.Pipe()
				done := make(chan bool)
				go func() {
					defer close(done)
					l.serve(server)
				}()
				if _, err := io.WriteString(client, strings.Replace(helloHead, "GET", c.method, 1)); err != nil {
					t.Fatal(err)
				}
				if got, err := io.ReadAll(client); err != nil || string(got) != c.want {
					t.Errorf("%q, %v, want %q", got, err, c.want)
				}
				<-done
				rest, found := log.String(), true
				for _, want := range append(c.log, fmt.Sprintf("msg=closed conn=%d", conn+1)) {
					if _, rest, found = strings.Cut(rest, want); !found {
						t.Errorf("no %s, or not in its place, in the log:\n%s", want, log.String())
					}
				}
			}
			if told := strings.Count(log.String(), `error="step`); told > 1 || strings.Contains(strings.Join(c.log, ""), "step") != (told == 1) {
				t.Errorf("the missing step is told %d times:\n%s", told, log.String())
			}
		})
	}
}

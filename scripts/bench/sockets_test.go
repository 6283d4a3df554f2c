package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestFromSockets: every answer is counted once, on as many connections as
// were asked for, or on one for each.
func TestFromSockets(t *testing.T) {
	for _, c := range []struct {
		name  string
		close bool
	}{{"keep-alive", false}, {"close", true}} {
		t.Run(c.name, func(t *testing.T) {
			var requests, conns atomic.Int64
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				requests.Add(1)
				if r.Method != "GET" || r.URL.Path != "/"+pageName || r.Close != c.close {
					t.Errorf("asked for %s %s, close %v", r.Method, r.URL.Path, r.Close)
				}
				w.Write(page)
			}))
			s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
				if state == http.StateNew {
					conns.Add(1)
				}
			}
			s.Start()
			t.Cleanup(s.Close)
			l := load{path: pageName, size: len(page), body: page, conns: 3, close: c.close, time: 50 * time.Millisecond}
			start := time.Now()
			r, err := l.fromSockets(t.Context(), s.Listener.Addr().String())
			longest := time.Since(start).Seconds()
			if err != nil {
				t.Fatal(err)
			}
			// The rate is for the time from the first request on.
			if low, high := float64(requests.Load())/longest, float64(requests.Load())/l.time.Seconds(); r.Requests < low || r.Requests > high {
				t.Errorf("%v requests/s, want %v to %v", r.Requests, low, high)
			}
			if r.P99 <= 0 || r.P99.Seconds() > longest {
				t.Errorf("the 99th percentile is %v", r.P99)
			}
			want := int64(l.conns)
			if c.close {
				want = requests.Load()
			}
			if conns.Load() != want {
				t.Errorf("%d connections, want %d", conns.Load(), want)
			}
		})
	}
}

// TestFromSocketsWrong: an answer that is not the file is an error.
func TestFromSocketsWrong(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
	for _, c := range []struct {
		name, answer string
		close        bool
		wrong        string // part of the error; "" is none
	}{
		{"right", head + "hello", true, ""},
		{"right, as HTTP/1.0", "HTTP/1.0 200 OK\r\ncontent-length:5\r\n\r\nhello", true, ""},
		{"another status", "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello", true, "404"},
		{"another length", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello!", true, "6 bytes"},
		{"no length", "HTTP/1.1 200 OK\r\n\r\nhello", true, "-1 bytes"},
		{"another body", head + "hallo", true, `"hallo"`},
		{"a short body", head + "hell", true, "EOF"},
		{"bytes after the end", head + "hello!", true, "does not end"},
		{"another protocol", "220 ready\r\n", true, "220"},
		{"nothing", "", true, "EOF"},
		{"closed, though to be kept", head + "hello", false, "EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { ln.Close() })
			go func() {
				for {
					conn, err := ln.Accept()
					if errors.Is(err, net.ErrClosed) {
						return
					}
					go func() {
						io.WriteString(conn, c.answer)
						conn.(*net.TCPConn).CloseWrite()
						io.Copy(io.Discard, conn)
						conn.Close()
					}()
				}
			}()
			l := load{path: "x", size: 5, body: []byte("hello"), conns: 1, close: c.close, time: 10 * time.Millisecond}
			_, err = l.fromSockets(t.Context(), ln.Addr().String())
			if c.wrong == "" && err != nil || c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong)) {
				t.Errorf("the error is %v, want one with %q", err, c.wrong)
			}
		})
	}
}

// TestFromSocketsStops: nobody listens, or it is to be over.
func TestFromSocketsStops(t *testing.T) {
	addr, _, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	l := load{path: "x", size: 5, conns: 2, time: time.Minute}
	if _, err := l.fromSockets(t.Context(), addr); err == nil {
		t.Error("nobody listens, and that is no error")
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("hello")) }))
	t.Cleanup(s.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := l.fromSockets(ctx, s.Listener.Addr().String()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("after the end of the context: %v", err)
	}
}

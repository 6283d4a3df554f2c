package rig

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"weblab.example/stage1-single/fast"
	"weblab.example/stage1-single/http1"
)

// BenchmarkServe is a request and its answer over loopback, on a persistent
// connection: of these packages, and of net/http's file server beside them.
func BenchmarkServe(b *testing.B) {
	l := newListener(b, nil, Options{KeepAlive: true})
	l.Site = fast.Remember(l.Site.(*http1.Site))
	b.Run("server=http1", func(b *testing.B) {
		exchange(b, func(ln net.Listener) {
			if tcp, err := ln.Accept(); err == nil {
				l.serve(tcp)
			}
		})
	})
	b.Run("server=net-http", func(b *testing.B) {
		exchange(b, func(ln net.Listener) { http.Serve(ln, http.FileServer(http.Dir(l.Root))) })
	})
}

// exchange sends requests and reads the answers, of which each comes in one piece.
func exchange(b *testing.B, serve func(net.Listener)) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	go serve(ln) // until the client or the listener is closed
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	request, answer := []byte(strings.Replace(helloHead, "\r\n\r\n", "\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n", 1)), make([]byte, 4<<10)
	once := func() {
		if _, err := client.Write(request); err != nil {
			b.Fatal(err)
		}
		if n, err := client.Read(answer); err != nil || !strings.HasSuffix(string(answer[:n]), "hello") {
			b.Fatal(n, err)
		}
	}
	for begun := time.Now(); time.Since(begun) < 300*time.Millisecond; {
		once() // until the file is remembered
	}
	b.ReportAllocs()
	for b.Loop() {
		once()
	}
}

package rig

import (
	"strings"
	"testing"
	"time"

	"weblab.example/stage1-single/fast"
	"weblab.example/stage1-single/http1"
)

// BenchmarkServe is a request and its answer over loopback, on a persistent connection.
func BenchmarkServe(b *testing.B) {
	l := newListener(b, nil, Options{KeepAlive: true})
	l.Site = fast.Remember(l.Site.(*http1.Site))
	client := dialOne(b, l)
	request, answer := []byte(strings.Replace(helloHead, "\r\n\r\n", "\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n", 1)), make([]byte, 4<<10)
	exchange := func() {
		if _, err := client.Write(request); err != nil {
			b.Fatal(err)
		}
		if n, err := client.Read(answer); err != nil || !strings.HasSuffix(string(answer[:n]), "hello") { // it comes in one piece
			b.Fatal(n, err)
		}
	}
	for begun := time.Now(); time.Since(begun) < 300*time.Millisecond; {
		exchange() // until the file is remembered
	}
	b.ReportAllocs()
	for b.Loop() {
		exchange()
	}
}

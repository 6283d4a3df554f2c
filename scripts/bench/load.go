package main

import (
	"context"
	"time"
)

// A load is clients that ask a server for one file, each as soon as it has
// its answer: a loop that keeps the server busy.
type load struct {
	path    string // of the file, without the first slash
	size    int    // of the file, in bytes
	body    []byte // the file, where each answer is compared with it; or nil
	conns   int    // clients, each with one connection at a time
	close   bool   // a new connection for each request; else persistent ones
	latency bool   // measure the 99th percentile, too
	time    time.Duration
}

// A result is what a load came to.
type result struct {
	Requests float64       // answered, each second
	Bytes    float64       // received, each second
	P99      time.Duration // from a request to the end of its answer, of 99 in 100 at most
	Note     string        // about the measurement, or ""
}

// run puts the load on a server: with wrk where there is one. It costs less for
// each request than a client in Go, and so leaves more of the machine to the
// server.
func (l load) run(ctx context.Context, addr string) (result, error) {
	if path, err := findTool("wrk"); err == nil {
		return l.fromWrk(ctx, path, addr)
	}
	return l.fromSockets(ctx, addr)
}

// ask asks a server once for the page.
func ask(addr string) error {
	v := newVisitor(load{path: pageName, size: len(page), body: page, close: true}, addr)
	if err := v.connect(time.Now().Add(answerTime)); err != nil {
		return err
	}
	defer v.leave()
	return v.exchange()
}

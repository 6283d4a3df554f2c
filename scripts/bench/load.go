package main

import (
	"context"
	"time"
)

// A load is a number of clients that ask a server for one file. Each asks again as
// soon as it has its answer, so that the server is always busy.
type load struct {
	path    string // of the file, without the first slash
	size    int    // of the file, in bytes
	body    []byte // the file, to compare each answer with it; or nil
	conns   int    // clients, each with one connection at a time
	close   bool   // a new connection for each request; else persistent ones
	latency bool   // measure the 99th percentile, too
	time    time.Duration
}

// A result is the result of a load.
type result struct {
	Requests float64       // answered, each second
	Bytes    float64       // received, each second
	P99      time.Duration // 99 of 100 answers took at most this time, from the request to their end
	Note     string        // about the measurement, or ""
}

// run puts the load on a server. It uses wrk if it is installed: wrk needs less work
// for each request than a client in Go, so it leaves more of the machine to the server.
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

package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// growing are the numbers of connections at once, to show how the cost grows.
var growing = []int{1, 10, 100, 1000, 5000}

// A point is what a server does with this number of busy connections.
type point struct {
	Server      string  `json:"server"`
	Connections int     `json:"connections"`
	Requests    float64 `json:"requests_per_second,omitempty"`
	Memory      int64   `json:"memory_bytes,omitempty"` // of the whole process, at three quarters of the time
	NotMeasured string  `json:"not_measured,omitempty"`
	Note        string  `json:"note,omitempty"`
}

// growConnections measures stage 2 and net/http with more and more connections.
func (b *bench) growConnections(ctx context.Context) (points []point, err error) {
	var trouble []error
	for round, n := range growing {
		kinds := []kind{stage2, netHTTP}
		for _, i := range rotated(len(kinds), round) {
			b.progress.now("%d connections: %s", n, kinds[i].name)
			p, err := b.withConnections(ctx, kinds[i], n)
			if ctx.Err() != nil {
				return points, ctx.Err()
			}
			if err != nil {
				p.NotMeasured = err.Error()
				trouble = append(trouble, fmt.Errorf("%d connections, %s: %w", n, p.Server, err))
			}
			points = append(points, p)
		}
	}
	b.progress.done("connections: %d to %d", growing[0], growing[len(growing)-1])
	return points, errors.Join(trouble...)
}

// withConnections measures a new server, because an old one may keep the memory of
// earlier connections.
func (b *bench) withConnections(ctx context.Context, k kind, n int) (p point, err error) {
	p = point{Server: k.name, Connections: n}
	if n > b.most {
		p.NotMeasured = fmt.Sprintf("the limit of open files allows %d connections", b.most)
		return p, nil
	}
	s, err := b.startServer(ctx, k)
	if err != nil {
		return p, err
	}
	defer s.stop()
	l := load{path: pageName, size: len(page), body: page, conns: n, time: b.time}
	run := l.run
	if b.short { // wrk needs a second
		run = l.fromSockets
	}
	memory := make(chan int64, 1)
	time.AfterFunc(b.time*3/4, func() {
		sum, _ := memoryOf(s.addr) // 0 where it is not measured
		memory <- sum
	})
	r, err := run(ctx, s.addr)
	p.Requests, p.Note, p.Memory = r.Requests, r.Note, <-memory
	return p, err
}

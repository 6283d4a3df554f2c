package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

// idleConnections is how many persistent connections are held at once, to measure
// the memory of one.
const idleConnections = 5000

// withIdle measures how much memory an idle persistent connection costs a server.
// Each measurement starts a new server, because a server may keep memory that it
// once had.
func (b *bench) withIdle(k kind, want float64) contestant {
	return contestant{name: k.name, tool: k.tool, want: want, measure: func(ctx context.Context) (measurement, error) {
		s, err := b.startServer(ctx, k)
		if err != nil {
			return measurement{}, err
		}
		defer s.stop()
		n := min(idleConnections, b.most)
		var note string
		if n < idleConnections {
			note = fmt.Sprintf("with %d connections: the limit of open files allows no more", n)
		}
		before, err := memoryOf(s.addr)
		if err != nil {
			return measurement{}, err
		}
		var after int64
		err = holdIdle(ctx, s.addr, n, func() error {
			after, err = memoryOf(s.addr)
			return err
		})
		return measurement{float64(after-before) / float64(n), note}, err
	}}
}

// holdIdle runs do while n persistent connections are idle. Each has had one
// answer.
func holdIdle(ctx context.Context, addr string, n int, do func() error) error {
	l := load{path: pageName, size: len(page), body: page}
	visitors := make([]*visitor, n)
	defer func() {
		for _, v := range visitors {
			v.leave()
		}
	}()
	deadline := time.Now().Add(30 * time.Second)
	var all errgroup.Group
	all.SetLimit(connectors)
	for i := range visitors {
		visitors[i] = newVisitor(l, addr)
		all.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err := visitors[i].connect(deadline); err != nil {
				return err
			}
			return visitors[i].exchange()
		})
	}
	if err := all.Wait(); err != nil {
		return err
	}
	// The server has written the last answers, but perhaps it does not yet wait for
	// the next requests. Only the server itself can see that.
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(200 * time.Millisecond):
	}
	return do()
}

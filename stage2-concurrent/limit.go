package main

import (
	"context"

	"golang.org/x/sync/semaphore"

	"weblab.example/stage1-single/rig"
)

// A limited listener has no more than max connections at once: each one needs a
// permit, from before it is accepted until it is closed. So a connection that is
// accepted is served, and all others wait in the system's queue.
type limited struct {
	*rig.Listener
	permits *semaphore.Weighted
	max     int64
}

func limit(ln *rig.Listener, max int64) *limited {
	return &limited{ln, semaphore.NewWeighted(max), max}
}

// A permitted connection gives its permit back when it is closed.
type permitted struct {
	*rig.Conn
	permits *semaphore.Weighted
}

func (c *permitted) Close() error {
	defer c.permits.Release(1)
	return c.Conn.Close()
}

// Accept takes a permit, and waits for the next connection.
func (l *limited) Accept() (*permitted, error) {
	if !l.permits.TryAcquire(1) {
		if err := l.waitForPermit(); err != nil {
			return nil, err
		}
	}
	conn, err := l.Listener.Accept()
	if err != nil {
		l.permits.Release(1)
		return nil, err
	}
	return &permitted{conn, l.permits}, nil
}

// waitForPermit takes a permit when all of them are in use: l.permits.Acquire(ctx, 1)
// waits until a connection is closed. If the server is asked to stop meanwhile, the
// context l.Stopping is done, and no other connection is to be accepted: return the
// error of Acquire.
//
//lab:todo 2.2 wait until a connection is over and its permit is back
func (l *limited) waitForPermit() error {
	return l.permits.Acquire(l.Stopping, 1)
}

// drain waits for the answers that are under way when the server stops. When it holds
// all l.max permits (l.permits.Acquire), every connection is closed. Package rig gives
// them 5 seconds, so it needs no time limit: its context is context.Background(), and
// not l.Stopping, which is done by now.
//
//lab:todo 2.3 wait until every connection is over
func (l *limited) drain() {
	l.permits.Acquire(context.Background(), l.max) // it fails only when its context is done
}

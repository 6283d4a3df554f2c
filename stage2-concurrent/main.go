// Stage 2 is the web server of stage 1 with a goroutine for each connection:
// nobody waits for another client's answer. Compare the two files,
//
//	diff stage1-single/main.go stage2-concurrent/main.go
//
// to see what that takes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sync/semaphore"

	"weblab.example/stage1-single/http1"
)

func main() {
	defer http1.ExitAtGap()
	flags := flag.NewFlagSet("stage2-concurrent", flag.ExitOnError)
	maxConns := flags.Int64("max-conns", 1024, "how many connections are served at once; more wait in the system's queue")
	options := http1.ParseFlags(flags)
	if *maxConns < 1 {
		http1.WrongUse(flags, "-max-conns must be at least 1")
	}
	server, ln, err := http1.Listen(options)
	if err != nil {
		fmt.Fprintln(os.Stderr, "stage2-concurrent:", err)
		os.Exit(1)
	}
	ctx := http1.StopOnSignal(ln)
	server.Announce(ln)
	permits := semaphore.NewWeighted(*maxConns) // one for each connection that is served
	serve(ctx, ln, server, permits)
	if !permits.TryAcquire(*maxConns) { // not all are back: somebody is still served
		drain(permits, *maxConns)
	}
}

// serve is the loop: accept a connection, have it served, repeat. A connection
// is served in a goroutine of its own, which the loop does not wait for, and
// holds one of the permits until it is over. The permit is taken before Accept,
// with TryAcquire, and where there is none with waitForPermit: a connection that
// is accepted is served, and whoever connects beyond them waits in the system's
// queue. When nothing was accepted the permit is given back.
//
// It returns when ln is closed: then Accept's error is net.ErrClosed, or there
// is no permit to wait for any more. Any other error is a bad moment, such as
// too many open files: log it, and try again after a tenth of a second.
//
//lab:todo 2.1 accept a connection, have a goroutine serve it, repeat
func serve(ctx context.Context, ln net.Listener, server *http1.Server, permits *semaphore.Weighted) {
	for {
		if !permits.TryAcquire(1) && waitForPermit(ctx, permits) != nil {
			return
		}
		conn, err := ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			permits.Release(1)
			return
		}
		if err != nil {
			server.Log.Warn("accept", "error", err)
			time.Sleep(100 * time.Millisecond)
			permits.Release(1)
			continue
		}
		go func() {
			defer permits.Release(1)
			server.ServeConn(ctx, conn)
		}()
	}
}

// waitForPermit takes a permit when all are in use: it waits until a connection
// is over. When ctx is done before that, because the server is asked to stop,
// it holds no permit and returns an error.
//
//lab:todo 2.2 wait until a connection is over and its permit is back
func waitForPermit(ctx context.Context, permits *semaphore.Weighted) error {
	return permits.Acquire(ctx, 1)
}

// drain waits for the answers that are under way when the server stops: until
// all of the maxConns permits are back, and so every connection is over. It
// has no time limit of its own: StopOnSignal gives them 5 seconds. Its context
// is therefore not that of serve, which is done by now.
//
//lab:todo 2.3 wait until every connection is over
func drain(permits *semaphore.Weighted, maxConns int64) {
	permits.Acquire(context.Background(), maxConns) // its one error is that of a context that is done
}

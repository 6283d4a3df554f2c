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

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"weblab.example/stage1-single/http1"
)

func main() {
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
	serve(ctx, ln, server, *maxConns)
}

// serve is the loop: accept a connection, have it served, repeat. At most
// maxConns are served at once; whoever connects beyond them waits in the
// system's queue. It returns when ln is closed and the last answer is sent.
func serve(ctx context.Context, ln net.Listener, server *http1.Server, maxConns int64) {
	permits := semaphore.NewWeighted(maxConns)
	var connections errgroup.Group
	defer connections.Wait() // no goroutine returns an error: ServeConn has logged it
	for {
		// The permit comes first: a connection that is accepted is served.
		if permits.Acquire(ctx, 1) != nil {
			return
		}
		conn, err := ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // such as too many open files, which does not pass at once
			server.Log.Warn("accept", "error", err)
			time.Sleep(100 * time.Millisecond)
			permits.Release(1)
			continue
		}
		connections.Go(func() error { // a goroutine of its own: the loop does not wait for it
			defer permits.Release(1)
			server.ServeConn(ctx, conn)
			return nil
		})
	}
}

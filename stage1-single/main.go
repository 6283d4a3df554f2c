// Stage 1 is a web server that talks to one client at a time: it accepts a
// connection, answers it, closes it, and only then accepts the next. It is
// the web server of chapter 2 of Kurose & Ross. What it says on a connection
// is in package http1; this file has the loop.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"time"

	"weblab.example/stage1-single/http1"
)

func main() {
	defer http1.ExitAtGap()
	flags := flag.NewFlagSet("stage1-single", flag.ExitOnError)
	options := http1.ParseFlags(flags)
	server, ln, err := http1.Listen(options)
	if err != nil {
		fmt.Fprintln(os.Stderr, "stage1-single:", err)
		os.Exit(1)
	}
	ctx := http1.StopOnSignal(ln)
	server.Announce(ln)
	serve(ctx, ln, server)
}

// serve is the loop: accept a connection, serve it, repeat. Whoever connects
// meanwhile waits in the system's queue. It returns when ln is closed: then
// Accept's error is net.ErrClosed. Any other error is a bad moment, such as too
// many open files: log it, and try again after a tenth of a second.
//
//lab:todo 1.1 accept a connection, serve it, repeat
func serve(ctx context.Context, ln net.Listener, server *http1.Server) {
	for {
		conn, err := ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			server.Log.Warn("accept", "error", err)
			time.Sleep(100 * time.Millisecond)
			continue
		}
		server.ServeConn(ctx, conn)
	}
}

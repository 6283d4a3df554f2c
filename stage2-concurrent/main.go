// Stage 2 is the web server of stage 1 with a goroutine for each connection:
// no client waits for another client's answer. Compare the two files,
//
//	diff stage1-single/main.go stage2-concurrent/main.go
//
// to see what that takes.
package main

import (
	"flag"

	"weblab.example/stage1-single/http1"
	"weblab.example/stage1-single/rig"
)

func main() {
	defer rig.ExitAtGap()
	flags := flag.NewFlagSet("stage2-concurrent", flag.ExitOnError)
	maxConns := flags.Int64("max-conns", 1024, "how many connections are served at once; more wait in the system's queue")
	options := rig.ParseFlags(flags)
	if *maxConns < 1 {
		rig.WrongUse(flags, "-max-conns must be at least 1")
	}
	ln := limit(rig.Listen(options), *maxConns) // limit.go can wait
	serve(ln, ln.Site)
	ln.drain()
}

// serve is the loop: accept a connection, have a goroutine serve it, repeat. The
// loop does not wait for that goroutine, so the next client is accepted at once.
//
//	ln.Accept()             → a connection, or an error when the server is to stop
//	http1.Serve(conn, site) → reads the request, answers it, and closes
//
//lab:todo 2.1 accept a connection, have a goroutine serve it, repeat
func serve(ln *limited, site http1.Getter) {
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		go http1.Serve(conn, site)
	}
}

// Stage 1 is a web server that talks to one client at a time: it accepts a
// connection, answers it, closes it, and only then accepts the next. It is
// the web server of chapter 2 of Kurose & Ross. This file has the loop. What is
// said on a connection is in package http1.
package main

import (
	"flag"

	"weblab.example/stage1-single/http1"
	"weblab.example/stage1-single/rig"
)

func main() {
	defer rig.ExitAtGap()
	flags := flag.NewFlagSet("stage1-single", flag.ExitOnError)
	ln := rig.Listen(rig.ParseFlags(flags))
	serve(ln, ln.Site)
}

// serve is the loop: accept a connection, serve it, repeat. While it serves one
// client, the others wait in the system's queue.
//
//	ln.Accept()             → a connection, or an error when the server is to stop
//	http1.Serve(conn, site) → reads the request, answers it, and closes
//
//lab:todo 1.1 accept a connection, serve it, repeat
func serve(ln *rig.Listener, site http1.Getter) {
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		http1.Serve(conn, site)
	}
}

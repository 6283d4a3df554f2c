// This becomes one more file of each server of a soak (soak_test.go), to ask it what it holds.
// It writes its address to a file with the number of the process. Every answer counts the
// probe's own goroutine, too.
package main

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"
)

func init() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err == nil {
		err = os.WriteFile(os.Getenv("WEBLAB_PROBES")+"/"+strconv.Itoa(os.Getpid()), []byte(ln.Addr().String()), 0o644)
	}
	if err != nil {
		panic(err)
	}
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				panic(err)
			}
			for range 3 { // once is not enough for things in a sync.Pool, or with a finalizer or a cleanup
				runtime.GC()
			}
			var memory runtime.MemStats
			runtime.ReadMemStats(&memory)
			fmt.Fprintln(conn, runtime.NumGoroutine(), memory.HeapAlloc)
			conn.Close()
		}
	}()
}

// Fileserver is net/http's file server, as one would write it: what the bench
// measures stage 2 against. It is a program of its own so that its memory is
// its own, too: the bench itself carries all checks of the kit along.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
)

// main serves the folder that it is given, and announces itself as the stages
// do.
func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: fileserver FOLDER")
		os.Exit(2)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err == nil {
		fmt.Printf("http://%s/ serves %s\n", ln.Addr(), os.Args[1])
		err = http.Serve(ln, http.FileServer(http.Dir(os.Args[1])))
	}
	fmt.Fprintln(os.Stderr, "fileserver:", err)
	os.Exit(1)
}

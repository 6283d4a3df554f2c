// Fileserver is net/http's file server, in its simplest form. The bench compares
// stage 2 with it. It is a separate program so that its memory can be measured: the
// bench itself holds all checks of the kit.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
)

// main serves the folder in its argument, and announces itself like the stages.
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

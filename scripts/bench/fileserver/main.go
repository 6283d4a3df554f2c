// Fileserver is net/http's file server, in its simplest form. The bench compares
// stage 2 with it. It is a separate program so that its memory can be measured: the
// bench itself holds its clients.
package main

import (
	"fmt"
	"net/http"
	"os"
)

// main serves a folder (its second argument) at an address (its first).
func main() {
	fmt.Fprintln(os.Stderr, "fileserver:", http.ListenAndServe(os.Args[1], http.FileServer(http.Dir(os.Args[2]))))
	os.Exit(1)
}

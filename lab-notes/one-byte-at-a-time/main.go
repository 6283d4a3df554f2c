// One-byte-at-a-time sends a page over TCP in three ways, and counts the
// segments of each. Both ends are in this program: one sends, as a web server
// does, the other reads, as a browser does.
package main

import (
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"time"
)

const maxPage = 1 << 20 // in bytes; more would only take longer

func main() {
	n := flag.Int("n", 200, "length of the page in `bytes`")
	pause := flag.Duration("pause", 0, "how long the sender waits after each Write")
	flag.Parse() // wrong flags end the program with status 2
	if flag.NArg() > 0 || *n < 1 || *n > maxPage || *pause < 0 {
		fmt.Fprintf(os.Stderr, "one-byte-at-a-time: -n is 1 to %d, -pause 0 or more, and nothing follows (-h lists the flags)\n", maxPage)
		os.Exit(2)
	}
	if err := compare(make([]byte, *n), *pause); err != nil {
		fmt.Fprintln(os.Stderr, "one-byte-at-a-time:", err)
		os.Exit(1)
	}
}

// compare sends the page in three ways, each over a connection of its own.
func compare(page []byte, pause time.Duration) error {
	ln, err := net.Listen("tcp", "127.0.0.1:0") // port 0: any that is free
	if err != nil {
		return fmt.Errorf("cannot listen: %w", err)
	}
	defer ln.Close()
	if _, err := exec.LookPath("ss"); err != nil {
		fmt.Printf("Segments cannot be counted here: there is no ss. Have Wireshark capture on the loopback interface, and filter by tcp.srcport == %d && tcp.len > 0\n", ln.Addr().(*net.TCPAddr).Port)
	}
	fmt.Println("                            Writes  segments   Reads         time")
	err = try(ln, "byte by byte, TCP_NODELAY", page, 1, true, pause)
	if err == nil {
		err = try(ln, "byte by byte, Nagle", page, 1, false, pause)
	}
	if err == nil {
		err = try(ln, "all in one Write", page, len(page), true, pause)
	}
	return err
}

// try sends the page over a connection, size bytes in each Write, and prints
// what that took.
func try(ln net.Listener, name string, page []byte, size int, noDelay bool, pause time.Duration) error {
	to, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		return fmt.Errorf("cannot connect: %w", err)
	}
	defer to.Close()
	from, err := ln.Accept()
	if err != nil {
		return fmt.Errorf("cannot accept: %w", err)
	}
	defer from.Close()
	// Go sets TCP_NODELAY on every connection; false turns Nagle's algorithm on.
	if err := from.(*net.TCPConn).SetNoDelay(noDelay); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	reads := make(chan int, 1)
	go func() { reads <- receive(to, len(page)) }()
	start := time.Now()
	writes, err := send(from, page, size, pause)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	took := time.Since(start)
	fmt.Printf("%-26s%8d%10s%8d%10.2f ms\n", name, writes, countSegments(from), <-reads, took.Seconds()*1000)
	return nil
}

// send writes the page, and waits until the receiver says that it has all of
// it: with that, the last byte is acknowledged.
func send(conn net.Conn, page []byte, size int, pause time.Duration) (writes int, err error) {
	for ; len(page) > 0; page = page[size:] { // size divides the length: it is 1, or all
		if _, err := conn.Write(page[:size]); err != nil {
			return writes, err
		}
		writes++
		time.Sleep(pause)
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		return writes, fmt.Errorf("the receiver did not get it all: %w", err)
	}
	return writes, nil
}

// receive reads n bytes, in whatever pieces they come, and says so with a byte
// of its own. It returns how many Reads that took.
func receive(conn net.Conn, n int) (reads int) {
	buf := make([]byte, n)
	for got := 0; got < n; reads++ {
		m, err := conn.Read(buf)
		if err != nil {
			conn.Close() // send sees that, and reports it
			return reads
		}
		got += m
	}
	conn.Write([]byte{1}) // if this fails, so does the Read in send
	return reads
}

var dataSegments = regexp.MustCompile(`data_segs_out:(\d+)`)

// countSegments asks Linux how many segments with data a connection's end has
// sent: before the close, as the numbers go with the connection.
func countSegments(conn net.Conn) string {
	port := conn.LocalAddr().(*net.TCPAddr).Port
	out, _ := exec.Command("ss", "-tinH", fmt.Sprintf("sport = :%d", port)).Output() // without ss it is empty
	if found := dataSegments.FindSubmatch(out); found != nil {
		return string(found[1])
	}
	return "?"
}

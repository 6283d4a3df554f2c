package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weblab.example/scripts/internal/launch"
	"weblab.example/scripts/internal/tap"
)

// TestProgramFlags: -dir and -with-addr say more about the -with before them.
func TestProgramFlags(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for name, text := range map[string]string{"server.go": "net.Listen", "other.go": "", "own/run": "go run x.go {port}\n", "own/x.go": ""} {
		os.Mkdir(filepath.Join(folder, "own"), 0o755) // there already, the second time
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name string
		args []string
		want string // the programs, or a part of the error
	}{
		{"two", []string{"-with", "go {port}", "-dir", folder, "-with", "go run {port}", "-with-addr", "h:1"}, "go {port} in DIR at ; go run {port} in . at h:1; "},
		{"its only server", []string{"-with", "go run {main} {port}", "-dir", folder}, "go run server.go {port} in DIR at ; "},
		{"a file that is not there", []string{"-with", "go run typo.go {port}", "-dir", folder}, "go run server.go {port} in DIR at ; "},
		{"its file run", []string{"-with", "go {port}", "-dir", folder + "/own"}, "go run x.go {port} in DIR/own at ; "},
		{"no server", []string{"-with", "python3 {main}", "-dir", folder}, "no .py file of it listens on a port"},
		{"a folder of nobody", []string{"-dir", folder}, "it belongs behind a -with"},
		{"an address of nobody", []string{"-with-addr", "h:1"}, "it belongs behind a -with"},
		{"no command", []string{"-with", " "}, "it is empty"},
		{"five", strings.Fields(strings.Repeat("-with {port} ", 5)), "there are 4 already"},
		{"no folder", []string{"-with", "x {port}", "-dir", folder + "/none"}, "-dir: "},
		{"a file", []string{"-with", "x {port}", "-dir", "main.go"}, "main.go is no folder"},
		{"no program", []string{"-with", "weblab-no-such-program {port}"}, `"weblab-no-such-program": executable file not found`},
		{"no port", []string{"-with", "x", "-with-addr", "h"}, `-with-addr is host:port, such as localhost:6789, not "h"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var all []*contestant
			flags := flag.NewFlagSet("", flag.ContinueOnError)
			flags.SetOutput(io.Discard)
			programFlags(flags, &all)
			err := flags.Parse(test.args)
			got := ""
			for _, p := range all {
				err = errors.Join(err, p.check())
				got += fmt.Sprintf("%s in %s at %s; ", strings.Join(p.words, " "), strings.Replace(p.dir, folder, "DIR", 1), p.addr)
			}
			if err != nil {
				got = err.Error()
			}
			if got != test.want && (err == nil || !strings.Contains(got, test.want)) {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

// heard is a connection, opened at 0 ms and connected at 1 ms, with pieces.
func heard(t *testing.T, over bool, pieces ...string) tap.Conn {
	t.Helper()
	c := tap.Conn{Opened: time.UnixMilli(began), Connected: time.UnixMilli(began + 1), Over: over}
	for _, line := range pieces {
		quoted := strconv.Quote(line)
		c.Pieces = append(c.Pieces, pieceOf(t, quoted[1:len(quoted)-1]))
	}
	return c
}

// A wire is a connection, and what is shown of it.
type wire struct {
	name string
	conn tap.Conn
	want string
}

func wires(t *testing.T) []wire {
	failed := heard(t, true)
	failed.Failed, failed.Connected = errors.New("refused"), time.Time{}
	cut := heard(t, true, "2 client GET /\r\n\r\n")
	cut.Pieces[0].Size = 100
	return []wire{
		{"a page", heard(t, true, "2 client GET / HTTP/1.1\r\nHost: \"x\"\r\n\r\n", "5 server HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n", "6 server a\nb\x00", "8 server FIN", "9 client FIN"), `
client 29 bytes, server 42 bytes in 2 pieces, the server closed first
2 client 29: head 29 GET / HTTP/1.1\r\n|Host: "x"\r\n|\r\n
5 server 38: head 38 HTTP/1.1 200 OK\r\n|Content-Length: 4\r\n|\r\n
6 server 4: body 4 a\n|b\x00
8 server FIN
9 client FIN
`},
		{"three answers on one connection; one has no body, whatever its length", heard(t, false,
			"2 client GET /1 HTTP/1.1\r\n\r\n", "3 server HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", "4 client GET /2 HTTP/1.1\r\n\r\n", "5 server HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\nHTTP/1.1 404 No\n\nx"), `
client 38 bytes in 2 pieces, server 105 bytes in 2 pieces, still open at the end
2 client 19: head 19 GET /1 HTTP/1.1\r\n|\r\n
3 server 39: head 38 HTTP/1.1 200 OK\r\n|Content-Length: 1\r\n|\r\n, body 1 a
4 client 19: head 19 GET /2 HTTP/1.1\r\n|\r\n
5 server 66: head 65 HTTP/1.1 304 Not Modified\r\n|Content-Length: 9\r\n|\r\n|HTTP/1.1 404 No\n|\n, body 1 x
`},
		{"a length that is too small, as a client reads it", heard(t, false, "5 server \r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc\r\n"), `
client nothing, server 45 bytes, still open at the end
5 server 45: head 40 \r\n|HTTP/1.1 200 OK\r\n|Content-Length: 1\r\n|\r\n, body 1 a, head 4 bc\r\n
`},
		{"a head in two pieces, a body to the end, and a reset", heard(t, true, "2 client GE", "3 client T / HTTP/1.1\n\n", "4 server HTTP/1.1 200 OK\n", "5 server \nall ", "6 server the rest", "7 client RST"), `
client 16 bytes in 2 pieces, server 29 bytes in 3 pieces, the client reset it first
2 client 2: head 2 GE
3 client 14: head 14 T / HTTP/1.1\n|\n
4 server 16: head 16 HTTP/1.1 200 OK\n
5 server 5: head 1 \n, body 4 all 
6 server 8: body 8 the rest
7 client RST
`},
		{"half closed, and nothing said", heard(t, false, "5 client FIN"), `
client nothing, server nothing, the client closed first, still open at the end
5 client FIN
`},
		{"no server", failed, `
no connection to the server (refused)
`},
		{"more than is kept", cut, `
client 100 bytes, server nothing
2 client 100: head 9 GET /\r\n|\r\n, body 91 (not kept: too much)
`},
	}
}

// TestWire: what is shown of a connection: in words, and piece by piece.
func TestWire(t *testing.T) {
	t.Parallel()
	for _, test := range wires(t) {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := new(trial).converse(test.conn, "name", began)
			got := "\n" + c.Says + "\n"
			for _, p := range c.Pieces {
				var parts []string
				for _, part := range p.Parts {
					kind := map[bool]string{false: "head", true: "body"}[part.Body]
					parts = append(parts, fmt.Sprintf("%s %d %s", kind, part.Size, strings.ReplaceAll(part.Text, "\n", "|")))
				}
				if p.End != "" {
					got += fmt.Sprintf("%v %s %s\n", p.At, p.From, p.End)
				} else {
					got += fmt.Sprintf("%v %s %d: %s\n", p.At, p.From, p.Size, strings.Join(parts, ", "))
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("what is shown (-want +got):\n%s", diff)
			}
		})
	}
}

// TestUntil: what comes when the kit has ended a program is not the program's doing.
func TestUntil(t *testing.T) {
	t.Parallel()
	late := heard(t, true, "9 server RST")
	late.Opened = time.UnixMilli(began + 6)
	got := until(time.UnixMilli(began+5), []tap.Conn{heard(t, true, "2 client GET /", "5 server FIN"), heard(t, true, "2 client RST"), late})
	want := []tap.Conn{heard(t, false, "2 client GET /"), heard(t, true, "2 client RST")}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(tap.Conn{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestVisitors: what a slow client got is not what the browser got.
func TestVisitors(t *testing.T) {
	t.Parallel()
	tr := &trial{settings: settings{Program: 1, Slow: "half"}, stderr: &launch.Tail{}, conns: []tap.Conn{heard(t, true, "2 server HTTP/1.1 404 Not Found\r\n\r\n")}}
	if got := tr.missing(nil); got != "did not send the page" {
		t.Errorf("to the slow client alone: %q", got)
	}
	tr.conns = append(tr.conns, heard(t, true, "2 server HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi"))
	if got := tr.missing(nil); !strings.HasPrefix(got, "announced 9 bytes and sent 2") {
		t.Errorf("to the browser, too: %q", got)
	}
}

// TestPrintWire: in the terminal, each piece has its first line, and many are counted.
func TestPrintWire(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	printWire(&b, []conversation{new(trial).converse(heard(t, true, "2 client GET / HTTP/1.1\r\n\r\n", "3 server 1", "3 server 2", "4 server 3", "4 server 4", "5 server 56", "5 server 789", "7 server FIN", "8 client RST"), "connection 1", began)})
	const want = `  on the wire
    connection 1: client 18 bytes, server 9 bytes in 6 pieces, the server closed first
           2.0 ms  client    18  GET / HTTP/1.1\r\n
           3.0 ms  server     1  1
           3.0 ms  server     1  2
           4.0 ms  server     1  3
           4.0 ms  server     1  4
                              5  bytes more, in 2 pieces
      server FIN at 7.0 ms, client RST at 8.0 ms
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

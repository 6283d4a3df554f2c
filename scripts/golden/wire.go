package golden

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
)

// pause between the pieces of a request: without it the kernel joins them. It
// is a stimulus, no wait for anything, and cannot fail a right server.
const pause = 5 * time.Millisecond

// How a connection ended, as the client sees it.
const (
	endFIN   = "closed"
	endReset = "reset"
	endOpen  = "left open"
)

// heard is what came back on a connection.
type heard struct {
	bytes []byte
	end   string
}

// dial connects, with a deadline for everything on the connection.
func dial(addr string) (*net.TCPConn, error) {
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, failf("a server accepts connections as long as it runs", "cannot connect: %v", err)
	}
	conn.SetDeadline(time.Now().Add(3 * patience))
	return conn.(*net.TCPConn), nil
}

// dialAndSend connects and sends the first bytes.
func dialAndSend(addr string, first []byte) (*net.TCPConn, error) {
	conn, err := dial(addr)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Write(first); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// talk sends the pieces of a request on a connection of its own and hears the
// answer out, until the server ends it.
func talk(addr string, pieces ...[]byte) (heard, error) {
	conn, err := dial(addr)
	if err != nil {
		return heard{}, err
	}
	defer conn.Close()
	// Send and hear at once: an answer may come before all is sent.
	sent := make(chan error, 1)
	go func() {
		for i, piece := range pieces {
			if i > 0 {
				time.Sleep(pause)
			}
			if _, err := conn.Write(piece); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	h := hearOut(conn)
	select {
	case err := <-sent:
		h.sent(err)
	default: // not all of it could be sent yet, and the answer is there
	}
	return h, nil
}

// sent takes note of an error of sending: the system tells of a reset once,
// and if the writer was told, the reader sees an orderly end.
func (h *heard) sent(err error) {
	if err != nil {
		h.end = endReset
	}
}

// sendThenHear sends all of a message before it reads a byte, as a textbook
// client does. A server that closes meanwhile must not cost it the answer.
func sendThenHear(addr string, message []byte) (heard, error) {
	conn, err := dial(addr)
	if err != nil {
		return heard{}, err
	}
	defer conn.Close()
	_, err = conn.Write(message)
	h := hearOut(conn)
	h.sent(err)
	return h, nil
}

// hearOut reads until the server ends the connection, or says nothing for
// too long.
func hearOut(conn net.Conn) heard {
	const most = 64 << 20 // more than any file of the site: it would go on for ever
	var h heard
	buf := make([]byte, 64<<10)
	for {
		conn.SetReadDeadline(time.Now().Add(patience))
		n, err := conn.Read(buf)
		h.bytes = append(h.bytes, buf[:n]...)
		switch {
		case err == nil && len(h.bytes) < most:
		case err == nil:
			h.end = endOpen
			return h
		case err == io.EOF:
			h.end = endFIN
			return h
		case errors.Is(err, os.ErrDeadlineExceeded):
			h.end = endOpen
			return h
		default:
			h.end = endReset
			return h
		}
	}
}

// want compares what was heard with what should have come, after which the
// server should have closed the connection.
func (h heard) want(want []byte) error {
	const closing = "an answer with Connection: close ends with an orderly close (FIN), after everything is sent"
	switch {
	case !bytes.Equal(h.bytes, want) && len(h.bytes) == 0:
		return failf("the answer is missing", "no answer: the connection was %s without a byte", h.end)
	case !bytes.Equal(h.bytes, want):
		seen := difference(want, h.bytes)
		if h.end != endFIN {
			seen += "and then the connection was " + h.end + "\n"
		}
		return failf("the answer is not the one in cases/: each byte counts", "%s", seen)
	case h.end == endReset:
		return failf(closing, "all bytes came, but the connection was reset: a client may lose the answer")
	case h.end == endOpen:
		return failf(closing, "all bytes came, but the connection was still open after %v", patience)
	}
	return nil
}

// difference shows where two messages differ: the offset of the first wrong
// byte, and the lines with their line ends and other control bytes visible.
func difference(want, got []byte) string {
	at := 0
	for at < len(want) && at < len(got) && want[at] == got[at] {
		at++
	}
	where := "differs"
	switch {
	case at == len(got):
		where = fmt.Sprintf("ends after %d of %d bytes", len(got), len(want))
	case at == len(want):
		where = fmt.Sprintf("goes on after its %d bytes, %d too many", len(want), len(got)-len(want))
	}
	var rows diffRows
	cmp.Equal(visible(want, at), visible(got, at), cmp.Reporter(&rows))
	return fmt.Sprintf("first wrong byte at offset %d: what came %s (- want, + got)\n%s", at, where, rows.text.String())
}

// diffRows is a cmp.Reporter that prints a row for each line of a message.
type diffRows struct {
	path cmp.Path
	text strings.Builder
}

func (d *diffRows) PushStep(step cmp.PathStep) { d.path = append(d.path, step) }
func (d *diffRows) PopStep()                   { d.path = d.path[:len(d.path)-1] }

func (d *diffRows) Report(r cmp.Result) {
	want, got := d.path.Last().Values()
	if r.Equal() {
		fmt.Fprintf(&d.text, "  %q\n", want)
		return
	}
	if want.IsValid() {
		fmt.Fprintf(&d.text, "- %q\n", want)
	}
	if got.IsValid() {
		fmt.Fprintf(&d.text, "+ %q\n", got)
	}
}

// visible cuts a message into lines and leaves out what is far from an offset.
func visible(message []byte, at int) []string {
	const near = 600
	start, end := max(0, at-near), min(len(message), at+near)
	lines := strings.SplitAfter(string(message[min(start, end):end]), "\n")
	if start > 0 {
		lines[0] = "..." + lines[0]
	}
	if end < len(message) {
		lines[len(lines)-1] += "..."
	}
	return slices.DeleteFunc(lines, func(line string) bool { return line == "" })
}

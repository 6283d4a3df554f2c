package golden

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"weblab.example/scripts/internal/kit"
	"weblab.example/scripts/internal/term"
)

// pause between the pieces of a request: without it the kernel joins them. It
// is a stimulus, no wait for anything, and cannot fail a right server.
const pause = 5 * time.Millisecond

// How a connection ended, as the client sees it.
const (
	endFIN   = "closed"
	endReset = "reset"
	endOpen  = "left open"
	endNever = "still sending" // and no answer takes that long
)

// heard is what came back on a connection.
type heard struct {
	bytes []byte
	end   string
	quiet time.Duration // how long nothing came before the end
	sent  []byte        // what it answers, if that is known
}

// said is what was heard, in short.
func (h heard) said() string {
	if len(h.bytes) == 0 {
		return fmt.Sprintf("no byte came in %v, and the connection was %s", h.quiet.Round(100*time.Millisecond), h.end)
	}
	return fmt.Sprintf("%.60q came, and the connection was %s", h.bytes, h.end)
}

// stays is the diagnosis for a connection that stays open after an answer.
func (h heard) stays() string {
	if _, said := readMessage(h.bytes).field("Connection"); !said {
		return "close-not-said"
	}
	return "not-closed"
}

// dial connects, with a deadline for everything on the connection.
func (l *lab) dial() (*net.TCPConn, error) {
	conn, err := net.DialTimeout("tcp", l.addr, patience)
	for err != nil && l.starting() {
		time.Sleep(pause)
		conn, err = net.DialTimeout("tcp", l.addr, patience)
	}
	if err != nil && l.proc == nil && l.program.Foreign && !l.reached.Load() {
		return nil, fmt.Errorf("%w: no server listens on %s", kit.ErrTrouble, l.addr) // nor has one before
	}
	if err != nil {
		return nil, failf("not-accepting", "cannot connect: %v", err)
	}
	l.reached.Store(true)
	conn.SetDeadline(time.Now().Add(3 * patience))
	if portLeft.Load() {
		conn.(*net.TCPConn).SetLinger(0)
	}
	return conn.(*net.TCPConn), nil
}

// dialAndSend connects and sends the first bytes.
func (l *lab) dialAndSend(first []byte) (*net.TCPConn, error) {
	conn, err := l.dial()
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
func (l *lab) talk(pieces ...[]byte) (heard, error) {
	conn, err := l.dial()
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
	h.sent = bytes.Join(pieces, nil)
	select {
	case err := <-sent:
		h.sending(err)
	default: // not all of it could be sent yet, and the answer is there
	}
	return h, nil
}

// sending takes note of an error of sending: the system tells of a reset once,
// and if the writer was told, the reader sees an orderly end.
func (h *heard) sending(err error) {
	if err != nil {
		h.end = endReset
	}
}

// sendThenHear sends all of a message before it reads a byte, as a textbook
// client does. A server that closes meanwhile must not cost it the answer.
func (l *lab) sendThenHear(message []byte) (heard, error) {
	conn, err := l.dial()
	if err != nil {
		return heard{}, err
	}
	defer conn.Close()
	_, err = conn.Write(message)
	h := hearOut(conn)
	h.sent = message
	h.sending(err)
	return h, nil
}

// hearOut reads until the server ends the connection, or says nothing for
// too long, or goes on for too long.
func hearOut(conn net.Conn) (h heard) {
	const most = 64 << 20 // more than any file of the site
	buf := make([]byte, 64<<10)
	for start := time.Now(); ; {
		last := time.Now()
		conn.SetReadDeadline(readUntil(start))
		n, err := conn.Read(buf)
		h.bytes = append(h.bytes, buf[:n]...)
		h.quiet = time.Since(last)
		switch {
		case err == nil && len(h.bytes) < most:
			continue
		case err == nil, errors.Is(err, os.ErrDeadlineExceeded) && h.quiet < patience:
			h.end = endNever
		case err == io.EOF:
			h.end = endFIN
		case errors.Is(err, os.ErrDeadlineExceeded):
			h.end = endOpen
		default:
			h.end = endReset
		}
		return h
	}
}

// readUntil is the deadline of the next read of an answer. The whole of an answer
// has one as well: else a byte now and then would keep a check for ever.
func readUntil(start time.Time) time.Time {
	if next := time.Now().Add(patience); next.Before(start.Add(3 * patience)) {
		return next
	}
	return start.Add(3 * patience)
}

// want compares what was heard with what should have come, after which the
// server should have closed the connection.
func (h heard) want(want []byte) error {
	switch {
	case !bytes.Equal(h.bytes, want):
		f := h.diagnose(want)
		f.Seen = difference(want, h.bytes)
		if h.end != endFIN {
			f.Seen = strings.TrimRight(f.Seen, "\n") + "\nand then the connection was " + h.end
		}
		return f
	case h.end == endReset:
		return failf("reset", "all bytes came, but the connection was reset")
	case h.end != endFIN:
		return failf(h.stays(), "all bytes came, but the connection was still open after %v", patience)
	}
	return nil
}

// difference shows where two messages differ: the offset of the first wrong
// byte, and the lines with their line ends and other control bytes visible.
func difference(want, got []byte) string {
	if len(got) == 0 {
		return fmt.Sprintf("nothing came of %d bytes", len(want))
	}
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
	const near = 240 // bytes, of what is alike before and behind what differs, and of that
	same := 0        // at the end
	for same < min(len(want), len(got))-at && want[len(want)-1-same] == got[len(got)-1-same] {
		same++
	}
	part := func(message []byte) []string {
		end := min(len(message)-same, at+near) + near
		return visible(message, max(0, at-near), min(end, len(message)))
	}
	var rows diffRows
	cmp.Equal(part(want), part(got), cmp.Reporter(&rows))
	return fmt.Sprintf("first wrong byte at offset %d, what came %s (- want, + got)\n%s", at, where, rows.text())
}

// diffRows is a cmp.Reporter that makes a row for each line of a message.
type diffRows struct {
	path cmp.Path
	rows []string
}

func (d *diffRows) PushStep(step cmp.PathStep) { d.path = append(d.path, step) }
func (d *diffRows) PopStep()                   { d.path = d.path[:len(d.path)-1] }

func (d *diffRows) Report(r cmp.Result) {
	want, got := d.path.Last().Values()
	if r.Equal() {
		d.rows = append(d.rows, fmt.Sprintf("  %q\n", want))
		return
	}
	if want.IsValid() {
		d.rows = append(d.rows, fmt.Sprintf("- %q\n", want))
	}
	if got.IsValid() {
		d.rows = append(d.rows, fmt.Sprintf("+ %q\n", got))
	}
}

// text is the rows. Where much differs both messages are cut at the same offset,
// and so at different places when one of them has more bytes before it. What differs
// there, after the first difference, is none.
func (d *diffRows) text() string {
	differs := func(row string) bool { return row[0] != ' ' }
	end := len(d.rows)
	for end > 0 && (differs(d.rows[end-1]) || strings.HasSuffix(d.rows[end-1], more)) {
		end--
	}
	cut := slices.ContainsFunc(d.rows[end:], func(row string) bool { return strings.HasSuffix(row, more) })
	if cut && slices.ContainsFunc(d.rows[:end], differs) {
		d.rows = append(d.rows[:end], "  "+more)
	}
	return strings.Join(d.rows, "")
}

// more is a row in place of what is left out.
const more = "\"...\"\n"

// visible cuts a part of a message into lines, and long lines into pieces that fit
// into a terminal.
func visible(message []byte, start, end int) (pieces []string) {
	const long = 48     // bytes; quoted, a byte takes up to four columns
	pieces = []string{} // not nil, even when empty: that would be another kind of difference
	if start > 0 {
		pieces = append(pieces, "...")
	}
	for line := range strings.Lines(string(message[min(start, end):end])) {
		for len(line) > 0 {
			cut := min(long, len(line))
			for columns := term.Columns(strconv.Quote(line[:cut])); cut > 1 && (columns > term.Width-14 || !utf8.RuneStart((line + "x")[cut])); columns = term.Columns(strconv.Quote(line[:cut])) {
				cut--
			}
			if cut < len(line) && strings.TrimRight(line[cut:], "\r\n") == "" {
				cut = len(line) // a line end of its own would look like an empty line
			}
			pieces = append(pieces, line[:cut])
			line = line[cut:]
		}
	}
	if end < len(message) {
		pieces = append(pieces, "...")
	}
	return pieces
}

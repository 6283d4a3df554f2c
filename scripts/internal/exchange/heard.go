// Package exchange talks to a server over TCP, and keeps what came back:
//
//	an address -> Dial -> pieces are sent, pauses between them -> bytes are heard
//	-> Heard (the bytes, how the connection ended, how long it was quiet)
//	-> ReadMessage -> Message (status line, fields, body) -> Content (without framing)
//
// It judges nothing: that is for the package verdict.
package exchange

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

// Patience is how long a check waits for something that a right program does
// at once. Only a wrong one makes anybody wait for it.
const Patience = 5 * time.Second

// Pause between the pieces of a request: without it the kernel joins them. It
// is a stimulus, no wait for anything, and cannot fail a right server.
const Pause = 5 * time.Millisecond

// AMoment is less than any time for which a server waits for a request.
const AMoment = 400 * time.Millisecond

// How a connection ended, as the client sees it.
const (
	EndFIN   = "closed"
	EndReset = "reset"
	EndOpen  = "left open"
	EndNever = "still sending" // and no answer takes that long
)

// Heard is what came back on a connection.
type Heard struct {
	Bytes    []byte
	Segments int // in which the bytes came; 0 if the system does not tell
	End      string
	Quiet    time.Duration // how long nothing came before the end
	Sent     []byte        // what it answers, if that is known
}

// Said is what was heard, in short.
func (h Heard) Said() string {
	if len(h.Bytes) == 0 && h.Quiet < 100*time.Millisecond {
		return "no byte came, and the connection was " + h.End
	}
	if len(h.Bytes) == 0 {
		return fmt.Sprintf("no byte came in %v, and the connection was %s", h.Quiet.Round(100*time.Millisecond), h.End)
	}
	return fmt.Sprintf("%.60q came, and the connection was %s", h.Bytes, h.End)
}

// Dial connects, with a deadline for everything on the connection.
func Dial(addr string) (*net.TCPConn, error) {
	conn, err := net.DialTimeout("tcp", addr, Patience)
	if err != nil {
		return nil, err
	}
	conn.SetDeadline(time.Now().Add(3 * Patience))
	return conn.(*net.TCPConn), nil
}

// Talk sends the pieces of a request and hears the answer out, until the server ends it.
// It sends and hears at once: an answer may come before all is sent.
func Talk(conn *net.TCPConn, pieces ...[]byte) Heard {
	sent := make(chan error, 1)
	go func() {
		for i, piece := range pieces {
			if i > 0 {
				time.Sleep(Pause)
			}
			if _, err := conn.Write(piece); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	h := HearOut(conn)
	h.Sent = bytes.Join(pieces, nil)
	select {
	case err := <-sent:
		if err != nil { // the system tells of a reset once, and if the writer was told, the reader sees an orderly end
			h.End = EndReset
		}
	default: // not all of it could be sent yet, and the answer is there
	}
	return h
}

// HearOut reads until the server ends the connection, or says nothing for
// too long, or goes on for too long.
func HearOut(conn net.Conn) Heard { return Hear(conn, Patience, func([]byte) bool { return false }) }

// Hear is HearOut with a patience of its own. It also stops, and leaves the connection
// open, when enough says that enough has come.
func Hear(conn net.Conn, patience time.Duration, enough func(all []byte) bool) (h Heard) {
	const most = 64 << 20 // more than any file of the site
	buf := make([]byte, 64<<10)
	for start := time.Now(); ; {
		last := time.Now()
		conn.SetReadDeadline(ReadUntil(start, patience))
		n, err := conn.Read(buf)
		h.Bytes = append(h.Bytes, buf[:n]...)
		h.Quiet = time.Since(last)
		switch {
		case err == nil && enough(h.Bytes):
			h.End = EndOpen
		case err == nil && len(h.Bytes) < most:
			continue
		case err == nil, errors.Is(err, os.ErrDeadlineExceeded) && h.Quiet < patience:
			h.End = EndNever
		case err == io.EOF:
			h.End = EndFIN
		case errors.Is(err, os.ErrDeadlineExceeded):
			h.End = EndOpen
		default:
			h.End = EndReset
		}
		h.Segments = segments(conn)
		return h
	}
}

// ReadUntil is the deadline of the next read of an answer. The whole of an answer
// has one as well: else a byte now and then would keep a check for ever.
func ReadUntil(start time.Time, patience time.Duration) time.Time {
	if next := time.Now().Add(patience); next.Before(start.Add(3 * patience)) {
		return next
	}
	return start.Add(3 * patience)
}

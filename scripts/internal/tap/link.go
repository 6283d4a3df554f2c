package tap

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// A link is a connection of a Tap, while it lasts.
type link struct {
	*Tap
	conn           *Conn
	client, server *net.TCPConn

	mu   sync.Mutex
	told map[*net.TCPConn]bool // which of the two has been sent a FIN
}

// pass passes on one direction, until it ends. If nothing can be sent to the other end,
// that one has reset the connection. It may have said something before: who reads it
// meets the reset behind that, and passes on both.
func (l *link) pass(from, to *net.TCPConn, side string) {
	buf := make([]byte, bufferSize)
	n, err := 0, error(nil)
	for err == nil {
		if n, err = from.Read(buf); n > 0 {
			l.piece(Piece{From: side, Size: n, Bytes: buf[:n], Parts: 1})
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
	}
	if err == io.EOF && l.lives(from) {
		l.piece(Piece{From: side, End: FIN})
		l.end(to)
		err = l.watch(from)
	}
	if errors.Is(err, net.ErrClosed) {
		return
	}
	l.piece(Piece{From: side, End: RST})
	abort(to)
	from.Close()
}

// end passes on a FIN. After the second one the connection is over.
func (l *link) end(to *net.TCPConn) {
	l.mu.Lock()
	l.told[to] = true
	over := len(l.told) == 2
	if !over {
		to.CloseWrite()
	}
	l.mu.Unlock() // Close waits for watch, which may wait for the lock
	if !over {
		return
	}
	if l.FreePort && to == l.server { // which closed first
		abort(to)
	}
	l.client.Close()
	l.server.Close()
}

// lives reports whether a connection whose end was read has not been reset. The system tells of
// a reset only once. If the other direction was told, a reader sees an orderly end.
func (l *link) lives(conn *net.TCPConn) (yes bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	raw, err := conn.SyscallConn()
	if err == nil && !l.told[conn] { // else nobody writes to it
		err = raw.Control(func(fd uintptr) { yes = lives(fd) })
	}
	return yes || l.told[conn] || err != nil
}

// watch waits until a connection that has sent a FIN is reset, or closed here. A server that
// closed resets it when something comes for it.
func (l *link) watch(conn *net.TCPConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	err = raw.Read(func(uintptr) bool {
		time.Sleep(pollTime)
		return !l.lives(conn)
	})
	return err
}

// piece writes down a piece.
func (l *link) piece(p Piece) {
	p.Time = time.Now()
	p.Until = p.Time
	l.note(func() {
		c := l.conn
		p.Bytes = bytes.Clone(p.Bytes[:min(len(p.Bytes), keepBytes-c.kept)])
		c.kept += len(p.Bytes)
		for i := len(c.Pieces) - 1; i >= 0 && p.End == "" && len(c.Pieces) >= keepPieces; i-- {
			if last := &c.Pieces[i]; last.From == p.From {
				last.Size, last.Parts, last.Until = last.Size+p.Size, last.Parts+1, p.Until
				last.Bytes = append(last.Bytes, p.Bytes...)
				return
			}
		}
		c.Pieces = append(c.Pieces, p)
	})
}

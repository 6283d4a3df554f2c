// Package tap is a relay between clients and a server on the same machine. It passes on
// bytes, the end of a direction (FIN) and resets (RST) as they come, changes nothing, and
// writes down each piece:
//
//	client -> Tap -> server, and back -> the pieces of each Conn, with their times
package tap

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"time"
)

const (
	bufferSize = 32 << 10 // of a direction
	keepBytes  = 64 << 10 // of a connection: the first of its bytes
	keepPieces = 500      // of a connection; what comes behind them is added to the last one
)

// Who sends a piece, and how a direction ends.
const (
	Client, Server = "client", "server"
	FIN, RST       = "FIN", "RST"
)

// A Piece is what came with one read, or the end of a direction.
type Piece struct {
	Time, Until time.Time // the same, unless Parts is more than 1
	From        string    // Client or Server
	Size        int       // bytes
	Bytes       []byte    // the first of them, perhaps all
	Parts       int       // how many reads: more than 1 where the connection has too many
	End         string    // "", FIN or RST
}

// A Conn is a connection of a client, and that to the server which belongs to it.
type Conn struct {
	Opened    time.Time // when the tap took it from the client
	Connected time.Time // when the tap was connected to the server; zero if it was not
	Failed    error     // why not
	Local     string    // the tap's own address there: the server knows the connection by it
	Remote    string    // the server's
	Pieces    []Piece
	Over      bool // nothing can come any more

	kept int // bytes
}

// ClosedFirst is who sent the first FIN or RST, or "".
func (c Conn) ClosedFirst() string {
	if i := slices.IndexFunc(c.Pieces, func(p Piece) bool { return p.End != "" }); i >= 0 {
		return c.Pieces[i].From
	}
	return ""
}

// A Tap is a relay in front of one server.
type Tap struct {
	Addr string // host:port for the clients

	// FreePort is for a server that must have the same port again at once. Where it closed
	// first, the client's FIN reaches it as a reset: so no TIME-WAIT is left of its port.
	// This is the only thing that a tap may change. Set it before the first client.
	FreePort bool

	dial  func(context.Context) (*net.TCPConn, error)
	ctx   context.Context
	close func()
	busy  sync.WaitGroup

	mu    sync.Mutex
	conns []*Conn
	more  chan struct{} // closed when something comes; nil if nobody waits
}

// Open listens on an address, and connects each client to what dial reaches.
func Open(addr string, dial func(context.Context) (*net.TCPConn, error)) (*Tap, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	t := &Tap{Addr: ln.Addr().String(), dial: dial}
	ctx, cancel := context.WithCancel(context.Background())
	t.ctx, t.close = ctx, func() { cancel(); ln.Close() }
	t.busy.Go(func() {
		for {
			client, err := ln.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			} else if err == nil { // else this client has left already
				c := &Conn{Opened: time.Now()}
				t.note(func() { t.conns = append(t.conns, c) })
				t.busy.Go(func() { t.relay(client.(*net.TCPConn), c) })
			}
		}
	})
	return t, nil
}

// Close ends the tap, and resets the connections that are open.
func (t *Tap) Close() {
	t.close()
	t.busy.Wait()
}

// note changes what is known, and tells Wait.
func (t *Tap) note(change func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change()
	if t.more != nil {
		close(t.more)
		t.more = nil
	}
}

// Wait waits until enough says yes to what has passed, or ctx is done. It returns what has
// passed, in the order in which the clients came.
func (t *Tap) Wait(ctx context.Context, enough func([]Conn) bool) ([]Conn, error) {
	for {
		t.mu.Lock()
		var conns []Conn
		for _, c := range t.conns {
			conns = append(conns, *c)
			conns[len(conns)-1].Pieces = slices.Clone(c.Pieces)
		}
		if t.more == nil {
			t.more = make(chan struct{})
		}
		more := t.more
		t.mu.Unlock()
		if enough(conns) {
			return conns, nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return conns, ctx.Err()
		}
	}
}

// relay connects a client to the server, and passes on what they say.
func (t *Tap) relay(client *net.TCPConn, c *Conn) {
	server, err := t.dial(t.ctx)
	if err != nil {
		abort(client)
		t.note(func() { c.Failed, c.Over = err, true })
		return
	}
	t.note(func() {
		c.Connected, c.Local, c.Remote = time.Now(), server.LocalAddr().String(), server.RemoteAddr().String()
	})
	defer context.AfterFunc(t.ctx, func() { abort(client); abort(server) })()
	l := &link{Tap: t, conn: c, client: client, server: server, told: map[*net.TCPConn]bool{}}
	var both sync.WaitGroup
	both.Go(func() { l.pass(client, server, Client) })
	both.Go(func() { l.pass(server, client, Server) })
	both.Wait()
	t.note(func() { c.Over = true })
}

// abort closes a connection with a reset.
func abort(conn *net.TCPConn) {
	conn.SetLinger(0)
	conn.Close()
}

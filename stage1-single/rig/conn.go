package rig

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"weblab.example/stage1-single/fast"
	"weblab.example/stage1-single/http1"
)

const (
	pieceSize = 32 << 10               // bytes of a large file that are sent at a time, each under a time limit
	maxRest   = 16 << 20               // bytes that are read and dropped before a close
	stopWait  = 100 * time.Millisecond // for a request that is on its way when the server stops
)

// Why a connection ends, for the log.
var (
	errAnswered = errors.New("answered")
	errSilent   = errors.New("no request came in time, or before the server stopped")
	errTLS      = errors.New("a TLS hello came: somebody used https:// where there is only http://")
	errShorter  = errors.New("the file became shorter while it was sent: the client got less than was announced")
)

// A Conn is a connection on which nothing waits for ever. It is an http1.Conn.
type Conn struct {
	listener  *Listener
	tcp       net.Conn
	log       *slog.Logger
	stopWatch func() bool

	answered, unasked int    // requests; bytes that were read and belong to no request yet
	sending, closing  bool   // part of an answer was sent; CloseWrite was called
	why               error  // the connection ends, for the log
	method, target    string // of the request that is answered, for the log
	forHead, told     bool   // it is a HEAD; it is in the log
	closes            bool   // the answer ends the connection
	status            int

	mu      sync.Mutex
	waiting bool // for a request, of which no byte has come
}

func (l *Listener) newConn(tcp net.Conn) *Conn {
	c := &Conn{listener: l, tcp: tcp, why: errAnswered}
	l.serving.Add(1)
	c.log = l.log
	if number := l.accepted.Add(1); c.logs() {
		c.log = l.log.With("conn", number)
		c.log.Info("accepted", "remote", tcp.RemoteAddr().String(), "local", tcp.LocalAddr().String())
	}
	if l.KeepAlive { // many small answers add up, if they are not taken
		fast.KeepBufferSmall(tcp)
	}
	c.stopWatch = context.AfterFunc(l.Stopping, c.stopWaiting)
	return c
}

// MayPersist reports whether another request may follow.
func (c *Conn) MayPersist() bool {
	return c.listener.KeepAlive && c.listener.Stopping.Err() == nil
}

// Read reads what the client sends. The first head has its time from the accept on, each
// other one from its first byte on.
func (c *Conn) Read(p []byte) (n int, err error) {
	switch {
	case c.closing:
		return c.tcp.Read(p)
	case c.unasked == 0:
		n, err = c.readFirst(p)
	default:
		n, err = c.tcp.Read(p)
	}
	c.unasked += n
	if err != nil {
		c.why = err
	}
	return n, err
}

// readFirst reads the first bytes of a head. Browsers open connections ahead of time, and
// may leave them silent: these are given up.
func (c *Conn) readFirst(p []byte) (n int, err error) {
	patience := c.listener.HeadTimeout
	if c.answered > 0 {
		patience = c.listener.IdleTimeout
	}
	c.mu.Lock()
	c.waiting = true
	if c.listener.Stopping.Err() != nil {
		patience = min(patience, stopWait)
	}
	err = c.tcp.SetReadDeadline(time.Now().Add(patience))
	c.mu.Unlock()
	if err == nil {
		n, err = c.tcp.Read(p)
	}
	c.mu.Lock()
	c.waiting = false
	c.mu.Unlock()
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return n, errSilent
	case err != nil:
		return n, err
	case p[0] == 0x16: // the record type "handshake", RFC 8446 section 5.1
		return 0, errTLS
	case c.answered > 0 || c.listener.Stopping.Err() != nil: // else the deadline is set already
		return n, c.tcp.SetReadDeadline(time.Now().Add(c.listener.HeadTimeout))
	}
	return n, nil
}

// stopWaiting is called when the server stops. A client that has not begun to ask has
// little time left.
func (c *Conn) stopWaiting() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting {
		c.tcp.SetReadDeadline(time.Now().Add(stopWait)) // fails if closed: then it is over anyway
	}
}

// GotRequest notes the request that is answered next.
func (c *Conn) GotRequest(req *http1.Request) {
	c.forHead, c.told = req.Method == "HEAD", false
	if c.logs() { // clones, as the head that they are in may be large
		c.method, c.target = strings.Clone(req.Method), strings.Clone(req.Target)
	}
	c.unasked -= req.Size
	if c.listener.Verbose {
		for line := range strings.Lines(req.Head) {
			fmt.Fprintf(os.Stderr, "%q\n", line) // quoted, so that it plays no tricks on the terminal
		}
	}
}

// WillSend logs what was asked for, and lets the experiments bend the response.
func (c *Conn) WillSend(resp *http1.Response) {
	c.logRequest(resp.Why)
	if resp.File != nil {
		fast.KeepBufferSmall(c.tcp)
	}
	c.listener.experiment(resp)
	c.status, c.closes = resp.Status, resp.Connection == "close"
}

// Sent notes how an answer went.
func (c *Conn) Sent(body int64, err error) {
	if c.logs() {
		c.log.Info("answered", "status", c.status, "body", body)
	}
	c.answered++
	c.sending = c.closes // no other answer then
	c.why = cmp.Or(err, errAnswered)
	if err == io.EOF {
		c.why = errShorter
	}
	if c.unasked > 0 { // the next head has begun
		c.tcp.SetReadDeadline(time.Now().Add(c.listener.HeadTimeout)) // fails if closed: reading says so, too
	}
}

package http1

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxLinger bounds what is read and dropped before a close, in bytes.
	maxLinger = 16 << 20

	// readSize is how much is read at a time, in bytes: most heads come in one
	// read, and a connection that is silent holds no more than a few of these.
	readSize = 1 << 10

	// How often closesSoon looks: less than 0.1 ms together where nobody else is
	// served, and a tenth of that where others wait for their turn.
	looksAlone, looksAmongOthers = 200, 20

	// sendBuffer is how much of a large file, or of the answers on a persistent
	// connection, may wait in the system for its client, in bytes. Linux takes
	// twice that.
	sendBuffer = 64 << 10

	// stopWait is how long a silent connection is still listened to when the
	// server stops: a request may be on its way.
	stopWait = 100 * time.Millisecond
)

// Why a connection ends, for the log.
var (
	errAnswered = errors.New("answered")
	errSilent   = errors.New("no request came in time, or before the server stopped")
	errTLS      = errors.New("a TLS hello came: somebody used https:// where there is only http://")
	errPanic    = errors.New("the server's own code failed")
	errShorter  = errors.New("the file became shorter while it was sent: the client got less than was announced")
)

// A Server answers requests on connections that somebody else accepts.
type Server struct {
	Options
	Site *Site
	Log  *slog.Logger

	accepted atomic.Int64 // connections so far
	serving  atomic.Int64 // of them, those that are not over
}

// conn is one connection while it is served. What two connections must not
// share is here; what they do share, in Server, is not changed by them, but for
// the counts, and the memory of the Site, which has a lock.
type conn struct {
	server    *Server
	tcp       net.Conn
	in        *bufio.Reader // one for all requests: it may hold the next one already
	log       *slog.Logger
	req       Request
	resp      Response // memory for answers that are remembered
	answering bool     // part of an answer may have been sent

	mu      sync.Mutex
	waiting bool // for a request, of which no byte has come
}

// ServeConn answers the requests that come on a connection and closes it.
// Once ctx is done it waits for no other request. A panic ends this
// connection only: it is logged, and answered with 500 if that is possible.
func (s *Server) ServeConn(ctx context.Context, tcp net.Conn) {
	c := &conn{server: s, tcp: tcp, in: bufio.NewReaderSize(tcp, readSize)}
	s.serving.Add(1)
	defer s.serving.Add(-1)
	c.logAccepted(s.accepted.Add(1))
	why := errPanic
	defer func() {
		tcp.Close() // if it is open still, there is nobody left to tell
		c.logClosed(why)
	}()
	defer c.answerPanic()
	defer context.AfterFunc(ctx, c.stopWaiting)()
	if s.KeepAlive { // many small answers add up, if they are not taken
		keepBufferSmall(tcp)
	}
	why = c.serveRequests(ctx)
}

// serveRequests answers one request, or with -keep-alive one after another,
// until the connection ends, and returns why it ended.
func (c *conn) serveRequests(ctx context.Context) error {
	for first := true; ; first = false {
		c.answering = false
		err := c.awaitRequest(ctx, first)
		if err == errTLS {
			c.close()
		}
		if err != nil {
			return err
		}
		resp, err := c.answer(ctx)
		if err != nil {
			return err
		}
		c.forgetRequest()
		c.server.experiment(resp)
		if err := c.send(resp); err != nil {
			return err
		}
		if resp.Connection == "close" {
			c.close()
			return errAnswered
		}
		c.resp = Response{} // nobody knows when the next request comes
	}
}

// forgetRequest lets go of the memory of a request, but for a little: the client
// may take its time for the answer, and a head of 16 KiB with thousands of fields
// takes half a megabyte.
func (c *conn) forgetRequest() {
	if cap(c.req.head) > 4*readSize || cap(c.req.Fields) > 64 {
		c.req = Request{}
	}
}

// close is closeGracefully. Where this connection is the only one, as in stage 1
// always, nothing else is to be done until the client has closed, too: then it
// looks for that more often before it goes to sleep.
func (c *conn) close() {
	looks := looksAmongOthers
	if c.server.serving.Load() == 1 {
		looks = looksAlone
	}
	closeGracefully(c.tcp, c.server.Linger, looks)
}

// awaitRequest waits for the first byte of a request and sets the deadline
// for the rest of its head. A browser opens connections ahead of time and may
// leave them silent: they are given up, or a server that talks to one client
// at a time would be deaf for ever.
func (c *conn) awaitRequest(ctx context.Context, first bool) error {
	start, patience := time.Now(), c.server.HeadTimeout
	if !first {
		patience = c.server.IdleTimeout
	}
	next, err := c.firstByte(ctx, start, patience)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errSilent
	case err != nil:
		return err
	case next == 0x16: // the record type "handshake", RFC 8446 section 5.1
		return errTLS
	}
	if first && ctx.Err() == nil {
		return nil // the first head has its time from accept on: the deadline is set already
	}
	if !first { // the others have theirs from their first byte on
		start = time.Now()
	}
	return c.tcp.SetReadDeadline(start.Add(c.server.HeadTimeout))
}

// firstByte waits for a byte and leaves it where it is. When the server stops
// meanwhile, stopWaiting makes the wait a short one.
func (c *conn) firstByte(ctx context.Context, start time.Time, patience time.Duration) (byte, error) {
	c.mu.Lock()
	if ctx.Err() != nil {
		patience = min(patience, stopWait)
	}
	err := c.tcp.SetReadDeadline(start.Add(patience))
	c.waiting = true
	c.mu.Unlock()
	if err != nil {
		return 0, err
	}
	next, err := c.in.Peek(1)
	c.mu.Lock()
	c.waiting = false
	c.mu.Unlock()
	if err != nil {
		return 0, err
	}
	return next[0], nil
}

// stopWaiting is called when the server stops: who has not begun to ask has
// little time left. A head that has begun keeps its own.
func (c *conn) stopWaiting() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting {
		c.tcp.SetReadDeadline(time.Now().Add(stopWait)) // fails if closed: then it is over anyway
	}
}

// answer reads a request and finds the response to it. An error means that
// there is nobody to answer.
func (c *conn) answer(ctx context.Context) (resp *Response, err error) {
	err = c.req.Read(c.in)
	c.printHead()
	if err == nil {
		resp, err = c.respond(ctx)
	}
	if err == nil {
		c.logRequest("")
		return resp, nil
	}
	var bad *StatusError
	if errors.As(err, &bad) {
		c.logRequest(bad.Reason)
		resp = statusPage(bad.Status) // and close: who knows where the next request begins
		resp.HeadOnly = string(c.req.Method) == "HEAD"
		return resp, nil
	}
	return nil, err
}

// respond finds the response to a request whose head is good. The error is a
// *StatusError.
func (c *conn) respond(ctx context.Context) (resp *Response, err error) {
	if string(c.req.Method) == "GET" {
		resp, err = c.server.Site.get(c.req.Target, &c.resp)
	} else {
		var target Target
		if target, err = ParseTarget(c.req.Method, c.req.Target); err == nil {
			resp = otherMethod(c.server.Site, c.req.Method, target)
		}
	}
	if err != nil {
		return nil, err
	}
	if c.server.KeepAlive && ctx.Err() == nil {
		resp.Connection = connectionOption(&c.req)
	}
	return resp, nil
}

// otherMethod answers the methods beside GET (RFC 9110 section 9). HEAD gets
// what GET would get, without the body. What is a method elsewhere, but not
// for files (the others of section 9, and PATCH of RFC 5789), is a 405, which
// lists in Allow those that are: "GET, HEAD". The rest is a 501. Case matters:
// get is not GET.
//
//lab:todo 1.7 answer HEAD, and say 405 or 501 to the other methods
func otherMethod(site *Site, method []byte, target Target) *Response {
	switch string(method) {
	case "HEAD":
		resp := site.Get(target)
		resp.HeadOnly = true
		return resp
	case "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH":
		resp := statusPage(405)
		resp.Allow = "GET, HEAD"
		return resp
	}
	return statusPage(501)
}

// connectionOption decides whether the connection persists after a request
// (RFC 9112 section 9.3), and returns what the response says about it: "close",
// "keep-alive" to a client that had to ask for it, or "" where it is the rule.
//
// A request with a body is the last one: the body is not read, so that what
// follows it cannot be found. Close in the request's Connection, which is a
// list, counts before all else. In HTTP/1.1 to stay open is the rule; in
// HTTP/1.0 a client has to ask for it, with keep-alive.
//
//lab:todo 1.9 decide from the request whether the connection stays open
func connectionOption(req *Request) string {
	switch {
	case req.HasBody, Has(req.Fields, "Connection", "close"):
		return "close"
	case req.Minor >= 1:
		return ""
	case Has(req.Fields, "Connection", "keep-alive"):
		return "keep-alive"
	}
	return "close"
}

// send writes the response.
func (c *conn) send(resp *Response) error {
	c.answering = true
	if resp.File != nil {
		keepBufferSmall(c.tcp)
	}
	sent, err := resp.WriteTo(c.tcp, c.server.Stall)
	if resp.File != nil {
		resp.File.Close() // only read from: closing loses nothing
	}
	c.logAnswered(resp.Status, sent)
	if err == io.EOF {
		err = errShorter
	}
	return err
}

// keepBufferSmall keeps what the system takes ahead of the client at sendBuffer
// bytes. Left to itself it takes megabytes for each client that does not read; and
// those of a large file have left the processor's cache when the client reads them.
func keepBufferSmall(tcp net.Conn) {
	if buffered, ok := tcp.(interface{ SetWriteBuffer(bytes int) error }); ok {
		buffered.SetWriteBuffer(sendBuffer) // only slower if it fails
	}
}

// closeGracefully closes a connection without losing the answer that was just
// sent (RFC 9112 section 9.6): say that no more will be sent (FIN), wait until
// the client has closed too, and close then. Linger is how long that may take,
// after a few looks; with 0 it is a plain close.
func closeGracefully(tcp net.Conn, linger time.Duration, looks int) {
	defer tcp.Close() // an error here is nobody's loss
	half, ok := tcp.(interface{ CloseWrite() error })
	if !ok || linger <= 0 || half.CloseWrite() != nil || closesSoon(tcp, looks) {
		return
	}
	if tcp.SetReadDeadline(time.Now().Add(linger)) != nil {
		return
	}
	if n, _ := tcp.Read(make([]byte, 1)); n > 0 { // not its end, nor the deadline: it sends on
		dropRest(tcp)
	}
}

// dropRest reads from a connection what the client still sends, and drops it.
// To close while bytes from the client are unread makes TCP send a reset. With a
// reset the system throws away what of the answer it has not sent yet, and some
// clients' systems also what has come and is not read. It returns when the client
// has closed, or the connection's deadline, which is set already, has passed, or
// after maxLinger bytes: who sends more than that is not listening.
//
//lab:todo 1.8 read and drop what the client still sends, within bounds
func dropRest(tcp io.Reader) {
	io.CopyN(io.Discard, tcp, maxLinger) // whatever ends it, the next thing is to close
}

// answerPanic is deferred: it turns a panic into a log line and a 500. If the
// 500 cannot be sent for another panic, that one is logged before it: what
// answers a request must be there first.
func (c *conn) answerPanic() {
	p := recover()
	if p == nil {
		return
	}
	sent := false
	if !c.answering {
		c.try(func() {
			resp := panicPage(p)
			resp.HeadOnly = string(c.req.Method) == "HEAD"
			sent = c.send(resp) == nil
		})
	}
	c.logPanic(p)
	if sent {
		c.try(c.close)
	}
}

// try calls f and logs its panic.
func (c *conn) try(f func()) {
	defer func() {
		if p := recover(); p != nil {
			c.logPanic(p)
		}
	}()
	f()
}

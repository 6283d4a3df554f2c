package rig

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"weblab.example/stage1-single/http1"
)

const (
	// maxRest bounds what is read and dropped before a close, in bytes.
	maxRest = 16 << 20

	// How often closesSoon looks: less than 0.1 ms together where nobody else is
	// served, and a tenth of that where others wait for their turn.
	looksAlone, looksAmongOthers = 200, 20

	// sendBuffer is how much of a large file, or of the answers on a persistent
	// connection, may wait in the system for its client, in bytes. Linux takes
	// twice that. Left to itself it takes megabytes for each client that does not read.
	sendBuffer = 64 << 10

	// pieceSize is how much of a large file is sent at a time, in bytes: each piece
	// has a time limit of its own.
	pieceSize = 32 << 10

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

// A Conn is a connection on which nothing waits for ever. It is an http1.Conn.
type Conn struct {
	listener  *Listener
	tcp       net.Conn
	log       *slog.Logger
	accepted  time.Time
	stopWatch func() bool

	answered int   // requests
	unasked  int   // bytes that came and belong to no request yet
	closing  bool  // CloseWrite was called
	looked   bool  // whether the client has closed, too
	why      error // it ends, as far as that is known
	sending  bool  // part of an answer was sent

	method, target string // of the request that is answered
	status         int

	mu      sync.Mutex
	waiting bool // for a request, of which no byte has come
}

var _ http1.Conn = (*Conn)(nil)

func (l *Listener) newConn(tcp net.Conn) *Conn {
	c := &Conn{listener: l, tcp: tcp, accepted: time.Now(), why: errAnswered}
	l.serving.Add(1)
	c.logAccepted(l.accepted.Add(1))
	if l.KeepAlive { // many small answers add up, if they are not taken
		c.keepBufferSmall()
	}
	c.stopWatch = context.AfterFunc(l.Stopping, c.stopWaiting)
	return c
}

// MayPersist reports whether another request may follow.
func (c *Conn) MayPersist() bool {
	return c.listener.KeepAlive && c.listener.Stopping.Err() == nil
}

// Read reads what the client sends. The first head has its time from the accept on,
// each other one from its first byte on; and for that byte -idle-timeout is left.
func (c *Conn) Read(p []byte) (n int, err error) {
	switch {
	case c.closing:
		return c.readRest(p)
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

// readFirst reads the first bytes of a head. Browsers open connections ahead of time,
// and may leave them silent: these are given up.
func (c *Conn) readFirst(p []byte) (n int, err error) {
	start, patience := c.accepted, c.listener.HeadTimeout
	if c.answered > 0 {
		start, patience = time.Now(), c.listener.IdleTimeout
	}
	c.mu.Lock()
	c.waiting = true
	if c.listener.Stopping.Err() != nil {
		patience = min(patience, stopWait)
	}
	err = c.tcp.SetReadDeadline(start.Add(patience))
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
		return n, c.headBegins()
	}
	return n, nil
}

// headBegins sets the deadline of a head whose first byte has come.
func (c *Conn) headBegins() error {
	return c.tcp.SetReadDeadline(time.Now().Add(c.listener.HeadTimeout))
}

// stopWaiting is called when the server stops: a client that has not begun to ask
// has little time left. A head that has begun keeps its own.
func (c *Conn) stopWaiting() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting {
		c.tcp.SetReadDeadline(time.Now().Add(stopWait)) // fails if closed: then it is over anyway
	}
}

// Asked notes the request that is answered next.
func (c *Conn) Asked(req *http1.Request) {
	c.method, c.target = strings.Clone(req.Method), strings.Clone(req.Target) // the head itself may be large
	c.unasked -= req.Size
	if c.listener.Verbose {
		printHead(req.Head)
	}
}

// Answers logs what was asked for, and lets the experiments bend the response.
func (c *Conn) Answers(resp *http1.Response) {
	c.logRequest(resp)
	c.status = resp.Status
	c.listener.experiment(resp)
}

// Answered notes how an answer went.
func (c *Conn) Answered(body int64, err error) {
	c.logAnswered(c.status, body)
	c.answered++
	c.sending = false
	c.why = errAnswered
	if err == io.EOF {
		c.why = errShorter
	} else if err != nil {
		c.why = err
	}
	if c.unasked > 0 { // the next head has begun
		c.headBegins() // fails if closed: reading says so, too
	}
}

// Write writes all of p, unless the client takes no byte for as long as -stall.
func (c *Conn) Write(p []byte) (int, error) {
	n, err := c.untilStalled(int64(len(p)), func(done int64) (int64, error) {
		n, err := c.tcp.Write(p[done:])
		return int64(n), err
	})
	return int(n), err
}

// ReadFrom is what io.CopyN calls to send the bytes of a file. They go piece by
// piece, and the kernel copies them from the file to the socket (sendfile).
func (c *Conn) ReadFrom(r io.Reader) (int64, error) {
	part, ok := r.(*io.LimitedReader)
	if !ok {
		return io.Copy(struct{ io.Writer }{c}, r) // without ReadFrom: by Write
	}
	file, ok := part.R.(*os.File)
	if !ok {
		return io.Copy(struct{ io.Writer }{c}, r)
	}
	c.keepBufferSmall() // what waits there for long has left the processor's cache
	return c.untilStalled(part.N, func(done int64) (int64, error) {
		if _, err := file.Seek(done, io.SeekStart); err != nil { // more may have been read than was taken
			return 0, err
		}
		return io.CopyN(c.tcp, file, min(part.N-done, pieceSize))
	})
}

// untilStalled calls write until size bytes are written, and returns how many were.
// Write goes on behind the bytes that are done and returns how many it wrote. The
// error is write's: os.ErrDeadlineExceeded if no byte was taken for as long as -stall.
//
// The system wakes up a writer only when there is room for many bytes: there may have
// been room for a few of which the writer was not told. So the deadlines are parts of
// -stall, and it is tried again while bytes go.
func (c *Conn) untilStalled(size int64, write func(done int64) (int64, error)) (done int64, err error) {
	tries := time.Duration(16)
	if runtime.GOOS == "windows" {
		tries = 1 // there nobody knows how much was taken before a deadline passed: golang.org/issue/24727
	}
	stall := c.listener.Stall
	last := time.Now() // when a byte was taken
	for done < size {
		if err = c.tcp.SetWriteDeadline(time.Now().Add(stall / tries)); err != nil {
			return done, err
		}
		n, err := write(done)
		done += n
		if n > 0 {
			c.sending = true
			last = time.Now()
		}
		again := tries > 1 && errors.Is(err, os.ErrDeadlineExceeded) && time.Since(last) < stall
		if err != nil && !again {
			return done, err
		}
	}
	return done, nil
}

// keepBufferSmall keeps what the system takes ahead of the client at sendBuffer bytes.
func (c *Conn) keepBufferSmall() {
	if buffered, ok := c.tcp.(interface{ SetWriteBuffer(bytes int) error }); ok {
		buffered.SetWriteBuffer(sendBuffer) // only slower if it fails
	}
}

// CloseWrite sends FIN. What is read from then on is the rest that the client still
// sends, for at most as long as -linger. With -linger 0 it is an error: such a server
// closes at once.
func (c *Conn) CloseWrite() error {
	half, ok := c.tcp.(interface{ CloseWrite() error })
	if !ok || c.listener.Linger <= 0 {
		return errors.ErrUnsupported
	}
	c.closing = true
	return half.CloseWrite()
}

// readRest is Read after CloseWrite. Before it goes to sleep, it looks a few times
// whether the client has closed, too. Where no other connection is served, as in
// stage 1 always, nothing else is to be done.
func (c *Conn) readRest(p []byte) (int, error) {
	if !c.looked {
		c.looked = true
		looks := looksAmongOthers
		if c.listener.serving.Load() == 1 {
			looks = looksAlone
		}
		if closesSoon(c.tcp, looks) {
			return 0, io.EOF
		}
		if err := c.tcp.SetReadDeadline(time.Now().Add(c.listener.Linger)); err != nil {
			return 0, err
		}
	}
	return c.tcp.Read(p)
}

// finish closes for writing, and reads and drops what the client still sends.
func (c *Conn) finish() {
	if c.CloseWrite() == nil {
		io.CopyN(io.Discard, c, maxRest) // whatever ends it, the next thing is to close
	}
}

// Close closes the connection.
func (c *Conn) Close() error {
	if c.why == errTLS { // there is more of the hello: no reset for it
		c.finish()
	}
	c.stopWatch()
	err := c.tcp.Close()
	c.listener.serving.Add(-1)
	c.logClosed()
	return err
}

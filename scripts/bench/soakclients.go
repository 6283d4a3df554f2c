package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"syscall"
	"time"
)

// The time-outs of the servers in a soak. They are short, so that a soak can wait for
// them, but long enough for a client on a busy machine.
const (
	soakTimeout = 3 * time.Second // -head-timeout, -idle-timeout, -stall and -linger
	visitTime   = time.Minute     // for a visit: clients of stage 1 wait for each other
)

// A guest is one client. It visits its server again and again, each time on a new
// connection and in a random way.
type guest struct {
	*soaked
	random *rand.Rand
	buf    []byte
}

// A way is one way to visit a server. It returns how many requests it made (at least
// one), and an error if the server did something wrong.
type way func(*guest, context.Context) (requests int, err error)

// The sorts of visits. Each sort is counted.
const (
	good = iota
	malformed
	aborted
	slow
	huge
	sorts
)

var sortNames = [sorts]string{"good", "malformed", "aborted", "slow", "huge"}

// A mixture says how many of a thousand visits are of each sort. A slow one takes
// seconds, a huge one up to a tenth of one.
type mixture [sorts]int

var (
	mixtureAlone = mixture{good: 700, malformed: 196, aborted: 98, slow: 1, huge: 5} // for stage 1, where all others wait for a slow client
	mixtureAmong = mixture{good: 700, malformed: 193, aborted: 95, slow: 4, huge: 8}
)

// The ways to visit any server, and those that need -keep-alive. A way that is
// listed twice is taken twice as often.
var (
	waysToVisit = [sorts][]way{
		good:      {wholeCase, wholeCase, halfClosed},
		malformed: {refused, refused, mutated, babble},
		aborted:   {leavesAtOnce, leavesInHead, leavesBeforeAnswer, leavesInAnswer},
		slow:      {trickled, neverEnds, silent, slowReader, stops},
		huge:      {hugeHead, hugePost, largeFile, largeFile, hugeFile},
	}
	moreWays = [sorts][]way{
		good:    {burst, inTurn},
		aborted: {leavesInBurst},
		slow:    {idles},
	}
)

// visits lists the ways to visit a server.
func visits(keepAlive bool) (all [sorts][]way) {
	for sort := range sorts {
		all[sort] = waysToVisit[sort]
		if keepAlive {
			all[sort] = slices.Concat(all[sort], moreWays[sort])
		}
	}
	return all
}

// pick picks a sort of visit.
func (m mixture) pick(r *rand.Rand) int {
	sum := 0
	for _, share := range m {
		sum += share
	}
	n := r.IntN(sum)
	for sort, share := range m {
		if n -= share; n < 0 {
			return sort
		}
	}
	panic("a share below 0")
}

// visitUntil visits the server until the time end, or until the server has ended.
func (g *guest) visitUntil(ctx context.Context, end time.Time) {
	for time.Now().Before(end) && ctx.Err() == nil && !g.hasEnded() {
		sort := g.mixture.pick(g.random)
		g.visit(ctx, sort, one(g.random, g.ways[sort]))
	}
}

// visit visits the server once, and notes the result.
func (g *guest) visit(ctx context.Context, sort int, by way) {
	requests, err := by(g, ctx)
	if ctx.Err() != nil {
		return // the soak was interrupted
	}
	g.requests[sort].Add(int64(requests))
	if err != nil {
		g.note(sort, err)
	}
}

// askAll asks for everything twice, because the server remembers a small file from
// the second time on.
func (g *guest) askAll(ctx context.Context) {
	for range 2 {
		for sort, exchanges := range [][]exchange{good: g.script.good, malformed: g.script.malformed} {
			for _, e := range exchanges {
				g.visit(ctx, sort, func(g *guest, ctx context.Context) (int, error) { return 1, g.exact(ctx, e, manner{}) })
			}
		}
		time.Sleep(rememberTime) // so that the files look old enough
	}
}

// rememberTime is longer than a file must stay the same before the server remembers
// it (stage1-single/fast/memory.go).
const rememberTime = 150 * time.Millisecond

func one[T any](r *rand.Rand, of []T) T { return of[r.IntN(len(of))] }

var errWrongBytes = errors.New("wrong bytes")

// A wire is a connection to a server.
type wire struct {
	*net.TCPConn
	release func() bool
}

// dial connects. When ctx is done, all waits on the connection end.
func (g *guest) dial(ctx context.Context) (*wire, error) {
	deadline := time.Now().Add(visitTime)
	dialer := net.Dialer{Deadline: deadline}
	conn, err := dialer.DialContext(ctx, "tcp", g.server.Addr)
	for err != nil && noPortLeft(err) && pause(ctx, 100*time.Millisecond) {
		conn, err = dialer.DialContext(ctx, "tcp", g.server.Addr)
	}
	if err != nil {
		return nil, err
	}
	conn.SetDeadline(deadline) // fails if closed, and so does what follows
	release := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Now()) })
	return &wire{conn.(*net.TCPConn), release}, nil
}

// noPortLeft reports whether all ports of this machine are in use. After a
// connection, its pair of ports stays in use for some time (TIME-WAIT).
func noPortLeft(err error) bool {
	const windowsAddrInUse, windowsNoBuffers = syscall.Errno(10048), syscall.Errno(10055)
	return errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, windowsAddrInUse) || errors.Is(err, windowsNoBuffers)
}

func (l *wire) Close() error {
	l.release()
	return l.TCPConn.Close()
}

// leave closes the connection, normally or with a reset.
func (g *guest) leave(l *wire) {
	if g.random.IntN(2) == 0 {
		l.SetLinger(0) // now Close resets; if it fails, the close is a normal one
	}
	l.Close()
}

// pause waits, unless ctx is done. A slow client does this.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// cut cuts a message at random: one piece, three pieces, or single bytes.
func (g *guest) cut(message []byte) [][]byte {
	const fewBytes = 300
	switch n := g.random.IntN(4); {
	case n == 0 && len(message) <= fewBytes:
		return slices.Collect(slices.Chunk(message, 1))
	case n == 1 && len(message) > 3:
		a := 1 + g.random.IntN(len(message)-2)
		b := a + 1 + g.random.IntN(len(message)-a-1)
		return [][]byte{message[:a], message[a:b], message[b:]}
	}
	return [][]byte{message}
}

// send sends pieces with a pause between them, or none.
func send(ctx context.Context, to io.Writer, pieces [][]byte, between time.Duration) error {
	for i, piece := range pieces {
		if i > 0 && between > 0 && !pause(ctx, between) {
			return ctx.Err()
		}
		if _, err := to.Write(piece); err != nil {
			return fmt.Errorf("send piece %d of %d: %w", i+1, len(pieces), err)
		}
	}
	return nil
}

// compare reads until the connection ends, or until most bytes have come. It
// compares them with want, and returns how many bytes were right.
func (g *guest) compare(from io.Reader, want []byte, most int) (n int, err error) {
	for n < most {
		got, err := from.Read(g.buf[:min(len(g.buf), most-n)])
		if right := g.buf[:got]; !bytes.HasPrefix(want[n:], right) {
			return n, differs(want, n, right)
		}
		n += got
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// differs says where got differs from want, beginning at the byte at.
func differs(want []byte, at int, got []byte) error {
	rest := want[at:]
	i := 0
	for i < len(rest) && i < len(got) && rest[i] == got[i] {
		i++
	}
	return fmt.Errorf("%w at byte %d of %d: want %.60q, got %.60q", errWrongBytes, at+i, len(want), rest[i:], got[i:])
}

// toTheEnd reads all of want, and then the end of the connection (FIN).
func (g *guest) toTheEnd(from io.Reader, want []byte) error {
	const beyond = 1 // to see a byte too many
	n, err := g.compare(from, want, len(want)+beyond)
	switch {
	case errors.Is(err, errWrongBytes):
		return err
	case n < len(want):
		return fmt.Errorf("%d bytes of %d came, and then: %w", n, len(want), err)
	case err != io.EOF:
		return fmt.Errorf("all %d bytes came, but then no FIN: %w", n, err)
	}
	return nil
}

// A manner says how a client sends a request and reads its answer. The zero value is
// fast, with random pieces.
type manner struct {
	pieces     int           // how many pieces of the same size to send; 0 means random pieces
	between    time.Duration // pause between the pieces
	closeWrite bool          // send FIN after the pieces
	beforeRead time.Duration // pause before each read
}

// exact makes an exchange on a new connection. After it the server must end the
// connection with a FIN.
func (g *guest) exact(ctx context.Context, e exchange, m manner) error {
	l, err := g.dial(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	return g.exactOn(ctx, l, e, m)
}

// exactOn is exact on an open connection. It sends and reads at the same time,
// because a server may answer before it has the whole request.
func (g *guest) exactOn(ctx context.Context, l *wire, e exchange, m manner) error {
	pieces := g.cut(e.send)
	if m.pieces > 0 {
		pieces = slices.Collect(slices.Chunk(e.send, (len(e.send)+m.pieces-1)/m.pieces))
	}
	sending := make(chan error, 1)
	go func() {
		err := send(ctx, l, pieces, m.between)
		if err == nil && m.closeWrite {
			err = l.CloseWrite()
		}
		sending <- err
	}()
	err := g.toTheEnd(slowly{l, ctx, m.beforeRead}, e.want)
	if err != nil {
		l.Close() // this also ends the sending
	}
	if sendErr := <-sending; err == nil {
		err = sendErr
	}
	return of(e, err)
}

// slowly is a reader that waits before each Read.
type slowly struct {
	io.Reader
	ctx   context.Context
	pause time.Duration
}

func (s slowly) Read(p []byte) (int, error) {
	if s.pause > 0 {
		pause(s.ctx, s.pause)
	}
	return s.Reader.Read(p)
}

// of adds to an error which exchange failed.
func of(e exchange, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w; the request was %.200q", e.name, err, e.send)
}

// The good ways.

func wholeCase(g *guest, ctx context.Context) (int, error) {
	e := one(g.random, g.script.good)
	return 1, g.exact(ctx, e, manner{})
}

// halfClosed sends FIN after its request, and must still get its answer.
func halfClosed(g *guest, ctx context.Context) (int, error) {
	return 1, g.exact(ctx, one(g.random, g.script.single).lastOne(), manner{closeWrite: true})
}

// aBurst is up to 32 requests that are sent together. The last one ends the
// connection.
func (g *guest) aBurst() (e exchange, requests int) {
	const most, mostBytes = 32, 4 << 20
	e.name = "burst"
	for requests = range g.random.IntN(most) {
		next := one(g.random, g.script.single).openEnded()
		if len(e.want)+len(next.want) > mostBytes {
			break
		}
		e.send, e.want = append(e.send, next.send...), append(e.want, next.want...)
	}
	last := one(g.random, g.script.single).lastOne()
	e.send, e.want = append(e.send, last.send...), append(e.want, last.want...)
	return e, bytes.Count(e.send, []byte("\r\n\r\n"))
}

func burst(g *guest, ctx context.Context) (int, error) {
	e, requests := g.aBurst()
	return requests, g.exact(ctx, e, manner{})
}

// inTurn sends each request after the answer to the one before has come.
func inTurn(g *guest, ctx context.Context) (requests int, err error) {
	const most = 16
	l, err := g.dial(ctx)
	if err != nil {
		return 1, err
	}
	defer l.Close()
	for range g.random.IntN(most) {
		requests++
		if err := g.inOneTurn(ctx, l, one(g.random, g.script.single).openEnded()); err != nil {
			return requests, err
		}
	}
	e := one(g.random, g.script.single).lastOne()
	return requests + 1, g.exactOn(ctx, l, e, manner{})
}

// inOneTurn sends a request and reads its answer. The connection stays open.
func (g *guest) inOneTurn(ctx context.Context, l *wire, e exchange) error {
	if err := send(ctx, l, g.cut(e.send), 0); err != nil {
		return of(e, err)
	}
	n, err := g.compare(l, e.want, len(e.want))
	if err != nil {
		err = fmt.Errorf("after %d bytes of %d on a persistent connection: %w", n, len(e.want), err)
	}
	return of(e, err)
}

// The malformed ways.

func refused(g *guest, ctx context.Context) (int, error) {
	e := one(g.random, g.script.malformed)
	return 1, g.exact(ctx, e, manner{})
}

// mutated sends a good request in which one octet was changed, added or removed. It
// does not change the name of an existing file. A file has many other names, for
// example with a query. The server would remember each of them, and hold more and
// more, up to its limit.
func mutated(g *guest, ctx context.Context) (int, error) {
	e := one(g.random, g.script.single)
	from := 0
	if bytes.HasPrefix(e.want, []byte("HTTP/1.1 200")) {
		from = bytes.Index(e.send, []byte(" HTTP/1.1\r\n"))
	}
	at := from + g.random.IntN(len(e.send)-from)
	octet := []byte{byte(g.random.IntN(256))}
	before, behind := e.send[:at], e.send[at:]
	switch g.random.IntN(3) {
	case 0:
		e.send = slices.Concat(before, octet, behind[1:])
	case 1:
		e.send = slices.Concat(before, octet, behind)
	case 2:
		e.send = slices.Concat(before, behind[1:])
	}
	return 1, g.anything(ctx, e.send)
}

// babble sends random octets.
func babble(g *guest, ctx context.Context) (int, error) {
	const most = 2000
	octets := make([]byte, 1+g.random.IntN(most))
	for i := range octets {
		octets[i] = byte(g.random.IntN(256))
	}
	return 1, g.anything(ctx, octets)
}

// anything sends any octets, and then FIN. What comes back must be well-formed
// answers, or nothing, and then a FIN.
func (g *guest) anything(ctx context.Context, octets []byte) error {
	l, err := g.dial(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	if err = send(ctx, l, g.cut(octets), 0); err == nil {
		err = l.CloseWrite()
	}
	var answers []byte
	if err == nil {
		if answers, err = io.ReadAll(l); err == nil {
			err = wellFormed(answers)
		}
	}
	return of(exchange{name: "anything", send: octets}, err)
}

// The aborted ways. What comes before the client leaves must be the beginning of the
// right answer.

func leavesAtOnce(g *guest, ctx context.Context) (int, error) {
	l, err := g.dial(ctx)
	if err != nil {
		return 1, err
	}
	g.leave(l)
	return 1, nil
}

// unfinished is a part of a request's head.
func (g *guest) unfinished() exchange {
	e := one(g.random, g.script.single)
	e.send = e.send[:1+g.random.IntN(len(e.send)-len("\r\n"))]
	return e
}

// leavesInHead leaves in the middle of a head. Sometimes it sends a FIN there: then
// the server must close, too, without an answer.
func leavesInHead(g *guest, ctx context.Context) (int, error) {
	e := g.unfinished()
	e.want = nil
	l, err := g.dial(ctx)
	if err != nil {
		return 1, err
	}
	defer l.Close()
	if g.random.IntN(3) == 0 {
		return 1, g.exactOn(ctx, l, e, manner{closeWrite: true})
	}
	err = send(ctx, l, g.cut(e.send), 0)
	g.leave(l)
	return 1, of(e, err)
}

func leavesBeforeAnswer(g *guest, ctx context.Context) (int, error) {
	return 1, g.leaveAfter(ctx, one(g.random, append([]exchange{g.script.large, g.script.huge}, g.script.single...)), 0)
}

func leavesInAnswer(g *guest, ctx context.Context) (int, error) {
	const most = 300_000 // bytes: chance picks less or more than what the system holds
	e := one(g.random, []exchange{g.script.large, g.script.huge})
	return 1, g.leaveAfter(ctx, e, 1+g.random.IntN(most))
}

func leavesInBurst(g *guest, ctx context.Context) (int, error) {
	e, requests := g.aBurst()
	return requests, g.leaveAfter(ctx, e, g.random.IntN(len(e.want)))
}

// leaveAfter leaves after n bytes of the answer.
func (g *guest) leaveAfter(ctx context.Context, e exchange, n int) error {
	l, err := g.dial(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	sent := make(chan bool)
	go func() {
		send(ctx, l, [][]byte{e.send}, 0) // fails if the client is gone before the end of a burst
		close(sent)
	}()
	_, err = g.compare(l, e.want, n)
	if n == 0 {
		<-sent
	}
	g.leave(l)
	<-sent
	return of(e, err)
}

// The slow ways.

// trickled sends a head in pieces with pauses, but in time.
func trickled(g *guest, ctx context.Context) (int, error) {
	e := one(g.random, g.script.single).lastOne()
	return 1, g.exact(ctx, e, manner{pieces: 8, between: soakTimeout / 40})
}

func neverEnds(g *guest, ctx context.Context) (int, error) {
	e := g.unfinished()
	e.want = errorAnswer(408)
	return 1, g.exact(ctx, e, manner{})
}

// silent sends nothing, and gets nothing.
func silent(g *guest, ctx context.Context) (int, error) {
	return 1, g.exact(ctx, exchange{name: "silent"}, manner{})
}

// slowReader reads a large file in small pieces.
func slowReader(g *guest, ctx context.Context) (int, error) {
	l, err := g.dial(ctx)
	if err != nil {
		return 1, err
	}
	defer l.Close()
	l.SetReadBuffer(32 << 10) // more is on its way if it fails
	return 1, g.exactOn(ctx, l, g.script.large, manner{beforeRead: 10 * time.Millisecond})
}

// stops asks for a huge file, and stops reading until the server gives up.
func stops(g *guest, ctx context.Context) (int, error) {
	e := g.script.huge
	l, err := g.dial(ctx)
	if err != nil {
		return 1, err
	}
	defer l.Close()
	l.SetReadBuffer(64 << 10) // more is on its way if it fails, and still not all
	if err := send(ctx, l, [][]byte{e.send}, 0); err != nil {
		return 1, of(e, err)
	}
	if _, err := g.compare(l, e.want, len(g.buf)); err != nil {
		return 1, of(e, err)
	}
	pause(ctx, 2*soakTimeout)
	n, err := g.compare(l, e.want[len(g.buf):], len(e.want))
	switch {
	case errors.Is(err, errWrongBytes):
		return 1, of(e, err)
	case len(g.buf)+n == len(e.want):
		return 1, of(e, fmt.Errorf("the client took no byte for %v, and the server did not give up", 2*soakTimeout))
	}
	return 1, nil
}

// idles keeps a connection open after an answer. The server must close it without
// another answer.
func idles(g *guest, ctx context.Context) (int, error) {
	l, err := g.dial(ctx)
	if err != nil {
		return 1, err
	}
	defer l.Close()
	e := one(g.random, g.script.single).openEnded()
	return 1, g.exactOn(ctx, l, e, manner{})
}

// The huge ways.

// hugeHead sends a head over the limits, and a megabyte more, before it reads.
func hugeHead(g *guest, ctx context.Context) (int, error) {
	line := bytes.Repeat([]byte("x"), 9<<10)
	e := exchange{name: "a request line of 9 KiB", send: slices.Concat([]byte("GET /"), line, []byte(" HTTP/1.1\r\n"))}
	status := 414
	if g.random.IntN(2) == 0 {
		status = 431
		e = exchange{name: "a head of 18 KiB", send: slices.Concat([]byte("GET / HTTP/1.1\r\nA: "), line, []byte("\r\nB: "), line, []byte("\r\n"))}
	}
	e.want = errorAnswer(status)
	return 1, g.sendAllThenRead(ctx, e, 1<<20)
}

// hugePost sends a body of some megabytes before it reads. The server does not read
// the body.
func hugePost(g *guest, ctx context.Context) (int, error) {
	e := g.script.post
	size := 1<<20 + g.random.IntN(8<<20)
	e.send = fmt.Appendf(bytes.Clone(e.send), "Content-Length: %d\r\n\r\n", size)
	return 1, g.sendAllThenRead(ctx, e, size)
}

// sendAllThenRead sends a message and n more bytes before it reads, as textbook
// clients do. A reset must not destroy the answer.
func (g *guest) sendAllThenRead(ctx context.Context, e exchange, n int) error {
	l, err := g.dial(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	if err = send(ctx, l, [][]byte{e.send, make([]byte, n)}, 0); err == nil {
		err = g.toTheEnd(l, e.want)
	}
	return of(e, err)
}

func largeFile(g *guest, ctx context.Context) (int, error) {
	return 1, g.exact(ctx, g.script.large, manner{})
}

func hugeFile(g *guest, ctx context.Context) (int, error) {
	return 1, g.exact(ctx, g.script.huge, manner{})
}

//go:build kit && linux

package hostile

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

const soon = 5 * time.Second // what a busy machine may need for something that a server does at once

var hugeRequest = get("/huge.bin").String()

// A crowd is many bad clients at once, and what must come of them.
type crowd struct {
	name   string
	stage  int
	flags  string
	n      int
	client client

	gets        string           // the beginning of what each of them gets
	least, most time.Duration    // how long each of them keeps its connection; most 0: nobody waits for their end
	cut         bool             // none gets the whole file
	requests    bool             // the next client waits until all requests are read
	next        [2]time.Duration // when the next client has its answer; 0, 0: there is none
	givenUp     [2]time.Duration // when the server has given all of them up
	meanwhile   bool             // others ask all the time, and get their answers within soon
	memory      float64          // the most, in MB, of the server; 0: 64
	answers     int              // the most bytes of answers that wait for each of them
}

var crowds = []crowd{
	{name: "2,000 clients send their heads, one byte each second", stage: 2, n: 2000,
		flags:  "-log off -max-conns 4096 -head-timeout 6s",
		client: client{send: []byte(strings.TrimSuffix(request, "\r\n") + "X: " + strings.Repeat("x", 1000)), chunk: 1, between: time.Second},
		gets:   "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n", least: 6 * time.Second, most: 6*time.Second + soon, meanwhile: true},
	{name: "stage 1 waits for each silent client in turn", stage: 1, n: 4, flags: "-log off -head-timeout 500ms",
		most: 2*time.Second + soon, next: [2]time.Duration{1500 * time.Millisecond, 2*time.Second + soon}},
	{name: "with the default of 1,024 connections, 2,000 slow heads delay the next client", stage: 2, n: 2000, flags: "-log off -head-timeout 1s",
		client: client{send: []byte("G")}, gets: "HTTP/1.1 408 ", least: time.Second, most: 4*time.Second + soon, next: [2]time.Duration{0, 2*time.Second + soon}},
	{name: "stage 1 gives up a client that stops reading", stage: 1, n: 1, flags: "-log off -stall 1s",
		client: client{send: []byte(hugeRequest), take: 1000, rest: longest}, next: [2]time.Duration{time.Second / 2, time.Second + soon}},
	{name: "30 clients that stop reading lose their connection, and notice it", stage: 2, n: 30, flags: "-stall 3s", cut: true,
		client: client{send: []byte(hugeRequest), take: 1 << 20, rest: 3*time.Second + soon}, most: 3*time.Second + 4*soon, givenUp: [2]time.Duration{2 * time.Second, 3*time.Second + soon}},
	{name: "30 clients read 100 KB a second, as long as they like", stage: 2, n: 30, flags: "-log off -stall 3s",
		client: client{send: []byte(hugeRequest), slice: 5000, every: 50 * time.Millisecond, take: 800_000, leave: true}, least: 8 * time.Second, most: 8*time.Second + 4*soon},
	{name: "the same with small buffers, which take little at a time", stage: 2, n: 30, flags: "-log off -stall 3s",
		client: client{send: []byte(hugeRequest), slice: 2500, every: 50 * time.Millisecond, take: 200_000, leave: true, buffer: 4096}, least: 4 * time.Second, most: 4*time.Second + 4*soon},
	{name: "the heads of 1,000 clients with 5,400 fields each, who read nothing, are not kept", stage: 2, n: 1000, flags: "-max-conns 1100",
		client: client{send: []byte(strings.TrimSuffix(hugeRequest, "\r\n") + strings.Repeat("a:\n", 5400) + "\r\n"), take: 1, rest: longest}, requests: true, memory: 96},
	{name: "20 clients ask again and again, and never read", stage: 2, n: 20, flags: "-keep-alive -stall 2s",
		client: client{send: bytes.Repeat([]byte(request), 1000), again: true, late: true, buffer: 4096}, most: 2*time.Second + soon, answers: 1 << 20},
}

func TestCrowds(t *testing.T) {
	for _, c := range crowds {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, c.stage, site(t), c.flags)
			began := time.Now()
			var conns []*net.TCPConn
			outcomes := make(chan outcome, c.n)
			for range c.n {
				conn := hold(t, s.Addr, 1, c.client.buffer)[0]
				go func() { outcomes <- c.visit(conn, began) }()
				conns = append(conns, conn)
			}
			if c.requests {
				waitFor(t, "all requests to be read", func() bool { return s.said("msg=request") == c.n })
			}
			if c.next[1] > 0 {
				took, err := askPage(s.Addr)
				must(t, err)
				checkTime(t, "the next client was answered", took, c.next)
			}
			if c.givenUp[1] > 0 {
				waitFor(t, "all to be given up", func() bool { return s.said("msg=answered") == c.n })
				checkTime(t, "all were given up", time.Since(began), c.givenUp)
			}
			asked, slowest := 0, time.Duration(0)
			for ; c.meanwhile && len(outcomes) < c.n; time.Sleep(20 * time.Millisecond) { // between two questions
				took, err := askPage(s.Addr)
				must(t, err)
				asked, slowest = asked+1, max(slowest, took)
			}
			if c.meanwhile && (asked < 20 || slowest > soon) {
				t.Errorf("meanwhile %d others were answered, the slowest after %v", asked, slowest)
			}
			for n := 0; c.most > 0 && n < c.n; n++ {
				o := <-outcomes
				if o.err != nil || c.cut && o.n >= hugeSize {
					t.Fatalf("a client got %d bytes, %v", o.n, o.err)
				}
				checkTime(t, "a client had its connection", o.took, [2]time.Duration{c.least, c.most})
			}
			if waiting := s.said("msg=answered") * len(persisted) / c.n; c.answers > 0 && waiting > c.answers {
				t.Errorf("%d bytes of answers waited for each, at most %d are allowed", waiting, c.answers)
			}
			for _, conn := range conns {
				conn.Close()
			}
			s.checkHeld(t, cmp.Or(c.memory, 64))
		})
	}
}

// visit visits the server as one of the crowd. It takes the time since before the first of
// them came.
func (c crowd) visit(conn *net.TCPConn, began time.Time) outcome {
	got := &beginning{}
	o := c.client.on(conn, got)
	o.took = time.Since(began)
	switch {
	case !strings.HasPrefix(string(got.kept), c.gets):
		o.err = fmt.Errorf("it got %.100q", got.kept)
	case c.answers > 0 || c.cut:
		o.err = nil // perhaps a reset, since it did not read
	}
	return o
}

// A beginning keeps the first bytes of what is written to it.
type beginning struct{ kept []byte }

func (b *beginning) Write(p []byte) (int, error) {
	b.kept = append(b.kept, p[:min(len(p), 1<<10-len(b.kept))]...)
	return len(p), nil
}

func checkTime(t *testing.T, what string, took time.Duration, within [2]time.Duration) {
	t.Helper()
	if took < within[0] || took > within[1] {
		t.Errorf("%s after %v, and not within %v to %v", what, took, within[0], within[1])
	}
}

// hold makes n connections. If the limit of open files does not allow so many, it
// skips the test.
func hold(t *testing.T, addr string, n, buffer int) []*net.TCPConn {
	t.Helper()
	conns := make([]*net.TCPConn, n)
	for i := range conns {
		conn, err := dial(addr, buffer)
		if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.EADDRNOTAVAIL) {
			t.Skipf("this system allows %d connections, not %d: %v", i, n, err)
		}
		must(t, err)
		t.Cleanup(func() { conn.Close() })
		conns[i] = conn
	}
	return conns
}

// askAll asks on all connections at once and checks each answer.
func askAll(conns []*net.TCPConn) error {
	var all errgroup.Group
	all.SetLimit(200)
	for _, conn := range conns {
		all.Go(func() error { return turn(conn, request, persisted) })
	}
	return all.Wait()
}

// TestTenThousandIdle: 10,000 connections are open and idle. Half of them had a first
// answer, and half sent nothing yet. When they send a request, all must be answered.
func TestTenThousandIdle(t *testing.T) {
	const n, most = 10_000, 200 // connections, and MB of memory
	s := start(t, 2, site(t), "-log off -keep-alive -max-conns 12000 -idle-timeout 5m -head-timeout 5m")
	conns := hold(t, s.Addr, n, 0)
	must(t, askAll(conns[:n/2]))
	must(t, askAll(conns))
	t.Logf("%d connections open at once, %d requests answered", n, n+n/2)
	for _, conn := range conns {
		conn.Close()
	}
	s.checkHeld(t, most)
}

// TestRestart: the next server can listen on the same port at once. It does not matter
// how the one before ended, or what its connections were doing.
func TestRestart(t *testing.T) {
	const times = 20
	both(t, func(t *testing.T, stage int) {
		dir := site(t)
		s := start(t, stage, dir, "-log off")
		for i := range times {
			for range 3 {
				_, err := askPage(s.Addr) // the server closes first, so its socket stays in TIME-WAIT
				must(t, err)
			}
			open := hold(t, s.Addr, 1, 0)[0]
			must(t, turn(open, hugeRequest, "HTTP/1.1 200 OK\r\n")) // it is in the middle of an answer
			if i%2 == 0 {
				must(t, s.AskToStop())
				open.Close() // otherwise the server would wait 5 seconds for it
			} else {
				must(t, s.Process.Kill())
			}
			_, err := s.Wait(patience)
			must(t, err)
			s = start(t, stage, dir, "-log off -addr "+s.Addr)
		}
		_, err := askPage(s.Addr)
		must(t, err)
		t.Logf("restarted %d times on the same port, half of them after kill -9", times)
	})
}

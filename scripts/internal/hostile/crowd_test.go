//go:build kit

package hostile

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
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
	requests    bool             // the next client waits until all requests are read
	next        [2]time.Duration // when the next client has its answer; 0, 0: there is none
	meanwhile   bool             // others ask all the time, and get their answers within soon
	memory      float64          // the most, in MB, of the server
	answers     int              // the most bytes of answers that wait for each of them
}

var crowds = []crowd{
	{name: "2,000 clients send their heads, one byte each second", stage: 2, n: 2000,
		flags:  "-log off -max-conns 4096 -head-timeout 6s",
		client: client{send: []byte(strings.TrimSuffix(request, "\r\n") + "X: " + strings.Repeat("x", 1000)), chunk: 1, between: time.Second},
		gets:   "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n", least: 6 * time.Second, most: 6*time.Second + soon, meanwhile: true, memory: 64},
	{name: "stage 1 waits for each silent client in turn", stage: 1, n: 4, flags: "-log off -head-timeout 500ms",
		most: 2*time.Second + soon, next: [2]time.Duration{1500 * time.Millisecond, 2*time.Second + soon}},
	{name: "with the default of 1,024 connections, 2,000 slow heads delay the next client", stage: 2, n: 2000, flags: "-log off -head-timeout 1s",
		client: client{send: []byte("G")}, gets: "HTTP/1.1 408 ", least: time.Second, most: 4*time.Second + soon, next: [2]time.Duration{0, 2*time.Second + soon}},
	{name: "stage 1 gives up a client that stops reading", stage: 1, n: 1, flags: "-log off -stall 1s",
		client: client{send: []byte(hugeRequest), take: 1000, rest: longest}, next: [2]time.Duration{time.Second / 2, time.Second + soon}},
	{name: "the heads of 1,000 clients with 5,400 fields each, who read nothing, are not kept", stage: 2, n: 1000, flags: "-max-conns 1100",
		client: client{send: []byte(strings.TrimSuffix(hugeRequest, "\r\n") + strings.Repeat("a:\n", 5400) + "\r\n"), take: 1, rest: longest}, requests: true, memory: 96},
	{name: "20 clients ask again and again, and never read", stage: 2, n: 20, flags: "-keep-alive -stall 2s",
		client: client{send: bytes.Repeat([]byte(request), 1000), again: true, late: true, buffer: 4096}, most: 2*time.Second + soon, answers: 1 << 20},
}

func TestCrowds(t *testing.T) {
	for _, c := range crowds {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, c.stage, site(t), strings.Fields(c.flags)...)
			began := time.Now()
			conns := hold(t, s.Addr, c.n, c.client.buffer)
			outcomes := make(chan outcome, c.n)
			for _, conn := range conns {
				go func() {
					var got bytes.Buffer
					o := c.client.on(conn, &got)
					o.took = time.Since(began) // since before the first of them came
					if !strings.HasPrefix(got.String(), c.gets) {
						o.err = errors.New("it got " + got.String()[:min(got.Len(), 100)])
					} else if c.answers > 0 {
						o.err = nil // a reset, since nobody read
					}
					outcomes <- o
				}()
			}
			if c.requests {
				waitFor(t, "all requests to be read", func() bool { return s.said("msg=request") == c.n })
			}
			if c.next[1] > 0 {
				took, err := askPage(s.Addr)
				must(t, err)
				if t.Logf("the next client is answered after %v", took); took < c.next[0] || took > c.next[1] {
					t.Errorf("that is not within %v to %v", c.next[0], c.next[1])
				}
			}
			if c.meanwhile {
				asked, slowest := 0, time.Duration(0)
				for ; len(outcomes) < c.n; time.Sleep(20 * time.Millisecond) { // between two questions
					took, err := askPage(s.Addr)
					must(t, err)
					asked, slowest = asked+1, max(slowest, took)
				}
				if t.Logf("meanwhile %d others were answered, the slowest after %v", asked, slowest); asked < 20 || slowest > soon {
					t.Error("they are too few, or had to wait")
				}
			}
			if c.most > 0 {
				c.checkEnds(t, outcomes)
			}
			if waiting := s.said("msg=answered") * len(persisted) / c.n; c.answers > 0 {
				if t.Logf("%d bytes of answers waited for each", waiting); waiting > c.answers {
					t.Errorf("at most %d are allowed", c.answers)
				}
			}
			for _, conn := range conns {
				conn.Close()
			}
			s.checkHeld(t, max(c.memory, 64))
		})
	}
}

// checkEnds waits for all clients of a crowd to end, and checks how and when they did.
func (c crowd) checkEnds(t *testing.T, outcomes <-chan outcome) {
	t.Helper()
	sent, shortest, longest := 0, time.Hour, time.Duration(0)
	for range c.n {
		o := <-outcomes
		if o.err != nil {
			t.Errorf("a client: %v", o.err)
		}
		sent, shortest, longest = sent+o.sent, min(shortest, o.took), max(longest, o.took)
	}
	if t.Logf("%d clients sent %d bytes, and their connections ended after %v to %v", c.n, sent, shortest, longest); shortest < c.least || longest > c.most {
		t.Errorf("that is not within %v to %v", c.least, c.most)
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
	s := start(t, 2, site(t), "-log", "off", "-keep-alive", "-max-conns", "12000", "-idle-timeout", "5m", "-head-timeout", "5m")
	conns := hold(t, s.Addr, n, 0)
	must(t, askAll(conns[:n/2]))
	must(t, askAll(conns))
	t.Logf("%d connections open at once, half idle after an answer, half silent from the start: %d requests answered, wrong answers 0; %.1f KB a connection",
		n, n+n/2, s.peak()*1024/n)
	for _, conn := range conns {
		conn.Close()
	}
	s.checkHeld(t, most)
}

// TestNewcomersWait: while -max-conns connections are served, new clients wait. None
// of them is reset, and each is answered when an earlier client has left.
func TestNewcomersWait(t *testing.T) {
	const limit, newcomers, quiet = 100, 1000, 300 * time.Millisecond
	s := start(t, 2, site(t), "-log", "off", "-keep-alive", "-max-conns", "100", "-idle-timeout", "5m", "-head-timeout", "5m")
	inside := hold(t, s.Addr, limit, 0)
	must(t, askAll(inside))
	waiting := hold(t, s.Addr, newcomers, 0)
	for _, conn := range waiting {
		_, err := io.WriteString(conn, strings.TrimSuffix(request, "\r\n")+"Connection: close\r\n\r\n")
		must(t, err)
	}
	for _, conn := range []*net.TCPConn{waiting[0], waiting[newcomers/2], waiting[newcomers-1]} {
		conn.SetReadDeadline(time.Now().Add(quiet))
		b := make([]byte, 1)
		if n, err := conn.Read(b); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a newcomer got %q, %v, while all permits were in use", b[:n], err)
		}
		conn.SetReadDeadline(time.Now().Add(longest))
	}
	must(t, askAll(inside)) // those inside notice nothing
	begin := time.Now()
	for _, conn := range inside {
		conn.Close()
	}
	for _, conn := range waiting {
		if got, err := io.ReadAll(conn); err != nil || string(got) != answer {
			t.Errorf("a newcomer got %.100q, %v", got, err)
		}
		conn.Close() // otherwise the server would wait for it
	}
	t.Logf("-max-conns %d, all in use; %d newcomers waited, then all were answered within %v; resets or wrong answers 0 unless said", limit, newcomers, time.Since(begin))
}

// TestSlowReaders: clients ask for a file of 100 MB. Some read 50 KB a second, and keep
// their connection as long as they like. Others read a little and stop. They lose the
// connection after the stall time, and notice it because bytes are missing.
func TestSlowReaders(t *testing.T) {
	t.Parallel()
	const (
		each, slice = 30, 2500                     // clients of each kind, bytes at a time
		every       = 50 * time.Millisecond        // between two of them
		stall, long = time.Second, 6 * time.Second // how long they read: more than five times as long
		mebibyte    = 1 << 20                      // read before they stop
	)
	s := start(t, 2, site(t), "-stall", stall.String())
	slow := make(chan outcome, each)
	for i := range each {
		c := client{send: []byte(hugeRequest), slice: slice, every: every, take: slice * int(long/every), leave: true, buffer: i % 3 * 4096} // small buffers take little at a time
		go func() { slow <- c.visit(s.Addr, io.Discard) }()
	}
	begin := time.Now()
	stopped := make(chan outcome, each)
	for range each {
		c := client{send: []byte(hugeRequest), take: mebibyte, rest: stall + soon}
		go func() { stopped <- c.visit(s.Addr, io.Discard) }()
	}
	waitFor(t, "those who stopped to be given up", func() bool { return s.said("msg=answered") >= each })
	took := time.Since(begin)
	if t.Logf("%d clients that stopped after 1 MiB were given up after %v", each, took); took < stall/2 || took > stall+soon {
		t.Errorf("with -stall %v that is too early or too late", stall)
	}
	for range each {
		if o := <-slow; o.err != nil {
			t.Errorf("a client that reads slowly had %d bytes, and then: %v", o.n, o.err)
		}
		if o := <-stopped; o.n < mebibyte || o.n >= hugeSize {
			t.Errorf("a client that stopped got %d bytes of %d, %v", o.n, hugeSize, o.err)
		}
	}
	s.checkHeld(t, 64)
}

// TestDescriptorsRunOut: a server may have 64 files open, and 200 clients come. It
// must not end, and must not try again without a pause. It waits a little, logs this,
// and goes on when connections have closed. If a client asks for a file meanwhile, the
// answer is 503 and not 404. Stage 1 has one connection at a time, so nothing runs out.
func TestDescriptorsRunOut(t *testing.T) {
	t.Parallel()
	sh, err := exec.LookPath("sh")
	if err != nil || runtime.GOOS == "windows" {
		t.Skip("needs a shell with ulimit -n: Windows has no such limit for sockets")
	}
	const limit, clients, says = "64", 200, "too many open files"
	both(t, func(t *testing.T, stage int) {
		dir := site(t)
		plant(t, dir, "other.txt", "other")
		must(t, os.WriteFile(filepath.Join(dir, "large.bin"), make([]byte, 1<<20), 0o644))
		s := startProgram(t, sh, "-c", `ulimit -n `+limit+` && exec "$0" "$@"`, programs[stage], "-addr", "127.0.0.1:0", "-root", dir, "-head-timeout", "1m")
		if stage == 2 {
			conns := hold(t, s.Addr, clients, 0)
			waitFor(t, "it to say that it has too many open files", func() bool { return s.said(says) > 0 })
			tries, worked := s.said(says), processorTime(s.Process.Pid)
			time.Sleep(2 * time.Second) // the test counts how often it tries in this time, and how much it works
			tries, worked = s.said(says)-tries, processorTime(s.Process.Pid)-worked
			if t.Logf("in 2 s it tried %d times, and worked for %v", tries, worked); tries < 1 || tries > 40 || worked > 200*time.Millisecond {
				t.Error("that is too much, or too little")
			}
			if err := turn(conns[0], get("/other.txt").String(), "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n"); err != nil {
				t.Errorf("a client that asks meanwhile: %v", err)
			}
			for _, conn := range conns {
				conn.Close()
			}
		}
		// More often than there are descriptors. If it did not close one, they would run out.
		for range 100 {
			_, err := askPage(s.Addr)
			must(t, err)
			must(t, s.wants(1, "/large.bin", 200, string(make([]byte, 1<<20))))
		}
		s.checkHeld(t, 64)
	})
}

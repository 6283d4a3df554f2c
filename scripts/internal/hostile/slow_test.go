//go:build kit

package hostile

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const hugeSize = 100 << 20 // bytes

// hugeSite is a site with a file of 100 MB. The file takes no room on the disk,
// because nothing was written to it.
func hugeSite(t *testing.T) string {
	t.Helper()
	dir := site(t)
	f, err := os.Create(filepath.Join(dir, "huge.bin"))
	must(t, err)
	must(t, errors.Join(f.Truncate(hugeSize), f.Close()))
	return dir
}

const hugeRequest = "GET /huge.bin HTTP/1.1\r\nHost: localhost\r\n\r\n"

// hugeHead is the head of the answer to hugeRequest.
var hugeHead = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/octet-stream\r\nContent-Length: " + strconv.Itoa(hugeSize) + "\r\n\r\n"

// askHuge asks for the huge file and reads the head of the answer. buffer is about how
// many unread bytes the client's system takes; with 0 the system chooses.
func askHuge(t *testing.T, addr string, buffer int) *net.TCPConn {
	t.Helper()
	conn := dialWith(t, net.Dialer{Control: receiveBuffer(buffer)}, addr)
	_, err := io.WriteString(conn, hugeRequest)
	must(t, err)
	head := make([]byte, len(hugeHead))
	_, err = io.ReadFull(conn, head)
	must(t, err)
	if string(head) != hugeHead {
		t.Fatalf("the head is %q", head)
	}
	return conn
}

// TestSlowReaders: clients ask for a file of 100 MB. Some read 50 KB a second, and keep
// their connection as long as they like. Others read a little and stop. They lose the
// connection after the stall time, and notice it because bytes are missing.
func TestSlowReaders(t *testing.T) {
	const (
		each, rate     = 30, 50_000                        // clients of each kind, bytes a second
		stall, forTime = 3 * time.Second, 15 * time.Second // five times as long
		most           = 64.0                              // MB of memory
	)
	s := start(t, 2, hugeSite(t), "-stall", stall.String())

	cut := make(chan error, each)
	for i := range each {
		conn := askHuge(t, s.Addr, i%3*4096) // also with small buffers, which take little at a time
		go func() { cut <- readSlowly(conn, rate, forTime) }()
	}
	stopped := make([]*net.TCPConn, each)
	for i := range stopped {
		stopped[i] = askHuge(t, s.Addr, 0)
		_, err := io.CopyN(io.Discard, stopped[i], 1<<20)
		must(t, err)
	}
	begin := time.Now()
	given := func() int { return strings.Count(s.log.String(), "msg=answered") }
	waitFor(t, "those who stopped to be given up", func() bool { return given() >= each })
	took := time.Since(begin)

	var least, greatest int64 = hugeSize, 0
	for _, conn := range stopped { // and none is read before all have been given up
		rest, err := io.Copy(io.Discard, conn) // it was sent before the end
		least, greatest = min(least, rest+1<<20), max(greatest, rest+1<<20)
		if err == nil && rest+1<<20 == hugeSize {
			t.Error("a client that stopped got the whole file")
		}
	}
	lost := 0
	for range each {
		if err := <-cut; err != nil {
			lost++
			t.Errorf("a client that reads %d bytes a second: %v", rate, err)
		}
	}
	peak := peakMemory(s.Process.Pid)
	t.Logf("-stall %v: %d clients at %d bytes a second for %v, %d of them cut off; %d that stopped after 1 MiB were given up after %v, and had %.1f to %.1f MB of 100; peak memory %.1f MB",
		stall, each, rate, forTime, lost, each, took.Round(time.Millisecond), float64(least)/(1<<20), float64(greatest)/(1<<20), peak)
	if took < stall-500*time.Millisecond || took > stall+2*time.Second {
		t.Errorf("the server gave up the clients that stopped after %v", took)
	}
	if peak > most {
		t.Errorf("it took %.1f MB of memory", peak)
	}
}

// readSlowly reads this number of bytes a second, for some time. If the connection
// ends before that, it returns an error.
func readSlowly(conn net.Conn, rate int, d time.Duration) error {
	const parts = 20 // of a second
	buf := make([]byte, rate/parts)
	tick := time.NewTicker(time.Second / parts)
	defer tick.Stop()
	for range parts * int(d.Seconds()) {
		if _, err := io.ReadFull(conn, buf); err != nil {
			return err
		}
		<-tick.C
	}
	return nil
}

// TestStalledTurn: stage 1 gives up a client that stops reading, and serves the next.
func TestStalledTurn(t *testing.T) {
	const stall = time.Second
	s := start(t, 1, hugeSite(t), "-log", "off", "-stall", stall.String())
	askHuge(t, s.Addr, 0)
	took, err := ask(s.Addr)
	must(t, err)
	t.Logf("one client that stops with -stall %v: the next is answered after %v", stall, took.Round(time.Millisecond))
	if took < stall/2 || took > stall+2*time.Second {
		t.Errorf("answered after %v", took)
	}
}

// TestManyFields: 1,000 clients send heads of 16 KB with thousands of fields, ask for a
// large file, and read nothing. The server must not keep their heads in memory while
// it sends.
func TestManyFields(t *testing.T) {
	const n, most = 1000, 96.0 // clients, and MB of memory
	s := start(t, 2, hugeSite(t), "-max-conns", "1100")
	head := strings.Replace(hugeRequest, "\r\n\r\n", "\r\n"+strings.Repeat("a:\n", 5400)+"\r\n", 1)
	for range n {
		_, err := io.WriteString(dial(t, s.Addr), head)
		must(t, err)
	}
	waitFor(t, "all to be read", func() bool { return strings.Count(s.log.String(), "msg=request") == n })
	peak := peakMemory(s.Process.Pid)
	t.Logf("%d clients with heads of %d bytes, 5,400 fields each, that read nothing: peak memory %.1f MB", n, len(head), peak)
	if peak > most {
		t.Errorf("it took %.1f MB of memory", peak)
	}
}

// TestUnreadAnswers: clients ask again and again on persistent connections, and read
// nothing. Only a limited number of bytes may wait for them in the system, and the
// server gives them up after the stall time.
func TestUnreadAnswers(t *testing.T) {
	const n, stall, most = 20, 2 * time.Second, 1 << 20 // clients, and bytes that one may have asked for
	s := start(t, 2, site(t), "-keep-alive", "-stall", stall.String())
	burst := strings.Repeat(request, 1000)
	var all sync.WaitGroup
	begin := time.Now()
	for range n {
		conn := dialWith(t, net.Dialer{Control: receiveBuffer(4096)}, s.Addr)
		all.Go(func() {
			for {
				if _, err := io.WriteString(conn, burst); err != nil { // given up: a reset, since nobody reads on
					return
				}
			}
		})
	}
	all.Wait()
	took, answered := time.Since(begin), strings.Count(s.log.String(), "msg=answered")
	waiting := answered * len(strings.Replace(answer, "Connection: close\r\n", "", 1)) / n
	t.Logf("%d clients that ask and never read: given up within %v; %.0f KB of answers for each waited for them", n, took.Round(time.Millisecond), float64(waiting)/1024)
	if waiting > most || took > stall+3*time.Second {
		t.Errorf("%d bytes waited for each, for %v", waiting, took)
	}
}

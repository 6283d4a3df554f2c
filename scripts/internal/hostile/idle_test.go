//go:build kit

package hostile

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// A held connection is kept open between two requests.
type held struct {
	net.Conn
	in *bufio.Reader
}

// hold makes n connections. If the limit of open files does not allow so many, it
// skips the test.
func hold(t *testing.T, addr string, n int) []held {
	t.Helper()
	conns := make([]held, n)
	for i := range conns {
		conn, err := net.DialTimeout("tcp", addr, patience)
		if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.EADDRNOTAVAIL) {
			t.Skipf("this system allows %d connections, not %d: %v", i, n, err)
		}
		must(t, err)
		t.Cleanup(func() { conn.Close() })
		conn.SetDeadline(time.Now().Add(5 * time.Minute)) // the longest wait
		conns[i] = held{conn, bufio.NewReaderSize(conn, 256)}
	}
	return conns
}

// askAll asks on all connections at once and checks each answer.
func askAll(conns []held) error {
	var all errgroup.Group
	all.SetLimit(200)
	for _, c := range conns {
		all.Go(func() error {
			if _, err := io.WriteString(c, request); err != nil {
				return err
			}
			return readAnswer(c.in)
		})
	}
	return all.Wait()
}

// TestTenThousandIdle: 10,000 connections are open and idle. Half of them had a first
// answer, and half sent nothing yet. When they send a request, all must be answered.
func TestTenThousandIdle(t *testing.T) {
	const n, most = 10_000, 200.0 // connections, and MB of memory
	s := start(t, 2, site(t), "-log", "off", "-keep-alive", "-max-conns", "12000", "-idle-timeout", "5m", "-head-timeout", "5m")
	before := descriptors(s.Process.Pid)
	conns := hold(t, s.Addr, n)
	must(t, askAll(conns[:n/2]))
	begin := time.Now()
	must(t, askAll(conns))
	spoke := time.Since(begin)
	peak := peakMemory(s.Process.Pid)
	t.Logf("%d connections open at once, half idle after an answer, half silent from the start: %d requests answered, wrong answers 0, the last %d in %v; peak memory %.1f MB, %.1f KB a connection",
		n, n+n/2, n, spoke.Round(time.Millisecond), peak, peak*1024/n)
	if peak > most {
		t.Errorf("it took %.1f MB of memory", peak)
	}
	for _, c := range conns {
		c.Close()
	}
	waitFor(t, "its descriptors to be those of the beginning", func() bool { return descriptors(s.Process.Pid) == before })
}

// TestNewcomersWait: while -max-conns connections are served, new clients wait. None
// of them is reset, and each is answered when an earlier client has left.
func TestNewcomersWait(t *testing.T) {
	const limit, newcomers, quiet = 100, 1000, 300 * time.Millisecond
	s := start(t, 2, site(t), "-log", "off", "-keep-alive", "-max-conns", "100", "-idle-timeout", "5m", "-head-timeout", "5m")
	inside := hold(t, s.Addr, limit)
	must(t, askAll(inside))
	waiting := hold(t, s.Addr, newcomers)
	for _, c := range waiting {
		_, err := io.WriteString(c, strings.Replace(request, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1))
		must(t, err)
	}
	for _, c := range []held{waiting[0], waiting[newcomers/2], waiting[newcomers-1]} {
		c.SetReadDeadline(time.Now().Add(quiet))
		if b, err := c.in.Peek(1); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a newcomer got %q, %v, while all permits were in use", b, err)
		}
		c.SetReadDeadline(time.Now().Add(time.Minute))
	}
	must(t, askAll(inside)) // those inside notice nothing
	begin := time.Now()
	for _, c := range inside {
		c.Close()
	}
	wrong := 0
	for _, c := range waiting {
		got, err := io.ReadAll(c.in)
		if err != nil || string(got) != answer {
			wrong++
			t.Errorf("a newcomer got %.100q, %v", got, err)
		}
		c.Close() // otherwise the server would wait for it
	}
	t.Logf("-max-conns %d, all in use; %d newcomers waited, then all were answered within %v; resets or wrong answers %d",
		limit, newcomers, time.Since(begin).Round(time.Millisecond), wrong)
}

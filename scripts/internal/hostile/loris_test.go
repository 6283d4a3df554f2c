//go:build kit

package hostile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// dial connects. The connection ends at the latest with the test.
func dial(t *testing.T, addr string) *net.TCPConn {
	t.Helper()
	return dialWith(t, net.Dialer{}, addr)
}

func dialWith(t *testing.T, dialer net.Dialer, addr string) *net.TCPConn {
	t.Helper()
	dialer.Timeout = patience
	conn, err := dialer.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(5 * time.Minute)) // nothing waits for ever
	return conn.(*net.TCPConn)
}

// ask asks for the page on a new connection, and returns how long this took. Any
// other answer is an error.
func ask(addr string) (time.Duration, error) {
	start := time.Now()
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	conn.SetDeadline(start.Add(2 * patience))
	if _, err := io.WriteString(conn, request); err != nil {
		return 0, err
	}
	got, err := io.ReadAll(conn)
	if err != nil {
		return 0, err
	}
	if string(got) != answer {
		return 0, fmt.Errorf("a wrong answer: %.300q", got)
	}
	return time.Since(start), nil
}

// must fails the test on an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestSlowLoris: 2,000 clients send their heads, one byte each second. Other clients
// are answered at the same time. When the time for a head is over, the server ends
// the 2,000 connections.
func TestSlowLoris(t *testing.T) {
	const n, headTimeout, most = 2000, 5 * time.Second, 64.0 // clients, and MB of memory
	s := start(t, 2, site(t), "-log", "off", "-max-conns", "4096", "-head-timeout", headTimeout.String())
	before := descriptors(s.Process.Pid)

	ends := make(chan trickled, n)
	for range n {
		conn := dial(t, s.Addr)
		go func() { ends <- trickle(conn, time.Second) }()
	}
	asked, slowest := 0, time.Duration(0)
	for ; len(ends) < n; time.Sleep(20 * time.Millisecond) { // between two questions
		took, err := ask(s.Addr)
		must(t, err)
		asked, slowest = asked+1, max(slowest, took)
	}

	bytes, refused, shortest, longest := 0, 0, time.Hour, time.Duration(0)
	for range n {
		end := <-ends
		bytes, shortest, longest = bytes+end.sent, min(shortest, end.took), max(longest, end.took)
		if strings.HasPrefix(end.got, "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n") {
			refused++
		} else {
			t.Errorf("a slow client got %.100q", end.got)
		}
	}
	peak := peakMemory(s.Process.Pid)
	t.Logf("%d slow clients sent %d bytes; %d got their 408, after %v to %v; meanwhile %d others were answered, wrong answers 0, the slowest after %v; peak memory %.1f MB",
		n, bytes, refused, shortest.Round(time.Millisecond), longest.Round(time.Millisecond), asked, slowest.Round(time.Millisecond), peak)
	if asked < 20 || slowest > time.Second {
		t.Errorf("%d others were answered, one of them after %v", asked, slowest)
	}
	if shortest < headTimeout-100*time.Millisecond || longest > headTimeout+2*time.Second {
		t.Errorf("slow clients held their connections for %v to %v", shortest, longest)
	}
	if peak > most {
		t.Errorf("it took %.1f MB of memory", peak)
	}
	waitFor(t, "its descriptors to be those of the beginning", func() bool { return descriptors(s.Process.Pid) == before })
}

// trickled is the result of a client that sends slowly.
type trickled struct {
	got  string // the answer
	sent int    // bytes of the head
	took time.Duration
}

// trickle sends a head, a byte at a time, until the server ends the connection.
func trickle(conn net.Conn, every time.Duration) (end trickled) {
	defer conn.Close()
	head := "GET /HelloWorld.html HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 1000)
	begin := time.Now()
	answer := make(chan string, 1)
	go func() {
		got, err := io.ReadAll(conn)
		if err != nil {
			got = append(got, " and then "+err.Error()...)
		}
		answer <- string(got)
	}()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if end.sent < len(head) {
			io.WriteString(conn, head[end.sent:end.sent+1]) // fails if the server has closed, but then the answer has come
			end.sent++
		}
		select {
		case end.got = <-answer:
			end.took = time.Since(begin)
			return end
		case <-tick.C:
		}
	}
}

// waitFor waits for something that should happen soon.
func waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited for %v in vain for %s", patience, what)
		}
	}
}

// TestTurns: stage 1 waits at most one head time-out for each silent client. Then it
// answers the client that asks.
func TestTurns(t *testing.T) {
	const silent, headTimeout = 4, 500 * time.Millisecond
	s := start(t, 1, site(t), "-log", "off", "-head-timeout", headTimeout.String())
	for range silent {
		dial(t, s.Addr)
	}
	took, err := ask(s.Addr)
	must(t, err)
	t.Logf("%d silent clients with a head time-out of %v, then one that asks: answered after %v", silent, headTimeout, took.Round(time.Millisecond))
	if took < (silent-1)*headTimeout || took > silent*headTimeout+time.Second {
		t.Errorf("answered after %v", took)
	}
}

// TestDefaultLimit: with the default limit of 1,024 connections, 2,000 slow clients do
// delay others, until the server has given up the clients before them.
func TestDefaultLimit(t *testing.T) {
	const n, headTimeout = 2000, time.Second
	s := start(t, 2, site(t), "-log", "off", "-head-timeout", headTimeout.String())
	for range n {
		conn := dial(t, s.Addr)
		_, err := io.WriteString(conn, "G")
		must(t, err)
	}
	took, err := ask(s.Addr)
	must(t, err)
	t.Logf("%d slow clients, 1,024 connections at once, a head time-out of %v: the next one is answered after %v", n, headTimeout, took.Round(time.Millisecond))
	if took > 2*headTimeout+2*time.Second { // also for those that connected last; and the linger
		t.Errorf("answered after %v", took)
	}
}

// readAnswer reads the answer to a request for the page from a connection that
// stays open.
func readAnswer(in *bufio.Reader) error {
	want := strings.Replace(answer, "Connection: close\r\n", "", 1)
	got := make([]byte, len(want))
	if n, err := io.ReadFull(in, got); err != nil {
		return fmt.Errorf("%.300q, then %w", got[:n], err)
	}
	if string(got) != want {
		return errors.New("a wrong answer: " + fmt.Sprintf("%.300q", got))
	}
	return nil
}

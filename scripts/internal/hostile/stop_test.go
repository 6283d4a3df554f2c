//go:build kit

package hostile

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// stopSignals ask a server to stop: Ctrl-C sends the first, and service managers send
// the second.
var stopSignals = []os.Signal{os.Interrupt, syscall.SIGTERM}

// needsSignals skips a test on systems where it cannot send signals.
func needsSignals(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("on Windows a program cannot send Ctrl-C to another without its console: try it by hand")
	}
}

// wait waits until the server has ended, and returns its exit status.
func (s *server) wait(t *testing.T) int {
	t.Helper()
	select {
	case <-s.Done():
		return s.ExitStatus()
	case <-time.After(patience):
		t.Fatalf("it had not ended after %v:\n%s", patience, s.log)
		return 0
	}
}

// TestStopInTheMiddle stops the server in the middle of 100 answers. Half of the
// clients have read the beginning of a large file, and half still wait for a small
// one. All answers must come whole, and then the server ends with status 0.
func TestStopInTheMiddle(t *testing.T) {
	needsSignals(t)
	const clients, size, readBefore = 100, 8 << 20, 100 << 10
	dir := site(t)
	large := strings.Repeat("0123456789abcdef", size/16)
	must(t, os.WriteFile(filepath.Join(dir, "large.bin"), []byte(large), 0o644))
	for _, signal := range stopSignals {
		t.Run(signal.String(), func(t *testing.T) {
			s := start(t, 2, dir, "-delay", "500ms")
			conns, begun := make([]*net.TCPConn, clients), make([][]byte, clients)
			for i := range conns {
				conns[i] = dial(t, s.Addr)
			}
			for i := range clients / 2 {
				_, err := io.WriteString(conns[i], strings.Replace(request, "HelloWorld.html", "large.bin", 1))
				must(t, err)
			}
			for i := range clients / 2 {
				begun[i] = make([]byte, readBefore)
				_, err := io.ReadFull(conns[i], begun[i])
				must(t, err)
			}
			for _, conn := range conns[clients/2:] {
				_, err := io.WriteString(conn, request)
				must(t, err)
			}
			waitFor(t, "all requests to be read", func() bool { return strings.Count(s.log.String(), "msg=request") == clients })
			if n := strings.Count(s.log.String(), "msg=answered"); n > 0 {
				t.Fatalf("%d answers are over before the signal", n)
			}
			must(t, s.Process.Signal(signal))
			stopped, whole := time.Now(), 0
			answers := make(chan string, clients)
			for i, conn := range conns {
				go func() {
					rest, err := io.ReadAll(conn)
					if err != nil {
						rest = append(rest, " and then "+err.Error()...)
					}
					conn.Close() // otherwise the server would wait for it
					answers <- string(begun[i]) + string(rest)
				}()
			}
			for range clients {
				got := <-answers
				head, body, _ := strings.Cut(got, "\r\n\r\n")
				if got == answer || strings.HasPrefix(head, "HTTP/1.1 200 OK\r\n") && body == large {
					whole++
				} else {
					t.Errorf("%d bytes came, with the end %.100q", len(got), got[max(0, len(got)-100):])
				}
			}
			status := s.wait(t)
			t.Logf("stopped in the middle of %d answers, of which %d had begun: %d came whole, within %v; exit status %d",
				clients, clients/2, whole, time.Since(stopped).Round(time.Millisecond), status)
			if status != 0 {
				t.Errorf("exit status %d", status)
			}
		})
	}
}

// TestSecondSignal: a second signal ends the server at once. It does not wait for the
// answers under way.
func TestSecondSignal(t *testing.T) {
	needsSignals(t)
	for _, signal := range stopSignals {
		for stage := 1; stage <= 2; stage++ {
			t.Run(programName(stage)+", "+signal.String(), func(t *testing.T) {
				s := start(t, stage, hugeSite(t))
				askHuge(t, s.Addr, 0) // and read no more: the server would wait 5 seconds for it
				must(t, s.Process.Signal(signal))
				waitFor(t, "it to stop listening", func() bool {
					conn, err := net.DialTimeout("tcp", s.Addr, patience)
					if err == nil {
						conn.Close()
					}
					return errors.Is(err, syscall.ECONNREFUSED)
				})
				begin := time.Now()
				must(t, s.Process.Signal(signal))
				status, took := s.wait(t), time.Since(begin)
				t.Logf("after a second one it ended within %v, with status %d", took.Round(time.Millisecond), status)
				if took > time.Second || status != 1 {
					t.Errorf("it took %v, and the status is %d", took, status)
				}
			})
		}
	}
}

// TestRestart: the next server can listen on the same port at once. It does not matter
// how the one before ended, or what its connections were doing.
func TestRestart(t *testing.T) {
	needsSignals(t)
	const times = 20
	for stage := 1; stage <= 2; stage++ {
		t.Run(programName(stage), func(t *testing.T) {
			dir := hugeSite(t)
			s := start(t, stage, dir, "-log", "off")
			for i := range times {
				for range 3 {
					_, err := ask(s.Addr) // the server closes first, so its socket stays in TIME-WAIT
					must(t, err)
				}
				open := askHuge(t, s.Addr, 0) // this connection is in the middle of an answer
				signal := os.Signal(syscall.SIGTERM)
				if i%2 == 1 {
					signal = syscall.SIGKILL
				}
				must(t, s.Process.Signal(signal))
				if signal == syscall.SIGTERM {
					open.Close() // otherwise the server would wait 5 seconds for it
				}
				s.wait(t)
				s = start(t, stage, dir, "-log", "off", "-addr", s.Addr)
			}
			_, err := ask(s.Addr)
			must(t, err)
			t.Logf("restarted %d times on the same port, half of them after kill -9, with connections open: failures 0", times)
		})
	}
}

//go:build kit && linux

package hostile

import (
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sync/errgroup"
)

// TestStopInTheMiddle stops the server in the middle of 100 answers. Half of the
// clients have read the beginning of a large file, and half still wait for a small
// one. All answers must come whole, and then the server ends with status 0.
func TestStopInTheMiddle(t *testing.T) {
	const clients, size, readBefore = 100, 2 << 20, 100 << 10 // bytes: more than the systems of both ends hold
	dir := site(t)
	plant(t, dir, "large.bin", strings.Repeat("0123456789abcdef", size/16))
	large := fmt.Sprintf("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n", size) +
		strings.Repeat("0123456789abcdef", size/16)
	for _, stop := range []os.Signal{syscall.SIGTERM, os.Interrupt} { // of a service manager, and of Ctrl-C
		t.Run(stop.String(), func(t *testing.T) {
			s := start(t, 2, dir, "-delay 500ms")
			conns := hold(t, s.Addr, clients, 64<<10)
			wants := make([]string, clients)
			var begin errgroup.Group
			for i, conn := range conns[:clients/2] {
				wants[i] = large[readBefore:]
				begin.Go(func() error { return turn(conn, get("/large.bin").String(), large[:readBefore]) })
			}
			must(t, begin.Wait())
			for i, conn := range conns[clients/2:] {
				wants[clients/2+i] = answer
				_, err := io.WriteString(conn, request)
				must(t, err)
			}
			waitFor(t, "all requests to be read", func() bool { return s.said("msg=request") == clients })
			if n := s.said("msg=answered"); n > 0 {
				t.Fatalf("%d answers are over before the signal", n)
			}
			must(t, s.Process.Signal(stop))
			var rest errgroup.Group
			for i, conn := range conns {
				rest.Go(func() error {
					got, err := io.ReadAll(conn)
					conn.Close() // otherwise the server would wait for it
					if err != nil || string(got) != wants[i] {
						return fmt.Errorf("%d bytes of %d came, with the end %.100q, and then %v", len(got), len(wants[i]), got[max(0, len(got)-100):], err)
					}
					return nil
				})
			}
			must(t, rest.Wait())
			if status, err := s.Wait(patience); err != nil || status != 0 {
				t.Errorf("exit status %d, %v", status, err)
			}
		})
	}
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
	})
}

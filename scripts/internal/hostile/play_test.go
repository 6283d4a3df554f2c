//go:build kit && linux

package hostile

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"weblab.example/scripts/internal/launch"
)

// A hostileServer plays a trick.
type hostileServer struct {
	url         string
	connections atomic.Int64
	stop        func() // for when the client has ended
}

func serveTrick(t *testing.T, k trick) *hostileServer {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err = errors.Join(err, watch()); err != nil {
		t.Fatal(err)
	}
	s := &hostileServer{url: "http://" + ln.Addr().String() + "/"}
	clientEnded := make(chan struct{})
	var all sync.WaitGroup
	s.stop = sync.OnceFunc(func() {
		close(clientEnded)
		ln.Close()
		all.Wait()
	})
	t.Cleanup(s.stop)
	all.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return // stop
			}
			s.connections.Add(1)
			all.Go(func() { s.play(k, conn.(*net.TCPConn), clientEnded) })
		}
	})
	return s
}

// play plays the trick on one connection. It ignores errors, because the client may
// leave at any time, and only the output of the client counts.
func (s *hostileServer) play(k trick, conn *net.TCPConn, clientEnded <-chan struct{}) {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(longest))
	if strings.HasSuffix(k.then, "at once") {
		if k.then == "reset at once" {
			conn.SetLinger(0)
		}
		return
	}
	in := bufio.NewReader(conn)
	for line := "?"; k.then != "never reads" && line != "\r\n"; {
		var err error
		if line, err = in.ReadString('\n'); err != nil {
			return
		}
	}
	if _, err := io.Copy(conn, stream(k.sends...)); err == nil && k.drips != "" {
		client{send: []byte(k.drips), chunk: 1, between: k.every}.sendTo(conn, clientEnded)
	}
	switch k.then {
	case "reset":
		conn.SetLinger(0) // on loopback, the client's system has all bytes by now
	case "never reads":
		<-clientEnded
	case "", "close":
		conn.CloseWrite()
		io.Copy(io.Discard, in)
	case "open":
		io.Copy(io.Discard, in)
	}
}

// A clientRun is the result of one run of the client.
type clientRun struct {
	status int
	out    *follower
	stderr string
	took   time.Duration
	peak   int64 // of memory, in bytes; 0 if it is not known
}

// runClient runs the client, which should print want.
func runClient(t *testing.T, want io.Reader, args ...string) *clientRun {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), longest)
	defer cancel()
	cmd := launch.Command(ctx, programs[3], args...)
	r := &clientRun{out: &follower{want: want}}
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = r.out, &stderr
	start := time.Now()
	if err := cmd.Start(); err != nil {
		t.Error(err)
		return r
	}
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for ended := false; !ended; {
		if peak, err := launch.PeakMemory(cmd.Process.Pid); err == nil { // only Linux tells, and only while it runs
			r.peak = peak
		}
		select {
		case <-cmd.Done():
			ended = true
		case <-tick.C:
		}
	}
	r.took = time.Since(start)
	r.status, r.stderr = cmd.ExitStatus(), stderr.String()
	return r
}

// A follower compares what is written to it with a stream, which may have no end.
type follower struct {
	want  io.Reader
	n     int64
	wrong string // what was found first, "" if nothing
}

func (f *follower) Write(p []byte) (int, error) {
	want := make([]byte, len(p))
	k, _ := io.ReadFull(f.want, want) // it may be shorter, and then it differs
	if !bytes.Equal(p, want[:k]) && f.wrong == "" {
		f.wrong = fmt.Sprintf("after %d bytes came %.200q, want %.200q", f.n, p, want[:k])
	}
	f.n += int64(len(p))
	return len(p), nil
}

// missing reports whether more should have been written.
func (f *follower) missing() bool {
	n, _ := io.CopyN(io.Discard, f.want, 1)
	return n > 0
}

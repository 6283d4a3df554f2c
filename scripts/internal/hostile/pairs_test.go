//go:build kit

package hostile

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"weblab.example/scripts/golden"
	"weblab.example/scripts/internal/oracle"
)

// pairs is how many pairs each server gets. All connections together need fewer ports
// than any system has for clients.
var pairs = flag.Int64("pairs", 3500, "how many pairs TestRequestPairs sends to each server")

// TestRequestPairs joins two requests of the golden cases, breaks them in a few
// places, and sends them on one connection. The answers must be valid HTTP/1.1, no
// request may have two answers, and the connection must end.
func TestRequestPairs(t *testing.T) {
	root, remove, err := golden.LayOut()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(remove)
	for stage := 1; stage <= 2; stage++ {
		for _, flags := range [][]string{nil, {"-keep-alive"}} {
			t.Run(fmt.Sprint("stage", stage, flags), func(t *testing.T) {
				t.Parallel()
				s := start(t, stage, root, append(flags, "-log", "off")...)
				sendPairs(t, s.Addr, requestsOfCases(t), flags != nil)
			})
		}
	}
}

// requestsOfCases returns the request of each golden case. Requests that get a 200
// are there more than once, because one bad part makes a whole message bad.
func requestsOfCases(t *testing.T) (requests [][]byte) {
	t.Helper()
	cases, err := golden.Cases()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		requests = append(requests, c.Request)
		if bytes.HasPrefix(c.Response, []byte("HTTP/1.1 200")) {
			requests = append(requests, c.Request, c.Request, c.Request)
		}
	}
	return requests
}

// sendPairs sends all pairs to a server, a few at a time, and prints what it
// answered.
func sendPairs(t *testing.T, addr string, requests [][]byte, keepAlive bool) {
	const (
		clients = 4
		enough  = 10 // wrong answers: one that does not come takes its time
	)
	var (
		all                             sync.WaitGroup
		next, tried, sent, good, wrongs atomic.Int64
		mu                              sync.Mutex
		answers                         = map[int]int{} // by their status
	)
	for range clients {
		all.Go(func() {
			for n := next.Add(1); n <= *pairs && wrongs.Load() < enough; n = next.Add(1) {
				message := pair(requests, uint64(n))
				parts := oracle.Requests(message)
				statuses, err := sendPair(addr, message, parts, keepAlive)
				tried.Add(1)
				if err != nil {
					wrongs.Add(1)
					t.Errorf("pair %d, %d bytes, %.600q: %v", n, len(message), message, err)
				}
				sent.Add(int64(len(parts)))
				for _, p := range parts {
					if p.Good {
						good.Add(1)
					}
				}
				mu.Lock()
				for _, status := range statuses {
					answers[status]++
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	t.Logf("%d connections, %d requests, %d of them with a head that net/http can read; %d wrong answers", tried.Load(), sent.Load(), good.Load(), wrongs.Load())
	for _, status := range slices.Sorted(maps.Keys(answers)) {
		t.Logf("%d times %d", answers[status], status)
	}
}

// pair makes the pair with this number, which is always the same. It takes two
// requests one after the other, one inside the other, or the beginning of one and the
// end of the other. Then it breaks up to three places.
func pair(requests [][]byte, number uint64) []byte {
	r := rand.New(rand.NewPCG(number, 9112))
	a, b := requests[r.IntN(len(requests))], requests[r.IntN(len(requests))]
	at, from := r.IntN(len(a)+1), 0
	switch r.IntN(4) {
	case 0, 1:
		at = len(a)
	case 2:
		from = r.IntN(len(b) + 1)
		a = a[:at]
	}
	message := slices.Concat(a[:at], b[from:], a[at:])
	for range r.IntN(4) {
		message = broken(message, r)
	}
	return message
}

// splitters are bytes that parsers disagree on.
var splitters = []string{
	"\r", "\n", "\r\n", "\n\n", "\r\n\r\n", "\r\n ", "\x00", "\t", "\x0b", "\x7f", "\xff", " ", ":", ",", ";", "/", "\\", "%", "#", "@", "0", "-", "+",
	"\r\nContent-Length: 5", "\r\nContent-Length: 0", "\r\nTransfer-Encoding: chunked", "\r\nConnection: keep-alive", "\r\nConnection: close", "0\r\n\r\n",
}

// broken changes a message in one place. This is mostly in its first 300 bytes,
// because long messages just repeat one letter.
func broken(message []byte, r *rand.Rand) []byte {
	if len(message) == 0 {
		return []byte(splitters[r.IntN(len(splitters))])
	}
	at := r.IntN(min(len(message), 300))
	if r.IntN(8) == 0 {
		at = r.IntN(len(message))
	}
	switch r.IntN(4) {
	case 0:
		message = bytes.Clone(message)
		message[at] ^= 1 << r.IntN(8)
		return message
	case 1:
		return slices.Delete(bytes.Clone(message), at, min(at+1+r.IntN(3), len(message)))
	}
	return slices.Insert(bytes.Clone(message), at, []byte(splitters[r.IntN(len(splitters))])...)
}

// sendPair sends a message on a new connection, and then FIN, so that the server does
// not wait for more. The error says what is wrong with the answers.
func sendPair(addr string, message []byte, parts []oracle.Request, keepAlive bool) (statuses []int, err error) {
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	if _, err := conn.Write(message); err != nil {
		return nil, err
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		return nil, err
	}
	got, err := io.ReadAll(conn)
	if err != nil {
		return nil, fmt.Errorf("the connection does not end as it should, after %d bytes: %w", len(got), err)
	}
	if statuses, err = oracle.Responses(got, parts); err != nil {
		return statuses, err
	}
	most := len(parts)
	if !keepAlive {
		most = min(most, 1)
	}
	switch {
	case len(statuses) > most:
		err = fmt.Errorf("%d answers, %d, and the requests are %+v", len(statuses), statuses, parts)
	case len(statuses) == 0 && len(parts) > 0 && parts[0].Good:
		err = errors.New("no answer to a good request")
	}
	return statuses, err
}

//go:build kit && linux

package hostile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"weblab.example/scripts/golden"
)

// pairs is how many pairs each server gets. All connections together need fewer ports
// than any system has for clients.
const pairs = 3500

// TestRequestPairs joins two requests of the golden cases, breaks them in a few
// places, and sends them on one connection. The answers must be valid HTTP/1.1, no
// request may have two answers, and the connection must end.
func TestRequestPairs(t *testing.T) {
	root, remove, err := golden.LayOut()
	must(t, err)
	t.Cleanup(remove)
	for stage := 1; stage <= 2; stage++ {
		for _, flags := range []string{"", "-keep-alive"} {
			t.Run(fmt.Sprint("stage", stage, " ", flags), func(t *testing.T) {
				t.Parallel()
				s := start(t, stage, root, flags+" -log off")
				sendPairs(t, s.Addr, requestsOfCases(t), flags != "")
			})
		}
	}
}

// requestsOfCases returns the request of each golden case. Requests that get a 200
// are there more than once, because one bad part makes a whole message bad.
func requestsOfCases(t *testing.T) (requests [][]byte) {
	t.Helper()
	cases, err := golden.Cases()
	must(t, err)
	for _, c := range cases {
		requests = append(requests, c.Request)
		if bytes.HasPrefix(c.Response, []byte("HTTP/1.1 200")) {
			requests = append(requests, c.Request, c.Request, c.Request)
		}
	}
	return requests
}

// sendPairs sends all pairs to a server, a few at a time.
func sendPairs(t *testing.T, addr string, requests [][]byte, keepAlive bool) {
	clients, ctx := errgroup.WithContext(t.Context())
	clients.SetLimit(4)
	for n := range pairs {
		clients.Go(func() error {
			message := pair(requests, uint64(n+1))
			if ctx.Err() != nil { // an answer that does not come takes its time
				return nil
			}
			if err := sendPair(addr, message, keepAlive); err != nil {
				return fmt.Errorf("pair %d, %d bytes, %.600q: %w", n+1, len(message), message, err)
			}
			return nil
		})
	}
	must(t, clients.Wait())
	t.Logf("%d pairs", pairs)
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
var splitters = pools("pairs")["splitters"]

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
func sendPair(addr string, message []byte, keepAlive bool) error {
	got, o := client{send: message, fin: true, late: true, within: 2 * patience}.get(addr)
	if o.err != nil {
		return fmt.Errorf("the connection does not end as it should, after %d bytes: %w", len(got), o.err)
	}
	parts := splitRequests(message)
	most := len(parts)
	if !keepAlive {
		most = min(most, 1)
	}
	all, err := replies([]byte(got), func(n int) string {
		if n < len(parts) {
			return parts[n].method
		}
		return "GET"
	})
	switch {
	case err != nil:
		return err
	case len(all) > most:
		return fmt.Errorf("%d answers, and the requests are %+v", len(all), parts)
	case len(all) == 0 && len(parts) > 0 && parts[0].good:
		return errors.New("no answer to a good request")
	}
	return nil
}

// A part of what a client sent is what RFC 9112 counts as one request.
type part struct {
	method string
	good   bool // net/http can read its head
}

// splitRequests splits what a client sent on one connection. net/http is the judge here,
// because it shares no code with the kit's servers. Empty lines between requests do not
// count, but more of them than a server must skip (RFC 9112 section 2.2 asks for one line)
// count as a request that a server may refuse. If a request cannot be read to its end, the
// rest belongs to it, because nobody knows where the next one begins.
func splitRequests(sent []byte) (parts []part) {
	const manyEmpty = 16 << 10 // bytes
	for empty := 0; ; {
		line, after, ended := bytes.Cut(sent, []byte("\n"))
		switch {
		case len(sent) == 0 && empty > manyEmpty:
			return append(parts, part{})
		case len(sent) == 0:
			return parts
		case ended && (len(line) == 0 || string(line) == "\r"):
			empty += len(sent) - len(after)
			sent = after
			continue
		}
		method, _, _ := strings.Cut(string(line), " ")
		rest, good, whole := readRequest(sent)
		parts = append(parts, part{method, good})
		if !whole {
			return parts
		}
		sent, empty = rest, 0
	}
}

// readRequest reads one request, and returns what follows it. It replaces the
// target, because net/http refuses some targets, and the end of a request does not
// depend on it.
func readRequest(sent []byte) (rest []byte, good, whole bool) {
	line, after, _ := strings.Cut(string(sent), "\n")
	if words := strings.Split(line, " "); len(words) == 3 && words[1] != "" {
		line = words[0] + " / " + words[2]
	}
	from := strings.NewReader(line + "\n" + after)
	in := bufio.NewReader(from)
	req, err := http.ReadRequest(in)
	if err != nil {
		return nil, false, false
	}
	_, err = io.Copy(io.Discard, req.Body)
	return sent[len(sent)-from.Len()-in.Buffered():], true, err == nil
}

func TestSplitRequests(t *testing.T) {
	for _, e := range list("requests") {
		got := fmt.Sprint(splitRequests([]byte(e.Text(e.Keys[0].Value))))
		if strings.ReplaceAll(got, "\r", `\r`) != e.Want {
			t.Errorf("%s: %q, want %s", e.Name, got, e.Want)
		}
	}
}

// TestReplies: the answers of the contract are read, and nothing else passes.
func TestReplies(t *testing.T) {
	for _, e := range list("answers") {
		method := "GET"
		if strings.HasPrefix(e.Name, "HEAD") {
			method = "HEAD"
		}
		all, err := replies([]byte(e.Text(e.Keys[0].Value)), func(int) string { return method })
		statuses := []int{}
		for _, r := range all {
			statuses = append(statuses, r.Status)
		}
		want, says, fails := strings.Cut(e.Want, "] ")
		if got := fmt.Sprint(statuses); got != strings.TrimSuffix(want, "]")+"]" || (err != nil) != fails || !strings.Contains(fmt.Sprint(err), says) {
			t.Errorf("%s: %s, %v, want %s", e.Name, got, err, e.Want)
		}
	}
}

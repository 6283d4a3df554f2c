//go:build kit && linux

package hostile

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"weblab.example/scripts/golden"
	"weblab.example/scripts/internal/exchange"
)

// pairs is how many pairs each server gets. All connections together need fewer ports
// than any system has for clients.
var pairs = flag.Int("pairs", 3500, "how many pairs TestRequestPairs sends to each server")

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

// TestGoldenAnswers: every golden answer is one of the contract, to requests that net/http
// finds in its case, and there are not more of them than of those. (Samples have pages of
// their own, and experiments have another length than their body.)
func TestGoldenAnswers(t *testing.T) {
	cases, err := golden.Cases()
	must(t, err)
	for _, c := range cases {
		if m := exchange.ReadMessage(c.Response); !m.Ended || m.BareLF || m.Odd != "" {
			t.Errorf("%s: its response is %+v", c.Name, m)
		}
		if strings.HasPrefix(c.Name, "sample-") || slices.Contains(c.Flags, "-content-length") {
			continue
		}
		parts := splitRequests(c.Request)
		if all, err := replies(c.Response, methods(parts)); err != nil || len(all) == 0 || len(all) > len(parts) {
			t.Errorf("%s: %d requests have %d answers, %v", c.Name, len(parts), len(all), err)
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

// sendPairs sends all pairs to a server, a few at a time, and prints what it
// answered.
func sendPairs(t *testing.T, addr string, requests [][]byte, keepAlive bool) {
	var (
		clients    errgroup.Group
		mu         sync.Mutex
		sent, good int
		answers    = map[int]int{} // by their status
	)
	clients.SetLimit(4)
	for n := range *pairs {
		clients.Go(func() error {
			message := pair(requests, uint64(n+1))
			parts := splitRequests(message)
			if t.Failed() { // an answer that does not come takes its time
				return nil
			}
			all, err := sendPair(addr, message, parts, keepAlive)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Errorf("pair %d, %d bytes, %.600q: %v", n+1, len(message), message, err)
			}
			sent += len(parts)
			for _, p := range parts {
				if p.good {
					good++
				}
			}
			for _, r := range all {
				answers[r.Status]++
			}
			return nil
		})
	}
	clients.Wait() // no function returns an error
	t.Logf("%d connections, %d requests, %d of them with a head that net/http can read; wrong answers 0 unless said; by status %v", *pairs, sent, good, answers)
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
func sendPair(addr string, message []byte, parts []part, keepAlive bool) ([]reply, error) {
	got, o := client{send: message, fin: true, late: true, within: 2 * patience}.get(addr)
	if o.err != nil {
		return nil, fmt.Errorf("the connection does not end as it should, after %d bytes: %w", len(got), o.err)
	}
	all, err := replies([]byte(got), methods(parts))
	most := len(parts)
	if !keepAlive {
		most = min(most, 1)
	}
	switch {
	case err != nil:
	case len(all) > most:
		err = fmt.Errorf("%d answers, and the requests are %+v", len(all), parts)
	case len(all) == 0 && len(parts) > 0 && parts[0].good:
		err = errors.New("no answer to a good request")
	}
	return all, err
}

// A part of what a client sent is what RFC 9112 counts as one request.
type part struct {
	method string
	good   bool // net/http can read its head
}

// methods says what was asked for, by number.
func methods(parts []part) func(int) string {
	return func(n int) string {
		if n < len(parts) {
			return parts[n].method
		}
		return "GET"
	}
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
	const (
		ask  = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
		head = "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n"
	)
	for _, c := range []struct{ name, sent, want string }{
		{"empty lines", "\r\n\n\r\n", "[]"},
		{"more", ask + strings.Repeat("\r\n", 8193), "[{GET true} { false}]"},
		{"three", ask + head + "\r\n\n" + ask, "[{GET true} {HEAD true} {GET true}]"},
		{"a target that is no URI", "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n" + ask, "[{GET true} {GET true}]"},
		{"bare LF", strings.ReplaceAll(ask, "\r", "") + ask, "[{GET true} {GET true}]"},
		{"a request in a body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 27\r\n\r\n" + ask + ask, "[{POST true} {GET true}]"},
		{"a request in a chunk", "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1b\r\n" + ask + "\r\n0\r\n\r\n" + ask, "[{GET true} {GET true}]"},
		{"a body that is not whole", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n" + ask, "[{POST true}]"},
		{"garbage, then a request", "garbage\r\n\r\n" + ask, "[{garbage\r false}]"},
		{"a head that is not whole", ask + "HEAD / HT", "[{GET true} {HEAD false}]"},
		{"a bare CR", ask + "\r" + ask, "[{GET true} {\rGET false}]"},
	} {
		if got := fmt.Sprint(splitRequests([]byte(c.sent))); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestReplies: the answers of the contract are read, and nothing else passes.
func TestReplies(t *testing.T) {
	ok, bad := persisted, errorAnswer(400)
	head := "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n"
	wrong := func(old, new string) string { return strings.Replace(ok, old, new, 1) }
	for _, c := range []struct{ name, method, got, want, says string }{
		{"nothing", "GET", "", "[]", ""},
		{"two", "GET", ok + bad, "[200 400]", ""},
		{"HEAD", "HEAD", head + head, "[200 200]", ""},
		{"HEAD with a body", "HEAD", head + "hi", "[200]", "no head"},
		{"a body that is not whole", "GET", head + "h", "[200]", "unexpected EOF"},
		{"a byte too many", "GET", head + "hi!", "[200]", "no head"},
		{"after a close", "GET", bad + ok, "[400]", "behind an answer that closes"},
		{"no page of its own", "GET", strings.Replace(bad, "<h1>400", "<h1>404", 1), "[400]", "the page of a 400"},
		{"another error", "GET", strings.ReplaceAll(bad, "400 Bad Request", "500 Internal Server Error"), "[]", "no head"},
		{"a wrong phrase", "GET", wrong("OK", "Ok"), "[]", "no head"},
		{"bare LF", "GET", strings.ReplaceAll(ok, "\r", ""), "[]", "no head"},
		{"one bare LF", "GET", wrong("OK\r", "OK"), "[]", "no head"},
		{"a bare CR", "GET", wrong("OK", "O\rK"), "[]", "no head"},
		{"another version", "GET", wrong("1.1", "1.0"), "[]", "no head"},
		{"a status of two digits", "GET", wrong("200", "20"), "[]", "no head"},
		{"a folded line", "GET", wrong("\r\n\r\n", "\r\n a\r\n\r\n"), "[]", "no head"},
		{"a space before the colon", "GET", wrong("h:", "h :"), "[]", "no head"},
		{"two lengths", "GET", wrong("\r\n\r\n", "\r\nContent-Length: 3\r\n\r\n"), "[]", "no head"},
		{"no length", "GET", wrong("Content-Length: 36\r\n", ""), "[]", "no head"},
		{"another order", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nhi", "[]", "no head"},
		{"a field too many", "GET", wrong("Content", "X: y\r\nContent"), "[]", "no head"},
		{"a 200 with a Location", "GET", wrong("Content", "Location: /x\r\nContent"), "[]", "no head"},
		{"something else", "GET", "hello", "[]", "no head"},
	} {
		all, err := replies([]byte(c.got), func(int) string { return c.method })
		statuses := []int{}
		for _, r := range all {
			statuses = append(statuses, r.Status)
		}
		if got := fmt.Sprint(statuses); got != c.want || (err != nil) != (c.says != "") || !strings.Contains(fmt.Sprint(err), c.says) {
			t.Errorf("%s: %s, %v, want %s, %q", c.name, got, err, c.want, c.says)
		}
	}
}

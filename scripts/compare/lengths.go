package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"weblab.example/scripts/internal/exchange"
)

// modes are the values of -content-length, in the order of the pictures.
var modes = []string{"none", "short", "exact", "long"}

// Lengths are four stages that serve the same page. Each announces its length in
// another way.
type lengths struct {
	trials map[string]*trial // by mode

	mu  sync.Mutex
	raw map[string][]byte // the whole answer of each, as it came
}

// beginLengths starts a stage 1 for each mode.
func (c *comparison) beginLengths() (*lengths, error) {
	l := &lengths{trials: map[string]*trial{}, raw: map[string][]byte{}}
	var mu sync.Mutex
	var starts errgroup.Group
	for _, mode := range modes {
		starts.Go(func() error {
			t, err := c.start(1, c.site(), "-content-length", mode)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			l.trials[mode] = t
			return nil
		})
	}
	if err := starts.Wait(); err != nil {
		l.stop()
		return nil, err
	}
	return l, nil
}

func (l *lengths) stop() {
	var all sync.WaitGroup
	for _, t := range l.trials {
		all.Go(t.stop)
	}
	all.Wait()
}

// ask gets the page from a stage. It returns the bytes of the answer as they came.
func (l *lengths) ask(mode string) ([]byte, error) {
	t := l.trials[mode]
	if t == nil {
		return nil, fmt.Errorf("there is no -content-length %s", mode)
	}
	raw, err := converse(t.server.Addr, []byte("GET /HelloWorld.html HTTP/1.1\r\nHost: "+t.server.Addr+"\r\n\r\n"))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.raw[mode] = raw
	return raw, err
}

// converse sends a request, and returns what comes until the server closes. A server may
// refuse a long request before all of it has come. Then only the answer counts.
func converse(addr string, request []byte) ([]byte, error) {
	conn, err := exchange.Dial(addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return exchange.Talk(conn, request).Bytes, nil
}

// A LengthAnswer is what a stage sent in one mode.
type lengthAnswer struct {
	Mode      string `json:"mode"`
	Command   string `json:"command"`
	Head      string `json:"head"`
	Announced string `json:"announced"` // "" if there is no Content-Length
	Sent      int    `json:"sent"`      // bytes of the body
	Body      string `json:"body"`
}

// answers lists what the stages have sent.
func (l *lengths) answers() (all []lengthAnswer, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, mode := range modes {
		t := l.trials[mode]
		m := exchange.ReadMessage(l.raw[mode])
		if !m.Ended {
			t.stop()
			return nil, t.fault("sent no whole answer with -content-length " + mode)
		}
		a := lengthAnswer{Mode: mode, Command: t.command, Head: strings.TrimSuffix(string(m.Head), "\r\n\r\n"), Sent: len(m.Body), Body: string(m.Body)}
		a.Announced, _ = m.Field("Content-Length")
		all = append(all, a)
	}
	return all, nil
}

// relay answers a browser with the bytes of a stage, without a change. A page may
// not look into a frame from another port. This frame comes from the page's own
// port, and the browser still gets the same bytes.
func (l *lengths) relay(w http.ResponseWriter, r *http.Request) error {
	raw, err := l.ask(r.PathValue("mode"))
	if err != nil {
		return err
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Write(raw); err != nil {
		return nil // the browser has left, so nobody needs the error
	}
	// End it as the stage does: close for writing, and wait for the browser.
	if half, ok := conn.(*net.TCPConn); ok && half.CloseWrite() == nil {
		conn.SetReadDeadline(time.Now().Add(time.Second))
		io.Copy(io.Discard, conn)
	}
	return nil
}

// readAsClient reads an answer as a client that trusts the head.
func readAsClient(raw []byte) (body []byte, err error) {
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(raw)), nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}

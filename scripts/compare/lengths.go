package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"weblab.example/scripts/internal/exchange"
)

// modes are the values of -content-length, in the order of the pictures.
var modes = []string{"none", "short", "exact", "long"}

// A LengthAnswer is what a stage sent in one mode.
type lengthAnswer struct {
	Mode      string `json:"mode"`
	Command   string `json:"command"`
	Head      string `json:"head"`
	Announced string `json:"announced"` // "" if there is no Content-Length
	Sent      int    `json:"sent"`      // bytes of the body
	Body      string `json:"body"`

	raw []byte // the whole answer, as it came
}

// askLengths gets the same page from a stage 1 in each mode. Each stage announces the
// length in another way.
func (c *comparison) askLengths(ctx context.Context) (all []lengthAnswer, err error) {
	for _, mode := range modes {
		t, err := c.begin(ctx, c.site, settings{Stage: 1, more: []string{"-content-length", mode}})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.name(), err)
		}
		raw := say(t.server.Addr, message{}, []byte("GET /HelloWorld.html HTTP/1.1\r\nHost: "+t.server.Addr+"\r\n\r\n")).Bytes
		t.stop()
		m := exchange.ReadMessage(raw)
		if !m.Ended {
			return nil, fmt.Errorf("%s: %w", t.name(), t.fault("sent no whole answer with -content-length "+mode))
		}
		a := lengthAnswer{Mode: mode, Command: t.command, Head: strings.TrimSuffix(string(m.Head), "\r\n\r\n"), Sent: len(m.Body), Body: string(m.Body), raw: raw}
		a.Announced, _ = m.Field("Content-Length")
		all = append(all, a)
	}
	return all, nil
}

// relay answers a browser with the bytes that a stage sent, without a change. A page may
// not look into a frame from another port. This frame comes from the page's own
// port, and the browser still gets the same bytes.
func (c *comparison) relay(w http.ResponseWriter, r *http.Request) {
	raw, ok := c.lengths.Load(r.PathValue("mode"))
	if !ok {
		http.Error(w, errGone.Error(), http.StatusBadGateway)
		return
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer conn.Close()
	if _, err := conn.Write(raw.([]byte)); err != nil {
		return // the browser has left, so nobody needs the error
	}
	// End it as the stage does: close for writing, and wait for the browser.
	if half, ok := conn.(*net.TCPConn); ok && half.CloseWrite() == nil {
		conn.SetReadDeadline(time.Now().Add(time.Second))
		io.Copy(io.Discard, conn)
	}
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

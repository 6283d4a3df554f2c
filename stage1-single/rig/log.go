package rig

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"weblab.example/stage1-single/http1"
)

// The log of a connection has four events: accepted, request, answered, closed,
// each with the connection's number. When nobody wants them nothing is made for
// them.

func newLogger(w io.Writer, format string) *slog.Logger {
	switch format {
	case "json":
		return slog.New(slog.NewJSONHandler(escaper{w}, nil))
	case "off":
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(w, nil))
}

// An escaper writes JSON lines with what no terminal should get as \uXXXX. A JSON
// text may have DEL as it is, and control characters above it and marks that
// turn the direction of writing, and slog leaves them so; a terminal obeys them.
// They only stand inside the strings of a record, where the escape means the
// same. (The other format, text, has them quoted already.)
type escaper struct{ w io.Writer }

func (e escaper) Write(record []byte) (int, error) {
	safe := make([]byte, 0, len(record))
	for _, r := range string(record) {
		if r == '\n' || unicode.IsPrint(r) {
			safe = utf8.AppendRune(safe, r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) { // JSON has two escapes for a rune above U+FFFF
			safe = fmt.Appendf(safe, `\u%04x`, unit)
		}
	}
	if _, err := e.w.Write(safe); err != nil {
		return 0, err
	}
	return len(record), nil
}

func (c *Conn) logs() bool {
	return c.listener.log.Enabled(context.Background(), slog.LevelInfo)
}

func (c *Conn) logAccepted(number int64) {
	c.log = c.listener.log
	if c.logs() {
		c.log = c.log.With("conn", number)
		c.log.Info("accepted", "remote", c.tcp.RemoteAddr().String(), "local", c.tcp.LocalAddr().String())
	}
}

// logRequest logs what was asked for and, if there is no file for it, why.
func (c *Conn) logRequest(resp *http1.Response) {
	if !c.logs() {
		return
	}
	event := c.log.With("method", c.method, "target", c.target)
	if resp.Why != "" {
		event.Warn("request", "refused", resp.Why)
		return
	}
	event.Info("request")
}

// logAnswered logs what was sent: the status, and how many bytes of the body.
func (c *Conn) logAnswered(status int, body int64) {
	if c.logs() {
		c.log.Info("answered", "status", status, "body", body)
	}
}

func (c *Conn) logClosed() {
	if c.logs() {
		c.log.Info("closed", "why", c.why.Error())
	}
}

// logPanic logs a panic, and where it was. A text needs no stack: a function
// that is not written yet says itself which one it is.
func (c *Conn) logPanic(p any) {
	if _, isText := p.(string); isText {
		c.log.Error("panic", "error", p)
		return
	}
	c.log.Error("panic", "error", p, "stack", string(debug.Stack()))
}

// printHead prints a request's head as it came, a line for a line, with its
// control octets made visible. That keeps a request from playing tricks on
// the terminal, too.
func printHead(head string) {
	for line := range strings.Lines(head) {
		fmt.Fprintf(os.Stderr, "%q\n", line)
	}
}

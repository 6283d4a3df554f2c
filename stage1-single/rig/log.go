package rig

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// newLogger makes the log. Each connection has four events: accepted, request, answered,
// closed. With -log off nothing is made for them.
func newLogger(w io.Writer, format string) *slog.Logger {
	switch format {
	case "json":
		return slog.New(slog.NewJSONHandler(escaper{w}, nil))
	case "off":
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(w, nil))
}

// An escaper writes JSON lines with what no terminal should get as \uXXXX: slog leaves
// DEL, the control characters above it, and marks that turn the direction of writing.
// They stand inside of strings, where the escape means the same. (The format text has
// them quoted already.)
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

// logRequest logs what was asked for, once, and why there is no file for it.
func (c *Conn) logRequest(why string) {
	switch {
	case c.told || !c.logs():
	case why != "":
		c.log.Warn("request", "method", c.method, "target", c.target, "refused", why)
	default:
		c.log.Info("request", "method", c.method, "target", c.target)
	}
	c.told = true
}

// logPanic logs a panic, and where it was. A function that is not written yet says
// itself which one it is, and says it once.
func (c *Conn) logPanic(p any) {
	if !isGap(p) {
		c.log.Error("panic", "error", p, "stack", string(debug.Stack()))
	} else if _, told := c.listener.gaps.LoadOrStore(p, true); !told {
		c.log.Warn("gap", "error", p)
	}
}

package main

import (
	"fmt"
	"io"
	"os"
)

// progress says what is going on. In a terminal it rewrites one line. Elsewhere it
// prints a line for each thing that has been done.
type progress struct {
	to       io.Writer
	terminal bool
	shown    int // how many characters the line in the terminal has
}

func newProgress(to io.Writer) *progress {
	p := &progress{to: to}
	if f, ok := to.(*os.File); ok {
		info, err := f.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

// now says what is being done.
func (p *progress) now(format string, args ...any) {
	if p.terminal {
		line := fmt.Sprintf(format, args...)
		fmt.Fprintf(p.to, "\r%-*s", p.shown, line)
		p.shown = len(line)
	}
}

// done says what has been done.
func (p *progress) done(format string, args ...any) {
	if !p.terminal {
		fmt.Fprintf(p.to, format+"\n", args...)
	}
}

// clear removes the line.
func (p *progress) clear() {
	if p.shown > 0 {
		fmt.Fprintf(p.to, "\r%*s\r", p.shown, "")
		p.shown = 0
	}
}

package main

import (
	"fmt"
	"io"
	"os"
)

// progress says what is going on: in a terminal in a line that is written over
// and over, elsewhere in a line for each thing that is done.
type progress struct {
	to       io.Writer
	terminal bool
	shown    int // characters of the line that stands there
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

// clear takes the line away.
func (p *progress) clear() {
	if p.shown > 0 {
		fmt.Fprintf(p.to, "\r%*s\r", p.shown, "")
		p.shown = 0
	}
}

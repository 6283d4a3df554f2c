package term

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
)

// A Progress says what is going on. In a terminal it writes one line again and again.
// Elsewhere it writes only what has been done, a line for each. Several goroutines may
// use it.
type Progress struct {
	mu       sync.Mutex
	to       io.Writer
	terminal bool
	shown    int // how many columns the line in the terminal has
}

// NewProgress returns a Progress that writes to w.
func NewProgress(w io.Writer) *Progress { return &Progress{to: w, terminal: isTerminal(w)} }

// Now says what is being done.
func (p *Progress) Now(format string, args ...any) {
	if p.terminal {
		p.show(Wrap(fmt.Sprintf(format, args...), Width-1)[0]) // a line that is longer could not be written over
	}
}

// Done says what has been done.
func (p *Progress) Done(format string, args ...any) {
	if !p.terminal {
		p.mu.Lock()
		defer p.mu.Unlock()
		fmt.Fprintf(p.to, format+"\n", args...)
	}
}

// Clear removes the line.
func (p *Progress) Clear() {
	if p.terminal {
		p.show("")
		fmt.Fprint(p.to, "\r")
	}
}

func (p *Progress) show(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	wide := Columns(line)
	fmt.Fprint(p.to, "\r", line, strings.Repeat(" ", max(0, p.shown-wide)))
	p.shown = wide
}

// isTerminal reports whether somebody reads what is written to w as it comes.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

package main

import (
	"fmt"
	"io"
	"os"
	"time"
)

// output counts what is written, keeps the error, and shows progress.
type output struct {
	to       io.Writer
	n        int64
	err      error
	start    time.Time // of the whole
	terminal bool      // standard error is one: show progress
	shown    time.Time // when progress was last shown
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.to.Write(p)
	o.n += int64(n)
	if err != nil {
		o.err = err
	}
	if now := time.Now(); o.terminal && now.Sub(o.start) > time.Second && now.Sub(o.shown) > 200*time.Millisecond {
		o.shown = now
		fmt.Fprintf(os.Stderr, "\r%.1f MB in %.0f s ", float64(o.n)/1e6, now.Sub(o.start).Seconds())
	}
	return n, err
}

// endProgress leaves the line on which progress was shown.
func (o *output) endProgress() {
	if !o.shown.IsZero() {
		fmt.Fprintln(os.Stderr)
	}
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

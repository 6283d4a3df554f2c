package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// bytesTolerance is how much more live memory a server may have at the end than
// after the first seconds, in bytes. In 90 s the servers had 1 to 8 kB more, after
// 20,000 requests or after 135,000. A profile shows that this memory belongs to the
// Go runtime, which takes 5 kB for each new thread, and has caches for type
// assertions. With this tolerance, a soak of a minute finds a leak of 16 bytes for
// each request.
const bytesTolerance = 128 << 10

// A soakEnd is the state of a server at the end of a soak.
type soakEnd struct {
	first, last       reading
	firstErr, lastErr error
	peak              int64 // bytes of memory
	peakErr           error
	wrongs            int
	races, panics     int
	tooEarly          bool   // it ended by itself
	status            int    // its exit status
	said              string // its log of a race or a panic, or the end of its log
}

// troubles lists what was wrong with the server.
func (e soakEnd) troubles() (all []string) {
	wrong := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if e.wrongs > 0 {
		wrong("%d wrong answers", e.wrongs)
	}
	if e.races > 0 {
		wrong("%d data races", e.races)
	}
	if e.panics > 0 {
		wrong("%d panics", e.panics)
	}
	switch {
	case e.tooEarly:
		wrong("it ended by itself, with status %d", e.status)
		return all // nothing could be read from it
	case e.status != 0:
		wrong("after a signal to stop, it ended with status %d", e.status)
	}
	if err := errors.Join(e.firstErr, e.lastErr); err != nil {
		wrong("cannot read what it holds: %v", err)
		return all
	}
	if n := e.last.Goroutines - e.first.Goroutines; n > 0 {
		wrong("%d goroutines more than after the first seconds", n)
	}
	if n := e.last.Descriptors - e.first.Descriptors; n > 0 {
		wrong("%d descriptors more than after the first seconds", n)
	}
	if n := max(e.first.Forgotten, e.last.Forgotten); n > 0 {
		wrong("only the garbage collector closed %d descriptors: the program forgot to close them", n)
	}
	if n := e.last.Bytes - e.first.Bytes; n > bytesTolerance {
		wrong("%s live bytes more than after the first seconds, but at most %s are allowed", thousands(float64(n)), thousands(bytesTolerance))
	}
	return all
}

// trouble returns what was wrong with all servers, or nil.
func (s *soak) trouble() error {
	var all []error
	for _, server := range s.servers {
		for _, t := range server.ended.troubles() {
			all = append(all, fmt.Errorf("%s: %s", server.name, t))
		}
	}
	return errors.Join(all...)
}

// printSoak prints a table with a column for each server, and what was wrong.
func printSoak(w io.Writer, s *soak, took time.Duration) error {
	out := &strings.Builder{}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(name string, cell func(*soaked) string) {
		fmt.Fprintf(t, "%-13s", name) // names are aligned on the left, numbers on the right
		for _, server := range s.servers {
			fmt.Fprint(t, "\t", cell(server))
		}
		fmt.Fprint(t, "\t\n")
	}
	number := func(n int64) string { return thousands(float64(n)) }
	row("", func(server *soaked) string { return server.name })
	row("clients", func(server *soaked) string { return number(int64(server.clients)) })
	row("requests", func(server *soaked) string { return number(server.asked(good, huge)) })
	for sort, name := range sortNames {
		row("  "+name, func(server *soaked) string { return number(server.requests[sort].Load()) })
	}
	row("faults tried", func(server *soaked) string { return number(server.asked(malformed, huge)) })
	row("wrong answers", func(server *soaked) string { return number(int64(server.ended.wrongs)) })
	row("data races", func(server *soaked) string { return number(int64(server.ended.races)) })
	row("panics", func(server *soaked) string { return number(int64(server.ended.panics)) })
	row("goroutines", func(server *soaked) string {
		return fmt.Sprintf("%d, %d", server.ended.first.Goroutines, server.ended.last.Goroutines)
	})
	row("descriptors", func(server *soaked) string { return server.ended.descriptors() })
	row("live bytes", func(server *soaked) string {
		return number(server.ended.first.Bytes) + ", " + number(server.ended.last.Bytes)
	})
	row("peak memory", func(server *soaked) string {
		if server.ended.peakErr != nil {
			return "not measured"
		}
		return bytesOfMemory.format(float64(server.ended.peak))
	})
	t.Flush() // to a string: it cannot fail
	fmt.Fprintln(out, "\nIf there are two numbers, the first was read after the first seconds, and the second at the end. Faults tried are all requests except the good ones.")
	fmt.Fprintln(out, "The race detector is on, so the programs need several times as much memory as usual.")
	for _, server := range s.servers {
		server.printWrong(out)
	}
	fmt.Fprintf(out, "seed %d\nmachine: %s\nsoaked in %.0f s, with building\n", s.seed, thisMachine(), took.Seconds())
	_, err := io.WriteString(w, out.String())
	return err
}

func (e soakEnd) descriptors() string {
	if e.first.Descriptors < 0 || e.last.Descriptors < 0 {
		return "not counted here"
	}
	return fmt.Sprintf("%d, %d", e.first.Descriptors, e.last.Descriptors)
}

// printWrong prints the first wrong answers, and what the server said.
func (s *soaked) printWrong(w io.Writer) {
	for _, wrong := range s.wrong {
		fmt.Fprintf(w, "%s: %s\n", s.name, wrong)
	}
	if e := s.ended; e.races > 0 || e.panics > 0 || e.tooEarly {
		fmt.Fprintf(w, "%s said:\n%s\n", s.name, e.said)
	}
}

// A soakLog reads a server's log. It counts races and panics. It keeps only the first
// of each, and the end, because the whole log would take gigabytes.
type soakLog struct {
	mu            sync.Mutex
	races, panics int
	race, panic   []byte // the first report of the race detector, and the first log line of a panic
	whole         bool   // race has the whole report
	tail, line    []byte // the last lines, and a line that has not ended yet
}

// logKept is how many bytes are kept of a race, and of the end.
const logKept = 8 << 10

func (l *soakLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.line = append(l.line, p...)
	for {
		end := bytes.IndexByte(l.line, '\n') + 1
		if end == 0 {
			return len(p), nil
		}
		l.take(l.line[:end])
		l.line = l.line[end:]
	}
}

// take looks at one line.
func (l *soakLog) take(line []byte) {
	switch {
	case bytes.HasPrefix(line, []byte("WARNING: DATA RACE")):
		l.races++
	case bytes.Contains(line, []byte(" level=ERROR msg=panic ")): // what a client sends is quoted in the log, so it cannot look like this
		l.panics++
		if l.panic == nil {
			l.panic = bytes.Clone(line)
		}
	}
	if l.races == 1 && !l.whole && len(l.race) < logKept {
		l.race = append(l.race, line...)
		l.whole = bytes.HasPrefix(line, []byte("=====")) // the last line of a report
	}
	l.tail = append(l.tail, line...)
	if len(l.tail) > 2*logKept {
		l.tail = append(l.tail[:0], l.tail[len(l.tail)-logKept:]...)
	}
}

// sum returns the counts, and the part of the log that is worth reading.
func (l *soakLog) sum() (races, panics int, said string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	said = string(l.race) + string(l.panic)
	if said == "" {
		said = string(l.tail) + string(l.line)
	}
	return l.races, l.panics, said
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"sync"
	"time"
)

// An event is a line of a server's log with -log json.
type event struct {
	Time   time.Time
	Msg    string // accepted, request, answered, closed
	Remote string // of accepted: the tap
	Error  string // of a panic, for example "step 1.3 is not written yet"

	line json.RawMessage
}

// MarshalJSON passes on the line as it came.
func (e event) MarshalJSON() ([]byte, error) { return e.line, nil }

// A serverLog is what a server writes to standard error.
type serverLog struct {
	mu   sync.Mutex
	text []byte
	more chan struct{} // closed when something comes
}

func newServerLog() *serverLog { return &serverLog{more: make(chan struct{})} }

func (l *serverLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	close(l.more)
	l.more = make(chan struct{})
	return len(p), nil
}

// read returns the events that have come, and all other lines, for example "step
// 1.1 is not written yet".
func (l *serverLog) read() (events []event, said string) {
	l.mu.Lock()
	text := l.text // what is in it does not change: Write appends to it
	l.mu.Unlock()
	for line := range bytes.Lines(text) {
		e := event{line: bytes.TrimSpace(line)}
		if json.Unmarshal(line, &e) == nil && e.Msg != "" {
			events = append(events, e)
		} else {
			said += string(line)
		}
	}
	return events, said
}

// wait waits until enough says yes to the events, or ctx is done.
func (l *serverLog) wait(ctx context.Context, enough func([]event) bool) error {
	for {
		l.mu.Lock()
		more := l.more
		l.mu.Unlock()
		if events, _ := l.read(); enough(events) {
			return nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// allClosed reports whether every connection has ended.
func allClosed(events []event) bool {
	open := 0
	for _, e := range events {
		switch e.Msg {
		case "accepted":
			open++
		case "closed":
			open--
		}
	}
	return open == 0
}

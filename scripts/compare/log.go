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
	Time   time.Time `json:"time"`
	Msg    string    `json:"msg"` // accepted, request, answered, closed
	Conn   int       `json:"conn"`
	Remote string    `json:"remote"`
	Target string    `json:"target"`
	Status int       `json:"status"`
	Error  string    `json:"error"` // of a panic, for example "step 1.3 is not written yet"
}

// A serverLog is what a server writes to standard error.
type serverLog struct {
	mu     sync.Mutex
	events []event
	raw    []json.RawMessage // the events as they came
	said   string            // other lines, for example "step 1.1 is not written yet"
	rest   []byte            // a line that has not ended yet
	more   chan struct{}     // closed when a line comes
}

func newServerLog() *serverLog { return &serverLog{more: make(chan struct{})} }

func (l *serverLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, p...)
	for {
		line, rest, ok := bytes.Cut(l.rest, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		var e event
		if json.Unmarshal(line, &e) == nil && e.Msg != "" {
			l.events = append(l.events, e)
			l.raw = append(l.raw, bytes.Clone(line))
		} else {
			l.said += string(line) + "\n"
		}
		l.rest = rest
		close(l.more)
		l.more = make(chan struct{})
	}
}

// wait waits until enough says yes to the events, or ctx is done.
func (l *serverLog) wait(ctx context.Context, enough func([]event) bool) error {
	for {
		l.mu.Lock()
		ok, more := enough(l.events), l.more
		l.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// all returns what has come.
func (l *serverLog) all() (events []event, raw []json.RawMessage, said string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.events, l.raw, l.said
}

// A connection is what the log says about one connection.
type connection struct {
	Number           int
	Remote           string // the client's address
	Accepted, Closed time.Time
	Requests         []answered
}

// An answered is a request, and the answer to it.
type answered struct {
	Target         string
	Status         int
	Read, Answered time.Time
}

// connections sorts a log by connection, in the order in which they were accepted.
// Each has its requests. An event that has not happened has the zero time.
func connections(events []event) []connection {
	var all []connection
	at := map[int]int{} // by number
	for _, e := range events {
		if e.Msg == "accepted" {
			at[e.Conn] = len(all)
			all = append(all, connection{Number: e.Conn, Remote: e.Remote, Accepted: e.Time})
			continue
		}
		i, ok := at[e.Conn]
		if !ok {
			continue // an event of no connection
		}
		c := &all[i]
		switch e.Msg {
		case "request":
			c.Requests = append(c.Requests, answered{Target: e.Target, Read: e.Time})
		case "answered":
			if n := len(c.Requests); n > 0 {
				c.Requests[n-1].Answered, c.Requests[n-1].Status = e.Time, e.Status
			}
		case "closed":
			c.Closed = e.Time
		}
	}
	return all
}

// allClosed reports whether every connection has ended.
func allClosed(events []event) bool {
	for _, c := range connections(events) {
		if c.Closed.IsZero() {
			return false
		}
	}
	return true
}

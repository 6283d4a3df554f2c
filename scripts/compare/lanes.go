package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Span is a part of a lane, in which one thing happened. Times are in
// milliseconds from the beginning of the picture.
type span struct {
	Kind string  `json:"kind"`
	From float64 `json:"from"`
	To   float64 `json:"to"`
}

// The kinds of spans, each with its letter for the terminal. The first four belong
// to the client, the others to the server.
var kinds = []struct{ Kind, Letter, Means string }{
	{"stalled", " ", "asked for, not yet connected"},
	{"connect", "-", "connecting"},
	{"wait", ".", "waiting for the first byte"},
	{"receive", "#", "receiving"},
	{"queue", ":", "connected, but waiting in the system's queue: not accepted yet"},
	{"head", "?", "accepted, waiting for a whole request"},
	{"answer", "=", "answering"},
	{"open", "_", "answered, and still open"},
}

// A Lane is a row of a picture. It shows what happened to one object, or on one
// connection.
type lane struct {
	Name  string `json:"name"`
	Spans []span `json:"spans"`
	Says  string `json:"says"` // the same in words
}

// Add adds a span, unless it is empty.
func (l *lane) add(kind string, from, to float64) {
	if to > from {
		l.Spans = append(l.Spans, span{kind, from, to})
	}
}

// millis is a moment as JavaScript counts it.
func millis(t time.Time) float64 { return float64(t.UnixMicro()) / 1000 }

// outcome makes a picture of what the client measured and what the server logged.
// Both use the clock of this machine. The picture begins with the first event.
func (t *trial) outcome(timings []timing, events []event, raw []json.RawMessage) *outcome {
	slices.SortStableFunc(timings, func(a, b timing) int { return cmp.Compare(a.Start, b.Start) })
	conns := connections(events)
	begin, end := timings[0].Start, 0.0
	for _, c := range conns {
		begin = min(begin, millis(c.Accepted))
		end = max(end, millis(c.Closed))
		for _, x := range c.Requests {
			end = max(end, millis(x.Answered))
		}
	}
	o := &outcome{settings: t.settings, Command: t.command, Timings: timings, Log: raw}
	lastByte, firstObject, lastObject := 0.0, 0.0, 0.0
	for _, m := range timings {
		lastByte = max(lastByte, m.ResponseEnd)
		if m.Target != t.pageTarget() {
			if firstObject == 0 {
				firstObject = m.Start
			}
			lastObject = max(lastObject, m.ResponseEnd)
		}
	}
	o.ObjectsTime = lastObject - firstObject
	o.TotalTime = lastByte - timings[0].Start
	o.Length = max(end, lastByte) - begin
	// Sorted by their answers, the rows of a queue look like a staircase.
	slices.SortStableFunc(timings, func(a, b timing) int { return cmp.Compare(a.ResponseStart, b.ResponseStart) })
	for _, m := range timings {
		o.Browser = append(o.Browser, clientLane(m, begin))
	}
	for _, c := range conns {
		isSlow := t.slowBy != "" && c.Remote == t.slowBy
		if !isSlow {
			o.Connections++
		}
		o.Server = append(o.Server, serverLane(c, isSlow, timings, begin, begin+o.Length))
	}
	return o
}

// clientLane shows an object as the client saw it.
func clientLane(m timing, begin float64) lane {
	l := lane{Name: strings.TrimPrefix(m.Target, "/")}
	l.add("stalled", m.Start-begin, m.ConnectStart-begin)
	l.add("connect", m.ConnectStart-begin, m.ConnectEnd-begin)
	l.add("stalled", m.ConnectEnd-begin, m.RequestStart-begin)
	l.add("wait", m.RequestStart-begin, m.ResponseStart-begin)
	l.add("receive", m.ResponseStart-begin, m.ResponseEnd-begin)
	l.Says = fmt.Sprintf("asked for at %.0f ms, request sent at %.0f, first byte at %.0f, last byte at %.0f ms",
		m.Start-begin, m.RequestStart-begin, m.ResponseStart-begin, m.ResponseEnd-begin)
	if m.ConnectStart == m.ConnectEnd {
		l.Says += ", on a connection that was there already"
	}
	if m.Status >= 400 {
		l.Says += fmt.Sprintf(" (status %d)", m.Status)
	}
	return l
}

// serverLane shows a connection as the server logged it. The server does not know
// when the connection was made, because the system makes it. The client knows, and
// the first request tells which client it was.
func serverLane(c connection, isSlow bool, timings []timing, begin, end float64) lane {
	l := lane{Name: fmt.Sprintf("connection %d", c.Number)}
	accepted := millis(c.Accepted) - begin
	says := fmt.Sprintf("accepted at %.0f ms", accepted)
	if isSlow {
		l.Name = "slow client"
	} else if len(c.Requests) > 0 {
		i := slices.IndexFunc(timings, func(m timing) bool { return m.Target == c.Requests[0].Target })
		if i >= 0 {
			connected := timings[i].ConnectEnd - begin
			if timings[i].ConnectStart == timings[i].ConnectEnd { // the browser had connected ahead of time
				connected = timings[i].RequestStart - begin
			}
			l.add("queue", connected, accepted) // adds nothing if the server noticed before the client
			if accepted-connected >= 1 {
				says = fmt.Sprintf("connected at %.0f ms, waited %.0f ms in the queue", connected, accepted-connected) + ", " + says
			}
		}
	}
	from := accepted // the server waits for a request since then
	for i, x := range c.Requests {
		kind := "head"
		if i > 0 {
			kind = "open"
		}
		read, answered := millis(x.Read)-begin, end-begin
		if !x.Answered.IsZero() {
			answered = millis(x.Answered) - begin
		}
		l.add(kind, from, read)
		l.add("answer", read, answered)
		if x.Status != 0 {
			says += fmt.Sprintf(", %s answered with %d from %.0f to %.0f ms", orNothing(x.Target), x.Status, read, answered)
		}
		from = answered
	}
	kind := "open"
	if len(c.Requests) == 0 {
		kind = "head"
		says += ", no request came"
	}
	if c.Closed.IsZero() {
		l.add(kind, from, end-begin)
		says += ", still open at the end"
	} else {
		l.add(kind, from, millis(c.Closed)-begin)
		says += fmt.Sprintf(", closed at %.0f ms", millis(c.Closed)-begin)
	}
	l.Says = says
	return l
}

func orNothing(target string) string {
	if target == "" {
		return "what came"
	}
	return strings.TrimPrefix(target, "/")
}

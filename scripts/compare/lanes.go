package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"weblab.example/scripts/internal/tap"
)

// A Span is a part of a lane, in which one thing happened. Times are in
// milliseconds from the beginning of the picture.
type span struct {
	Kind string  `json:"kind"`
	From float64 `json:"from"`
	To   float64 `json:"to"`
}

// The kinds of spans, each with its letter for the terminal. The first four belong
// to the client, the others to the server. What passes the tap has some of both.
var kinds = []struct{ Kind, Letter, Means string }{
	{"stalled", " ", "asked for, not yet connected"},
	{"connect", "-", "connecting"},
	{"wait", ".", "waiting for the first byte"},
	{"receive", "#", "receiving"},
	{"quiet", "~", "connected, and nothing was sent yet"},
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

// outcome makes a picture of what the client measured, what the server logged and what
// passed the tap. All use the clock of this machine. The picture begins with the first event.
func (t *trial) outcome(timings []timing, events []event) *outcome {
	o := &outcome{settings: t.settings, Name: t.name(), Command: t.command, Timings: timings, Log: events}
	asked, firstObject := math.Inf(1), math.Inf(1)
	lastByte, lastObject := 0.0, 0.0
	for _, m := range timings {
		asked = min(asked, m.Start)
		if !m.came() {
			continue
		}
		lastByte = max(lastByte, m.ResponseEnd)
		if m.Target != t.pageTarget() {
			firstObject, lastObject = min(firstObject, m.Start), max(lastObject, m.ResponseEnd)
		}
	}
	if lastByte > 0 {
		o.TotalTime = lastByte - asked
	}
	if lastObject > 0 {
		o.ObjectsTime = lastObject - firstObject
	}
	begin, end := asked, lastByte
	ofConn := map[int][]event{}
	for _, e := range events {
		if e.Conn > 0 {
			begin, end = min(begin, millis(e.Time)), max(end, millis(e.Time))
			ofConn[e.Conn] = append(ofConn[e.Conn], e)
		}
	}
	for _, c := range t.conns {
		begin, end = min(begin, millis(c.Opened)), max(end, millis(c.Opened))
		for _, p := range c.Pieces {
			end = max(end, millis(p.Until))
		}
	}
	if math.IsInf(begin, 0) {
		return o // nobody came
	}
	o.Length = max(end-begin, 1)
	// Sorted by their answers, the rows of a queue look like a staircase.
	slices.SortStableFunc(timings, func(a, b timing) int { return cmp.Compare(a.ResponseStart, b.ResponseStart) })
	for _, m := range timings {
		o.Browser = append(o.Browser, clientLane(m, begin, o.Length))
	}
	t.addWire(o, begin)
	for _, e := range events {
		if e.Msg != "accepted" {
			continue
		}
		isSlow := t.Slow != "" && len(o.Server) == 0 // begin waits until it has been accepted
		if !isSlow {
			o.Connections++
		}
		l := serverLane(ofConn[e.Conn], isSlow, timings, begin, o.Length)
		o.Server = append(o.Server, l)
	}
	return o
}

// addWire adds what passed the tap: of a program the lanes as well. The server's own log
// has numbers for a stage's connections.
func (t *trial) addWire(o *outcome, begin float64) {
	const unknown = 1 << 20 // to a stage's log: it never accepted them
	number := map[string]int{}
	for i, c := range t.conns {
		number[c.Local] = i + 1
		if t.Program == 0 {
			number[c.Local] += unknown
		}
	}
	for _, e := range o.Log {
		if e.Msg == "accepted" {
			number[e.Remote] = e.Conn
		}
	}
	conns := slices.Clone(t.conns)
	slices.SortStableFunc(conns, func(a, b tap.Conn) int { return cmp.Compare(number[a.Local], number[b.Local]) })
	for i, c := range conns {
		name := fmt.Sprintf("connection %d", number[c.Local])
		if i == 0 && t.Slow != "" {
			name = "slow client"
		} else if number[c.Local] > unknown {
			name = "never accepted"
		}
		o.Wire = append(o.Wire, t.converse(c, name, begin))
		if t.Program > 0 {
			o.Server = append(o.Server, wireLane(c, name, begin, o.Length))
			if name != "slow client" {
				o.Connections++
			}
		}
	}
}

// clientLane shows an object as the client saw it. The picture ends after so many
// milliseconds.
func clientLane(m timing, begin, length float64) lane {
	l := lane{Name: strings.TrimPrefix(m.Target, "/")}
	if !m.came() {
		l.add("wait", m.Start-begin, length)
		l.Says = fmt.Sprintf("asked for at %.0f ms, and did not come whole", m.Start-begin)
		return l
	}
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

// serverLane shows a connection as the server logged it. The first of its events
// is that it was accepted. The picture ends after so many milliseconds.
func serverLane(events []event, isSlow bool, timings []timing, begin, length float64) lane {
	l := lane{Name: fmt.Sprintf("connection %d", events[0].Conn)}
	says := []string{}
	doing, since, target := "head", millis(events[0].Time)-begin, ""
	if isSlow {
		l.Name = "slow client"
	} else if connected := connectedAt(events, timings) - begin; connected < since {
		l.add("queue", connected, since)
		if since-connected >= 1 {
			says = append(says, fmt.Sprintf("connected at %.0f ms, waited %.0f ms in the queue", connected, since-connected))
		}
	}
	says = append(says, fmt.Sprintf("accepted at %.0f ms", since))
	for _, e := range events {
		at := millis(e.Time) - begin
		switch e.Msg {
		case "request":
			l.add(doing, since, at)
			doing, since, target = "answer", at, cmp.Or(strings.TrimPrefix(e.Target, "/"), "what came")
		case "answered":
			l.add(doing, since, at)
			says = append(says, fmt.Sprintf("%s answered with %d from %.0f to %.0f ms", target, e.Status, since, at))
			doing, since = "open", at
		}
	}
	if doing == "head" {
		says = append(says, "no request came")
	}
	ended, how := length, "still open at the end"
	if last := events[len(events)-1]; last.Msg == "closed" {
		ended = millis(last.Time) - begin
		how = fmt.Sprintf("closed at %.0f ms", ended)
	}
	l.add(doing, since, ended)
	l.Says = strings.Join(append(says, how), ", ")
	return l
}

// connectedAt tells when the connection with these events was made. The server does
// not know it, because the system makes the connection. The client knows, and the
// first request tells which client it was. Without a request, it is never.
func connectedAt(events []event, timings []timing) float64 {
	first := slices.IndexFunc(events, func(e event) bool { return e.Msg == "request" })
	for _, m := range timings {
		switch {
		case first < 0 || m.Target != events[first].Target:
		case m.ConnectStart == m.ConnectEnd: // the browser had connected ahead of time
			return m.RequestStart
		default:
			return m.ConnectEnd
		}
	}
	return math.Inf(1)
}

package main

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"weblab.example/scripts/internal/exchange"
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
// to the client, the others to the server. Nobody knows whether a program has
// accepted a connection and works on the answer, so its row says that the answer is waited for.
var kinds = []struct{ Kind, Letter, Means string }{
	{"stalled", " ", "asked for, not yet connected"},
	{"connect", "-", "connecting"},
	{"wait", ".", "waiting for the first byte"},
	{"receive", "#", "receiving"},
	{"queue", ":", "connected, but waiting in the system's queue: not accepted yet"},
	{"head", "?", "waiting for a whole request"},
	{"answer", "=", "answering"},
	{"open", "_", "still open"},
}

// A Lane is a row of a picture. It shows what happened to one object, or on one
// connection.
type lane struct {
	Name  string `json:"name"`
	Spans []span `json:"spans"`
	Says  string `json:"says"` // the same in words
}

// Add adds a span, unless it is empty, or nothing is done any more.
func (l *lane) add(kind string, from, to float64) {
	if to > from && kind != "" {
		l.Spans = append(l.Spans, span{kind, from, to})
	}
}

// millis is a moment as JavaScript counts it.
func millis(t time.Time) float64 { return float64(t.UnixMicro()) / 1000 }

// outcome makes a picture of what the client measured, what passed the tap, and when the
// server accepted, as it logged. All use the clock of this machine. The picture begins with
// the first event.
func (t *trial) outcome(timings []timing, trouble string) *outcome {
	events, _ := t.log()
	o := &outcome{settings: t.settings, Name: t.name(), Command: t.command, Timings: timings, Log: events, Trouble: trouble}
	begin, end := o.addTimes()
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
	answered := func(m timing) float64 {
		if !m.came() {
			return math.Inf(1)
		}
		return m.ResponseStart
	}
	// Sorted by their answers, the rows of a queue look like a staircase.
	slices.SortStableFunc(timings, func(a, b timing) int { return cmp.Compare(answered(a), answered(b)) })
	for _, m := range timings {
		o.Browser = append(o.Browser, clientLane(m, begin, o.Length))
	}
	accepted := map[string]time.Time{} // by the tap's address, as the log has it
	for _, e := range events {
		if e.Msg == "accepted" {
			accepted[e.Remote] = e.Time
		}
	}
	turn := func(c tap.Conn) time.Time {
		if at, logged := accepted[c.Local]; logged {
			return at
		}
		return c.Opened.Add(time.Hour) // behind those that were accepted
	}
	conns := slices.Clone(t.conns)
	slices.SortStableFunc(conns, func(a, b tap.Conn) int { return turn(a).Compare(turn(b)) })
	for i, c := range conns {
		name := fmt.Sprintf("connection %d", i+1)
		at, logged := accepted[c.Local]
		switch {
		case i == 0 && t.Slow != "":
			name = "slow client"
		case logged || t.Program > 0:
			o.Connections++
		}
		o.Server = append(o.Server, t.serverLane(c, name, at, begin, o.Length))
		o.Wire = append(o.Wire, t.converse(c, name, begin))
	}
	return o
}

// addTimes adds up how long the page took, and returns when the client asked for it, and had
// its last byte.
func (o *outcome) addTimes() (asked, lastByte float64) {
	asked = math.Inf(1)
	firstObject, lastObject := math.Inf(1), 0.0
	for _, m := range o.Timings {
		asked = min(asked, m.Start)
		if !m.came() {
			continue
		}
		lastByte = max(lastByte, m.ResponseEnd)
		if m.Target != o.pageTarget() {
			firstObject, lastObject = min(firstObject, m.Start), max(lastObject, m.ResponseEnd)
		}
	}
	if lastByte > 0 {
		o.TotalTime = lastByte - asked
	}
	if lastObject > 0 {
		o.ObjectsTime = lastObject - firstObject
	}
	return asked, lastByte
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
		l.Says += ", on a connection that was not made for it"
	}
	if m.Status >= 400 {
		l.Says += fmt.Sprintf(" (status %d)", m.Status)
	}
	return l
}

// A Course is a lane of a connection that is being drawn.
type course struct {
	lane
	works  string // what the server does with a whole request, as far as is known
	doing  string
	since  float64
	last   float64 // byte of an answer; below 0 without one
	closed bool    // by the server
}

// become ends what is being done, and begins something else.
func (c *course) become(kind string, at float64) {
	if c.doing == "answer" && c.last >= 0 {
		c.add(c.doing, c.since, c.last)
		c.doing, c.since, c.last = "open", max(c.since, c.last), -1
	}
	c.add(c.doing, c.since, at)
	if c.doing, c.since = kind, max(c.since, at); c.closed {
		c.doing = ""
	}
}

func (c *course) say(format string, args ...any) { c.Says += fmt.Sprintf(format, args...) }

// serverLane shows a connection as the tap saw it. The picture ends after so many
// milliseconds. When the server accepted it, only the log of a stage tells: until then the
// connection is in the queue of the system, whatever has been sent on it.
func (t *trial) serverLane(conn tap.Conn, name string, accepted time.Time, begin, length float64) lane {
	c := &course{lane: lane{Name: name}, works: "answer", doing: "connect", since: millis(conn.Opened) - begin, last: -1}
	if t.Program > 0 {
		c.works = "wait"
	}
	c.say("came at %.0f ms", c.since)
	if conn.Failed != nil {
		c.say(", no connection to the server (%v)", conn.Failed)
		return c.lane
	}
	if !conn.Connected.IsZero() {
		connected, at := millis(conn.Connected)-begin, millis(accepted)-begin
		c.say(", connected at %.0f ms", connected)
		switch {
		case t.Program > 0:
			c.become("head", connected)
		case accepted.IsZero():
			c.become("queue", connected)
			c.become("head", length)
			c.say(", never accepted")
		default:
			c.become("queue", connected)
			c.become("head", at)
			if at-connected >= 1 {
				c.say(", waited %.0f ms in the queue", at-connected)
			}
			c.say(", accepted at %.0f ms", at)
		}
	}
	c.draw(conn.Pieces, begin)
	if !conn.Over {
		c.become("", length)
		c.say(", still open at the end")
	}
	return c.lane
}

// draw shows what passed: requests, answers, and the ends of both directions.
func (c *course) draw(pieces []tap.Piece, begin float64) {
	var request []byte
	for _, p := range pieces {
		at := millis(p.Time) - begin
		switch {
		case p.End != "":
			c.closed = c.closed || p.From == tap.Server || p.End == tap.RST
			c.become("open", at)
			c.say(", %s's %s at %.0f ms", p.From, p.End, at)
		case p.From == tap.Client:
			if c.doing == "open" || c.last >= 0 {
				c.become("head", at)
				request = nil
			}
			if request == nil {
				c.say(", request at %.0f ms", at)
			}
			if request = append(request, p.Bytes...); exchange.ReadMessage(bytes.TrimLeft(request, "\r\n")).Ended {
				c.become(c.works, at)
			}
		default:
			what := "answer"
			if c.doing != c.works && c.doing != "answer" {
				what = "answer before a whole request"
			}
			if c.doing != "answer" {
				c.become("answer", at)
			}
			if c.last < 0 {
				c.say(", %s at %.0f ms", what, at)
			}
			c.last = millis(p.Until) - begin
		}
	}
}

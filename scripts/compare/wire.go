package main

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"

	"weblab.example/scripts/internal/exchange"
	"weblab.example/scripts/internal/launch"
	"weblab.example/scripts/internal/tap"
	"weblab.example/scripts/internal/term"
)

// A Conversation is what passed on one connection.
type conversation struct {
	Name   string  `json:"name"`
	Says   string  `json:"says"`   // in words
	States string  `json:"states"` // of both sockets at the end, where the system tells
	Pieces []piece `json:"pieces"`
}

// A Piece is what came with one read, or with many. Times are in milliseconds from the
// beginning of the picture.
type piece struct {
	At    float64 `json:"at"`
	From  string  `json:"from"` // client or server
	Size  int     `json:"size"`
	Reads int     `json:"reads"`
	Parts []part  `json:"parts"`
	End   string  `json:"end"` // FIN, RST, or ""
}

// A Part belongs to a head, or to a body.
type part struct {
	Body bool   `json:"body"`
	Size int    `json:"size"`
	Text string `json:"text"` // line by line, with CR and LF visible
}

// converse shows what passed on a connection.
func (t *trial) converse(c tap.Conn, name string, begin float64) conversation {
	says := conversation{Name: name, Says: summary(c), States: t.states[c.Local], Pieces: []piece{}}
	streams := map[string]*stream{tap.Client: {request: true}, tap.Server: {}}
	for _, p := range c.Pieces {
		shown := piece{At: millis(p.Time) - begin, From: p.From, Size: p.Size, Reads: p.Parts, End: p.End, Parts: streams[p.From].split(p.Bytes)}
		if rest := p.Size - len(p.Bytes); rest > 0 {
			shown.Parts = append(shown.Parts, part{Body: true, Size: rest, Text: "(not kept: too much)"})
		}
		says.Pieces = append(says.Pieces, shown)
	}
	return says
}

// summary says in words what passed on a connection.
func summary(c tap.Conn) string {
	if c.Failed != nil {
		return fmt.Sprintf("no connection to the server (%v)", c.Failed)
	}
	size, reads, end := map[string]int{}, map[string]int{}, ""
	for _, p := range c.Pieces {
		size[p.From], reads[p.From] = size[p.From]+p.Size, reads[p.From]+p.Parts
		if p.End != "" && end == "" {
			end = fmt.Sprintf(", the %s %s first", p.From, map[string]string{tap.FIN: "closed", tap.RST: "reset it"}[p.End])
		}
	}
	if !c.Over {
		end += ", still open at the end"
	}
	return "client " + amount(size[tap.Client], reads[tap.Client]) + ", server " + amount(size[tap.Server], reads[tap.Server]) + end
}

// statesOf asks for the states of the sockets of connections that are over: those of the
// server and of the tap, which is its client.
func statesOf(conns []tap.Conn) map[string]string {
	var locals, first []string
	var ends [][2]netip.AddrPort
	for _, c := range conns {
		client, err := netip.ParseAddrPort(c.Local)
		server, bad := netip.ParseAddrPort(c.Remote)
		if err == nil && bad == nil && c.Over {
			first = append(first, c.ClosedFirst())
			locals, ends = append(locals, c.Local), append(ends, [2]netip.AddrPort{server, client}, [2]netip.AddrPort{client, server})
		}
	}
	states, err := launch.States(ends)
	if err != nil { // not every system tells
		return nil
	}
	says := map[string]string{}
	for i, local := range locals {
		says[local] = fmt.Sprintf("at the end the server's socket is in %s, the client's in %s", states[2*i], states[2*i+1])
		if states[2*i] == "TIME-WAIT" && first[i] == tap.Client { // whose FIN met the server's behind the tap
			says[local] += ": both closed at about the same time"
		}
	}
	return says
}

// amount is what somebody sent.
func amount(size, reads int) string {
	switch {
	case reads == 0:
		return "nothing"
	case size == 1:
		return "1 byte"
	case reads == 1:
		return fmt.Sprintf("%d bytes", size)
	}
	return fmt.Sprintf("%d bytes in %d pieces", size, reads)
}

// A stream tells heads from bodies in what one side sends.
type stream struct {
	request bool
	head    []byte // up to here
	body    int    // how many of its bytes have not come yet; -1: all that comes
}

// split splits the next bytes into parts.
func (s *stream) split(b []byte) (parts []part) {
	for len(b) > 0 {
		n, body := len(b), s.body != 0
		if s.body > 0 {
			n = min(n, s.body)
			s.body -= n
		} else if at := bytes.IndexByte(b, '\n'); at >= 0 && !body {
			n = at + 1 // a line of the head
		}
		if last := len(parts) - 1; last >= 0 && !body && !parts[last].Body {
			parts[last].Size, parts[last].Text = parts[last].Size+n, parts[last].Text+"\n"+visible(b[:n])
		} else {
			parts = append(parts, part{body, n, visible(b[:n])})
		}
		if !body {
			s.head = append(s.head, b[:n]...)
			if m := exchange.ReadMessage(bytes.TrimLeft(s.head, "\r\n")); m.Ended {
				s.head, s.body = nil, s.follows(m)
			}
		}
		b = b[n:]
	}
	return parts
}

// follows is how long the body behind a head is, as a client that trusts the head reads it.
func (s *stream) follows(m exchange.Message) int {
	length, has := m.Field("Content-Length")
	n, err := strconv.Atoi(length)
	switch {
	case has && err == nil && n >= 0 && m.Status != 304:
		return n
	case s.request, m.Status == 304, m.Status == 204, 100 <= m.Status && m.Status < 200:
		return 0
	}
	return -1
}

// visible shows bytes line by line, with what is not to be seen as in a string of Go.
func visible(b []byte) string {
	var lines []string
	for line := range bytes.Lines(b) {
		quoted := strconv.Quote(string(line))
		lines = append(lines, strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`))
	}
	return strings.Join(lines, "\n")
}

// lengthWrong says that the first answer has another length than its head announces, or "".
func (t *trial) lengthWrong() string {
	for _, c := range t.visitors() {
		var came []byte
		size := 0
		for _, p := range c.Pieces {
			if p.From == tap.Server {
				came, size = append(came, p.Bytes...), size+p.Size
			}
		}
		m := exchange.ReadMessage(came)
		if announced, _ := m.Field("Content-Length"); announced != "" && announced != strconv.Itoa(size-len(m.Head)) {
			return fmt.Sprintf("announced %s bytes and sent %d: so the browser got no whole page (lab-notes/content-length.md)", announced, size-len(m.Head))
		}
	}
	return ""
}

// printWire prints what passed: of each piece the first line.
func printWire(w io.Writer, wire []conversation) {
	const most = 4 // pieces of one side, one behind the other
	fmt.Fprintln(w, "  on the wire")
	for _, c := range wire {
		fmt.Fprintf(w, "    %s: %s\n", c.Name, c.Says)
		if c.States != "" {
			fmt.Fprintf(w, "      %s\n", c.States)
		}
		run, more, size, ends := 0, 0, 0, []string{}
		for i, p := range c.Pieces {
			if p.End != "" {
				ends = append(ends, fmt.Sprintf("%s %s at %.1f ms", p.From, p.End, p.At))
				continue
			}
			if i > 0 && p.From != c.Pieces[i-1].From {
				run = 0
			}
			if run++; run > most {
				more, size = more+p.Reads, size+p.Size
				continue
			}
			line, _, _ := strings.Cut(p.Parts[0].Text, "\n")
			fmt.Fprintf(w, "      %8.1f ms  %s %5d  %.60s\n", p.At, p.From, p.Size, term.Visible(line))
		}
		if more > 0 {
			fmt.Fprintf(w, "      %19s%6d  bytes more, in %d pieces\n", "", size, more)
		}
		if len(ends) > 0 {
			fmt.Fprintf(w, "      %s\n", strings.Join(ends, ", "))
		}
	}
}

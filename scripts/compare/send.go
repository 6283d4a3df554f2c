package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"weblab.example/scripts/golden"
	"weblab.example/scripts/internal/exchange"
	"weblab.example/scripts/internal/language"
	"weblab.example/scripts/internal/verdict"
)

// A Message is what somebody sends by hand on a connection of its own.
type message struct {
	Text string `json:"text"` // with escapes as in a string of Go, such as \x00
	CRLF bool   `json:"crlf"` // a line of Text ends in CR LF; else only what is written there is sent
	Cuts []int  `json:"cuts"` // behind so many bytes there is a pause
	Wait int    `json:"wait"` // milliseconds of each pause
	End  string `json:"end"`  // what the client does behind it: half-close, close, reset, or "" to wait for the server
	Case string `json:"case"` // the golden case that it was made from, or ""
}

// A Preset is a message that is there already.
type preset struct {
	message
	Name string `json:"name"`
	Want string `json:"want"`
}

// A Reply is what a server made of a message.
type reply struct {
	Name    string       `json:"name"`
	Command string       `json:"command"`
	Trouble string       `json:"trouble"` // what went wrong with the program
	Talk    conversation `json:"talk"`
	Verdict string       `json:"verdict"` // whether the bytes are those of the golden case, or else those of stage 1
	Wrong   string       `json:"wrong"`   // where the first wrong byte is, and the lines around it
	Why     string       `json:"why"`     // what it means, for a golden case
	WhyZh   string       `json:"whyZh"`
}

const (
	maxWait      = 5000            // milliseconds
	sendPatience = 3 * time.Second // for a next piece of an answer; longer than the stages' headTimeout here
)

// presets lists the textbook's checks and the golden cases as messages.
func (c *comparison) presets() (all []preset) {
	for _, p := range golden.Presets() {
		m := message{Wait: 60}
		if len(p.Pieces) == 0 {
			m.End = "close"
		}
		for i, at := 0, 0; i+1 < len(p.Pieces); i++ {
			at += len(p.Pieces[i])
			m.Cuts = append(m.Cuts, at)
		}
		m.Text, m.CRLF = escape(bytes.Join(p.Pieces, nil))
		all = append(all, preset{m, p.Name, p.Want})
	}
	for _, g := range c.cases {
		m := message{Case: g.Name, Wait: 60}
		m.Text, m.CRLF = escape(g.Request)
		all = append(all, preset{m, g.Step + " " + g.Name, g.Want})
	}
	return all
}

// escape writes a request as the Text of a message. If every line ends in CR LF, that need not be written.
func escape(request []byte) (text string, crlf bool) {
	ends := bytes.Count(request, []byte("\r\n"))
	if bytes.Count(request, []byte("\n")) != ends || bytes.Count(request, []byte("\r")) != ends {
		return visible(request), false
	}
	for line := range strings.SplitSeq(visible(request), "\n") {
		without, ended := strings.CutSuffix(line, `\r\n`)
		if text += without; ended {
			text += "\n"
		}
	}
	return text, true
}

// pieces are the bytes of a message, cut.
func (m message) pieces() (pieces [][]byte, err error) {
	var lines []string
	for i, line := range strings.Split(strings.ReplaceAll(m.Text, "\r\n", "\n"), "\n") {
		unquoted, err := strconv.Unquote(`"` + strings.ReplaceAll(line, `"`, `\"`) + `"`)
		if err != nil {
			return nil, fmt.Errorf(`line %d has an escape that does not exist: there are \r \n \t \\ and \x with two digits, such as \x00`, i+1)
		}
		lines = append(lines, unquoted)
	}
	end := ""
	if m.CRLF {
		end = "\r\n"
	}
	rest := []byte(strings.Join(lines, end))
	at := 0
	for _, cut := range m.Cuts {
		if cut <= at || cut >= at+len(rest) {
			return nil, fmt.Errorf("a cut is behind byte 1 to %d, in rising order: not %d", at+len(rest)-1, cut)
		}
		pieces, rest, at = append(pieces, rest[:cut-at]), rest[cut-at:], cut
	}
	switch {
	case !slices.Contains([]string{"", "half-close", "close", "reset"}, m.End):
		return nil, fmt.Errorf("the end is half-close, close or reset, not %q", m.End)
	case m.Wait < 0 || m.Wait > maxWait:
		return nil, fmt.Errorf("a pause is 0 to %d ms, not %d", maxWait, m.Wait)
	}
	return append(pieces, rest), nil
}

// command does the same by hand, with nc. It cannot reset a connection.
func (m message) command(pieces [][]byte) string {
	if len(m.Text) > 8<<10 {
		return "" // longer than a shell's line may be
	}
	var parts []string
	for i, piece := range pieces {
		if i > 0 {
			parts = append(parts, fmt.Sprintf("sleep %g", float64(m.Wait)/1000))
		}
		var b strings.Builder
		for _, r := range string(piece) {
			switch {
			case r == '\'':
				b.WriteString(`'\''`)
			case r == '%':
				b.WriteString("%%")
			case r == utf8.RuneError || r == 0x7f:
				return "" // a shell's printf is not for this
			case r == '\\':
				b.WriteString(`\\`)
			case r < 0x20:
				fmt.Fprintf(&b, `\%03o`, r)
			default:
				b.WriteRune(r)
			}
		}
		parts = append(parts, "printf '"+strings.NewReplacer(`\015`, `\r`, `\012`, `\n`).Replace(b.String())+"'")
	}
	nc := "nc localhost 6789"
	if m.End == "half-close" {
		nc = "nc -N localhost 6789"
	}
	if len(parts) == 1 {
		return parts[0] + " | " + nc
	}
	return "(" + strings.Join(parts, "; ") + ") | " + nc
}

// say sends the pieces of a message on a connection of its own, and hears the answer out. Only what comes
// counts: a server may refuse a message before all of it has come, or a connection.
func say(addr string, m message, pieces ...[]byte) exchange.Heard {
	conn, err := exchange.Dial(addr)
	if err != nil {
		return exchange.Heard{End: exchange.EndReset}
	}
	defer conn.Close()
	go func() { // until the answer has come, at the latest
		for i, piece := range pieces {
			if i > 0 {
				time.Sleep(time.Duration(m.Wait) * time.Millisecond)
			}
			if _, err := conn.Write(piece); err != nil {
				return // what comes back tells, or does not come
			}
		}
		switch m.End {
		case "half-close":
			conn.CloseWrite()
		case "reset":
			conn.SetLinger(0)
			conn.Close()
		case "close":
			conn.Close()
		}
	}()
	h := exchange.Hear(conn, sendPatience+time.Duration(m.Wait)*time.Millisecond, func([]byte) bool { return false })
	h.Sent = bytes.Join(pieces, nil)
	return h
}

// everyone are the settings of a trial of each stage and each program.
func (c *comparison) everyone() (all []settings) {
	for n := range 2 + len(c.programs) {
		all = append(all, settings{Stage: n + 1})
		if n >= 2 {
			all[n].Stage, all[n].Program = 0, n-1
		}
	}
	return all
}

// send sends a message to everyone at once.
func (c *comparison) send(ctx context.Context, m message) (replies []reply, command string, err error) {
	pieces, err := m.pieces()
	if err != nil {
		return nil, "", err
	}
	var of *golden.Case // unless somebody has changed it
	if i := slices.IndexFunc(c.cases, func(g golden.Case) bool { return g.Name == m.Case }); i >= 0 && bytes.Equal(c.cases[i].Request, bytes.Join(pieces, nil)) {
		of = &c.cases[i]
	}
	everyone := c.everyone()
	replies, heard := make([]reply, len(everyone)), make([]exchange.Heard, len(everyone))
	var all errgroup.Group
	for i, s := range everyone {
		if s.Stage > 0 {
			s.more = []string{"-head-timeout", headTimeout.String()}
			if of != nil {
				s.more = of.Flags
			}
		}
		all.Go(func() (err error) {
			replies[i], heard[i], err = c.sendTo(ctx, s, m, pieces)
			return err
		})
	}
	if err := all.Wait(); err != nil {
		return nil, "", err
	}
	for i := range replies {
		r, came := &replies[i], heard[i].Bytes
		want, same, other := heard[0].Bytes, "the same bytes as stage 1", "other bytes than stage 1"
		if of != nil {
			want, same, other = of.Response, "the golden bytes", "not the golden bytes"
		}
		switch {
		case len(came) == 0 && (of == nil || r.Trouble != ""):
			r.Verdict = "no answer"
		case of == nil && (i == 0 || len(want) == 0): // nothing to compare it with
		case bytes.Equal(want, came):
			r.Verdict = same
		default:
			r.Verdict, r.Wrong = other, verdict.Difference(want, came)
			if of != nil {
				c.explain(r, everyone[i], of, heard[i])
			}
		}
	}
	return replies, m.command(pieces), nil
}

// explain says what an answer to a golden case means that is not the golden one.
func (c *comparison) explain(r *reply, of settings, g *golden.Case, heard exchange.Heard) {
	reader := verdict.Reader{Step: g.Step}
	if of.Program > 0 {
		l, _ := language.Of(c.programs[of.Program-1].words[0])
		reader.Speaks = l.Name
	}
	for lang, why := range map[string]*string{"en": &r.Why, "zh": &r.WhyZh} {
		reader.Lang = lang
		f := verdict.Answer(heard, g.Response)
		if f.Diagnosis == "wrong-status" {
			f.Args[2] = reader.Refusal(g.Name, f.Args[1].(int))
		}
		*why = f.Why(reader)
	}
}

// sendTo starts a server, and sends it a message.
func (c *comparison) sendTo(ctx context.Context, s settings, m message, pieces [][]byte) (r reply, h exchange.Heard, err error) {
	t, err := c.begin(ctx, c.site, s)
	if t == nil {
		return r, h, err
	}
	r = reply{Name: t.name(), Command: t.command}
	if err != nil {
		r.Trouble = err.Error()
		return r, h, nil
	}
	h = say(t.tap.Addr, m, pieces...)
	over, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	t.settle(over)
	t.server.Wait(exchange.AMoment) // for one that dies of it
	end := t.end()
	t.stop()
	if end != "" {
		r.Trouble = t.fault(end).Error()
	}
	if len(t.conns) > 0 {
		r.Talk = t.converse(t.conns[0], "connection 1", millis(t.conns[0].Opened))
	}
	return r, h, nil
}

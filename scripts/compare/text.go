package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"time"

	"weblab.example/scripts/internal/term"
)

// columns of a lane in the terminal.
const columns = 50

// printAll shows every experiment in the terminal. A client of net/http takes the
// place of the browser.
func (c *comparison) printAll(ctx context.Context, w io.Writer) error {
	fmt.Fprintln(w, "In the pictures:")
	for _, k := range kinds {
		if k.Letter != " " {
			fmt.Fprintf(w, "  %s  %s\n", k.Letter, k.Means)
		}
	}
	const slow = "A client connects and sends %s. After that, another client asks for the page.\n\n"
	const persistent = "The six objects again, with -keep-alive. Stage 1 serves one connection until it\nhas been silent for %v (-idle-timeout). Until then the others wait.\n\n"
	for _, e := range []struct {
		title, says string
		of          settings                               // a trial of each
		show        func(context.Context, io.Writer) error // instead of it
	}{
		{"Six objects", "A page has six objects. Each answer is delayed by 100 ms.\n\n", settings{Objects: 6, Delay: 100}, nil},
		{"A slow client: half", fmt.Sprintf(slow, "half a request"), settings{Slow: "half"}, nil},
		{"A slow client: silent", fmt.Sprintf(slow, "nothing"), settings{Slow: "silent"}, nil},
		{"The checks of the textbook", "", settings{}, c.printSheets},
		{"Content-Length, four ways", "", settings{}, c.printLengths},
		{"The same bytes", "", settings{}, c.printSame},
		{"Persistent connections", fmt.Sprintf(persistent, idleTimeout), settings{Objects: 6, Delay: 100, KeepAlive: true}, nil},
	} {
		if e.title == "The checks of the textbook" && len(c.programs) == 0 {
			continue
		}
		fmt.Fprintf(w, "\n== %s\n\n%s", e.title, e.says)
		if e.show == nil {
			e.show = func(ctx context.Context, w io.Writer) error { return c.printTrials(ctx, w, e.of) }
		}
		if err := e.show(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// printTrials runs a trial of each stage and each program, with net/http's client, and
// prints them.
func (c *comparison) printTrials(ctx context.Context, w io.Writer, s settings) error {
	var outcomes []*outcome
	for _, who := range c.everyone() {
		s.Stage, s.Program = who.Stage, who.Program
		o, err := c.loadAll(ctx, s)
		if err != nil {
			return err
		}
		outcomes = append(outcomes, o)
	}
	printOutcomes(w, outcomes)
	return nil
}

// loadAll runs a trial. What is wrong with a server is part of its outcome.
func (c *comparison) loadAll(ctx context.Context, s settings) (*outcome, error) {
	t, err := c.begin(ctx, c.site, s)
	switch {
	case t == nil:
		return nil, err
	case err != nil:
		return t.outcome(nil, err.Error()), nil
	}
	timings := load(ctx, t)
	if ctx.Err() != nil {
		t.stop()
		return nil, ctx.Err()
	}
	return t.finish(ctx, timings), nil
}

// load gets the page of a trial and its objects, as a browser does. When the page
// has come, it asks for all objects at once, on at most six connections.
func load(ctx context.Context, t *trial) []timing {
	const perHost = 6 // browsers use as many
	transport := &http.Transport{
		MaxConnsPerHost:   perHost,
		DisableKeepAlives: !t.KeepAlive,
		TLSNextProto:      map[string]func(string, *tls.Conn) http.RoundTripper{}, // HTTP/1.1 only
	}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, trialTime)
	defer cancel()
	targets := t.targets()
	timings := make([]timing, len(targets))
	if timings[0] = measure(ctx, transport, t.tap.Addr, targets[0]); !timings[0].came() {
		return timings[:1]
	}
	var objects sync.WaitGroup
	for i := 1; i < len(targets); i++ {
		objects.Go(func() { timings[i] = measure(ctx, transport, t.tap.Addr, targets[i]) })
	}
	objects.Wait()
	return timings
}

// measure gets one object, and notes the time of each event. To net/http, a connection that
// is made for a request is there when it is connected.
func measure(ctx context.Context, transport *http.Transport, addr, target string) timing {
	m := timing{Target: target, Start: millis(time.Now())}
	failed := m
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn:              func(httptrace.GotConnInfo) { m.RequestStart = millis(time.Now()) },
		GotFirstResponseByte: func() { m.ResponseStart = millis(time.Now()) },
	})
	req, err := http.NewRequestWithContext(ctx, "GET", "http://"+addr+target, nil)
	if err != nil {
		return failed
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return failed
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return failed
	}
	m.Status, m.ResponseEnd = resp.StatusCode, millis(time.Now())
	m.ConnectStart, m.ConnectEnd = m.RequestStart, m.RequestStart
	return m
}

// printOutcomes draws the pictures of both stages on the same time axis.
func printOutcomes(w io.Writer, outcomes []*outcome) {
	length := 0.0
	for _, o := range outcomes {
		if o.Trouble == "" { // one that hangs must not make the others' pictures small
			length = max(length, o.Length)
		}
	}
	draw := func(lanes []lane) {
		for _, l := range lanes {
			row := []byte(strings.Repeat(" ", columns))
			for _, s := range l.Spans {
				// From its beginning to its end, but at least one letter.
				from := min(int(s.From/length*columns), columns-1)
				for i := max(from, 0); i < max(int(s.To/length*columns), from+1) && i < columns; i++ {
					row[i] = letterOf(s.Kind)
				}
			}
			fmt.Fprintf(w, "  %-14s |%s|\n", l.Name, row)
		}
	}
	for _, o := range outcomes {
		fmt.Fprintf(w, "%s: %s\n", o.Name, term.Visible(o.Command))
		if o.Trouble != "" {
			fmt.Fprintf(w, "  ! %s\n", strings.ReplaceAll(o.Trouble, "\n", "\n    "))
		}
		if len(o.Browser)+len(o.Server) == 0 {
			fmt.Fprintln(w)
			continue
		}
		fmt.Fprintf(w, "  %-14s 0 ms%*.0f ms\n", "the client saw", columns-5, length)
		draw(o.Browser)
		fmt.Fprintln(w, "  the server did")
		draw(o.Server)
		printWire(w, o.Wire)
		fmt.Fprintf(w, "  %s\n\n", o.totals())
	}
	if one, two := outcomes[0], outcomes[1]; one.Objects > 0 && one.Trouble+two.Trouble == "" {
		fmt.Fprintf(w, "stage 1 took %.1f times as long as stage 2\n", one.TotalTime/two.TotalTime)
	}
}

func letterOf(kind string) byte {
	for _, k := range kinds {
		if k.Kind == kind {
			return k.Letter[0]
		}
	}
	return '!' // the table lacks this kind: the mistake must be visible
}

// totals sums up a trial in one line.
func (o *outcome) totals() string {
	conns := "1 connection"
	if o.Connections != 1 {
		conns = fmt.Sprintf("%d connections", o.Connections)
	}
	switch {
	case o.Trouble != "":
		return "it did not do its part, on " + conns
	case o.Objects == 0:
		return fmt.Sprintf("the page took %.0f ms, on %s", o.TotalTime, conns)
	}
	return fmt.Sprintf("the page and its objects took %.0f ms, the objects alone %.0f ms, on %s", o.TotalTime, o.ObjectsTime, conns)
}

func (c *comparison) printLengths(ctx context.Context, w io.Writer) error {
	answers, err := c.askLengths(ctx)
	for _, a := range answers {
		fmt.Fprintf(w, "%s\n  announced: %s, sent: %d bytes\n", a.Command, cmp.Or(a.Announced, "nothing"), a.Sent)
		body, err := readAsClient(a.raw)
		fmt.Fprintf(w, "  a client that trusts the head gets %d bytes: %s\n", len(body), body)
		if err != nil {
			fmt.Fprintf(w, "  and then reports: %v\n", err)
		}
	}
	return err
}

func (c *comparison) printSame(ctx context.Context, w io.Writer) error {
	r, err := c.same(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "stage 1 and stage 2 sent the same bytes, the golden ones: in %d of %d cases\n", r.Equal, r.Cases)
	for _, p := range r.Programs {
		fmt.Fprintf(w, "%s was asked %d of the core: the same status in %d, and the same body in %d\n", p.Name, p.Asked, p.Status, p.Body)
	}
	byKind := map[string][]string{}
	for _, d := range r.Differ {
		byKind[d.Kind] = append(byKind[d.Kind], d.Name)
	}
	for _, kind := range slices.Sorted(maps.Keys(byKind)) {
		fmt.Fprintf(w, "\n%s in %d cases:\n", kind, len(byKind[kind]))
		for _, line := range term.Wrap(strings.Join(byKind[kind], " "), term.Width-2) {
			fmt.Fprintf(w, "  %s\n", line)
		}
	}
	return nil
}

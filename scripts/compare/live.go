package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"weblab.example/scripts/internal/tap"
)

const (
	liveTime = time.Hour // of servers that anybody may open
	maxLive  = 300       // connections of such a server that are shown: a page holds no more
)

// A LiveEvent is what the page hears of a server that runs for anybody: where it is, what
// passed on one of its connections so far, or that it has ended.
type liveEvent struct {
	Server  int           `json:"server"` // from 0
	Name    string        `json:"name"`
	Command string        `json:"command"`
	Port    string        `json:"port,omitempty"`
	Number  int           `json:"number,omitempty"` // of the connection, from 1
	Talk    *conversation `json:"talk,omitempty"`
	Trouble string        `json:"trouble,omitempty"`
}

// live starts everyone, and tells the page what happens there (server-sent events), until
// the page leaves.
func (c *comparison) live(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	var mu sync.Mutex
	tell := func(e liveEvent) {
		mu.Lock()
		defer mu.Unlock()
		line, _ := json.Marshal(e) // cannot fail: it has texts and numbers
		fmt.Fprintf(w, "data: %s\n\n", line)
		http.NewResponseController(w).Flush() // if it fails, the page has left
	}
	var all sync.WaitGroup
	for i, s := range c.everyone() {
		s.limit = liveTime
		all.Go(func() { c.liveServer(r.Context(), i, s, tell) })
	}
	all.Wait()
}

// liveServer runs one server, and tells of each connection when something has passed there.
func (c *comparison) liveServer(ctx context.Context, i int, s settings, tell func(liveEvent)) {
	t, err := c.begin(ctx, c.site, s)
	if err != nil && t == nil {
		return // the settings are right
	}
	e := liveEvent{Server: i, Name: t.name(), Command: t.command}
	if err != nil {
		e.Trouble = err.Error()
		tell(e)
		return
	}
	defer t.stop()
	located := e
	_, located.Port, _ = net.SplitHostPort(t.tap.Addr)
	tell(located)
	begun := millis(time.Now())
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-t.server.Done():
			cancel()
		case <-ctx.Done():
		}
	}()
	var known []string // of each connection, what has been told of it
	for len(known) < maxLive {
		state := func(c tap.Conn) string { return fmt.Sprint(len(c.Pieces), c.Over, c.Connected.IsZero()) }
		conns, err := t.tap.Wait(ctx, func(conns []tap.Conn) bool {
			for n, c := range conns {
				if n >= len(known) || known[n] != state(c) {
					return true
				}
			}
			return false
		})
		for n, conn := range conns {
			if n >= len(known) {
				known = append(known, "")
			}
			if now := state(conn); known[n] != now {
				known[n] = now
				talk := t.converse(conn, fmt.Sprintf("connection %d", n+1), begun)
				one := e
				one.Number, one.Talk = n+1, &talk
				tell(one)
			}
		}
		if err != nil {
			break
		}
	}
	e.Trouble = fmt.Sprintf("%s shows no more than %d connections. Begin anew", t.name(), maxLive)
	if end := t.end(); end != "" {
		e.Trouble = t.fault(end).Error()
	}
	tell(e)
}

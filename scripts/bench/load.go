package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// A load is what clients ask a server for.
type load struct {
	path    string // of the file, without the first slash
	content []byte // of the file
	close   bool   // a new connection for each request; else persistent ones
}

// wrkCommand has 32 clients. Each asks again as soon as it has its answer, so that the
// server is always busy. They are one thread, because they share the machine with it.
const wrkCommand = "wrk -t1 -c32 -d1s -s TEMP/wrk.lua http://ADDR/FILE"

// wrkReport is a script with which wrk also reports a sample, in JSON.
const wrkReport = `done = function(summary, latency)
	local e, seconds = summary.errors, summary.duration / 1e6
	print(string.format('{"/s":%f,"B/s":%f,"s":%f,"lost":%d,"wrong":%d}', summary.requests / seconds,
		summary.bytes / seconds, latency:percentile(99) / 1e6, e.connect + e.read + e.write + e.timeout, e.status))
end
`

// underLoad measures a server under a load. The server runs on through all rounds and
// tests. wrk does not compare what it gets, so a client looks at two answers first.
func (b *bench) underLoad(k kind, l load) *contestant {
	return &contestant{name: k.name, measure: func(ctx context.Context) (sample, error) {
		s, err := b.serverOf(ctx, k)
		if err != nil {
			return nil, err
		}
		first := l.client()
		defer first.CloseIdleConnections()
		for range 2 {
			if err := l.ask(first, s.addr); err != nil {
				return nil, err
			}
		}
		const most = 20 * time.Second // wrk takes one
		ctx, cancel := context.WithTimeout(ctx, most)
		defer cancel()
		wrk, err := b.command(ctx, wrkCommand, "ADDR", s.addr, "FILE", l.path)
		if err != nil {
			return nil, err
		}
		if l.close {
			wrk.Args = append(wrk.Args, "-H", "Connection: close")
		}
		out, err := wrk.CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("wrk: %w: %s", err, bytes.TrimSpace(out))
		}
		return parseWrk(out)
	}}
}

// parseWrk reads what wrkReport prints below wrk's own report. A wrong answer is an
// error. A missing answer is not, because a server with a full queue of connections may
// leave a client without one.
func parseWrk(out []byte) (s sample, err error) {
	last := out[bytes.LastIndexByte(bytes.TrimSpace(out), '\n')+1:]
	if json.Unmarshal(last, &s) != nil || s["/s"] == 0 || s["wrong"] > 0 {
		return nil, fmt.Errorf("wrk got no answers, or wrong ones: %s", out)
	}
	return s, nil
}

// warmUp asks a new server for both files for a while. The first answers of a program
// take longer, and stage 2 remembers a file only after a tenth of a second without a
// change.
func (b *bench) warmUp(addr string) error {
	for start := time.Now(); time.Since(start) < 150*time.Millisecond; {
		for _, l := range []load{{pageName, page, true}, {fileName, b.file, true}} {
			if err := l.ask(l.client(), addr); err != nil {
				return fmt.Errorf("asked for /%s: %w", l.path, err)
			}
		}
	}
	return nil
}

// client is a client for a load, with a connection of its own.
func (l load) client() *http.Client {
	const answerTime = 10 * time.Second
	return &http.Client{Timeout: answerTime, Transport: &http.Transport{DisableKeepAlives: l.close, DisableCompression: true}}
}

// ask sends a request and reads its answer, which must be the file.
func (l load) ask(client *http.Client, addr string) error {
	answer, err := client.Get("http://" + addr + "/" + l.path)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	switch {
	case err != nil:
		return fmt.Errorf("read the body of an answer: %w", err)
	case answer.StatusCode != http.StatusOK:
		return orUnwritten(fmt.Errorf("the answer is %q: %.1000s", answer.Status, body))
	case !bytes.Equal(body, l.content):
		return fmt.Errorf("the answer is not the file, but %d bytes: %.60q", len(body), body)
	case answer.Close && !l.close:
		return excuse("it closes the connection after an answer, and this needs persistent connections")
	}
	return nil
}

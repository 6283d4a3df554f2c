package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"weblab.example/scripts/golden"
	"weblab.example/scripts/internal/exchange"
)

// A SameResult says how both stages and net/http's file server answered the
// golden cases.
type sameResult struct {
	Kinds      []string     `json:"kinds"`
	Cases      int          `json:"cases"`
	Equal      int          `json:"equal"`      // in these, stage 1 and stage 2 sent the same bytes
	Golden     int          `json:"golden"`     // and these were the golden bytes
	Compared   int          `json:"compared"`   // with net/http, which has no -content-length
	SameStatus int          `json:"sameStatus"` // net/http's first answer has the same status as stage 1's
	SameBody   int          `json:"sameBody"`   // and the same body
	Differ     []difference `json:"differ"`     // where any two of the three differ
}

// The kinds of differences, worst first.
const (
	stagesDiffer  = "the stages differ, or did not send the golden bytes"
	anotherStatus = "net/http sent another status"
	anotherBody   = "net/http sent the same status and another body"
	anotherHead   = "net/http sent only another head"
)

var differences = []string{stagesDiffer, anotherStatus, anotherBody, anotherHead}

// A Difference is a case and its three answers.
type difference struct {
	Name    string   `json:"name"`
	Want    string   `json:"want"`
	Kind    string   `json:"kind"`    // one of differences
	How     string   `json:"how"`     // what differs
	Request string   `json:"request"` // quoted, a line for a line
	Answers []string `json:"answers"` // stage 1, stage 2, net/http
}

// same sends the golden cases to both stages, started with the flags of each
// case, and to a file server of net/http.
func (c *comparison) same(ctx context.Context) (*sameResult, error) {
	cases, err := golden.Cases()
	if err != nil {
		return nil, err
	}
	site, remove, err := golden.LayOut()
	if err != nil {
		return nil, err
	}
	defer remove()
	ln, err := net.Listen("tcp", net.JoinHostPort(c.host, "0"))
	if err != nil {
		return nil, err
	}
	other := &http.Server{ // the file server that a Go program would use
		Handler:     http.FileServer(http.Dir(site)),
		ReadTimeout: time.Second,            // for requests that do not end
		IdleTimeout: 100 * time.Millisecond, // net/http keeps connections open, but converse waits for the close
		ErrorLog:    log.New(io.Discard, "", 0),
	}
	go other.Serve(ln) // returns when other is closed
	defer other.Close()

	byFlags := map[string][]int{} // the cases with the same flags share a server
	for i, g := range cases {
		key := strings.Join(g.Flags, " ")
		byFlags[key] = append(byFlags[key], i)
	}
	answers := make([][3][]byte, len(cases))
	var all errgroup.Group
	all.SetLimit(8)
	for _, stage := range []int{1, 2} {
		for _, key := range slices.Sorted(maps.Keys(byFlags)) {
			s := settings{Stage: stage, more: strings.Fields(key)}
			all.Go(func() error { return c.ask(ctx, site, s, cases, byFlags[key], answers) })
		}
	}
	for i, g := range cases {
		if hasNetHTTP(g) {
			all.Go(func() error {
				answers[i][2] = converse(ln.Addr().String(), g.Request)
				return ctx.Err()
			})
		}
	}
	if err := all.Wait(); err != nil {
		return nil, err
	}
	return judge(cases, answers), nil
}

// ask starts a stage, and sends it those of the cases that are theirs.
func (c *comparison) ask(ctx context.Context, site string, s settings, cases []golden.Case, theirs []int, answers [][3][]byte) error {
	t, err := c.begin(ctx, site, s)
	if err != nil {
		return err
	}
	defer t.stop()
	answered := false
	for _, i := range theirs {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		answer := converse(t.server.Addr, cases[i].Request)
		answers[i][s.Stage-1] = answer
		answered = answered || len(answer) > 0
	}
	if !answered {
		t.stop()
		return t.fault("answered nothing")
	}
	return nil
}

// hasNetHTTP reports whether this case can be sent to net/http, which cannot
// announce a wrong length.
func hasNetHTTP(g golden.Case) bool { return !slices.Contains(g.Flags, "-content-length") }

// judge compares the three answers to each case: those of stage 1, stage 2 and net/http.
func judge(cases []golden.Case, answers [][3][]byte) *sameResult {
	r := &sameResult{Cases: len(cases), Kinds: differences}
	for i, g := range cases {
		one, two, other := answers[i][0], answers[i][1], answers[i][2]
		ours, theirs := exchange.ReadMessage(one), exchange.ReadMessage(other)
		equal := len(one) > 0 && bytes.Equal(one, two)
		isGolden := equal && bytes.Equal(one, g.Response)
		compared := hasNetHTTP(g)
		sameStatus := compared && ours.Status == theirs.Status
		sameBody := sameStatus && bytes.Equal(ours.Body, theirs.Body)
		for n, yes := range map[*int]bool{&r.Equal: equal, &r.Golden: isGolden, &r.Compared: compared, &r.SameStatus: sameStatus, &r.SameBody: sameBody} {
			if yes {
				*n++
			}
		}
		d := difference{Name: g.Name, Want: g.Want, Request: quote(g.Request), Answers: []string{quote(one), quote(two), quote(other)}}
		if !compared {
			d.Answers[2] = "not asked: net/http has no such flag"
		}
		switch {
		case len(one) == 0 || len(two) == 0:
			d.Kind, d.How = stagesDiffer, fmt.Sprintf("stage 1 sent %d bytes, stage 2 %d", len(one), len(two))
		case !equal:
			d.Kind, d.How = stagesDiffer, "stage 1 and stage 2 differ"
		case !isGolden:
			d.Kind, d.How = stagesDiffer, "both sent the same bytes, but not the golden ones"
		case !compared, bytes.Equal(one, other):
			continue // none of them differs
		case !sameStatus:
			d.Kind, d.How = anotherStatus, fmt.Sprintf("status %s, net/http %s", code(ours), code(theirs))
		case !sameBody:
			d.Kind, d.How = anotherBody, "another body"
		default:
			d.Kind, d.How = anotherHead, "another head"
		}
		r.Differ = append(r.Differ, d)
	}
	return r
}

// code is the status code of an answer, or "none".
func code(m exchange.Message) string {
	if m.Status == 0 {
		return "none"
	}
	return strconv.Itoa(m.Status)
}

// quote makes line ends and other control octets visible, line by line. It leaves
// out the rest of a long message.
func quote(message []byte) string {
	const most = 700
	cut := ""
	if len(message) > most {
		cut = fmt.Sprintf("... and %d bytes more\n", len(message)-most)
		message = message[:most]
	}
	var b strings.Builder
	for line := range bytes.Lines(message) {
		fmt.Fprintf(&b, "%q\n", line)
	}
	if b.Len() == 0 {
		return "(closed without an answer)\n"
	}
	return b.String() + cut
}

package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"weblab.example/scripts/golden"
	"weblab.example/scripts/internal/exchange"
)

// A SameResult says how everybody answered the golden cases.
type sameResult struct {
	Cases    int           `json:"cases"`
	Equal    int           `json:"equal"`    // in these, stage 1 and stage 2 sent the same bytes
	Golden   int           `json:"golden"`   // and these were the golden bytes
	Programs []sameProgram `json:"programs"` // each against stage 1
	Differ   []difference  `json:"differ"`
}

// A SameProgram says how a program answered. It knows none of the kit's flags, so it gets
// only the cases of the core that need none.
type sameProgram struct {
	Name   string `json:"name"`
	Asked  int    `json:"asked"`
	Status int    `json:"status"` // in these its answer has the same status
	Body   int    `json:"body"`   // and in these the same body, too

	Trouble string `json:"trouble"` // why it could not be asked
}

// A Difference is a case that somebody answered in another way. To see the answers, send it.
type difference struct {
	Name string `json:"name"`
	Kind string `json:"kind"` // who answered in which other way
}

// sameTime is how long a program is asked. One that hangs in each case would take minutes.
const sameTime = 20 * time.Second

// same sends the golden cases to both stages, started with the flags of each case, and
// those of the core to each program.
func (c *comparison) same(ctx context.Context) (*sameResult, error) {
	byFlags, core := map[string][]int{}, []int{} // the cases with the same flags share a server
	for i, g := range c.cases {
		key := strings.Join(g.Flags, " ")
		if byFlags[key] = append(byFlags[key], i); key == "" && golden.StepOf(g.Step).Level == golden.Core {
			core = append(core, i)
		}
	}
	troubles := make([]string, 2+len(c.programs))
	answers := make([][][]byte, len(c.cases)) // of a case, by contestant; nil if it was not asked
	for i := range answers {
		answers[i] = make([][]byte, 2+len(c.programs))
	}
	var all errgroup.Group
	all.SetLimit(8)
	for n, s := range c.everyone() {
		if s.Program > 0 {
			all.Go(func() error { return c.ask(ctx, s, core, n, answers, &troubles[n]) })
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(byFlags)) {
			with := s
			with.more = strings.Fields(key)
			all.Go(func() error { return c.ask(ctx, with, byFlags[key], n, answers, &troubles[n]) })
		}
	}
	if err := all.Wait(); err != nil {
		return nil, err
	}
	r := judge(c.cases, answers)
	for n := range r.Programs {
		r.Programs[n].Trouble = troubles[n+2]
	}
	return r, nil
}

// ask sends somebody those of the cases that are theirs. One that has ended, perhaps of the
// case before, is started again. What is wrong with a stage is an error, for it answers all.
func (c *comparison) ask(ctx context.Context, s settings, theirs []int, n int, answers [][][]byte, trouble *string) error {
	var t *trial
	defer func() {
		if t != nil {
			t.stop()
		}
	}()
	begun, fresh, answered := time.Now(), false, false
	i := 0
	for i < len(theirs) && ctx.Err() == nil && (s.Stage > 0 || time.Since(begun) < sameTime) {
		if t == nil || t.end() != "" {
			if t != nil {
				t.stop()
			}
			next, err := c.begin(ctx, c.site, s)
			if err != nil && s.Stage > 0 {
				return fmt.Errorf("%s: %w", next.name(), err)
			} else if err != nil {
				*trouble = err.Error()
				return nil
			}
			t, fresh = next, true
		}
		answer := say(t.tap.Addr, message{}, c.cases[theirs[i]].Request).Bytes
		if len(answer) == 0 {
			t.server.Wait(exchange.AMoment) // it may be ending
			if t.end() != "" && !fresh {
				continue // of the case before
			}
		}
		answers[theirs[i]][n] = append([]byte{}, answer...) // not nil: it was asked
		i, fresh, answered = i+1, false, answered || len(answer) > 0
	}
	if i < len(theirs) {
		*trouble = fmt.Sprintf("took too long: it was asked for %v", sameTime)
	}
	if s.Stage > 0 && !answered && ctx.Err() == nil {
		t.stop()
		return fmt.Errorf("%s: %w", t.name(), t.fault("answered nothing"))
	}
	return ctx.Err()
}

// judge compares the answers to each case.
func judge(cases []golden.Case, answers [][][]byte) *sameResult {
	r := &sameResult{Cases: len(cases), Programs: make([]sameProgram, len(answers[0])-2)}
	for i, g := range cases {
		one, two := answers[i][0], answers[i][1]
		differ := func(kind string) { r.Differ = append(r.Differ, difference{g.Name, kind}) }
		switch {
		case len(one) == 0 || !bytes.Equal(one, two):
			differ("stage 1 and stage 2 sent other bytes")
		case !bytes.Equal(one, g.Response):
			differ("the stages sent the same bytes, but not the golden ones")
			r.Equal++
		default:
			r.Equal, r.Golden = r.Equal+1, r.Golden+1
		}
		for n := range r.Programs {
			p, answer := &r.Programs[n], answers[i][n+2]
			if p.Name = fmt.Sprintf("program %d", n+1); answer == nil {
				continue
			}
			p.Asked++
			ours, theirs := exchange.ReadMessage(one), exchange.ReadMessage(answer)
			if theirs.Status == 0 { // a browser takes a status line without an end, too
				theirs = exchange.ReadMessage(append(bytes.Clone(answer), "\r\n\r\n"...))
			}
			method, _, _ := strings.Cut(string(g.Request), " ")
			our, _, _ := ours.Content(method) // as a browser takes it
			their, _, _ := theirs.Content(method)
			switch {
			case len(answer) == 0:
				differ(p.Name + " did not answer")
			case ours.Status != theirs.Status:
				differ(p.Name + " sent another status")
			case !bytes.Equal(our, their):
				p.Status++
				differ(p.Name + " sent the same status and another body")
			default:
				p.Status, p.Body = p.Status+1, p.Body+1
			}
		}
	}
	return r
}

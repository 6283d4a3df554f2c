package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"weblab.example/scripts/golden"
	"weblab.example/scripts/internal/exchange"
)

// A SameResult says how everybody answered the golden cases.
type sameResult struct {
	Cases    int           `json:"cases"`
	Equal    int           `json:"equal"` // in these, both stages sent the golden bytes, and so the same
	Programs []sameProgram `json:"programs"`
	Differ   []difference  `json:"differ"`
}

// A SameProgram says how a program answered. It knows none of the kit's flags, so it gets
// only the cases of the core that need none.
type sameProgram struct {
	Name   string `json:"name"`
	Asked  int    `json:"asked"`
	Status int    `json:"status"` // in these its answer has the golden status
	Body   int    `json:"body"`   // and in these the golden body, too

	Trouble string `json:"trouble"` // why it could not be asked
}

// A Difference is a case that somebody answered in another way. To see the answers, send it.
type difference struct {
	Name string `json:"name"`
	Kind string `json:"kind"` // who answered in which other way
}

// sameTime is how long a program is asked. One that hangs in each case would take minutes.
const sameTime = 20 * time.Second

// same has golden's checks look at both stages, and sends the cases of the core to each program.
func (c *comparison) same(ctx context.Context) (*sameResult, error) {
	r := &sameResult{Cases: len(c.cases), Programs: make([]sameProgram, len(c.programs))}
	var mu sync.Mutex
	differ := func(name, kind string) {
		mu.Lock()
		defer mu.Unlock()
		r.Differ = append(r.Differ, difference{name, kind})
	}
	var all sync.WaitGroup
	right := map[string]int{} // by case: how many of the stages
	for stage := 1; stage <= 2; stage++ {
		checks := slices.DeleteFunc(golden.Checks(stage), func(check golden.Check) bool {
			return !slices.ContainsFunc(c.cases, func(g golden.Case) bool { return g.Name == check.Name && g.Step == check.Step })
		})
		all.Go(func() {
			for _, result := range golden.Grade(ctx, checks, golden.Program{Args: []string{c.program(stage)}}, rand.Uint64()) {
				switch result.Status {
				case golden.Passed:
					mu.Lock()
					right[result.Name]++
					mu.Unlock()
				case golden.Failed:
					differ(result.Name, fmt.Sprintf("stage %d did not send the golden bytes", stage))
				default:
					differ(result.Name, fmt.Sprintf("stage %d was not asked: %s", stage, result.Why))
				}
			}
		})
	}
	for n := range c.programs {
		all.Go(func() { r.Programs[n] = c.ask(ctx, n+1, differ) })
	}
	all.Wait()
	for _, stages := range right {
		r.Equal += stages / 2
	}
	slices.SortStableFunc(r.Differ, func(a, b difference) int { return strings.Compare(a.Kind+a.Name, b.Kind+b.Name) })
	return r, ctx.Err()
}

// ask sends the cases to a program. One that has ended, perhaps of the case before, is started
// again.
func (c *comparison) ask(ctx context.Context, n int, differ func(name, kind string)) (p sameProgram) {
	p.Name = fmt.Sprintf("program %d", n)
	var t *trial
	defer func() {
		if t != nil {
			t.stop()
		}
	}()
	begun, fresh := time.Now(), false
	for i := 0; i < len(c.cases) && ctx.Err() == nil; {
		g := c.cases[i]
		if len(g.Flags) > 0 || golden.StepOf(g.Step).Level != golden.Core {
			i++
			continue
		}
		if time.Since(begun) > sameTime {
			p.Trouble = fmt.Sprintf("took too long: it was asked for %v", sameTime)
			return p
		}
		if t == nil || t.end() != "" {
			if t != nil {
				t.stop()
			}
			next, err := c.begin(ctx, c.site, settings{Program: n})
			if err != nil {
				p.Trouble = err.Error()
				return p
			}
			t, fresh = next, true
		}
		answer := say(t.tap.Addr, message{}, g.Request).Bytes
		if len(answer) == 0 {
			t.server.Wait(exchange.AMoment) // it may be ending
			if t.end() != "" && !fresh {
				continue // of the case before
			}
		}
		switch other := otherwise(g, answer); other {
		case "":
			p.Status, p.Body = p.Status+1, p.Body+1
		case anotherBody:
			p.Status++
			fallthrough
		default:
			differ(g.Name, p.Name+" "+other)
		}
		p.Asked++
		i, fresh = i+1, false
	}
	return p
}

const anotherBody = "sent the same status and another body"

// otherwise says what a browser finds in an answer that is not as in the golden one, or "".
func otherwise(g golden.Case, answer []byte) string {
	want, got := exchange.ReadMessage(g.Response), exchange.ReadMessage(answer)
	if got.Status == 0 { // a browser takes a status line without an end, too
		got = exchange.ReadMessage(append(bytes.Clone(answer), "\r\n\r\n"...))
	}
	method, _, _ := strings.Cut(string(g.Request), " ")
	our, _, _ := want.Content(method)
	their, _, _ := got.Content(method)
	switch {
	case len(answer) == 0:
		return "did not answer"
	case want.Status != got.Status:
		return "sent another status"
	case !bytes.Equal(our, their):
		return anotherBody
	}
	return ""
}

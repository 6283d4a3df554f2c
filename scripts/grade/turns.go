package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"weblab.example/scripts/internal/term"
)

// The turns of a class say who is being graded, how many have been, and about how long the
// others will take.
type turns struct {
	progress *term.Progress
	of       int
	start    time.Time

	mu   sync.Mutex
	now  []string
	done int
}

// begin begins a submission's turn. What it returns ends it, and says how long it was.
func (all *turns) begin(name string) (end func() time.Duration) {
	all.mu.Lock()
	defer all.mu.Unlock()
	start := time.Now()
	all.now = append(all.now, name)
	all.progress.Now("%s", all.line(start))
	return func() time.Duration {
		all.mu.Lock()
		defer all.mu.Unlock()
		at := time.Now()
		took := at.Sub(start)
		i := slices.Index(all.now, name)
		all.now = slices.Delete(all.now, i, i+1)
		all.done++
		if all.of > 1 { // of one alone the report tells
			all.progress.Done("%s: %s took %.1f s", all.counts(at), name, took.Seconds())
		}
		all.progress.Now("%s", all.line(at))
		return took
	}
}

// line is all of that for a terminal. The names come last, because what is too long for a
// line is cut.
func (all *turns) line(at time.Time) string {
	if len(all.now) == 0 {
		return all.counts(at)
	}
	return all.counts(at) + "; now " + strings.Join(all.now, ", ")
}

// counts are the numbers. What is left goes on as what is done, and a turn that goes on is
// half done. Before the first turn is done nobody knows how long one takes.
func (all *turns) counts(at time.Time) string {
	text := fmt.Sprintf("graded %d of %d", all.done, all.of)
	if all.done > 0 && all.done < all.of {
		halves := 2*all.done + len(all.now)
		left := at.Sub(all.start) * time.Duration(2*all.of-halves) / time.Duration(halves)
		const step = 5 * time.Second
		text += fmt.Sprintf(", about %v left", max(step, left.Round(step)))
	}
	return text
}

package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"weblab.example/scripts/internal/term"
)

// A turn is the grading of one submission, as long as it lasts.
type turn struct {
	name  string
	start time.Time
}

// The turns of a class say who is being graded, how many have been, and about how long the
// others will take.
type turns struct {
	progress   *term.Progress
	of, atOnce int

	mu   sync.Mutex
	now  []*turn
	done int
	took time.Duration // the turns that are done, one after the other
}

// begin begins a submission's turn. What it returns ends it, and says how long it was.
func (all *turns) begin(name string) (end func() time.Duration) {
	t := &turn{name, time.Now()}
	all.mu.Lock()
	defer all.mu.Unlock()
	all.now = append(all.now, t)
	all.progress.Now("%s", all.line(t.start))
	return func() time.Duration {
		all.mu.Lock()
		defer all.mu.Unlock()
		at := time.Now()
		took := at.Sub(t.start)
		all.now = slices.DeleteFunc(all.now, func(other *turn) bool { return other == t })
		all.done++
		all.took += took
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
	var names []string
	for _, t := range all.now {
		names = append(names, t.name)
	}
	return all.counts(at) + "; now " + strings.Join(names, ", ")
}

// counts are the numbers. Before the first turn is done nobody knows how long one takes.
func (all *turns) counts(at time.Time) string {
	text := fmt.Sprintf("graded %d of %d", all.done, all.of)
	if all.done > 0 && all.done < all.of {
		text += ", about " + roughly(all.left(at)) + " left"
	}
	return text
}

// left guesses that each turn takes as long as one of those that are done, on average.
func (all *turns) left(at time.Time) time.Duration {
	each := all.took / time.Duration(all.done)
	work := each * time.Duration(all.of-all.done-len(all.now))
	longest := time.Duration(0)
	for _, t := range all.now {
		still := max(0, each-at.Sub(t.start))
		work += still
		longest = max(longest, still)
	}
	return max(longest, work/time.Duration(min(all.atOnce, all.of-all.done)))
}

// roughly is a time in steps of 5 s, and from a minute on of 10 s.
func roughly(d time.Duration) string {
	step := 5 * time.Second
	if d > time.Minute {
		step = 10 * time.Second
	}
	d = max(step, (d+step-1)/step*step)
	minutes, seconds := d/time.Minute, d%time.Minute/time.Second
	switch {
	case minutes == 0:
		return fmt.Sprintf("%d s", seconds)
	case seconds == 0:
		return fmt.Sprintf("%d min", minutes)
	}
	return fmt.Sprintf("%d min %d s", minutes, seconds)
}

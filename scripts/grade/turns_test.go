package main

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"weblab.example/scripts/internal/term"
)

// TestTurns: the line names those who are being graded now, and guesses the rest from those
// that are done and from how many are graded at once.
func TestTurns(t *testing.T) {
	at := time.Now()
	for _, c := range []struct {
		of, atOnce, done int
		took             time.Duration
		now              []time.Duration // since when
		want             string
	}{
		{30, 2, 0, 0, []time.Duration{time.Second}, "graded 0 of 30; now anna"},
		{30, 1, 10, 80 * time.Second, []time.Duration{3 * time.Second}, "graded 10 of 30, about 2 min 40 s left; now anna"}, // 19*8 + 5 s
		{30, 2, 10, 80 * time.Second, []time.Duration{3 * time.Second}, "graded 10 of 30, about 1 min 20 s left; now anna"},
		{30, 2, 29, 290 * time.Second, []time.Duration{3 * time.Second}, "graded 29 of 30, about 10 s left; now anna"}, // two cannot share it
		{30, 2, 28, 560 * time.Second, []time.Duration{time.Minute, 2 * time.Second}, "graded 28 of 30, about 20 s left; now anna, bert"},
		{30, 2, 29, 290 * time.Second, []time.Duration{time.Hour}, "graded 29 of 30, about 5 s left; now anna"}, // nobody knows
		{4, 4, 3, 180 * time.Second, nil, "graded 3 of 4, about 1 min left"},
		{1, 2, 1, 9 * time.Second, nil, "graded 1 of 1"},
	} {
		all := &turns{of: c.of, atOnce: c.atOnce, done: c.done, took: c.took}
		for i, since := range c.now {
			all.now = append(all.now, &turn{[]string{"anna", "bert"}[i], at.Add(-since)})
		}
		if got := all.line(at); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// TestTurnsElsewhere: where nobody watches a line, each submission that is done has one. One
// alone has none.
func TestTurnsElsewhere(t *testing.T) {
	var out strings.Builder
	class := &turns{progress: term.NewProgress(&out), of: 2, atOnce: 2}
	alice, bob := class.begin("alice"), class.begin("bob")
	bob()
	alice()
	alone := &turns{progress: term.NewProgress(&out), of: 1, atOnce: 2}
	alone.begin("carol")()
	got := regexp.MustCompile(`\d+\.\d s`).ReplaceAllString(out.String(), "1.5 s")
	got = regexp.MustCompile(`about \d+ s`).ReplaceAllString(got, "about 5 s") // a busy machine
	if want := "graded 1 of 2, about 5 s left: bob took 1.5 s\ngraded 2 of 2: alice took 1.5 s\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if len(class.now) != 0 {
		t.Errorf("%d turns never end", len(class.now))
	}
}

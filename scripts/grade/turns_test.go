package main

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"weblab.example/scripts/internal/term"
)

// TestTurns: the line names those who are being graded now, and guesses the rest from what
// is done.
func TestTurns(t *testing.T) {
	at := time.Now()
	for _, c := range []struct {
		of, done int
		took     time.Duration // so far
		now      string
		want     string
	}{
		{30, 0, time.Second, "anna", "graded 0 of 30; now anna"},
		{30, 10, 84 * time.Second, "anna", "graded 10 of 30, about 2m35s left; now anna"}, // 8 s each: 19 and a half
		{30, 28, 290 * time.Second, "anna bert", "graded 28 of 30, about 10s left; now anna, bert"},
		{30, 29, 29 * time.Second, "anna", "graded 29 of 30, about 5s left; now anna"}, // nobody believes in 1 s
		{4, 3, 180 * time.Second, "", "graded 3 of 4, about 1m0s left"},
		{1, 1, 9 * time.Second, "", "graded 1 of 1"},
	} {
		all := &turns{of: c.of, done: c.done, start: at.Add(-c.took), now: strings.Fields(c.now)}
		if got := all.line(at); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// TestTurnsElsewhere: where nobody watches a line, each submission that is done has one. One
// alone has none.
func TestTurnsElsewhere(t *testing.T) {
	var out strings.Builder
	class := &turns{progress: term.NewProgress(&out), of: 2, start: time.Now()}
	alice, bob := class.begin("alice"), class.begin("bob")
	bob()
	alice()
	alone := &turns{progress: term.NewProgress(&out), of: 1}
	alone.begin("carol")()
	got := regexp.MustCompile(`\d+\.\d s`).ReplaceAllString(out.String(), "1.5 s")
	got = regexp.MustCompile(`about \d+s`).ReplaceAllString(got, "about 5s") // a busy machine
	if want := "graded 1 of 2, about 5s left: bob took 1.5 s\ngraded 2 of 2: alice took 1.5 s\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if len(class.now) != 0 {
		t.Errorf("%q never end", class.now)
	}
}
